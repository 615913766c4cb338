"""A check runs once for what it has checked, and again for anything else."""

from typing import Any

import pytest

from tests.e2e import manifests, worker
from tests.e2e.kube.client import Kube
from tests.e2e.kube.recording import Recording
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, gates, is_running, of, was_released


def _jobs_of(names: list[str], definition: str) -> list[str]:
    return [name for name in names if name.startswith(f"pre-{definition}-")]


def test_a_restart_after_the_jobs_are_gone_runs_nothing_again(kube: Kube, eyes: Eyes) -> None:
    with Recording(kube, "Job", eyes.namespace) as jobs:
        kube.create_all(
            eyes.namespace,
            manifests.container("good", "exit 0", ttlSecondsAfterFinished=0),
            manifests.container("bad", "exit 1", ttlSecondsAfterFinished=0),
            manifests.container("probe", "exit 0"),
            manifests.deployment("good", "good"),
            manifests.deployment("bad", "bad"),
        )
        eyes.released("good")
        eyes.rollout_failed("bad")
        kube.until("Job", eyes.namespace, lambda left: not left, "all Jobs are gone")
        before = [(t["metadata"]["name"], t["status"]) for t in kube.all("KeptnTask", eyes.namespace)]
        worker.restart(kube)
        kube.create(manifests.deployment("probe", "probe"), eyes.namespace)
        eyes.released("probe")
        assert len(_jobs_of(jobs.made, "good")) == 1
        assert len(_jobs_of(jobs.made, "bad")) == 1
        assert len(jobs.made) == 3
    after = [(t["metadata"]["name"], t["status"]) for t in kube.all("KeptnTask", eyes.namespace)]
    assert [entry for entry in after if entry in before] == before
    assert len(eyes.held("bad")) == 1


def test_killing_the_leader_in_mid_check_leaves_one_job_which_completes(kube: Kube, eyes: Eyes) -> None:
    with Recording(kube, "Job", eyes.namespace) as jobs:
        kube.create_all(
            eyes.namespace, manifests.container("check", "sleep 8"), manifests.deployment("waiter", "check")
        )
        eyes.task("check", done=lambda task: task.get("status", {}).get("status") == "Progressing")
        killed = worker.kill_leader(kube)
        eyes.released("waiter")
        assert len(jobs.made) == 1
    assert worker.leader(kube)["metadata"]["name"] != killed
    assert len(eyes.tasks("check")) == 1
    worker.all_ready(kube, without={killed})


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_a_scale_up_after_a_pass_is_not_held(kind: str, kube: Kube, eyes: Eyes) -> None:
    with Recording(kube, "Pod", eyes.namespace, labels=of("waiter")) as pods:
        kube.create_all(
            eyes.namespace,
            manifests.container("check", "exit 0"),
            manifests.workload(kind, "waiter", manifests.keys("waiter", "check"), replicas=1),
        )
        eyes.released("waiter")
        first = set(pods.made)
        kube.patch(kind, eyes.namespace, "waiter", {"spec": {"replicas": 3}})
        eyes.running("waiter", 3)
        added = [seen.object for seen in pods.seen if seen.object["metadata"]["name"] not in first]
    assert {pod["metadata"]["name"] for pod in added}
    assert all(gates(pod) == [] and not was_released(pod) for pod in added)
    assert len(eyes.tasks("check")) == 1


def test_an_old_revisions_pod_is_replaced_at_once_while_the_new_revision_is_held(kube: Kube, eyes: Eyes) -> None:
    strategy: Json = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    kube.create_all(
        eyes.namespace,
        manifests.container("good", "exit 0"),
        manifests.deployment("waiter", "good", "1", strategy=strategy),
    )
    (old,) = eyes.released("waiter")
    template = manifests.deployment("waiter", "good,later", "2")["spec"]["template"]
    kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": template}})
    (held,) = eyes.held("waiter")
    kube.delete("Pod", eyes.namespace, old["metadata"]["name"])

    def replaced(pods: list[Json]) -> Json | None:
        names = (old["metadata"]["name"], held["metadata"]["name"])
        return next((pod for pod in pods if pod["metadata"]["name"] not in names and is_running(pod)), None)

    fresh = kube.until("Pod", eyes.namespace, replaced, "the old revision's pod is replaced", labels=of("waiter"))
    assert fresh["metadata"]["labels"]["pod-template-hash"] == old["metadata"]["labels"]["pod-template-hash"]
    assert not was_released(fresh)
    assert [pod["metadata"]["name"] for pod in eyes.held("waiter")] == [held["metadata"]["name"]]


def test_the_same_version_with_another_image_is_checked_again(kube: Kube, eyes: Eyes, python_image: str) -> None:
    kube.create_all(
        eyes.namespace, manifests.container("check", "sleep 1"), manifests.deployment("waiter", "check", "1.0")
    )
    eyes.released("waiter")
    body: dict[str, Any] = manifests.deployment("waiter", "check", "1.0", image=python_image)
    kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": body["spec"]["template"]}})
    kube.until("KeptnTask", eyes.namespace, lambda tasks: len(tasks) == 2, "a second check of version 1.0")
    (pod,) = eyes.released("waiter")
    assert pod["spec"]["containers"][0]["image"] == python_image
    versions = kube.all("KeptnWorkloadVersion", eyes.namespace)
    assert [version["spec"]["version"] for version in versions] == ["1.0", "1.0"]


def test_a_rollback_to_what_has_passed_is_not_checked_again(kube: Kube, eyes: Eyes) -> None:
    first = manifests.deployment("waiter", "check", "1")
    second = manifests.deployment("waiter", "check", "2")
    kube.create_all(eyes.namespace, manifests.container("check", "exit 0"), first)
    eyes.released("waiter")
    kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": second["spec"]["template"]}})
    kube.until("KeptnTask", eyes.namespace, lambda tasks: len(tasks) == 2, "a check of version 2")
    eyes.released("waiter")
    kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": first["spec"]["template"]}})

    def back(pods: list[Json]) -> Json | None:
        alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        versions = {pod["metadata"]["annotations"]["keptn.sh/version"] for pod in alive}
        return alive[0] if versions == {"1"} and all(is_running(pod) for pod in alive) else None

    pod = kube.until("Pod", eyes.namespace, back, "version 1 runs again", labels=of("waiter"))
    assert not was_released(pod)
    assert len(eyes.tasks("check")) == 2


def test_a_held_pod_that_is_replaced_waits_for_the_same_verdict(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, manifests.container("check", "sleep 5"), manifests.deployment("waiter", "check"))
    (held,) = eyes.held("waiter")
    kube.delete("Pod", eyes.namespace, held["metadata"]["name"])
    (pod,) = eyes.released("waiter")
    assert pod["metadata"]["uid"] != held["metadata"]["uid"]
    assert len(eyes.tasks("check")) == 1


def test_a_job_deleted_in_mid_run_counts_as_an_attempt_and_is_made_once_more_under_another_name(
    kube: Kube, eyes: Eyes
) -> None:
    with Recording(kube, "Job", eyes.namespace) as jobs:
        kube.create_all(
            eyes.namespace,
            manifests.container("again", "sleep 3", retries=1),
            manifests.deployment("again", "again"),
            manifests.container("once", "sleep 3"),
            manifests.deployment("once", "once"),
        )
        for definition in ("again", "once"):
            task = eyes.task(definition, done=lambda task: task.get("status", {}).get("jobName"))
            kube.delete("Job", eyes.namespace, task["status"]["jobName"])
        eyes.released("again")
        assert len(_jobs_of(jobs.made, "again")) == len(set(_jobs_of(jobs.made, "again"))) == 2
        assert "JobDeleted" in eyes.rollout_failed("once")
        assert len(_jobs_of(jobs.made, "once")) == 1
    attempts = eyes.passed("again")["status"]["attempts"]
    assert [(attempt["number"], attempt["status"]) for attempt in attempts] == [(1, "Failed"), (2, "Succeeded")]
    assert len(eyes.held("once")) == 1
