import asyncio

import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.appmanifests import Context
from tests.simulation.manifests import SHOP
from tests.simulation.rules.staged import Stage

pytestmark = pytest.mark.looptime
ASKS = Context("web", checks=("check",), metadata=(("team", "shop"),))


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    stage.truth.policies.late = 5.0
    await stage.open_shop()
    return stage


async def write(stage: Stage) -> Json:
    return await stage.make(resources.APP_CONTEXTS, "web", spec=ASKS.body()["spec"])


async def test_an_app_version_asks_what_its_context_asks(stage: Stage) -> None:
    await write(stage)
    await asyncio.sleep(1.0)
    with stage.a_breach("I2", "asks for [] (preDeploymentTasks), and its context for ['check']"):
        await stage.app_version(await stage.app())


async def test_it_may_be_made_just_after_its_context_was_edited(stage: Stage) -> None:
    await write(stage)
    await asyncio.sleep(0.1)
    await stage.app_version(await stage.app())
    assert stage.found == []


async def test_an_edit_reaches_it_before_it_begins(stage: Stage) -> None:
    app_version = await stage.app_version(await stage.app())
    await asyncio.sleep(3.0)
    await write(stage)
    await asyncio.sleep(2.0)
    with stage.a_breach("I2", "and its context for ['check']"):
        await stage.say(app_version, currentPhase="AppPreDeployTasks", status="Progressing")


async def test_a_context_that_comes_just_after_its_workloads(stage: Stage) -> None:
    await stage.version(*await stage.deploy())
    first = stage.server.get(resources.APP_VERSIONS, "web-1.0-6b86b273", SHOP)
    stage.truth.apps.versions[first["metadata"]["uid"]].made = 0.5
    await asyncio.sleep(0.7)
    with stage.a_breach("I2", "which came 0.70 s after its workloads"):
        await write(stage)


async def test_nobody_can_wait_for_ever(stage: Stage) -> None:
    await stage.version(*await stage.deploy())
    await asyncio.sleep(2.0)
    await write(stage)
    assert stage.found == []
