"""Checks run where a namespace is strict about its pods."""

from collections.abc import Iterator

import pytest

from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes
from tests.e2e.namespaces import Namespaces

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
SIZE: Json = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}}
RUNNERS = ("deno", "python", "container")


def _checks(kube: Kube, namespace: str) -> None:
    kube.create_all(
        namespace,
        manifests.deno("deno", "console.log(1)"),
        manifests.python("python", "print(1)"),
        manifests.container("container", "exit 0"),
    )


@pytest.fixture
def restricted(kube: Kube, namespaces: Namespaces) -> Iterator[Eyes]:
    name = namespaces.new("restricted", labels=RESTRICTED)
    yield Eyes(kube, name)
    namespaces.delete(name)


def _quota(**hard: str) -> Json:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}}


def test_every_runner_runs_under_the_restricted_pod_security_standard(kube: Kube, restricted: Eyes) -> None:
    _checks(kube, restricted.namespace)
    body = manifests.deployment("waiter", ",".join(RUNNERS), pod={"securityContext": manifests.RESTRICTED})
    body["spec"]["template"]["spec"]["containers"][0]["securityContext"] = manifests.RESTRICTED_CONTAINER
    kube.create(body, restricted.namespace)
    for runner in RUNNERS:
        restricted.passed(runner)
    restricted.released("waiter")


def test_every_runner_runs_in_a_namespace_with_a_quota(kube: Kube, eyes: Eyes) -> None:
    hard = {"requests.cpu": "2", "requests.memory": "2Gi", "limits.cpu": "6", "limits.memory": "4Gi"}
    kube.create(_quota(**hard, **{"count/jobs.batch": "5"}), eyes.namespace)
    kube.until_one("ResourceQuota", eyes.namespace, "quota", lambda quota: quota["status"].get("hard"), "it counts")
    _checks(kube, eyes.namespace)
    body = manifests.deployment("waiter", ",".join(RUNNERS))
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = SIZE
    kube.create(body, eyes.namespace)
    for runner in RUNNERS:
        eyes.passed(runner)
    eyes.released("waiter")


def test_a_quota_that_leaves_no_room_for_a_job_is_named_and_the_check_starts_when_there_is_room(
    kube: Kube, eyes: Eyes
) -> None:
    kube.create(_quota(**{"count/jobs.batch": "0"}), eyes.namespace)
    kube.until_one("ResourceQuota", eyes.namespace, "quota", lambda quota: quota["status"].get("hard"), "it counts")
    kube.create_all(eyes.namespace, manifests.container("check", "exit 0"), manifests.deployment("waiter", "check"))
    task = eyes.task("check", done=lambda task: task.get("status", {}).get("reason"), seconds=15)
    assert "exceeded quota" in task["status"]["message"]
    assert len(eyes.held("waiter")) == 1
    kube.patch("ResourceQuota", eyes.namespace, "quota", {"spec": {"hard": {"count/jobs.batch": "5"}}})
    eyes.passed("check", seconds=30)
    eyes.released("waiter")
