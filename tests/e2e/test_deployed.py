"""A version's deploy phase ends when its workload is really up: not sooner, and hardly later."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.api.wellknown import ROLLOUT_POD_HASH
from tests.e2e import manifests
from tests.e2e.kube.client import Kube, Refused
from tests.e2e.kube.recording import Recording, Seen
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition, was_released

# Seconds from the workload's own status to the version's.
SOON = 1.5
CRD = "rollouts.argoproj.io"


def ready_after(seconds: int) -> Json:
    """The spec of a pod that is ready so long after it has started."""
    container = manifests.template("", {})["spec"]["containers"][0]
    script = f"sleep {seconds}; touch /tmp/ready; exec sleep 1000000"
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1}
    return {"containers": [container | {"command": ["sh", "-c", script], "readinessProbe": probe}]}


def workload(kind: str, name: str, version: str, seconds: int, **spec: Any) -> Json:
    keys = manifests.keys(name, "before", version, post_deployment_tasks="after")
    return manifests.workload(kind, name, keys, pod=ready_after(seconds), **spec)


def deployed(thing: Json) -> str:
    return str((thing.get("status") or {}).get("deploymentStatus", ""))


def up(eyes: Eyes, version: str, seconds: float = 60) -> Json:
    return eyes.kube.until_one(
        "KeptnWorkloadVersion",
        eyes.namespace,
        version,
        lambda found: deployed(found) == "Succeeded",
        "its workload is up",
        seconds=seconds,
    )


def first(seen: list[Seen], done: Callable[[Json], bool]) -> Seen:
    return next(each for each in seen if done(each.object))


def all_updated(kind: str, body: Json, number: int) -> bool:
    status = body.get("status") or {}
    if status.get("observedGeneration", 0) < body["metadata"]["generation"]:
        return False
    fields = {
        "Deployment": ("replicas", "updatedReplicas", "availableReplicas"),
        "StatefulSet": ("replicas", "updatedReplicas", "availableReplicas"),
        "DaemonSet": ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"),
    }[kind]
    return all(status.get(field, 0) == number for field in fields)


@pytest.fixture
def place(kube: Kube, eyes: Eyes) -> Eyes:
    kube.create_all(eyes.namespace, manifests.container("before", "true"), manifests.container("after", "true"))
    return eyes


@pytest.mark.parametrize(
    ("kind", "number", "spec"),
    [
        ("Deployment", 3, {"replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}),
        ("StatefulSet", 2, {"replicas": 2}),
        ("DaemonSet", 1, {}),
    ],
)
def test_an_update_is_over_when_every_pod_is_new_and_ready(
    kind: str, number: int, spec: Json, kube: Kube, place: Eyes
) -> None:
    kube.create(workload(kind, "web", "1.0", 0, **spec), place.namespace)
    up(place, "web-web-1.0")
    template = workload(kind, "web", "2.0", 3)["spec"]["template"]
    with (
        Recording(kube, kind, place.namespace) as owners,
        Recording(kube, "ReplicaSet", place.namespace) as replica_sets,
        Recording(kube, "KeptnTask", place.namespace) as tasks,
        Recording(kube, "KeptnWorkloadVersion", place.namespace) as versions,
    ):
        kube.patch(kind, place.namespace, "web", {"spec": {"template": template}})
        versions.wait(lambda seen: is_new(seen.object) and deployed(seen.object) == "Succeeded", "2.0 is up")
        tasks.wait(lambda seen: is_new_after(seen.object), "the task after it")
        owners.wait(lambda seen: is_new_owner(seen.object) and all_updated(kind, seen.object, number), "it says so")
    ended = first(versions.seen, lambda body: is_new(body) and deployed(body) == "Succeeded")
    ready = first(owners.seen, lambda body: is_new_owner(body) and all_updated(kind, body, number))
    after = first(tasks.seen, is_new_after)
    assert ready.at < ended.at + 0.1  # two watches need not tell in order
    assert ended.at - ready.at < SOON
    assert after.at > ready.at - 0.1
    if kind != "DaemonSet":
        counted = replica_sets if kind == "Deployment" else owners
        early = first(counted.seen, is_enough_for_keptn)
        assert ended.at - early.at > 3, "Keptn would have waited as long, so this shows nothing"


def is_new(version: Json) -> bool:
    return str(version["metadata"]["name"]) == "web-web-2.0"


def is_new_after(task: Json) -> bool:
    return bool(task["spec"]["taskDefinition"] == "after" and task["spec"]["context"]["workloadVersion"] == "2.0")


def is_new_owner(body: Json) -> bool:
    return bool(body["spec"]["template"]["metadata"]["annotations"]["keptn.sh/version"] == "2.0")


def is_enough_for_keptn(body: Json) -> bool:
    """Keptn compares two numbers, of the new ReplicaSet or of the StatefulSet (keptn-behaviour 3.7)."""
    status = body.get("status") or {}
    has_new_pods = is_new_owner(body) and status.get("updatedReplicas", 1) > 0
    return has_new_pods and bool(body["spec"]["replicas"] == status.get("availableReplicas", 0) > 0)


def test_the_task_after_a_deployment_runs_when_its_first_pods_are_ready(kube: Kube, place: Eyes) -> None:
    with (
        Recording(kube, "Deployment", place.namespace) as deployments,
        Recording(kube, "KeptnTask", place.namespace) as tasks,
    ):
        kube.create(workload("Deployment", "web", "1.0", 3, replicas=2), place.namespace)
        place.passed("after")
    ready = first(deployments.seen, lambda body: all_updated("Deployment", body, 2))
    after = first(tasks.seen, lambda body: body["spec"]["taskDefinition"] == "after")
    assert 0 < after.at - ready.at < SOON


def test_a_workload_of_which_nothing_is_asked_for_by_now_is_up(kube: Kube, place: Eyes) -> None:
    kube.create(workload("Deployment", "web", "1.0", 600), place.namespace)
    kube.until_one(
        "KeptnWorkloadVersion", place.namespace, "web-web-1.0", lambda v: deployed(v) == "Progressing", "it goes"
    )
    kube.patch("Deployment", place.namespace, "web", {"spec": {"replicas": 0}})
    up(place, "web-web-1.0", 10)


def test_a_deployment_that_ends_its_old_pods_first_is_told_so(kube: Kube, place: Eyes) -> None:
    kube.create(workload("Deployment", "web", "1.0", 0, strategy={"type": "Recreate"}), place.namespace)
    event = place.event(
        "Deployment", "web", lambda each: bool(each["reason"] == "OldPodsEndBeforeChecks"), "a word on its strategy"
    )
    assert (event["type"], event["count"]) == ("Warning", 1)
    assert "all old pods end before the new ones are checked" in event["message"]


# Argo Rollouts: the kind alone, and what its controller would write.


def rolled(name: str, uid: str, pod_annotations: dict[str, str], replicas: int = 2) -> Json:
    """The ReplicaSet that Argo's controller makes for a Rollout."""
    body = manifests.workload("ReplicaSet", f"{name}-5d8", pod_annotations, replicas=replicas)
    owner = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    body["metadata"] |= {"ownerReferences": [owner], "labels": {ROLLOUT_POD_HASH: "5d8"}}
    return body


def test_a_cluster_need_not_have_rollouts(kube: Kube, place: Eyes) -> None:
    assert kube.find("CustomResourceDefinition", "", CRD) is None
    kube.create(rolled("own", "no-such-uid", manifests.keys("own", "before"), 1), place.namespace)
    place.released("own-5d8")
    assert (
        kube.get("KeptnWorkloadVersion", place.namespace, "own-own-1.0")["status"]["preDeploymentStatus"] == "Succeeded"
    )
    kube.create(rolled("other", "no-such-uid-either", {}, 1), place.namespace)
    (pod,) = place.running("other-5d8")
    assert not was_released(pod)


@pytest.fixture(scope="module")
def argo(kube: Kube) -> Iterator[None]:
    """The kind, as far as anybody here looks at it."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    kube.create(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": CRD},
            "spec": {
                "group": "argoproj.io",
                "scope": "Namespaced",
                "names": {"kind": "Rollout", "plural": "rollouts", "singular": "rollout", "listKind": "RolloutList"},
                "versions": [version],
            },
        }
    )
    try:
        kube.until_one(
            "CustomResourceDefinition",
            "",
            CRD,
            lambda found: condition(found, "Established").get("status") == "True",
            "it is served",
        )
        yield
    finally:
        kube.delete("CustomResourceDefinition", "", CRD)


def rollout(kube: Kube, eyes: Eyes, name: str, checks: str) -> None:
    """A Rollout with its keys on itself, and its ReplicaSet, as its controller leaves them at first."""
    keys = manifests.keys(name, checks, post_deployment_tasks="after")
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "annotations": keys},
        "spec": {"replicas": 2, "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}},
    }
    deadline = time.monotonic() + 10
    while True:
        try:
            uid = kube.create(body, eyes.namespace).body["metadata"]["uid"]
            break
        except Refused as error:  # established, and yet not served for a moment
            if error.status != 404 or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    says(kube, eyes, name, "Progressing", 0, 0)
    kube.create(rolled(name, uid, {}), eyes.namespace)


def says(kube: Kube, eyes: Eyes, name: str, phase: str, replicas: int, updated: int) -> None:
    generation = str(kube.get("Rollout", eyes.namespace, name)["metadata"]["generation"])
    status = {
        "phase": phase,
        "replicas": replicas,
        "updatedReplicas": updated,
        "currentPodHash": "5d8",
        "observedGeneration": generation,
    }
    kube.patch("Rollout", eyes.namespace, name, {"status": status}, subresource="status")


@pytest.mark.usefixtures("argo")
def test_a_rollouts_keys_count_and_it_is_up_when_it_says_so(kube: Kube, place: Eyes) -> None:
    rollout(kube, place, "web", "before")
    pods = place.released("web-5d8", 2)
    assert all("keptn.sh/workload" not in pod["metadata"]["annotations"] for pod in pods)
    (owner,) = kube.get("KeptnWorkload", place.namespace, "web-web")["metadata"]["ownerReferences"]
    assert (owner["apiVersion"], owner["kind"], owner["name"]) == ("argoproj.io/v1alpha1", "Rollout", "web")
    says(kube, place, "web", "Paused", 3, 2)
    time.sleep(5)
    assert deployed(kube.get("KeptnWorkloadVersion", place.namespace, "web-web-1.0")) == "Progressing"
    assert place.tasks("after") == []
    says(kube, place, "web", "Healthy", 2, 2)
    up(place, "web-web-1.0", 5)
    place.passed("after")


@pytest.mark.usefixtures("argo")
def test_a_retry_may_be_asked_for_on_a_rollout(kube: Kube, place: Eyes) -> None:
    kube.create(manifests.container("gives-up", "exit 1"), place.namespace)
    rollout(kube, place, "again", "gives-up")
    place.failed("gives-up")
    assert len(place.held("again-5d8", 2)) == 2
    told = place.event("Rollout", "again", lambda each: bool(each["type"] == "Warning"), "a word on the failure")
    assert told["reason"] == "WorkloadPreDeployTasksFailed"
    spec = manifests.container("gives-up", "true")["spec"]
    kube.patch("KeptnTaskDefinition", place.namespace, "gives-up", {"spec": spec})
    retry = {"metadata": {"annotations": {"keptn.sh/retry": "1"}}}
    kube.patch("Rollout", place.namespace, "again", retry)
    kube.patch("ReplicaSet", place.namespace, "again-5d8", retry)  # as Argo's controller hands a Rollout's own on
    place.released("again-5d8", 2)
