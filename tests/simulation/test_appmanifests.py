from app.api.app import App, AppContext
from app.api.config import Config
from app.api.evaluation import EvaluationDefinition
from app.api.metric import Metric
from tests.simulation.appmanifests import Context, Goal, Written, config, metric
from tests.simulation.manifests import INSTALLATION


def test_a_goal_is_a_definition_and_its_metrics() -> None:
    goal = Goal("speed", (">10", "<100"), ("20", "30"), retries=2, interval=3)
    found = EvaluationDefinition.model_validate(goal.body())
    assert [each.keptn_metric_ref.name for each in found.spec.objectives] == ["speed-0", "speed-1"]
    assert (found.spec.retries, found.spec.retry_interval) == (2, "3s")
    assert [body["metadata"]["name"] for body, _ in goal.metric_bodies()] == ["speed-0", "speed-1"]


def test_objectives_may_share_a_metric() -> None:
    assert Goal("speed", (">10", "<100"), shared=True).metrics == ("speed", "speed")


def test_a_metric_says_its_value() -> None:
    body, status = metric("speed", "20")
    found = Metric.model_validate(body | {"status": status})
    assert (found.status.value, found.spec.fetch_interval_seconds) == ("20", 0)


def test_a_context_asks_and_says() -> None:
    found = AppContext.model_validate(Context("shop", checks=("check",), metadata=(("team", "shop"),)).body())
    assert found.spec.pre_deployment_tasks == ("check",)
    assert found.spec.metadata == {"team": "shop"}


def test_an_app_lists_what_it_is_given_or_what_nobody_deploys() -> None:
    refs = [{"name": "web", "version": "1.0"}]
    fits = App.model_validate(Written("shop", version=2).body(refs))
    assert (fits.spec.version, fits.spec.workloads[0].version) == ("app-2", "1.0")
    never = App.model_validate(Written("shop", "never").body(refs))
    assert never.spec.workloads[0].version == "none-such"


def test_a_config_is_the_installation_s_unless_it_is_put_elsewhere() -> None:
    found = Config.model_validate(config(blockDeployment=False))
    assert (found.metadata.namespace, found.spec.block_deployment) == (INSTALLATION, False)
    assert config("shop")["metadata"]["namespace"] == "shop"
