"""Whatever makes pods is held until its checks pass, by keys on its template or on itself."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.api.wellknown import GATE, LABEL, LABEL_HELD
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.recording import Recording
from tests.e2e.looks import Eyes, gates, is_held, of

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
# 32-bit FNV-1a of "appbusybox:1.36": name and image of the only container, which has no environment.
COMPUTED = "228348450"


@pytest.fixture(scope="module")
def place(kube: Kube, shared: Eyes) -> Eyes:
    """A namespace with a check."""
    kube.create(manifests.container("check", "sleep 2"), shared.namespace)
    return shared


@pytest.mark.parametrize("kind", KINDS)
def test_pods_are_held_from_birth_and_released_when_the_check_has_passed(kind: str, kube: Kube, eyes: Eyes) -> None:
    spec: dict[str, Any] = {} if kind == "DaemonSet" else {"replicas": 2}
    with Recording(kube, "Pod", eyes.namespace, labels=of("waiter")) as pods:
        kube.create_all(
            eyes.namespace,
            manifests.container("check", "sleep 2"),
            manifests.workload(kind, "waiter", manifests.keys("waiter", "check"), **spec),
        )
        first = pods.wait(lambda seen: seen.type == "ADDED", "a pod")
        assert gates(first.object) == [GATE]
        assert first.object["metadata"]["labels"][LABEL] == LABEL_HELD
        opened = pods.wait(lambda seen: not is_held(seen.object), "the gate opens")
        task = eyes.passed("check")
        running = eyes.running("waiter", spec.get("replicas", 1))
    assert opened.at - first.at >= 2
    assert LABEL not in opened.object["metadata"]["labels"]
    assert all(LABEL not in pod["metadata"]["labels"] for pod in running)
    assert len(eyes.tasks("check")) == 1
    version = kube.get("KeptnWorkloadVersion", eyes.namespace, "waiter-waiter-1.0")
    assert version["status"]["preDeploymentStatus"] == "Succeeded"
    assert task["status"]["endTime"] >= task["status"]["startTime"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_keys_on_the_workload_itself_count_as_those_on_its_template(kind: str, kube: Kube, place: Eyes) -> None:
    name = f"outer-{kind.lower()}"
    kube.create(manifests.workload(kind, name, {}, annotations=manifests.keys(name, "check", "2")), place.namespace)
    assert len(place.released(name)) == 1
    version = kube.get("KeptnWorkloadVersion", place.namespace, f"{name}-{name}-2")
    assert version["spec"]["preDeploymentTasks"] == ["check"]


def test_recommended_labels_stand_in_for_our_keys(kube: Kube, place: Eyes) -> None:
    body = manifests.workload("Deployment", "labelled", {"keptn.sh/pre-deployment-tasks": " check , "})
    body["spec"]["template"]["metadata"]["labels"] |= {
        "app.kubernetes.io/name": "labelled",
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/version": "3.1",
    }
    kube.create(body, place.namespace)
    place.released("labelled")
    version = kube.get("KeptnWorkloadVersion", place.namespace, "shop-labelled-3.1")
    assert version["spec"]["preDeploymentTasks"] == ["check"]


def test_a_workload_of_an_app_is_named_after_both(kube: Kube, place: Eyes) -> None:
    keys = manifests.keys("cart", "check", "1.2", app="Some_Shop")
    kube.create(manifests.workload("Deployment", "cart", keys), place.namespace)
    place.released("cart")
    workload = kube.get("KeptnWorkload", place.namespace, "some-shop-cart")
    assert (workload["spec"]["app"], workload["spec"]["version"]) == ("some-shop", "1.2")
    assert workload["status"]["currentVersion"] == "1.2"
    version = kube.get("KeptnWorkloadVersion", place.namespace, "some-shop-cart-1.2")
    assert version["spec"]["workloadName"] == "some-shop-cart"
    assert version["spec"]["resourceReference"]["kind"] == "ReplicaSet"


@pytest.mark.parametrize(("container", "version"), [("", COMPUTED), ("app", "1.36")])
def test_a_workload_without_a_version_gets_one_from_its_containers(
    container: str, version: str, kube: Kube, place: Eyes
) -> None:
    name = f"computed-{container or 'hash'}"
    keys = manifests.keys(name, "check", "", container=container)
    kube.create(manifests.workload("Deployment", name, keys), place.namespace)
    place.released(name)
    assert kube.find("KeptnWorkloadVersion", place.namespace, f"{name}-{name}-{version}")


def test_a_version_that_is_no_name_still_becomes_one(kube: Kube, place: Eyes) -> None:
    kube.create(manifests.deployment("odd", "check", "Feature/X+1"), place.namespace)
    place.released("odd")
    versions = kube.all("KeptnWorkloadVersion", place.namespace)
    assert [v["spec"]["version"] for v in versions if v["spec"]["workloadName"] == "odd-odd"] == ["feature/x+1"]


def test_a_workload_without_checks_runs_at_once_and_is_recorded(kube: Kube, place: Eyes) -> None:
    kube.create(manifests.deployment("free", ""), place.namespace)
    place.running("free")
    version = kube.until_one(
        "KeptnWorkloadVersion",
        place.namespace,
        "free-free-1.0",
        lambda v: v.get("status", {}).get("deploymentStatus"),
        "",
    )
    assert version["status"]["preDeploymentStatus"] == "Succeeded"


def test_all_checks_of_a_workload_run_at_once_and_all_must_pass(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("one", "sleep 3"),
        manifests.container("two", "sleep 3"),
        manifests.container("three", "exit 1"),
        manifests.deployment("good", "one,two"),
        manifests.deployment("bad", "one,two,three"),
    )
    eyes.released("good")
    eyes.failed("three")
    starts = [datetime.fromisoformat(t["status"]["startTime"]) for t in eyes.tasks("one") + eyes.tasks("two")]
    assert len(starts) == 4
    assert max(starts) - min(starts) <= timedelta(seconds=2)
    assert "three" in eyes.rollout_failed("bad")
    assert len(eyes.held("bad")) == 1


@pytest.mark.parametrize("kind", ["Pod", "Job"])
def test_pods_that_no_workload_makes_are_left_alone(kind: str, kube: Kube, eyes: Eyes) -> None:
    template = manifests.template("loner", manifests.keys("loner", "check"))
    template["spec"]["restartPolicy"] = "Never"
    if kind == "Pod":
        body = {"apiVersion": "v1", "kind": "Pod", **template}
        body["metadata"]["name"] = "loner"
    else:
        body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "loner"}, "spec": {"template": template}}
    kube.create(body, eyes.namespace)
    (pod,) = eyes.running("loner")
    assert gates(pod) == []
    assert LABEL not in pod["metadata"]["labels"]
    assert kube.all("KeptnWorkload", eyes.namespace) == []


def test_a_pod_without_a_workloads_name_is_left_alone(kube: Kube, eyes: Eyes) -> None:
    kube.create(manifests.workload("Deployment", "plain", {"keptn.sh/pre-deployment-tasks": "check"}), eyes.namespace)
    (pod,) = eyes.running("plain")
    assert gates(pod) == []
