import asyncio

import pytest

from app.cluster import errors, resources
from app.worker.context import together
from tests.app.worker.world import World
from tests.builders import SHOP, deployment, pod, task

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
