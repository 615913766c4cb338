import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.manifests import SHOP
from tests.simulation.rules.staged import PASSED, WORKER, Stage

pytestmark = pytest.mark.looptime
APP_PASSED = {"preDeploymentStatus": "Succeeded", "preDeploymentEvaluationStatus": "Succeeded"}


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    return stage


async def with_app(stage: Stage, *, asks: bool = True, version: str = "1.0") -> Json:
    """A version whose own check has passed, and its app's version, which it returns."""
    app = await stage.app()
    if version != "1.0":
        refs = [{"name": "web", "version": version}]
        app = await stage.patch(app, {"spec": {"workloads": refs}})
    app_version = await stage.app_version(app, preDeploymentTasks=["check"] if asks else [])
    task = await stage.task(await stage.version(*await stage.deploy()))
    await stage.attempt(await stage.job(task), phase="Succeeded")
    await stage.say(task, status="Succeeded", endTime="2026-01-01T00:00:09Z")
    return app_version


async def deployed(stage: Stage) -> None:
    await stage.say(stage.server.get(resources.WORKLOAD_VERSIONS, "web-web-1.0", SHOP), **PASSED)


async def test_a_workload_whose_app_has_not_passed_stays(stage: Stage) -> None:
    await with_app(stage)
    with stage.a_breach("I2", "no checks of app web let it go"):
        await deployed(stage)


async def test_a_workload_whose_app_asks_for_nothing_may_go(stage: Stage) -> None:
    await with_app(stage, asks=False)
    await deployed(stage)
    assert stage.found == []


async def test_a_workload_whose_app_has_passed_may_go(stage: Stage) -> None:
    app_version = await with_app(stage)
    spec = {"taskDefinition": "check", "checkType": "pre", "retries": 0}
    task = await stage.make(resources.TASKS, "pre-check-app", by=WORKER, of=app_version, spec=spec)
    await stage.attempt(await stage.job(task, "job-app"), "job-app-a", phase="Succeeded")
    await stage.say(task, status="Succeeded", endTime="2026-01-01T00:00:09Z")
    await stage.say(app_version, **APP_PASSED)
    await deployed(stage)
    assert stage.found == []


async def test_an_app_that_lists_another_version_lets_nobody_go(stage: Stage) -> None:
    app_version = await with_app(stage, version="2.0")
    assert app_version["spec"]["workloads"] == [{"name": "web", "version": "2.0"}]
    with stage.a_breach("I2", "no checks of app web let it go"):
        await deployed(stage)


async def test_a_gate_may_be_opened_by_a_person_s_word(stage: Stage) -> None:
    deployment, replica_set = await stage.deploy()
    await stage.version(deployment, replica_set)
    pod = await stage.pod(replica_set)
    await stage.patch(deployment, {"metadata": {"annotations": {"keptn.sh/check-policy": "observe"}}}, by="user")
    await stage.open(pod)
    assert stage.found == []
