"""F39: what the cluster does to a check's pod is not the check's failure; what a person does to it is."""

from app.api.wellknown import LABEL, LABEL_TASK
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_running

# It ends as soon as it is told to, as a shell that is a container's first process would not.
STOPPABLE = "trap 'exit 143' TERM; sleep {} & wait $!"


def _only_pod(kube: Kube, namespace: str) -> str:
    """The check's pod, once it runs."""

    def look(pods: list[Json]) -> str | None:
        return next((pod["metadata"]["name"] for pod in pods if is_running(pod)), None)

    return kube.until("Pod", namespace, look, "the check's pod runs", labels=f"{LABEL}={LABEL_TASK}")


def _evict(kube: Kube, namespace: str, name: str) -> None:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    kube.send("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body)


def test_a_check_without_retries_outlives_the_eviction_of_its_pod(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("check", STOPPABLE.format(3), retries=0),
        manifests.deployment("waiter", "check"),
    )
    first = _only_pod(kube, eyes.namespace)
    _evict(kube, eyes.namespace, first)
    eyes.released("waiter")
    attempts = eyes.passed("check")["status"]["attempts"]
    assert [(a["number"], a["status"], a["disrupted"]) for a in attempts] == [
        (1, "Failed", True),
        (1, "Succeeded", False),
    ]
    assert (attempts[0]["podName"], attempts[0]["reason"]) == (first, "EvictionByEvictionAPI")
    (job,) = kube.all("Job", eyes.namespace)
    assert not job["status"].get("failed")


def test_a_pod_deleted_by_hand_is_a_failed_attempt(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("check", STOPPABLE.format(60), retries=0),
        manifests.deployment("waiter", "check"),
    )
    kube.delete("Pod", eyes.namespace, _only_pod(kube, eyes.namespace))
    assert eyes.failed("check")["status"]["reason"] == "BackoffLimitExceeded"
    assert len(eyes.held("waiter")) == 1
