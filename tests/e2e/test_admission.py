"""The webhook adds our gate and nothing else, and writes nothing."""

from copy import deepcopy

import pytest

from app.api.wellknown import GATE, GATE_REMOVED, LABEL
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl, documents
from tests.e2e.looks import Eyes, gates, is_held, of

OTHER_GATE = "example.com/quota"


def test_a_server_side_dry_run_shows_the_gate_and_leaves_nothing_behind(kube: Kube, eyes: Eyes) -> None:
    body = eyes.owned_pod(manifests.keys("waiter", "check"))
    kube.create(manifests.container("check", "exit 0"), eyes.namespace)
    assert is_held(kube.create(body, eyes.namespace, dry_run=True).body)
    kube.create(manifests.deployment("probe", "check"), eyes.namespace)
    eyes.released("probe")
    for kind in ("KeptnWorkload", "KeptnWorkloadVersion", "KeptnTask"):
        assert not any("waiter" in str(item) for item in kube.all(kind, eyes.namespace)), kind


def test_a_dry_run_of_whole_manifests_leaves_nothing_behind(kube: Kube, kubectl: Kubectl, eyes: Eyes) -> None:
    bodies = (manifests.deno("check", "1"), manifests.deployment("waiter", "check"))
    kubectl.apply(documents(*bodies), "--dry-run=server", "-n", eyes.namespace)
    for kind in ("KeptnTaskDefinition", "KeptnWorkload", "Deployment", "Job"):
        assert kube.all(kind, eyes.namespace) == []


def test_the_answer_adds_the_gate_and_one_label_and_changes_nothing_else(kube: Kube, eyes: Eyes) -> None:
    # The same pod twice, as dry runs: with a workload's name, and without, which nothing of ours touches.
    marked = eyes.owned_pod(manifests.keys("waiter", "later"), {"schedulingGates": [{"name": OTHER_GATE}]})
    plain = deepcopy(marked)
    del plain["metadata"]["annotations"]["keptn.sh/workload"]
    plain["metadata"]["annotations"]["keptn.sh/was-workload"] = "waiter"
    held, free = (kube.create(pod, eyes.namespace, dry_run=True).body for pod in (marked, plain))
    assert gates(held) == [OTHER_GATE, GATE]
    assert gates(free) == [OTHER_GATE]
    del held["metadata"]["labels"][LABEL]
    held["spec"]["schedulingGates"].pop()
    for pod in (held, free):
        for field in ("uid", "creationTimestamp", "managedFields", "annotations"):
            pod["metadata"].pop(field, None)
    assert held == free


def test_another_controllers_gate_stays_when_ours_goes(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("check", "sleep 1"),
        manifests.deployment("waiter", "check", pod={"schedulingGates": [{"name": OTHER_GATE}]}),
    )
    (held,) = eyes.held("waiter")
    assert gates(held) == [OTHER_GATE, GATE]
    pod = kube.until(
        "Pod",
        eyes.namespace,
        lambda pods: next((pod for pod in pods if not is_held(pod)), None),
        "our gate goes",
        labels=of("waiter"),
    )
    assert gates(pod) == [OTHER_GATE]
    del held["metadata"]["labels"][LABEL]
    held["metadata"]["annotations"][GATE_REMOVED] = "true"
    assert pod["metadata"]["labels"] == held["metadata"]["labels"]
    assert pod["metadata"]["annotations"] == held["metadata"]["annotations"]
    assert pod["spec"] | {"schedulingGates": []} == held["spec"] | {"schedulingGates": []}


@pytest.mark.parametrize("where", ["annotations", "labels"])
def test_a_template_that_claims_to_be_released_already_is_held(where: str, kube: Kube, eyes: Eyes) -> None:
    body = manifests.deployment("waiter", "later")
    body["spec"]["template"]["metadata"][where][GATE_REMOVED] = "true"
    kube.create(body, eyes.namespace)
    assert len(eyes.held("waiter")) == 1


def test_a_pods_definition_that_does_not_exist_is_warned_of(kube: Kube, eyes: Eyes) -> None:
    body = eyes.owned_pod(manifests.keys("waiter", "there,not-there"))
    kube.create(manifests.container("there", "exit 0"), eyes.namespace)
    (warning,) = kube.create(body, eyes.namespace, dry_run=True).warnings
    assert "not-there" in warning
    assert eyes.namespace in warning


def test_a_container_key_that_names_no_container_is_warned_of(kube: Kube, eyes: Eyes) -> None:
    body = eyes.owned_pod(manifests.keys("waiter", "", "", container="no-such"))
    (warning,) = kube.create(body, eyes.namespace, dry_run=True).warnings
    assert "no-such" in warning


def test_a_pod_that_has_its_node_already_is_let_through(kube: Kube, eyes: Eyes) -> None:
    node = next(iter(kube.send("GET", "/api/v1/nodes").body["items"]))["metadata"]["name"]
    body = eyes.owned_pod(manifests.keys("waiter", "later"), {"nodeName": node})
    assert gates(kube.create(body, eyes.namespace, dry_run=True).body) == []
