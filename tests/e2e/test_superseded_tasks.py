"""A newer version takes over: what the older one still runs is cancelled, also by a worker that has just begun."""

from app.api.wellknown import LABEL, LABEL_TASK
from tests.e2e import manifests, outages
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition, is_running

TASK_PODS = f"{LABEL}={LABEL_TASK}"


def _begin(kube: Kube, eyes: Eyes) -> None:
    """Version 1 with a check that does not end, which runs."""
    kube.create_all(
        eyes.namespace,
        manifests.container("endless", manifests.ENDLESS, timeout="10m"),
        manifests.container("good", "exit 0"),
        manifests.deployment("waiter", "endless", "1"),
    )
    kube.until("Pod", eyes.namespace, lambda pods: any(map(is_running, pods)), "its pod runs", labels=TASK_PODS)


def _overtake(kube: Kube, eyes: Eyes) -> None:
    """Version 2, which asks for another check."""
    template = manifests.deployment("waiter", "good", "2")["spec"]["template"]
    kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": template}})


def _is_cancelled(kube: Kube, eyes: Eyes) -> None:
    eyes.released("waiter")
    task = eyes.failed("endless")
    assert task["status"]["reason"] == "Superseded"
    assert "KeptnWorkloadVersion waiter-waiter-1 was superseded by waiter-waiter-2" in task["status"]["message"]
    assert condition(task, "Ready")["reason"] == "Superseded"
    job = task["status"]["jobName"]

    def gone(jobs: list[Json]) -> bool:
        return job not in {each["metadata"]["name"] for each in jobs}

    kube.until("Job", eyes.namespace, gone, "its Job is gone")

    def ended(pods: list[Json]) -> bool:
        return not any(map(is_running, pods))

    kube.until("Pod", eyes.namespace, ended, "its pod is gone", labels=TASK_PODS)
    assert len(eyes.tasks("endless")) == 1


def test_a_check_of_a_version_that_was_overtaken_is_cancelled(kube: Kube, eyes: Eyes) -> None:
    _begin(kube, eyes)
    _overtake(kube, eyes)
    _is_cancelled(kube, eyes)


def test_a_check_of_a_version_that_was_overtaken_while_no_worker_was_there_is_cancelled_too(
    kube: Kube, eyes: Eyes
) -> None:
    _begin(kube, eyes)
    with outages.without(kube, outages.WORKER):
        _overtake(kube, eyes)
        eyes.held("waiter", 2)  # of each version one: no pod may be missing while the new one is not ready
    _is_cancelled(kube, eyes)
