"""What is news of an app, and who is to look at it then."""

import asyncio
import random
from typing import Any

import pytest

from app.cluster import resources
from app.cluster.queue import WorkQueue
from app.worker.appnews import AppNews
from app.worker.settling import AppKey, Settling
from tests.app.worker.world import World
from tests.builders import app, app_context, app_version, version, workload

pytestmark = pytest.mark.looptime

WEB = ("shop", "web")
OURS = app("web").lists(web="1.0").discovered()


class Told:
    """A worker that only listens."""

    def __init__(self, world: World) -> None:
        self.settling = Settling(lambda namespace, name: False, lambda: 30.0)
        self.apps: WorkQueue[AppKey] = WorkQueue(random.Random(0))
        self.discovered: WorkQueue[AppKey] = WorkQueue(random.Random(0))
        self._news = AppNews(world.context, self.settling, self.apps, self.discovered)

    def subscribe(self) -> None:
        self._news.subscribe()

    async def of(self, world: World) -> tuple[set[AppKey], set[AppKey], bool, bool]:
        """Who is to look at their versions, who at their workloads; whether app and workloads have something new."""
        await world.told()
        return (
            await _drained(self.apps),
            await _drained(self.discovered),
            self.settling.left(*WEB) > 0,
            self.settling.workloads_left(*WEB) > 0,
        )

    async def quiet(self, world: World) -> None:
        await asyncio.sleep(5)
        await self.of(world)


async def _drained(queue: WorkQueue[AppKey]) -> set[AppKey]:
    found: set[AppKey] = set()
    while len(queue):
        key = await queue.get()
        queue.done(key)
        found.add(key)
    return found


async def test_a_workload_and_its_new_content_are_news() -> None:
    async with World(works=False) as world:
        told = Told(world)
        told.subscribe()
        world.api.put(workload("web-web").raw)
        assert await told.of(world) == (set(), {WEB}, True, True)
        await told.quiet(world)
        world.api.put(version("web-web-1.0").raw)
        assert await told.of(world) == (set(), {WEB}, True, True)


@pytest.mark.parametrize(
    ("resource", "made", "edit", "expected"),
    [
        (resources.WORKLOADS, workload("web-web"), {"spec": {"version": "2"}}, (set(), {WEB}, True, True)),
        (resources.WORKLOADS, workload("web-web"), {"status": {"currentVersion": "2"}}, (set(), {WEB}, False, False)),
        (
            resources.WORKLOAD_VERSIONS,
            version("web-web-1.0"),
            {"status": {"status": "Failed"}},
            (set(), set(), False, False),
        ),
        (resources.APPS, app("web"), {"spec": {"revision": 2}}, ({WEB}, {WEB}, True, False)),
        (resources.APPS, app("web"), {"status": {"currentVersion": "1"}}, ({WEB}, {WEB}, False, False)),
        (resources.APPS, OURS, {"spec": {"revision": 2}}, ({WEB}, {WEB}, False, False)),
        (
            resources.APP_CONTEXTS,
            app_context("web"),
            {"spec": {"preDeploymentTasks": ["a"]}},
            ({WEB}, set(), True, False),
        ),
        (resources.APP_CONTEXTS, app_context("web"), {"status": {"status": "x"}}, ({WEB}, set(), False, False)),
        (
            resources.APP_VERSIONS,
            app_version(OURS),
            {"status": {"status": "Progressing"}},
            (set(), set(), False, False),
        ),
        (resources.APP_VERSIONS, app_version(OURS), {"status": {"status": "Failed"}}, ({WEB}, {WEB}, False, False)),
    ],
)
async def test_only_what_somebody_wants_anew_is_news(resource: Any, made: Any, edit: Any, expected: Any) -> None:
    async with World(works=False) as world:
        told = Told(world)
        told.subscribe()
        world.api.put(made.raw)
        await told.quiet(world)
        world.api.edit(resource, made.name, edit)
        assert await told.of(world) == expected


async def test_what_goes_away_is_looked_at() -> None:
    async with World(works=False) as world:
        told = Told(world)
        told.subscribe()
        for each in (OURS, app_version(OURS), workload("web-web"), app_context("web").with_uid("c")):
            world.api.put(each.raw)
        await told.quiet(world)
        world.api.remove(resources.WORKLOADS, "web-web")
        assert await told.of(world) == (set(), {WEB}, False, False)
        world.api.remove(resources.APP_CONTEXTS, "web")
        assert await told.of(world) == ({WEB}, set(), False, False)
        world.api.remove(resources.APP_VERSIONS, app_version(OURS).name)
        assert await told.of(world) == ({WEB}, set(), False, False)
        world.api.remove(resources.APPS, "web")
        assert await told.of(world) == ({WEB}, {WEB}, False, False)


async def test_a_request_has_its_app_found() -> None:
    async with World(works=False) as world:
        told = Told(world)
        told.subscribe()
        world.api.make(resources.APP_CREATION_REQUESTS, "any", "shop", spec={"appName": "web"})
        assert await told.of(world) == (set(), {WEB}, False, False)


async def test_what_was_there_before_a_worker_began_is_looked_at_but_is_no_news() -> None:
    async with World(works=False) as world:
        for each in (app("web"), app_context("web"), workload("web-web"), version("web-web-1.0")):
            world.api.put(each.raw)
        await asyncio.sleep(10)
        told = Told(world)
        told.subscribe()
        assert await told.of(world) == ({WEB}, {WEB}, False, False)


async def test_what_came_just_before_a_worker_began_is_news() -> None:
    async with World(works=False) as world:
        world.api.put(workload("web-web").raw)
        await asyncio.sleep(1)
        told = Told(world)
        told.subscribe()
        assert await told.of(world) == (set(), {WEB}, True, True)
