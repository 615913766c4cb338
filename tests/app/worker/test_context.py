import asyncio
from dataclasses import replace

import pytest

from app.cluster import errors, resources
from app.lifecycle import phases
from app.lifecycle.happenings import Happening
from app.lifecycle.policies import Policy
from app.worker.context import together
from tests.app.worker.world import INSTALLATION, World
from tests.builders import SHOP, deployment, pod, task, version

pytestmark = pytest.mark.looptime


async def test_what_was_created_is_in_the_cache_at_once() -> None:
    async with World(works=False) as world:
        body = {"metadata": {"name": "t", "namespace": SHOP}, "spec": {"taskDefinition": "check"}}
        made = await world.context.create(resources.TASKS, body, world.context.caches.tasks)
        known = world.context.caches.tasks.get(SHOP, "t")
        assert known is not None
        assert known.metadata.resource_version == made["metadata"]["resourceVersion"]


async def test_a_status_is_written_on_what_was_decided_on_or_not_at_all() -> None:
    async with World(works=False) as world:
        world.api.put(task("t").raw)
        await world.told()
        cache = world.context.caches.tasks
        seen = cache.get(SHOP, "t")
        assert seen is not None
        world.api.edit(resources.TASKS, "t", {"status": {"status": "Succeeded"}})
        with pytest.raises(errors.Conflict):
            await world.context.write_status(resources.TASKS, seen, {"status": "Progressing"}, cache)
        assert world.task()["status"] == {"status": "Succeeded"}


async def test_a_status_is_not_written_on_a_namesake() -> None:
    async with World(works=False) as world:
        world.api.put(task("t").raw)
        await world.told()
        cache = world.context.caches.tasks
        seen = cache.get(SHOP, "t")
        assert seen is not None
        world.api.remove(resources.TASKS, "t")
        world.api.put(task("t").with_uid("other").raw)
        with pytest.raises(errors.Conflict):
            await world.context.write_status(resources.TASKS, seen, {"status": "Progressing"}, cache)


async def test_the_status_of_what_is_gone_is_of_no_interest() -> None:
    async with World(works=False) as world:
        await world.context.write_status(resources.TASKS, task("t").view, {}, world.context.caches.tasks)


async def test_time_is_told_as_the_api_server_tells_it() -> None:
    async with World(works=False) as world:
        await asyncio.sleep(3661.9 - asyncio.get_running_loop().time())
        assert world.context.stamp() == "2026-01-01T01:01:01Z"


@pytest.mark.parametrize(
    ("kind", "target", "version"),
    [
        ("Pod", pod("p").view, "v1"),
        ("Deployment", deployment("p").view, "apps/v1"),
        ("KeptnTask", task("p").view, "lifecycle.keptn.sh/v1"),
    ],
)
async def test_an_event_says_what_it_is_about(kind: str, target: object, version: str) -> None:
    async with World(works=False) as world:
        world.context.event(kind, target, "Reason", "words", warning=True)  # type: ignore[arg-type]
        await world.told()
        (event,) = world.events(kind)
        about = event["involvedObject"]
        assert (about["apiVersion"], about["namespace"], about["name"]) == (version, SHOP, "p")
        assert (event["type"], event["reason"], event["message"]) == ("Warning", "Reason", "words")


async def test_what_happens_to_a_version_is_told_in_keptns_words_to_all_who_ask() -> None:
    heard: list[Happening] = []
    async with World(works=False) as world:
        context = replace(world.context, notify=heard.append)
        thing = version("web-1.0").view
        context.tell("KeptnWorkloadVersion", thing, phases.WORKLOAD_DEPLOY, "Failed", "has failed", warning=True)
        await world.told()
        (event,) = world.events("KeptnWorkloadVersion")
        (happening,) = heard
        assert (event["type"], event["reason"]) == ("Warning", "WorkloadDeployFailed")
        assert event["message"] == happening.message == happening.data["message"]
        assert event["message"].startswith(
            "Workload Deployment: has failed / Namespace: shop, Name: web-1.0, Version: "
        )
        assert event["metadata"]["annotations"] == happening.annotations
        assert event["source"]["component"] == event["reportingComponent"] == "keptnworkloadversion-controller"
        assert happening.type == "Workload Deployment.Failed"
        assert happening.data["resource"]["group"] == "lifecycle.keptn.sh"


async def test_holdfasts_own_words_are_no_cloud_events() -> None:
    heard: list[Happening] = []
    async with World(works=False) as world:
        replace(world.context, notify=heard.append).event("KeptnTask", task("t").view, "Reason", "words")
        await world.told()
        (event,) = world.events("KeptnTask")
        assert event["source"]["component"] == "keptntask-controller"
        assert not heard


@pytest.mark.parametrize(
    ("workload", "namespace", "config", "counts"),
    [
        (None, None, None, Policy.ENFORCE),
        (None, None, False, Policy.WARN),
        (None, "observe", False, Policy.OBSERVE),
        ("enforce", "observe", False, Policy.ENFORCE),
    ],
)
async def test_the_policy_is_looked_up_from_the_workload_to_the_cluster(
    workload: str | None, namespace: str | None, config: bool | None, counts: Policy
) -> None:
    async with World(works=False) as world:
        if namespace is not None:
            change = {"metadata": {"annotations": {"keptn.sh/check-policy": namespace}}}
            world.api.edit(resources.NAMESPACES, SHOP, change, "")
        if config is not None:
            meta = {"name": "keptn", "namespace": INSTALLATION}
            kind = {"kind": "KeptnConfig", "apiVersion": "options.keptn.sh/v1alpha1"}
            world.api.put({**kind, "metadata": meta, "spec": {"blockDeployment": config}})
        await world.told()
        assert world.context.policy(SHOP, {"keptn.sh/check-policy": workload} if workload else {}) is counts
        elsewhere = Policy.ENFORCE if config is None else Policy.WARN
        assert world.context.policy("elsewhere", {}) is elsewhere, "a namespace that is not known says nothing"


async def test_one_call_that_fails_does_not_break_off_the_others() -> None:
    done: list[int] = []

    async def call(number: int) -> None:
        await asyncio.sleep(number)
        if number == 1:
            raise ValueError("first")
        done.append(number)

    with pytest.raises(ValueError, match="first"):
        await together([call(2), call(1), call(3)])
    assert done == [2, 3]
