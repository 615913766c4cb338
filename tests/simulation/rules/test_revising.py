import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.manifests import SHOP
from tests.simulation.rules.staged import Stage

pytestmark = pytest.mark.looptime


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    return stage


async def revise(stage: Stage, number: int) -> Json:
    return await stage.patch(stage.server.get(resources.APPS, "web", SHOP), {"spec": {"revision": number}})


async def test_an_app_that_is_revised_in_a_loop(stage: Stage) -> None:
    await stage.app()
    for number in (2, 3):
        await revise(stage, number)
    assert stage.found == []
    with stage.a_breach("quiet", "was written 3 times, and 0 things were new of it"):
        await revise(stage, 4)


async def test_what_is_new_is_a_reason(stage: Stage) -> None:
    await stage.app()
    await stage.version(*await stage.deploy())  # a KeptnWorkload and its version
    for number in range(2, 8):
        await revise(stage, number)
    assert stage.found == []
