"""A failed check keeps the gate closed, fails the rollout at once, and says why."""

import time

import pytest

from app.api.wellknown import LABEL, LABEL_TASK
from tests.e2e import dump, manifests, worker
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.recording import Recording
from tests.e2e.looks import Eyes, failed_rollout, is_held, last_lines

FAILING = "echo looking at the schema; echo ERROR: the database is two migrations behind; exit 3"
LAST_LINE = "ERROR: the database is two migrations behind"


def test_a_failed_check_fails_the_rollout_within_a_second_of_its_pods_end(
    kube: Kube, kubectl: Kubectl, eyes: Eyes
) -> None:
    kube.create(manifests.container("migrations", f"sleep 2; {FAILING}"), eyes.namespace)
    with (
        Recording(kube, "Pod", eyes.namespace, labels=f"{LABEL}={LABEL_TASK}") as pods,
        Recording(kube, "Deployment", eyes.namespace) as deployments,
    ):
        kube.create(manifests.deployment("waiter", "migrations"), eyes.namespace)
        with kubectl.background(
            "-n", eyes.namespace, "rollout", "status", "deployment/waiter", "--timeout=60s"
        ) as rollout:
            ended = pods.wait(lambda seen: seen.object["status"].get("phase") == "Failed", "the check's pod fails")
            failed = deployments.wait(lambda seen: failed_rollout(seen.object), "the rollout fails")
            _, words = rollout.communicate(timeout=5)
            told = time.monotonic()
    assert failed.at - ended.at < 1.0
    assert told - ended.at < 2.0
    assert rollout.returncode != 0
    assert "exceeded its progress deadline" in words


def test_the_rollouts_own_status_and_events_name_the_task_its_last_lines_and_what_to_do(
    kube: Kube, kubectl: Kubectl, eyes: Eyes
) -> None:
    kube.create_all(
        eyes.namespace, manifests.container("migrations", FAILING), manifests.deployment("waiter", "migrations")
    )
    message = eyes.rollout_failed("waiter")
    (pod,) = eyes.held("waiter")
    task = eyes.failed("migrations")
    for words in ("migrations", task["metadata"]["name"], LAST_LINE, "kubectl rollout restart", "keptn.sh/retry"):
        assert words in message
    for kind, name in (("Deployment", "waiter"), ("Pod", pod["metadata"]["name"])):
        event = eyes.event(
            kind, name, lambda event: event["message"] == message, f"an event on the {kind} that says so"
        )
        assert event["type"] == "Warning"
        assert LAST_LINE in kubectl("-n", eyes.namespace, "describe", kind.lower(), name).out


def test_a_gate_stays_closed_after_a_restart_and_without_the_job_and_the_definition(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("migrations", FAILING),
        manifests.container("good", "exit 0"),
        manifests.deployment("waiter", "migrations"),
    )
    eyes.rollout_failed("waiter")
    task = eyes.failed("migrations")

    def job_goes() -> None:
        kube.delete("Job", eyes.namespace, task["status"]["jobName"])

    def definition_goes() -> None:
        kube.delete("KeptnTaskDefinition", eyes.namespace, "migrations")

    with (
        Recording(kube, "Job", eyes.namespace) as jobs,
        Recording(kube, "Pod", eyes.namespace, labels="app=waiter") as pods,
    ):
        for number, what_happens in enumerate((job_goes, lambda: worker.restart(kube), definition_goes)):
            what_happens()
            # Whatever the worker makes of it, it has made it by the time that a later rollout is through.
            kube.create(manifests.deployment(f"probe-{number}", "good"), eyes.namespace)
            eyes.released(f"probe-{number}")
        assert all(is_held(seen.object) for seen in pods.seen)
        assert len([name for name in jobs.made if "migrations" in name]) == 1
    assert eyes.failed("migrations")["status"] == task["status"]


def test_a_tasks_status_keeps_each_attempt_when_its_pod_and_job_are_gone(kube: Kube, eyes: Eyes) -> None:
    check = manifests.container("migrations", FAILING, ttlSecondsAfterFinished=0)
    kube.create_all(eyes.namespace, check, manifests.deployment("waiter", "migrations"))
    job = eyes.failed("migrations")["status"]["jobName"]
    kube.until("Job", eyes.namespace, lambda jobs: not jobs, "the Job is gone")
    kube.until(
        "Pod", eyes.namespace, lambda pods: not pods, "its pod is gone", labels=f"batch.kubernetes.io/job-name={job}"
    )
    task = eyes.failed("migrations")
    (attempt,) = task["status"]["attempts"]
    assert attempt["number"] == 1
    assert attempt["podName"].startswith(job)
    assert attempt["status"] == "Failed"
    assert attempt["exitCode"] == 3
    assert attempt["lastLines"].splitlines()[-1] == LAST_LINE
    assert attempt["startTime"] <= attempt["endTime"]
    assert task["status"]["reason"] == "BackoffLimitExceeded"
    assert task["status"]["message"] == "Job has reached the specified backoff limit"


def test_the_phases_after_a_failed_one_are_deprecated(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace, manifests.container("migrations", FAILING), manifests.deployment("waiter", "migrations")
    )
    eyes.rollout_failed("waiter")
    status = kube.get("KeptnWorkloadVersion", eyes.namespace, "waiter-waiter-1.0")["status"]
    phases = ("preDeployment", "preDeploymentEvaluation", "deployment", "postDeployment", "postDeploymentEvaluation")
    assert [status[f"{phase}Status"] for phase in phases] == ["Failed", *["Deprecated"] * 4]
    assert (status["status"], status["currentPhase"]) == ("Failed", "WorkloadPreDeployTasks")
    (item,) = status["preDeploymentTaskStatus"]
    assert (item["definitionName"], item["status"]) == ("migrations", "Failed")


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "ReplicaSet"])
def test_a_failed_check_says_so_on_every_kind_of_workload(kind: str, kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("migrations", FAILING),
        manifests.workload(kind, "waiter", manifests.keys("waiter", "migrations")),
    )
    eyes.failed("migrations")
    eyes.event(kind, "waiter", lambda event: LAST_LINE in event["message"], "an event that says why it is held")
    assert len(eyes.held("waiter")) == 1


@pytest.mark.parametrize("how", ["script", "container"])
def test_a_secret_that_a_check_prints_is_nowhere_but_in_its_secret(how: str, kube: Kube, eyes: Eyes) -> None:
    canary = "canary-4711-of-the-coal-mine"
    if how == "script":
        code = 'import os, sys\nprint("the token is", os.environ["SECURE_DATA"])\nsys.exit(1)\n'
        check = manifests.python("leaky", code, secret="token")
    else:
        source = {"secretKeyRef": {"name": "token", "key": "SECURE_DATA"}}
        check = manifests.container(
            "leaky", 'echo "the token is $TOKEN"; exit 1', of={"env": [{"name": "TOKEN", "valueFrom": source}]}
        )
    kube.create_all(
        eyes.namespace,
        manifests.secret("token", SECURE_DATA=canary),
        check,
        manifests.deployment("waiter", "leaky"),
    )
    task = eyes.failed("leaky")
    assert last_lines(task) == ("the token is ***" if how == "script" else "")
    message = eyes.rollout_failed("waiter")
    eyes.event("Deployment", "waiter", lambda event: event["message"] == message, "the failure's event")
    for kind in (
        "KeptnTask",
        "KeptnWorkloadVersion",
        "KeptnWorkload",
        "Deployment",
        "Event",
        "Job",
        "ConfigMap",
        "Pod",
    ):
        assert canary not in str(kube.all(kind, eyes.namespace)), kind
    for component in ("worker", "webhook"):
        assert canary not in "\n".join(dump.logs(kube, component))
