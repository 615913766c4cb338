"""What one KeptnAppVersion says of its workloads, and when."""

import asyncio

import pytest

from app.cluster import resources
from app.cluster.controller import After, Done
from app.worker.appversions import AppVersionReconciler
from tests.app.worker.world import World
from tests.builders import SHOP, app, app_version, version

pytestmark = pytest.mark.looptime

SHOP_APP = app("web").lists(web="1.0")
DEPLOYING = app_version(SHOP_APP).status(
    preDeploymentStatus="Succeeded",
    preDeploymentEvaluationStatus="Succeeded",
    currentPhase="AppDeploy",
    status="Progressing",
    startTime="2025-06-01T10:00:00Z",
)
KEY = (SHOP, DEPLOYING.name)


async def deploying(world: World) -> AppVersionReconciler:
    """Its one workload is on its way, and it has not said so yet."""
    for each in (SHOP_APP, DEPLOYING, version("web-web-1.0").status(status="Progressing")):
        world.api.put(each.raw)
    await world.told()
    return AppVersionReconciler(world.context)


async def test_a_note_of_its_workloads_comes_some_time_after_the_one_before() -> None:
    """Another worker whose news is late may see them otherwise, and would write the opposite each time."""
    async with World(works=False) as world:
        reconcile = await deploying(world)

        def noted() -> str:
            body = world.api.one(resources.APP_VERSIONS, DEPLOYING.name)
            return str(body["status"]["workloadOverallStatus"])

        assert await reconcile(KEY) == Done()
        assert noted() == "Progressing"
        world.api.edit(resources.APP_VERSIONS, DEPLOYING.name, {"status": {"workloadOverallStatus": "Pending"}})
        await world.told()
        outcome = await reconcile(KEY)
        assert isinstance(outcome, After)
        assert 0 < outcome.seconds <= 0.5
        assert noted() == "Pending"
        await asyncio.sleep(0.5)
        assert await reconcile(KEY) == Done()
        assert noted() == "Progressing"


async def test_the_end_of_its_workloads_waits_for_no_note() -> None:
    async with World(works=False) as world:
        reconcile = await deploying(world)
        await reconcile(KEY)
        world.api.edit(resources.WORKLOAD_VERSIONS, "web-web-1.0", {"status": {"status": "Succeeded"}})
        await world.told()
        await reconcile(KEY)
        assert world.api.one(resources.APP_VERSIONS, DEPLOYING.name)["status"]["status"] == "Succeeded"
