"""The fake, where the rest relies on it. A later test holds it against a real API server."""

import asyncio

import pytest

from app.cluster import errors, resources
from app.cluster.api import Json, PatchType, Resource
from tests.builders import deployment, pod, replica_set, task
from tests.fakes.api import FakeApi

pytestmark = pytest.mark.looptime


async def patched(
    api: FakeApi,
    body: Json | list[Json],
    resource: Resource = resources.TASKS,
    *,
    kind: PatchType = PatchType.MERGE,
    subresource: str = "",
) -> Json:
    kind = PatchType.JSON if isinstance(body, list) else kind
    return await api.patch(resource, "t", body, "shop", patch_type=kind, subresource=subresource)


def meta(api: FakeApi, resource: Resource = resources.TASKS) -> Json:
    result: Json = api.one(resource, "t")["metadata"]
    return result


async def test_a_name_is_taken_once_and_missed_when_it_is_not_there() -> None:
    api = FakeApi()
    made = await api.create(resources.TASKS, {"metadata": {"name": "t"}}, "shop")
    assert made["metadata"]["uid"]
    with pytest.raises(errors.AlreadyExists):
        await api.create(resources.TASKS, {"metadata": {"name": "t"}}, "shop")
    for call in (api.get(resources.TASKS, "x", "shop"), api.delete(resources.TASKS, "x", "shop")):
        with pytest.raises(errors.NotFound):
            await call


async def test_a_precondition_that_does_not_hold_is_a_conflict() -> None:
    api = FakeApi()
    api.put(task("t").raw)
    for field in ("resourceVersion", "uid"):
        with pytest.raises(errors.Conflict):
            await patched(api, {"metadata": {field: "0"}, "status": {"message": "m"}}, subresource="status")
    with pytest.raises(errors.Conflict):
        await api.delete(resources.TASKS, "t", "shop", uid="0")
    assert "status" not in api.one(resources.TASKS, "t")


async def test_status_and_the_rest_are_written_apart() -> None:
    api = FakeApi()
    await api.create(resources.TASKS, {"metadata": {"name": "t"}, "spec": {}, "status": {"a": 1}}, "shop")
    assert "status" not in api.one(resources.TASKS, "t")
    await patched(api, {"status": {"a": 1}, "spec": {"x": 1}}, subresource="status")
    await patched(api, {"status": {"a": 2}, "spec": {"y": 1}})
    assert (api.one(resources.TASKS, "t")["status"], api.one(resources.TASKS, "t")["spec"]) == ({"a": 1}, {"y": 1})


async def test_generation_counts_changes_of_content_and_the_version_counts_all_that_change_something() -> None:
    api = FakeApi()
    api.put(task("t").raw)
    seen = []
    for body, subresource in (
        ({"metadata": {"labels": {"a": "b"}}}, ""),
        ({"spec": {"retries": 1}}, ""),
        ({"spec": {"retries": 1}}, ""),
        ({"status": {"a": 1}}, "status"),
    ):
        await patched(api, body, subresource=subresource)
        seen.append((meta(api)["resourceVersion"], meta(api)["generation"]))
    assert seen == [("2", 1), ("3", 2), ("3", 2), ("4", 2)]


async def test_patches_are_read_by_their_kind() -> None:
    api = FakeApi()
    api.put(deployment("t").raw)
    condition = {"type": "Available", "status": "True"}
    for kind, count in ((PatchType.STRATEGIC, 2), (PatchType.MERGE, 1)):
        body = {"status": {"conditions": [condition]}}
        await patched(api, body, resources.DEPLOYMENTS, kind=kind, subresource="status")
        assert len(api.one(resources.DEPLOYMENTS, "t")["status"]["conditions"]) == count
    await patched(api, {"spec": {"progressDeadlineSeconds": None}}, resources.DEPLOYMENTS)
    assert api.one(resources.DEPLOYMENTS, "t")["spec"] == {}
    with pytest.raises(errors.Invalid):
        await patched(api, [{"op": "test", "path": "/metadata/name", "value": "x"}], resources.DEPLOYMENTS)


async def test_a_list_comes_in_pages_of_one_moment() -> None:
    api = FakeApi()
    for name in "abcde":
        api.put(pod(name).held().raw)
    api.put(pod("f").raw)
    names, token = [], ""
    while True:
        page = await api.list_page(
            resources.PODS, label_selector="keptn.sh/holdfast=held", limit=2, continue_token=token
        )
        names += [item["metadata"]["name"] for item in page["items"]]
        assert page["metadata"]["resourceVersion"] == "6"
        assert all("kind" not in item for item in page["items"])
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert names == list("abcde")
    first = await api.list_page(resources.PODS, limit=2)
    api.put(pod("g").raw)
    api.compact()
    with pytest.raises(errors.Gone):
        await api.list_page(resources.PODS, limit=2, continue_token=first["metadata"]["continue"])


async def test_a_watch_tells_what_comes_into_and_goes_out_of_its_selection() -> None:
    api = FakeApi()
    told: list[tuple[str, str]] = []

    async def watch() -> None:
        stream = api.watch(
            resources.PODS, resource_version="0", label_selector="keptn.sh/holdfast", timeout_seconds=100
        )
        async for event in stream:
            told.append((event["type"], event["object"]["metadata"].get("name", "")))

    watching = asyncio.create_task(watch())
    api.put(pod("a").raw)
    api.put(pod("b").held().raw)
    await asyncio.sleep(1)
    api.edit(resources.PODS, "a", {"metadata": {"labels": {"keptn.sh/holdfast": "held"}}})
    api.edit(resources.PODS, "b", {"metadata": {"annotations": {"a": "b"}}})
    api.edit(resources.PODS, "b", {"metadata": {"labels": {"keptn.sh/holdfast": ""}}})
    api.put({**pod("b").raw})
    api.remove(resources.PODS, "a")
    start = asyncio.get_running_loop().time()
    await watching
    assert asyncio.get_running_loop().time() - start == pytest.approx(99, abs=0.1)
    kinds = [("ADDED", "b"), ("ADDED", "a"), ("MODIFIED", "b"), ("MODIFIED", "b"), ("DELETED", "b"), ("DELETED", "a")]
    assert told == [*kinds, ("BOOKMARK", "")]


async def test_a_watch_from_too_long_ago_is_gone() -> None:
    api = FakeApi()
    api.put(pod("a").raw)
    api.compact()
    with pytest.raises(errors.Gone):
        await anext(aiter(api.watch(resources.PODS, resource_version="0", timeout_seconds=10)))


async def test_what_belongs_to_an_object_goes_with_it() -> None:
    api = FakeApi()
    above, own = deployment("d"), replica_set("r").owned_by(deployment("d"))
    for each in (above, own, pod("p").owned_by(own), pod("q")):
        api.put(each.raw)
    await api.delete(resources.DEPLOYMENTS, "d", "shop")
    assert api.all(resources.REPLICASETS) == []
    assert [each["metadata"]["name"] for each in api.all(resources.PODS)] == ["q"]


async def test_every_call_is_on_record() -> None:
    api = FakeApi()
    api.put(task("t").raw)
    await patched(api, {"status": {}}, subresource="status")
    await api.get(resources.TASKS, "t", "shop")
    assert [str(call) for call in api.calls] == ["patch keptntasks/status", "get keptntasks"]
    assert [str(call) for call in api.writes()] == ["patch keptntasks/status"]
