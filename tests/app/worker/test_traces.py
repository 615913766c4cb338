"""A version keeps the trace that its checks were told, before its status says so."""

import pytest

from app.lifecycle.phases import WORKLOAD_PRE_TASKS
from tests.app.worker.world import World
from tests.builders import app, app_version, version

pytestmark = pytest.mark.looptime

WEB = version("web-web-1.0").created("2026-01-01T00:00:00Z")


async def test_what_was_told_stays_whatever_app_version_comes_next() -> None:
    async with World(works=False) as world:
        told = world.context.traces.carrier(WEB.view, WORKLOAD_PRE_TASKS)
        world.api.put(app_version(app("web").version("0.9").lists(other="1.0")).raw)
        await world.told()
        assert world.context.traces.carrier(WEB.view, WORKLOAD_PRE_TASKS) == told
        world.context.traces.forget(WEB.uid)
        assert world.context.traces.carrier(WEB.view, WORKLOAD_PRE_TASKS) != told


async def test_a_workload_and_its_app_version_agree_by_what_the_caches_say() -> None:
    async with World(works=False) as world:
        made = app_version(app("web").version("1.0").lists(web="1.0"))
        early = world.context.traces.trace_of(WEB.view)
        world.api.put(made.raw)
        await world.told()
        assert world.context.traces.trace_of(made.view) == early
        assert world.context.traces.app_versions(WEB.view) == world.context.traces.app_versions(made.view) != []
