"""A failed check gets another try without a new version, when a person asks for it."""

import pytest

from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition, status

BAD, GOOD = "echo not yet; exit 1", "exit 0"


def _mend(kube: Kube, eyes: Eyes) -> None:
    """What the failed check complained about is put right."""
    fresh: Json = manifests.container("check", GOOD)["spec"]
    kube.patch("KeptnTaskDefinition", eyes.namespace, "check", {"spec": fresh})


def _verdicts(kube: Kube, eyes: Eyes) -> list[tuple[str, str]]:
    """Version and verdict of each KeptnWorkloadVersion, in the order of their making."""
    versions = kube.all("KeptnWorkloadVersion", eyes.namespace)
    versions.sort(key=lambda v: v["metadata"]["creationTimestamp"])
    return [(v["spec"]["version"], v["status"]["preDeploymentStatus"]) for v in versions]


def test_kubectl_rollout_restart_checks_again_under_the_same_version(kube: Kube, kubectl: Kubectl, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, manifests.container("check", BAD), manifests.deployment("waiter", "check"))
    eyes.rollout_failed("waiter")
    _mend(kube, eyes)
    kubectl("-n", eyes.namespace, "rollout", "restart", "deployment/waiter")
    eyes.released("waiter")
    assert kubectl("-n", eyes.namespace, "rollout", "status", "deployment/waiter", "--timeout=30s")
    assert sorted(_verdicts(kube, eyes)) == [("1.0", "Failed"), ("1.0", "Succeeded")]
    assert sorted(status(task) for task in eyes.tasks("check")) == ["Failed", "Succeeded"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_the_retry_annotation_checks_the_same_pods_again(kind: str, kube: Kube, kubectl: Kubectl, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("check", BAD),
        manifests.workload(kind, "waiter", manifests.keys("waiter", "check")),
    )
    eyes.failed("check")
    (held,) = eyes.held("waiter")
    _mend(kube, eyes)
    kubectl("-n", eyes.namespace, "annotate", kind.lower(), "waiter", "--overwrite", "keptn.sh/retry=1")
    (pod,) = eyes.released("waiter")
    assert pod["metadata"]["uid"] == held["metadata"]["uid"]
    assert sorted(_verdicts(kube, eyes)) == [("1.0", "Failed"), ("1.0", "Succeeded")]


def test_a_second_try_that_fails_fails_the_rollout_again_and_a_third_can_pass(
    kube: Kube, kubectl: Kubectl, eyes: Eyes
) -> None:
    kube.create_all(eyes.namespace, manifests.container("check", BAD), manifests.deployment("waiter", "check"))
    eyes.rollout_failed("waiter")
    annotate = ("-n", eyes.namespace, "annotate", "deployment", "waiter", "--overwrite")
    kubectl(*annotate, "keptn.sh/retry=1")
    kube.until(
        "KeptnWorkloadVersion",
        eyes.namespace,
        lambda versions: [status(version) for version in versions] == ["Failed", "Failed"],
        "two failed versions",
    )
    second = max(eyes.tasks("check"), key=lambda task: task["status"]["endTime"])["metadata"]["name"]
    found = kube.until_one(
        "Deployment",
        eyes.namespace,
        "waiter",
        lambda deployment: second in condition(deployment, "Progressing").get("message", ""),
        "its rollout failed by the second try",
    )
    assert condition(found, "Progressing")["status"] == "False"
    _mend(kube, eyes)
    kubectl(*annotate, "keptn.sh/retry=2")
    eyes.released("waiter")
    assert len(eyes.tasks("check")) == 3


def test_a_failed_version_is_not_tried_again_unasked(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("check", BAD),
        manifests.container("good", GOOD),
        manifests.deployment("waiter", "check"),
    )
    eyes.rollout_failed("waiter")
    _mend(kube, eyes)
    (pod,) = eyes.held("waiter")
    kube.delete("Pod", eyes.namespace, pod["metadata"]["name"])
    kube.create(manifests.deployment("probe", "good"), eyes.namespace)
    eyes.released("probe")
    (again,) = eyes.held("waiter")
    assert again["metadata"]["uid"] != pod["metadata"]["uid"]
    assert len(eyes.tasks("check")) == 1
