import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.manifests import SHOP
from tests.simulation.rules.staged import PASSED, WORKER, Stage

pytestmark = pytest.mark.looptime
NOW = "2026-01-01T00:00:09Z"
UP = {"observedGeneration": 9, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    return stage


async def after(stage: Stage, version: Json) -> Json:
    spec = {"taskDefinition": "check", "checkType": "post", "retries": 0}
    return await stage.make(resources.TASKS, "post-check-1", by=WORKER, of=version, spec=spec)


async def test_a_check_after_a_deployment_that_is_not_up(stage: Stage) -> None:
    *_, version, _ = await stage.passed()
    with stage.a_breach("I2", "was made although web-web-1.0 was not up"):
        await after(stage, version)


async def test_a_check_after_a_deployment_that_is_up(stage: Stage) -> None:
    deployment, _, version, _ = await stage.passed()
    await stage.say(deployment, by="deployment-controller", **UP)
    await after(stage, version)
    assert stage.found == []


async def test_a_check_before_its_turn(stage: Stage) -> None:
    version = await stage.version(*await stage.deploy())
    spec = {"evaluationDefinition": "speed", "checkType": "pre-eval"}
    with stage.a_breach("I2", "was made before its turn: check has not passed"):
        await stage.make(resources.EVALUATIONS, "pre-eval-speed-1", by=WORKER, of=version, spec=spec)


async def test_a_deployment_that_is_called_up_and_is_not(stage: Stage) -> None:
    *_, version, _ = await stage.passed()
    with stage.a_breach("I7", "says that it is up, and it was not"):
        await stage.say(version, deploymentStatus="Succeeded")


async def test_a_failed_check_that_is_enforced_is_no_warning(stage: Stage) -> None:
    version = await stage.version(*await stage.deploy())
    task = await stage.task(version, retries=0)
    await stage.attempt(await stage.job(task), phase="Failed")
    await stage.say(task, status="Failed", reason="BackoffLimitExceeded", endTime=NOW)
    with stage.a_breach("I2", "although check has failed and is enforced"):
        await stage.say(version, preDeploymentStatus="Warning")


async def test_a_failed_check_fails_nobody_who_is_only_warned(stage: Stage) -> None:
    deployment, replica_set = await stage.deploy()
    version = await stage.version(deployment, replica_set)
    stage.truth.policies.late = 0.0
    await stage.patch(deployment, {"metadata": {"annotations": {"keptn.sh/check-policy": "warn"}}}, by="user")
    task = await stage.task(version, retries=0)
    await stage.attempt(await stage.job(task), phase="Failed")
    await stage.say(task, status="Failed", reason="BackoffLimitExceeded", endTime=NOW)
    with stage.a_breach("I7", "and nobody enforces that"):
        await stage.say(version, preDeploymentStatus="Failed", status="Failed", endTime=NOW)


async def test_a_version_that_ends_for_a_newer_one_that_is_not_there(stage: Stage) -> None:
    version = await stage.version(*await stage.deploy())
    with stage.a_breach("I7", "ends for a newer one, and there is none"):
        await stage.say(version, status="Failed", preDeploymentStatus="Deprecated", endTime=NOW)


async def test_a_version_that_fails_by_its_timeout_too_early(stage: Stage) -> None:
    *_, version, _ = await stage.passed()
    with stage.a_breach("I7", "has failed by its timeout"):
        await stage.say(version, deploymentStatus="Failed", status="Failed", endTime=NOW)


async def test_an_app_version_that_is_deprecated_for_nothing(stage: Stage) -> None:
    app_version = await stage.app_version(await stage.app())
    with stage.a_breach("I7", "and no newer one of its KeptnApp is wanted"):
        await stage.say(app_version, status="Deprecated", endTime=NOW)


async def test_an_app_that_fails_while_its_workloads_do_not(stage: Stage) -> None:
    app_version = await stage.app_version(await stage.app())
    states = [{"workload": {"name": "web", "version": "1.0"}, "status": "Progressing"}]
    with stage.a_breach("I7", "none of its workloads has"):
        await stage.say(
            app_version, workloadOverallStatus="Failed", workloadStatus=states, status="Failed", endTime=NOW
        )


async def test_a_check_of_an_app_is_told_what_the_app_says(stage: Stage) -> None:
    app_version = await stage.app_version(await stage.app(), metadata={"team": "shop"})
    spec = {"taskDefinition": "check", "checkType": "pre", "context": {"metadata": {}}}
    with stage.a_breach("I2", "which never said so"):
        await stage.make(resources.TASKS, "pre-check-app", by=WORKER, of=app_version, spec=spec)


async def test_a_deployment_that_begins_again(stage: Stage) -> None:
    await stage.passed()
    version = stage.server.get(resources.WORKLOAD_VERSIONS, "web-web-1.0", SHOP)
    assert version["status"]["deploymentStartTime"] == PASSED["deploymentStartTime"]
    with stage.a_breach("I7", "deploymentStartTime went from"):
        await stage.say(version, deploymentStartTime="2026-01-01T00:00:10Z")
