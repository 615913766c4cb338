"""What Prometheus gets of a real rollout: Keptn's metrics, once each, and gone with their objects."""

import json
import time
from collections.abc import Iterator

import pytest

from app.api.wellknown import API_VERSION
from tests.app.telemetry.reading import Sample, read, types
from tests.e2e import manifests, worker
from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import Kube, NotInTime
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_over
from tests.e2e.namespaces import Namespaces
from tests.e2e.prometheus import PORT, Prometheus

METRICS = 2222


def scrape(kube: Kube, pod: str) -> str:
    return kube.text(f"/api/v1/namespaces/{INSTALLATION}/pods/{pod}:{METRICS}/proxy/metrics")


def of_leader(kube: Kube) -> str:
    return scrape(kube, worker.leader(kube)["metadata"]["name"])


def about(text: str, namespace: str) -> dict[str, list[Sample]]:
    """Samples that are of that namespace, as far as they say."""
    kept = "\n".join(line for line in text.splitlines() if line.startswith("#") or namespace in line)
    return read(f"{kept}\n".encode())


def rollout(kube: Kube, eyes: Eyes, version: str, **keys: str) -> None:
    """Deploys `waiter` in that version, with those further keys, and waits until its app is through."""
    body = manifests.workload("Deployment", "waiter", manifests.keys("waiter", "check", version, **keys))
    if kube.find("Deployment", eyes.namespace, "waiter") is None:
        kube.create(body, eyes.namespace)
    else:
        kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": body["spec"]["template"]}})
    kube.until(
        "KeptnAppVersion",
        eyes.namespace,
        lambda found: any(each["spec"]["version"] == version and is_over(each) for each in found),
        f"waiter {version} is through",
    )


@pytest.fixture
def checked(kube: Kube, eyes: Eyes) -> Eyes:
    kube.create(manifests.container("check", "sleep 1"), eyes.namespace)
    return eyes


def test_a_rollout_in_keptns_figures(kube: Kube, checked: Eyes) -> None:
    rollout(kube, checked, "1.0")
    time.sleep(2)
    rollout(kube, checked, "2.0")
    text = of_leader(kube)
    found = about(text, checked.namespace)
    app = {"keptn_deployment_app_name": "waiter", "keptn_deployment_app_namespace": checked.namespace}
    workload = {
        "keptn_deployment_app_name": "waiter",
        "keptn_deployment_workload_name": "waiter-waiter",
        "keptn_deployment_workload_namespace": checked.namespace,
    }
    for kind, labels, level in (("app", app, "app"), ("deployment", workload, "workload")):
        versions = f"keptn_deployment_{level}_version"
        ended = {
            sample.labels[versions]: sample.value
            for sample in found[f"keptn_{kind}_count_total"]
            if sample.labels[f"keptn_deployment_{level}_status"] == "Succeeded"
            and labels.items() <= sample.labels.items()
        }
        assert ended == {"1.0": 1, "2.0": 1}
        assert {sample.labels[versions]: sample.value for sample in found[f"keptn_{kind}_active"]} == {
            "1.0": 0,
            "2.0": 0,
        }
        (interval,) = found[f"keptn_{kind}_deploymentinterval"]
        assert interval.labels[versions] == "2.0"
        assert interval.labels[f"keptn_deployment_{level}_previousversion"] == "1.0"
        assert 2 <= interval.value <= 60
        durations = {sample.labels[versions]: sample.value for sample in found[f"keptn_{kind}_deploymentduration"]}
        assert durations.keys() == {"1.0", "2.0"}
        assert all(0 <= seconds <= 60 for seconds in durations.values())
        assert sum(sample.value for sample in found[f"keptn_{kind}_duration_seconds_count"]) == 2
    names = [each["metadata"]["name"] for each in checked.tasks("check")]
    tasks = [line for line in text.splitlines() if any(f'"{name}"' in line for name in names)]
    assert sum("keptn_task_count_total{" in line and line.endswith(" 1") for line in tasks) == 2
    assert sum("keptn_task_active{" in line and line.endswith(" 0") for line in tasks) == 2
    assert types(text.encode())["keptn_task_duration_seconds"] == "histogram"


def test_a_failed_check_is_a_failed_deployment(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, manifests.container("check", "exit 1"), manifests.deployment("waiter", "check"))
    eyes.rollout_failed("waiter")
    (ended,) = about(of_leader(kube), eyes.namespace)["keptn_deployment_count_total"]
    assert ended.labels["keptn_deployment_workload_status"] == "Failed"


def test_series_go_with_their_namespace(kube: Kube, checked: Eyes) -> None:
    rollout(kube, checked, "1.0")
    assert about(of_leader(kube), checked.namespace)
    names = [each["metadata"]["name"] for each in checked.tasks("check")]
    kube.delete("Namespace", "", checked.namespace)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        text = of_leader(kube)
        if checked.namespace not in text and not any(name in text for name in names):
            return
        time.sleep(1)
    raise NotInTime(f"there are still series of {checked.namespace}")


def test_who_stands_by_says_nothing_of_the_lifecycle(kube: Kube) -> None:
    leader = worker.leader(kube)["metadata"]["name"]
    others = [pod["metadata"]["name"] for pod in worker.pods(kube) if pod["metadata"]["name"] != leader]
    assert others
    for name in others:
        found = read(scrape(kube, name).encode())
        assert found["holdfast_leader"] == [({}, 0)]
        assert not any(name.startswith(("keptn_app", "keptn_deployment", "keptn_task")) for name in found)
        assert found["process_resident_memory_bytes"][0].value > 1e7


@pytest.fixture
def prometheus(kube: Kube, namespaces: Namespaces) -> Iterator[Prometheus]:
    """One that collects from each of the worker's pods, at their real port."""
    space = namespaces.new("prometheus-of-worker", annotations={})
    selector = {"app.kubernetes.io/component": "worker"}
    meta = {"name": f"{space}-workers"}
    headless: Json = {"apiVersion": "v1", "kind": "Service", "metadata": meta}
    kube.create(headless | {"spec": {"clusterIP": "None", "selector": selector}}, INSTALLATION)
    found = {"names": [f"{meta['name']}.{INSTALLATION}.svc.cluster.local"], "type": "A", "port": METRICS}
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "holdfast", "dns_sd_configs": [found | {"refresh_interval": "1s"}]}],
    }
    server = Prometheus(kube, space, "prometheus", config=json.dumps(config))
    server.start()
    yield server
    kube.delete("Service", INSTALLATION, meta["name"])
    namespaces.delete(space)


def one_leads(server: Prometheus) -> Json:
    """A KeptnEvaluationDefinition that asks Holdfast's own figures."""
    leads = {"keptnMetricRef": {"name": "leaders"}, "evaluationTarget": ">0.5", "query": "sum(holdfast_leader)"}
    return {
        "apiVersion": API_VERSION,
        "kind": "KeptnEvaluationDefinition",
        "metadata": {"name": "one-leads"},
        "spec": {"objectives": [leads], "provider": {"type": "prometheus", "targetServer": server.url}},
    }


def ask(kube: Kube, prometheus: Prometheus, query: str) -> list[float]:
    where = f"/api/v1/namespaces/{prometheus.namespace}/pods/prometheus:{PORT}/proxy/api/v1/query"
    result = json.loads(kube.text(where, query=query))["data"]["result"]
    return [float(each["value"][1]) for each in result]


def test_a_real_prometheus_takes_it_all(kube: Kube, checked: Eyes, prometheus: Prometheus) -> None:
    kube.create(one_leads(prometheus), checked.namespace)
    rollout(kube, checked, "1.0", post_deployment_evaluations="one-leads")
    mine = f'keptn_deployment_workload_namespace="{checked.namespace}"'
    counted = f"sum(keptn_deployment_count_total{{{mine}}})"
    end = time.monotonic() + 30
    while ask(kube, prometheus, counted) != [1]:
        assert time.monotonic() < end, ask(kube, prometheus, "up")
        time.sleep(0.5)
    assert ask(kube, prometheus, "sum(up)") == ask(kube, prometheus, "count(up)") == [len(worker.pods(kube))]
    assert ask(kube, prometheus, "sum(holdfast_leader)") == [1]
    assert ask(kube, prometheus, f"sum(keptn_deployment_active{{{mine}}})") == [0]
    assert ask(kube, prometheus, f"histogram_quantile(1, keptn_deployment_duration_seconds_bucket{{{mine}}})")[0] > 0
    (evaluation,) = kube.all("KeptnEvaluation", checked.namespace)
    named = f'keptn_deployment_evaluation_name="{evaluation["metadata"]["name"]}"'
    succeeded = f'keptn_deployment_evaluation_type="post-eval",keptn_deployment_evaluation_status="Succeeded",{named}'
    assert ask(kube, prometheus, f"keptn_evaluation_count_total{{{succeeded}}}") == [1]
    assert ask(kube, prometheus, f"keptn_evaluation_active{{{named}}}") == [0]
    (seconds,) = ask(kube, prometheus, f"keptn_deployment_deploymentduration{{{mine}}}")
    assert 1 <= seconds <= 60
