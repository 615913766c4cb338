import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.manifests import SHOP
from tests.simulation.rules.apptruth import is_met, is_overtaken
from tests.simulation.rules.staged import Stage

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        ("11", ">10", True),
        ("10", ">10", False),
        ("10", ">=10", True),
        ("10", "<=10", True),
        ("9.5", "<10", True),
        ("20", "==20", True),
        ("no number", "<10", False),
        ("", "<10", False),
    ],
)
def test_a_target_is_met_as_documented(value: str, target: str, met: bool) -> None:
    assert is_met(value, target) is met


@pytest.mark.parametrize(
    ("status", "overtaken"),
    [
        ({"status": "Failed", "preDeploymentStatus": "Deprecated"}, True),
        ({"status": "Deprecated"}, True),
        ({"status": "Failed", "postDeploymentStatus": "Failed"}, False),
        ({"status": "Succeeded"}, False),
    ],
)
def test_what_is_over_without_a_failure_was_overtaken(status: Json, overtaken: bool) -> None:
    assert is_overtaken(status) is overtaken


async def test_an_app_is_a_person_s_once_a_person_has_written_what_it_lists() -> None:
    stage = Stage()
    await stage.open_shop()
    app = await stage.app()
    assert stage.truth.apps.is_made(app)
    app = await stage.patch(app, {"spec": {"revision": 2}}, by="user")
    assert stage.truth.apps.is_made(app), "its revision may be anybody's"
    app = await stage.patch(app, {"spec": {"version": "mine"}}, by="user")
    assert not stage.truth.apps.is_made(app)


async def test_an_app_version_passes_when_both_phases_say_so() -> None:
    stage = Stage()
    await stage.open_shop()
    version = await stage.app_version(await stage.app(), preDeploymentTasks=["check"])
    facts = stage.truth.apps.versions[version["metadata"]["uid"]]
    assert (facts.refs, facts.generation, facts.discovered, facts.asks) == ((("web", "1.0"),), 1, True, True)
    version = await stage.say(version, preDeploymentStatus="Succeeded")
    assert facts.recorded is None
    await stage.say(version, preDeploymentEvaluationStatus="Warning")
    assert facts.recorded is not None


async def test_a_metric_said_what_it_said_since_an_evaluation_was_made() -> None:
    stage = Stage()
    await stage.open_shop()
    metric = await stage.make(resources.METRICS, "speed", spec={})
    await stage.say(metric, by="user", value="5")
    spec = {"evaluationDefinition": "speed", "checkType": "pre-eval"}
    evaluation = await stage.make(resources.EVALUATIONS, "pre-eval-speed-1", by="worker-1", spec=spec)
    facts = stage.truth.apps.evaluations[evaluation["metadata"]["uid"]]
    assert (facts.attempts, facts.interval) == (10, 5.0)
    could_say = stage.truth.apps.could_say
    assert could_say(facts, "speed >10", "5")
    assert not could_say(facts, "speed >10", "20")
    await stage.say(stage.server.get(resources.METRICS, "speed", SHOP), by="user", value="20")
    assert could_say(facts, "speed >10", "20")
