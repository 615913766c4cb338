"""Metrics and traces to Keptn's letter. These tests change the installation's KeptnConfig and take it away again.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 6.1: names and labels of the metrics of an app, a workload and a task -> test_metrics
- 6.1 [T]: keptn_promotion_count_total -> test_keptns_letter_promotion.py
- 6.2 [T]: the span keptnapp-nginx/WorkloadDeploy -> test_spans
- 6.2: no trace without a URL -> test_metrics; names of all spans, links, attributes -> test_traces.py
"""

import pytest

from tests.e2e.collector import Collector
from tests.e2e.dump import INSTALLATION
from tests.e2e.keptnconfig import KeptnConfig
from tests.e2e.kube.client import Kube
from tests.e2e.letters import Letter, Letters

APP_VERSION = "keptnapp-1.0-6b86b273"
APP = "app_name", "app_version", "app_namespace"
WORKLOAD = "app_name", "workload_name", "workload_version", "workload_namespace"
TASK = "app_name", "app_version", "workload_name", "workload_version", "task_name", "task_type"
LABELS = {
    "keptn_app_count_total": (*APP, "app_status"),
    "keptn_app_duration_seconds_count": (*APP, "app_status"),
    "keptn_app_active": APP,
    "keptn_app_deploymentduration": (*APP, "app_previousversion"),
    "keptn_deployment_count_total": (*WORKLOAD, "workload_status"),
    "keptn_deployment_duration_seconds_count": (*WORKLOAD, "workload_status"),
    "keptn_deployment_active": WORKLOAD,
    "keptn_deployment_deploymentduration": (*WORKLOAD, "workload_previousversion"),
    "keptn_task_count_total": (*TASK, "task_status"),
    "keptn_task_duration_seconds_count": (*TASK, "task_status"),
    "keptn_task_active": TASK,
}


def metrics(kube: Kube) -> str:
    """What one finds at the Service: whichever pod leads, and never the one that stands by."""
    return kube.text(
        f"/api/v1/namespaces/{INSTALLATION}/services/lifecycle-operator-metrics-service:2222/proxy/metrics"
    )


@pytest.fixture
def letter(letters: Letters) -> Letter:
    return letters.new("telemetry", "checks")


def test_metrics(kube: Kube, letter: Letter) -> None:
    service = kube.get("Service", INSTALLATION, "lifecycle-operator-metrics-service")
    assert [(port["name"], port["port"]) for port in service["spec"]["ports"]] == [("metrics", 2222)]
    letter.apply("nginx")
    done = letter.has("KeptnAppVersion", APP_VERSION, "status: {currentPhase: Completed}")
    assert not done["status"].get("phaseTraceIDs")
    (task,) = letter.tasks("pass")
    mine = (letter.namespace, task["metadata"]["name"])
    lines = [line for line in metrics(kube).splitlines() if any(f'"{name}"' in line for name in mine)]
    for metric, suffixes in LABELS.items():
        (line,) = [line for line in lines if line.startswith(f"{metric}{{")]
        missing = [suffix for suffix in suffixes if f"keptn_deployment_{suffix}=" not in line]
        assert not missing, line
        assert "previousversion" in metric or not metric.endswith("_active") or line.endswith(" 0"), line
    assert "keptn_lifecycle_active_total" in metrics(kube)


def test_spans(kube: Kube, letter: Letter, keptn_config: KeptnConfig) -> None:
    operator = kube.get("Deployment", INSTALLATION, "lifecycle-operator")
    image = operator["spec"]["template"]["spec"]["containers"][0]["image"]
    collector = Collector(kube, letter.namespace, image)
    collector.announce()
    collector.start()
    keptn_config.set(OTelCollectorUrl=collector.target)
    letter.apply("nginx")
    letter.has("KeptnAppVersion", APP_VERSION, "status: {currentPhase: Completed}")
    found = collector.trace(APP_VERSION, letter.namespace, seconds=90)
    assert found["keptnapp-nginx/WorkloadDeploy"].service == "lifecycle-operator"
    assert {"AppDeploy", "keptnapp-nginx-1.0", APP_VERSION} <= found.keys()
