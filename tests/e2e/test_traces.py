"""A real rollout in a real collector: one trace, from the first check to the app's end."""

import json
import time

import pytest

from tests.e2e import dump, manifests, worker
from tests.e2e.collector import Collector, Span
from tests.e2e.dump import INSTALLATION
from tests.e2e.keptnconfig import KeptnConfig
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_over, status

LINK = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONSUMER = 5
APP_PHASES = {
    "AppPreDeployTasks",
    "AppPreDeployEvaluations",
    "AppDeploy",
    "AppPostDeployTasks",
    "AppPostDeployEvaluations",
}


def workload_phases(name: str) -> set[str]:
    steps = ("PreDeployTasks", "PreDeployEvaluations", "Deploy", "PostDeployTasks", "PostDeployEvaluations")
    return {f"shop-{name}/Workload{step}" for step in steps}


@pytest.fixture
def collector(kube: Kube, eyes: Eyes) -> Collector:
    """Announced, but nobody listens yet."""
    operator = kube.get("Deployment", INSTALLATION, "lifecycle-operator")
    image = operator["spec"]["template"]["spec"]["containers"][0]["image"]
    found = Collector(kube, eyes.namespace, image)
    found.announce()
    return found


def deploy(kube: Kube, eyes: Eyes, *, seconds: int = 1, **context: object) -> None:
    """An app of two workloads, with checks on both levels."""
    parts = [
        manifests.workload("Deployment", name, manifests.keys(name, "own", app="shop", post_deployment_tasks="after"))
        for name in ("cart", "web")
    ]
    checks = [manifests.container(name, f"sleep {seconds}") for name in ("own", "before", "after")]
    wanted = {"preDeploymentTasks": ["before"], "postDeploymentTasks": ["after"]} | context
    kube.create_all(eyes.namespace, *checks, manifests.app_context("shop", **wanted), *parts)


def completed(kube: Kube, eyes: Eyes) -> Json:
    """The app's only version, once it is over."""

    def look(found: list[Json]) -> Json | None:
        return next((each for each in found if is_over(each)), None)

    version = kube.until("KeptnAppVersion", eyes.namespace, look, "the app version is over", seconds=90)
    assert status(version) == "Succeeded", version["status"]
    return version


def tasks(kube: Kube, eyes: Eyes) -> dict[str, Json]:
    return {each["metadata"]["name"]: each for each in kube.all("KeptnTask", eyes.namespace)}


def whole(kube: Kube, eyes: Eyes, collector: Collector, root: str) -> dict[str, Span]:
    """All spans of the rollout: each is under another one of the same trace, but for `root`."""
    found = collector.trace(root, eyes.namespace, seconds=90)
    versions = {each["metadata"]["name"] for each in kube.all("KeptnWorkloadVersion", eyes.namespace)}
    phases = APP_PHASES | workload_phases("cart") | workload_phases("web")
    assert found.keys() == phases | versions | {root} | tasks(kube, eyes).keys()
    by_id = {span.id: span.name for span in found.values()}
    above = {name: by_id[span.parent] for name, span in found.items() if span.parent}
    assert found.keys() - above.keys() == {root}
    assert {above[name] for name in APP_PHASES} == {root}
    assert {above[name] for name in versions} == {"AppDeploy"}
    for name in ("cart", "web"):
        assert {above[phase] for phase in workload_phases(name)} == {f"shop-{name}-1.0"}
    return found


def test_a_rollout_is_one_trace_with_keptns_names(
    kube: Kube, eyes: Eyes, collector: Collector, keptn_config: KeptnConfig
) -> None:
    collector.start()
    keptn_config.set(OTelCollectorUrl=collector.target)
    deploy(kube, eyes, metadata={"team": "payments"}, spanLinks=[LINK, "nonsense"])
    app_version = completed(kube, eyes)
    root = app_version["metadata"]["name"]
    found = whole(kube, eyes, collector, root)
    assert {(span.service, span.kind, span.failed) for span in found.values()} == {
        ("lifecycle-operator", CONSUMER, False)
    }
    assert found[root].links == [LINK.split("-")[1:3]]
    assert found[root].scope == "keptn/lifecycle-operator/appversion"
    assert found[root].attributes == {
        "keptn.deployment.app.name": "shop",
        "keptn.deployment.app.version": app_version["spec"]["version"],
        "keptn.deployment.app.namespace": eyes.namespace,
        "team": "payments",
    }
    deployed = found["shop-web/WorkloadDeploy"]
    assert deployed.scope == "keptn/lifecycle-operator/workloadversion"
    assert deployed.events == ["Workload Deployment has succeeded"]
    assert deployed.attributes["keptn.deployment.workload.version"] == "1.0"
    checks = found["AppPreDeployTasks"]
    assert 1e9 <= checks.end - checks.start < 60e9
    said = eyes.event("KeptnAppVersion", root, lambda event: event["reason"] == "SpanLinkIgnored", "a link is ignored")
    assert "'nonsense'" in said["message"]


def test_a_check_is_told_the_span_of_its_phase(
    kube: Kube, eyes: Eyes, collector: Collector, keptn_config: KeptnConfig
) -> None:
    collector.start()
    keptn_config.set(OTelCollectorUrl=collector.target)
    deploy(kube, eyes)
    app_version = completed(kube, eyes)
    found = whole(kube, eyes, collector, app_version["metadata"]["name"])
    noted = app_version["status"]["phaseTraceIDs"]
    assert noted.keys() == APP_PHASES
    for name, task in tasks(kube, eyes).items():
        traceparent = task["spec"]["context"]["metadata"]["traceparent"]
        assert traceparent == f"00-{found[name].trace}-{found[name].parent}-01"
        (container,) = eyes.job(task)["spec"]["template"]["spec"]["containers"]
        (context,) = [each["value"] for each in container["env"] if each["name"] == "KEPTN_CONTEXT"]
        assert json.loads(context)["metadata"] == {"traceparent": traceparent}
    for name in ("cart", "web"):
        version = kube.get("KeptnWorkloadVersion", eyes.namespace, f"shop-{name}-1.0")
        assert version["spec"]["traceId"] == noted["AppDeploy"]
        phases = {f"shop-{name}/{phase}": each for phase, each in version["status"]["phaseTraceIDs"].items()}
        assert phases.keys() == workload_phases(name)
        assert all(each["traceparent"] == f"00-{found[p].trace}-{found[p].id}-01" for p, each in phases.items())


def test_a_trace_is_whole_though_the_worker_was_killed_in_the_middle(
    kube: Kube, eyes: Eyes, collector: Collector, keptn_config: KeptnConfig
) -> None:
    collector.start()
    keptn_config.set(OTelCollectorUrl=collector.target)
    deploy(kube, eyes, seconds=8)
    kube.until("Job", eyes.namespace, lambda jobs: len(jobs) == 3, "the first checks run")
    time.sleep(2)
    worker.all_ready(kube, without={worker.kill_leader(kube)})
    app_version = completed(kube, eyes)
    whole(kube, eyes, collector, app_version["metadata"]["name"])


def test_a_collector_that_is_away_delays_nothing_and_gets_everything_once_it_is_there(
    kube: Kube, eyes: Eyes, collector: Collector, keptn_config: KeptnConfig
) -> None:
    keptn_config.set(OTelCollectorUrl=collector.target)
    deploy(kube, eyes)
    app_version = completed(kube, eyes)
    said = [json.loads(line) for line in dump.logs(kube, "worker", containing=eyes.namespace) if line.startswith("{")]
    about = [line["level"] for line in said if line["logger"] == "app.telemetry.tracing"]
    assert about == ["info", "warning"]
    collector.start()
    whole(kube, eyes, collector, app_version["metadata"]["name"])


def test_without_a_collector_there_is_no_trace(kube: Kube, eyes: Eyes) -> None:
    deploy(kube, eyes)
    app_version = completed(kube, eyes)
    versions = [app_version, *kube.all("KeptnWorkloadVersion", eyes.namespace)]
    assert not any(each["status"].get("phaseTraceIDs") or each["spec"].get("traceId") for each in versions)
    assert not any("traceparent" in json.dumps(each["spec"]) for each in tasks(kube, eyes).values())
