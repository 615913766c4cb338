"""The label sets of Keptn's metrics, to the letter (keptn-behaviour 6.1)."""

import re

import pytest

from app.telemetry import labels
from tests.builders import app, app_version, evaluation, task, version

APP = app_version(app("shop").version("2.1")).changed({"spec": {"previousVersion": "2.0"}})
WEB = version("shop-web-1.0").changed({"spec": {"app": "shop", "workloadName": "shop-web", "previousVersion": "0.9"}})
CONTEXT = {"appName": "shop", "appVersion": "2.1", "workloadName": "shop-web", "workloadVersion": "1.0"}
TASK = task("pre-check").spec(checkType="pre", context=CONTEXT)
EVALUATION = evaluation("pre-eval-slo").spec(
    appName="shop", appVersion="2.1", workload="shop-web", workloadVersion="1.0", checkType="pre-eval"
)

APP_LABELS = {"app_name": "shop", "app_version": "2.1", "app_namespace": "shop"}
WEB_LABELS = {
    "app_name": "shop",
    "workload_name": "shop-web",
    "workload_version": "1.0",
    "workload_namespace": "shop",
}
OF = {"app_name": "shop", "app_version": "2.1", "workload_name": "shop-web", "workload_version": "1.0"}
CASES: list[tuple[str, dict[str, str]]] = [
    (labels.app_active(APP.view), APP_LABELS),
    (labels.app_ended(APP.ended().view), APP_LABELS | {"app_status": "Succeeded"}),
    (
        labels.app_previous(APP.view),
        {"app_name": "shop", "app_namespace": "shop", "app_version": "2.1", "app_previousversion": "2.0"},
    ),
    (labels.workload_active(WEB.view), WEB_LABELS),
    (labels.workload_ended(WEB.failed().view), WEB_LABELS | {"workload_status": "Failed"}),
    (labels.workload_previous(WEB.view), WEB_LABELS | {"workload_previousversion": "0.9"}),
    (labels.task_active(TASK.view), OF | {"task_name": "pre-check", "task_type": "pre"}),
    (
        labels.task_ended(TASK.status("Failed").view),
        OF | {"task_name": "pre-check", "task_type": "pre", "task_status": "Failed"},
    ),
    (
        labels.evaluation_active(EVALUATION.view),
        OF | {"evaluation_name": "pre-eval-slo", "evaluation_type": "pre-eval"},
    ),
    (
        labels.evaluation_ended(EVALUATION.status("Succeeded").view),
        OF | {"evaluation_name": "pre-eval-slo", "evaluation_type": "pre-eval", "evaluation_status": "Succeeded"},
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_labels(text: str, expected: dict[str, str]) -> None:
    found = dict(re.findall(r'(\w+)="([^"]*)"', text))
    assert found.pop("otel_scope_name") == "keptn/task"
    assert found == {f"keptn_deployment_{name}": value for name, value in expected.items()}


def test_a_version_that_a_newer_one_overtook_has_not_failed() -> None:
    assert 'workload_status="Deprecated"' in labels.workload_ended(WEB.superseded().view)
    assert 'app_status="Deprecated"' in labels.app_ended(APP.status(status="Deprecated").view)
