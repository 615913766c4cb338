from typing import Any

import pytest

from app.api.conversion import convert
from app.api.evaluation import EvaluationDefinition, MetricRef, Objective, Provider
from tests.app.api.conversion.objects import made

KIND = "KeptnEvaluationDefinition"
OLDEST = ["v1alpha1", "v1alpha2"]
FILLED_IN = {"retries": 10, "retryInterval": "5s"}
OLD = {
    "source": "prometheus",
    "objectives": [
        {"name": "latency", "query": "max(latency)", "evaluationTarget": "<0.5"},
        {"name": "errors", "query": "sum(errors)", "evaluationTarget": "<1"},
    ],
}
NEW: dict[str, Any] = {
    "provider": {"name": "prometheus"},
    "objectives": [
        {"keptnMetricRef": {"name": "latency"}, "query": "max(latency)", "evaluationTarget": "<0.5"},
        {"keptnMetricRef": {"name": "errors"}, "query": "sum(errors)", "evaluationTarget": "<1"},
    ],
    **FILLED_IN,
}


@pytest.mark.parametrize("old", OLDEST)
def test_a_definition_that_asks_a_provider_itself_goes_on_to_do_so(old: str) -> None:
    now = convert(made(KIND, old, OLD), "v1")
    assert now == made(KIND, "v1", NEW)
    read = EvaluationDefinition.model_validate(now).spec
    assert read.provider == Provider(name="prometheus")
    assert read.objectives[0] == Objective(
        keptn_metric_ref=MetricRef(name="latency"), query="max(latency)", evaluation_target="<0.5"
    )
    assert convert(now, old) == made(KIND, old, OLD)


@pytest.mark.parametrize("old", OLDEST)
def test_what_an_old_version_cannot_say_of_metrics_and_provider_comes_back(old: str) -> None:
    spec = {
        "objectives": [
            {"keptnMetricRef": {"name": "latency", "namespace": "metrics"}, "evaluationTarget": "<0.5"},
            {"keptnMetricRef": {"name": "latency"}, "query": "q", "evaluationTarget": "<1"},
        ],
        "provider": {"type": "thanos", "targetServer": "http://t", "secretKeyRef": {"name": "s", "key": "k"}},
        "retries": 1,
        "retryInterval": "1s",
    }
    shown = convert(made(KIND, "v1", spec), old)
    assert shown["spec"] == {
        "source": "thanos",
        "objectives": [
            {"name": "latency", "query": "", "evaluationTarget": "<0.5"},
            {"name": "latency", "query": "q", "evaluationTarget": "<1"},
        ],
    }
    assert convert(shown, "v1") == made(KIND, "v1", spec)


def test_objectives_can_be_moved_added_and_taken_out_in_an_old_version() -> None:
    far = {"keptnMetricRef": {"name": "far", "namespace": "metrics"}, "evaluationTarget": ">1"}
    near = {"keptnMetricRef": {"name": "near"}, "evaluationTarget": ">2"}
    shown = convert(made(KIND, "v1", {"objectives": [near, far], **FILLED_IN}), "v1alpha2")
    added = {"name": "new", "query": "q", "evaluationTarget": ">3"}
    shown["spec"]["objectives"] = [shown["spec"]["objectives"][1], added]
    assert convert(shown, "v1")["spec"]["objectives"] == [
        far,
        {"keptnMetricRef": {"name": "new"}, "query": "q", "evaluationTarget": ">3"},
    ]


def test_another_source_is_another_provider_with_the_settings_that_were_there() -> None:
    shown = convert(made(KIND, "v1", {**NEW, "provider": {"name": "p", "targetServer": "http://t"}}), "v1alpha2")
    assert shown["spec"]["source"] == "p"
    shown["spec"]["source"] = "q"
    assert convert(shown, "v1")["spec"]["provider"] == {"name": "q", "targetServer": "http://t"}


def test_a_definition_without_a_provider_gets_none_by_being_read() -> None:
    spec = {"objectives": [{"keptnMetricRef": {"name": "m"}, "evaluationTarget": ">1"}], **FILLED_IN}
    shown = convert(made(KIND, "v1", spec), "v1alpha1")
    assert shown["spec"]["source"] == ""
    assert convert(shown, "v1") == made(KIND, "v1", spec)
    shown["spec"]["source"] = "prometheus"
    assert convert(shown, "v1")["spec"]["provider"] == {"name": "prometheus"}


def test_retries_come_back_from_v1alpha3() -> None:
    before = made(KIND, "v1", {**NEW, "retries": 2})
    shown = convert(before, "v1alpha3")
    assert shown["spec"] == {key: value for key, value in NEW.items() if key not in FILLED_IN}
    assert convert(shown, "v1") == before
