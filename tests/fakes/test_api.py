"""What the fake has of its own. What it answers to requests is the simulated server's, which has its own tests."""

import asyncio
import random

import pytest

from app.cluster import errors, resources
from app.cluster.api import Json, Resource
from tests.builders import deployment, pod, replica_set, task
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime


def meta(api: FakeApi, resource: Resource = resources.TASKS) -> Json:
    result: Json = api.one(resource, "t")["metadata"]
    return result


def refuse(call: Call) -> None:
    raise errors.Unavailable(0, "ConnectionFailed", "refused")


async def said(api: FakeApi, message: str) -> Json:
    return await api.patch(resources.TASKS, "t", {"status": {"message": message}}, "shop", subresource="status")


async def test_what_is_put_is_there_as_it_is() -> None:
    api = FakeApi()
    api.put(task("t").status("Succeeded").raw)
    api.put({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "t", "namespace": "shop"}, "type": "Opaque"})
    assert api.one(resources.TASKS, "t")["status"] == {"status": "Succeeded"}
    assert [meta(api)[field] for field in ("uid", "generation", "resourceVersion")] == ["uid-t", 1, "1"]
    assert meta(api, resources.SECRETS)["uid"]
    assert "generation" not in meta(api, resources.SECRETS)


async def test_what_is_handed_out_or_put_in_is_nobody_elses() -> None:
    api = FakeApi()
    body = task("t").raw
    api.put(body)
    body["spec"]["taskDefinition"] = "other"
    for taken in (
        api.one(resources.TASKS, "t"),
        api.all(resources.TASKS)[0],
        await api.get(resources.TASKS, "t", "shop"),
    ):
        taken["spec"]["taskDefinition"] = "other"
    assert api.one(resources.TASKS, "t")["spec"] == {"taskDefinition": "check"}


async def test_generation_counts_changes_of_content_and_the_version_counts_all_that_change_something() -> None:
    api = FakeApi()
    api.put(task("t").raw)
    seen = []
    for change in ({"metadata": {"labels": {"a": "b"}}}, {"spec": {"retries": 1}}, {}, {"status": {"a": 1}}):
        api.edit(resources.TASKS, "t", change)
        seen.append((meta(api)["resourceVersion"], meta(api)["generation"]))
    assert seen == [("2", 1), ("3", 2), ("3", 2), ("4", 2)]


async def test_a_watch_tells_what_is_put_and_removed() -> None:
    api = FakeApi()
    told: list[tuple[str, str]] = []

    async def watch() -> None:
        stream = api.watch(resources.PODS, resource_version="0", label_selector="x", timeout_seconds=10)
        async for event in stream:
            told.append((event["type"], event["object"]["metadata"].get("name", "")))

    watching = asyncio.create_task(watch())
    api.make(resources.PODS, "a", "shop")
    api.make(resources.PODS, "b", "shop", metadata={"labels": {"x": "y"}})
    await asyncio.sleep(1)
    api.edit(resources.PODS, "a", {"metadata": {"labels": {"x": "y"}}})
    api.make(resources.PODS, "b", "shop")
    api.remove(resources.PODS, "a")
    await asyncio.sleep(1)
    assert told == [("ADDED", "b"), ("ADDED", "a"), ("DELETED", "b"), ("DELETED", "a")]
    api.cut()
    with pytest.raises(errors.Unavailable):
        await watching


async def test_what_belongs_to_an_object_goes_with_it() -> None:
    api = FakeApi()
    above, own = deployment("d"), replica_set("r").owned_by(deployment("d"))
    for each in (above, own, pod("p").owned_by(own), pod("q")):
        api.put(each.raw)
    await api.delete(resources.DEPLOYMENTS, "d", "shop")
    assert api.all(resources.REPLICASETS) == []
    assert [each["metadata"]["name"] for each in api.all(resources.PODS)] == ["q"]
    with pytest.raises(errors.NotFound):
        api.remove(resources.PODS, "p")


async def test_what_belongs_to_two_goes_with_the_second() -> None:
    api = FakeApi()
    both = [{"kind": "Deployment", "name": name, "uid": f"uid-{name}"} for name in ("a", "b")]
    for each in (deployment("a"), deployment("b"), pod("p").changed({"metadata": {"ownerReferences": both}})):
        api.put(each.raw)
    left = []
    for name in ("a", "b"):
        api.remove(resources.DEPLOYMENTS, name)
        left.append(len(api.all(resources.PODS)))
    assert left == [1, 0]


async def test_what_belongs_to_an_object_and_to_another_of_its_own_goes_once() -> None:
    api = FakeApi()
    above, own = deployment("d"), replica_set("r").owned_by(deployment("d"))
    both = [{"kind": each.KIND, "name": each.name, "uid": each.uid} for each in (above, own)]
    for each in (above, own, pod("p").changed({"metadata": {"ownerReferences": both}})):
        api.put(each.raw)
    gone: list[str] = []
    api.server.subscribe(lambda change: gone.append(change.body["metadata"]["name"]))
    api.remove(resources.DEPLOYMENTS, "d")
    assert gone == ["d", "r", "p"]


async def test_every_call_is_on_record() -> None:
    api = FakeApi()
    api.put(task("t").raw)
    await said(api, "m")
    await api.get(resources.TASKS, "t", "shop")
    assert [str(call) for call in api.calls] == ["patch keptntasks/status", "get keptntasks"]
    assert [str(call) for call in api.writes()] == ["patch keptntasks/status"]
    assert api.count() == {"patch": 1, "get": 1}


async def test_a_request_is_refused_before_it_is_done_or_its_answer_is_lost_after() -> None:
    api = FakeApi()
    api.put(task("t").raw)
    api.before = refuse
    with pytest.raises(errors.Unavailable):
        await said(api, "never")
    assert "status" not in api.one(resources.TASKS, "t")
    api.before, api.after = lambda call: None, refuse
    with pytest.raises(errors.Unavailable):
        await said(api, "done")
    assert api.one(resources.TASKS, "t")["status"] == {"message": "done"}


async def test_a_dead_process_hears_nothing_and_what_it_sent_last_is_not_done() -> None:
    api = FakeApi()
    api.put(task("t").raw)
    asking = asyncio.create_task(said(api, "late"))
    await asyncio.sleep(0)
    api.dead = True
    await asyncio.sleep(60)
    assert not asking.done()
    assert "status" not in api.one(resources.TASKS, "t")
    asking.cancel()


@pytest.mark.parametrize(("rng", "longest"), [(None, 0.0010001), (random.Random(1), 0.04)])
async def test_a_call_takes_its_time(rng: random.Random | None, longest: float) -> None:
    api, loop = FakeApi(rng=rng), asyncio.get_running_loop()
    api.put(task("t").raw)
    took = []
    for _ in range(20):
        start = loop.time()
        await api.get(resources.TASKS, "t", "shop")
        took.append(loop.time() - start)
    assert 0.0009 < max(took) <= longest
    assert (max(took) - min(took) > 0.005) == (rng is not None)


async def test_every_namespace_is_there_unless_it_is_being_deleted() -> None:
    api = FakeApi()
    await api.create(resources.CONFIGMAPS, {"metadata": {"name": "a"}}, "shop")
    ending = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    api.make(resources.NAMESPACES, "shop", metadata=ending)
    with pytest.raises(errors.Forbidden):
        await api.create(resources.CONFIGMAPS, {"metadata": {"name": "b"}}, "shop")
