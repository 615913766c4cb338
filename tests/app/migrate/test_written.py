import pytest

from app.migrate import written
from app.migrate.finding import Finding, Level
from tests.app.migrate.objects import cluster, crd, crds, custom
from tests.builders import Json

DENO: Json = {"deno": {"inline": {"code": "1"}}}
OBJECTIVE: Json = {"keptnMetricRef": {"name": "m"}, "evaluationTarget": ">1"}
METRICS = crds(crd("keptnmetrics", group="metrics.keptn.sh"))


def found(**parts: object) -> list[Finding]:
    return list(written.findings(cluster(**parts)))


def definition(name: str = "check", namespace: str = "shop", spec: Json | None = None) -> Json:
    return custom("KeptnTaskDefinition", name, namespace, spec=DENO if spec is None else spec)


def test_what_is_right_needs_no_word() -> None:
    assert found(definitions=(definition(),)) == []


def test_a_definition_that_holdfast_refuses_is_named_with_what_is_wrong() -> None:
    both = definition(spec=DENO | {"python": {"inline": {"code": "1"}}})
    findings = found(definitions=(both,))
    assert [(each.level, each.about) for each in findings] == [(Level.ACTION, "KeptnTaskDefinition shop/check")]
    assert "Holdfast would refuse it: spec" in findings[0].what


def test_a_definition_by_its_old_name_is_to_be_applied_again() -> None:
    empty = definition(spec={"retries": 1})
    old = custom("KeptnTaskDefinition", "check", api="lifecycle.keptn.sh/v1beta1", spec={"function": {}})
    (lost,) = found(definitions=(empty,), old_definitions=(old,))
    assert "spec.function" in lost.what
    assert "apply the file" in lost.do
    (never,) = found(definitions=(empty,))
    assert "has no runner" in never.what


def test_a_name_that_was_too_long_for_keptn() -> None:
    (long,) = found(definitions=(definition("c" * 50),))
    assert long.level is Level.NOTE
    assert found(definitions=(definition("c" * 46),)) == []


def test_evaluations_need_metrics() -> None:
    slo = custom("KeptnEvaluationDefinition", "slo", spec={"objectives": [OBJECTIVE]})
    (missing,) = found(evaluation_definitions=(slo,))
    assert (missing.level, missing.about) == (Level.ACTION, "KeptnMetrics")
    (there,) = found(evaluation_definitions=(slo,), crds=METRICS)
    assert there.level is Level.NOTE
    own = custom("KeptnEvaluationDefinition", "slo", spec={"objectives": [OBJECTIVE | {"query": "up"}]})
    assert found(evaluation_definitions=(own,)) == []


def test_objectives_from_before_v1alpha3_name_no_metric() -> None:
    old = custom("KeptnEvaluationDefinition", "slo", spec={"objectives": [{"evaluationTarget": ">1"}]})
    (one,) = found(evaluation_definitions=(old,), crds=METRICS)
    assert (one.level, one.about) == (Level.ACTION, "KeptnEvaluationDefinition shop/slo")


def test_lists_on_an_old_app_belong_into_a_context() -> None:
    app = custom("KeptnApp", "web", api="lifecycle.keptn.sh/v1alpha3", spec={"preDeploymentTasks": ["check"]})
    (one,) = found(old_apps=(app,))
    assert (one.level, one.about) == (Level.ACTION, "KeptnApp shop/web")
    assert "preDeploymentTasks" in one.what
    assert found(old_apps=(app,), app_contexts=(custom("KeptnAppContext", "web", spec={}),)) == []
    assert found(old_apps=(app | {"spec": {"version": "1"}},)) == []


@pytest.mark.parametrize("place", ["shop", "keptn-system"])
def test_what_is_named_may_be_in_either_namespace(place: str) -> None:
    web = custom("KeptnWorkload", "web", spec={"preDeploymentTasks": ["check"]})
    assert found(workloads=(web,), definitions=(definition(namespace=place),)) == []
    (missing,) = found(workloads=(web,), definitions=(definition(namespace="bank"),))
    assert (missing.level, missing.about) == (Level.ACTION, "KeptnWorkload shop/web")
    assert "KeptnTaskDefinition check" in missing.what


def test_what_a_context_names_and_is_not_there() -> None:
    lists = {"promotionTasks": ["promote"], "postDeploymentEvaluations": ["slo"]}
    (one,) = found(app_contexts=(custom("KeptnAppContext", "web", spec=lists),))
    assert one.about == "KeptnAppContext shop/web"
    assert "KeptnEvaluationDefinition slo, KeptnTaskDefinition promote" in one.what


def test_blanks_in_lists_are_read_another_way() -> None:
    web = custom("KeptnWorkload", "web", spec={"preDeploymentTasks": ["check", " check"]})
    (one,) = found(workloads=(web,), definitions=(definition(),))
    assert one.level is Level.NOTE
    assert "' check'" in one.what


def config(name: str, namespace: str = "keptn-system", **spec: object) -> Json:
    return custom("KeptnConfig", name, namespace, api="options.keptn.sh/v1alpha1", spec=spec)


def test_a_config_elsewhere_counts_no_more() -> None:
    (one,) = found(configs=(config("own", "shop", blockDeployment=False),))
    assert (one.level, one.about) == (Level.ACTION, "KeptnConfig shop/own")
    assert "is not read" in one.what


def test_what_the_config_says_goes_on() -> None:
    says = config(
        "own", blockDeployment=False, OTelCollectorUrl="otel:4317", cloudEventsEndpoint="http://events.example"
    )
    findings = found(configs=(says,))
    assert {each.level for each in findings} == {Level.NOTE}
    assert [
        words in each.what for each, words in zip(findings, ("blockDeployment", "otel:4317", "Events"), strict=True)
    ]
    assert found(configs=(config("own"),)) == []


def test_a_config_that_nobody_can_read_is_named() -> None:
    (one,) = found(configs=(config("own", blockDeployment="perhaps"),))
    assert one.level is Level.ACTION
    assert "spec.blockDeployment" in one.what
