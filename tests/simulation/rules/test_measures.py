import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation import clock
from tests.simulation.rules.staged import WORKER, Stage

pytestmark = pytest.mark.looptime
NOW = "2026-01-01T00:00:09Z"
MET = {"speed": {"value": "20", "status": "Succeeded"}}


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    objectives = [{"keptnMetricRef": {"name": "speed"}, "evaluationTarget": ">10"}]
    await stage.make(resources.EVALUATION_DEFINITIONS, "speed", spec={"objectives": objectives})
    await stage.say(await stage.make(resources.METRICS, "speed", spec={}), by="user", value="20")
    return stage


async def evaluation(stage: Stage, retries: int = 2) -> Json:
    spec = {"evaluationDefinition": "speed", "checkType": "", "retries": retries, "retryInterval": "5s"}
    return await stage.make(resources.EVALUATIONS, "by-hand", by=WORKER, spec=spec)


async def test_what_is_met_has_succeeded(stage: Stage) -> None:
    body = await evaluation(stage)
    await stage.say(body, overallStatus="Succeeded", retryCount=1, evaluationStatus=MET, endTime=NOW)
    assert stage.found == []


async def test_what_is_not_met_has_not(stage: Stage) -> None:
    low = {"speed": {"value": "20", "status": "Failed"}}
    body = await evaluation(stage)
    with stage.a_breach("I2", "do not meet what was asked"):
        await stage.say(body, overallStatus="Succeeded", retryCount=1, evaluationStatus=low, endTime=NOW)


async def test_a_value_that_no_metric_ever_had(stage: Stage) -> None:
    body, other = await evaluation(stage), {"speed": {"value": "30", "status": "Succeeded"}}
    with stage.a_breach("I2", "never was '30'"):
        await stage.say(body, overallStatus="Succeeded", retryCount=1, evaluationStatus=other, endTime=NOW)


async def test_more_attempts_than_its_author_allows(stage: Stage) -> None:
    body = await evaluation(stage, retries=0)
    body = await stage.say(body, retryCount=1, overallStatus="Progressing")
    with stage.a_breach("I1", "was tried 2 times, and 1 are allowed"):
        await stage.say(body, retryCount=2)


async def test_an_attempt_before_its_time(stage: Stage) -> None:
    body = await evaluation(stage)
    last = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = await stage.say(body, retryCount=1, overallStatus="Progressing", lastAttemptTime=last)
    with stage.a_breach("I1", "was tried again 0.0 s after the last time"):
        await stage.say(body, retryCount=2)


async def test_a_failure_with_attempts_left(stage: Stage) -> None:
    body = await evaluation(stage)
    with stage.a_breach("I7", "is Failed after 1 of 2 attempts"):
        await stage.say(body, retryCount=1, overallStatus="Failed", endTime=NOW)


async def test_a_verdict_stays(stage: Stage) -> None:
    body = await evaluation(stage)
    body = await stage.say(body, overallStatus="Succeeded", retryCount=1, evaluationStatus=MET, endTime=NOW)
    with stage.a_breach("I7", "was changed after its verdict"):
        await stage.say(body, retryCount=2)
