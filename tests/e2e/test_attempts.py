"""How often and how long a check may try. All of this takes its time, so all of it begins together."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.recording import Recording
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition, failed_rollout
from tests.e2e.namespaces import Namespaces

NOT_YET = "import sys\nprint('not yet')\nsys.exit(1)\n"
ENDLESS = "import time\nprint('waiting for the database')\ntime.sleep(600)\n"
SLOW_SECONDS = 25
DEADLINE_SECONDS = 10


@dataclass(frozen=True)
class Begun:
    eyes: Eyes
    deployments: Recording

    @property
    def namespace(self) -> str:
        return self.eyes.namespace


@pytest.fixture(scope="module")
def begun(kube: Kube, namespaces: Namespaces) -> Iterator[Begun]:
    name = namespaces.new("attempts")
    with Recording(kube, "Deployment", name) as deployments:
        kube.create_all(
            name,
            manifests.container("slow", f"sleep {SLOW_SECONDS}"),
            manifests.deployment("slow", "slow", progressDeadlineSeconds=DEADLINE_SECONDS),
            manifests.python("twice", NOT_YET, retries=1),
            manifests.deployment("twice", "twice"),
            manifests.config_map("mended", {"code": NOT_YET}),
            manifests.definition("mended", "python", {"configMapRef": {"name": "mended"}}, retries=1),
            manifests.deployment("mended", "mended"),
            manifests.python("endless", ENDLESS, timeout="4s", retries=2),
            manifests.deployment("endless", "endless"),
            manifests.container("hasty", "sleep 9"),
            manifests.deployment("hasty", "hasty", progressDeadlineSeconds=4),
        )
        eyes = Eyes(kube, name)
        eyes.task("mended", done=lambda task: task.get("status", {}).get("attempts"))
        kube.patch("ConfigMap", name, "mended", {"data": {"code": "print('now')\n"}})
        yield Begun(eyes, deployments)
    namespaces.delete(name)


def test_a_check_that_takes_longer_than_its_timeout_fails_with_kubernetes_own_words(begun: Begun) -> None:
    task = begun.eyes.failed("endless")
    assert task["status"]["reason"] == "DeadlineExceeded"
    assert task["status"]["message"] == "Job was active longer than specified deadline"
    assert "DeadlineExceeded" in begun.eyes.rollout_failed("endless")
    assert len(begun.eyes.held("endless")) == 1


def test_what_a_check_printed_before_its_timeout_is_kept(begun: Begun) -> None:
    def attempted(task: Json) -> bool:
        return task["spec"]["taskDefinition"] == "endless" and bool(task["status"].get("attempts"))

    task = begun.eyes.task("endless", done=attempted)
    (attempt,) = task["status"]["attempts"]
    assert (attempt["status"], attempt["reason"]) == ("Failed", "DeadlineExceeded")
    assert attempt["lastLines"] == "waiting for the database"
    assert (task["status"]["status"], task["status"]["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_check_that_uses_up_its_retries_fails_with_every_attempt_on_record(kube: Kube, begun: Begun) -> None:
    task = begun.eyes.failed("twice")
    attempts = task["status"]["attempts"]
    assert [attempt["number"] for attempt in attempts] == [1, 2]
    assert len({attempt["podName"] for attempt in attempts}) == 2
    assert [attempt["lastLines"] for attempt in attempts] == ["not yet", "not yet"]
    assert (task["status"]["reason"], task["status"]["message"]) == (
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
    )
    assert "2 attempts" in begun.eyes.rollout_failed("twice")
    pods = kube.all("Pod", begun.namespace, labels=f"batch.kubernetes.io/job-name={task['status']['jobName']}")
    assert {pod["metadata"]["name"] for pod in pods} == {attempt["podName"] for attempt in attempts}


@pytest.mark.parametrize("name", ["hasty", "slow"])
def test_a_slow_check_outlives_the_progress_deadline_without_failing_the_rollout(
    name: str, kube: Kube, begun: Begun
) -> None:
    begun.eyes.passed(name, seconds=SLOW_SECONDS + 20)
    begun.eyes.released(name)
    done = kube.until_one(
        "Deployment",
        begun.namespace,
        name,
        lambda deployment: condition(deployment, "Progressing").get("reason") == "NewReplicaSetAvailable",
        "its rollout is complete",
    )
    seen = [seen.object for seen in begun.deployments.seen if seen.object["metadata"]["name"] == name]
    assert not any(failed_rollout(deployment) for deployment in seen)
    assert any(f"{name} is running" in condition(deployment, "Progressing").get("message", "") for deployment in seen)
    assert condition(done, "Available")["status"] == "True"


def test_a_check_that_passes_at_its_second_try_opens_the_gate(begun: Begun) -> None:
    task = begun.eyes.passed("mended")
    assert [attempt["status"] for attempt in task["status"]["attempts"]] == ["Failed", "Succeeded"]
    assert [attempt["lastLines"] for attempt in task["status"]["attempts"]] == ["not yet", "now"]
    begun.eyes.released("mended")
