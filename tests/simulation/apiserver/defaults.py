"""What the API server fills in when an object is made, where somebody reads it."""

from collections.abc import Callable

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation import clock

GRACE_SECONDS = 30
REPLICAS = {"replicas": 1}
GATED = {
    "type": "PodScheduled",
    "status": "False",
    "lastProbeTime": None,
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}
_UID_LABEL = "batch.kubernetes.io/controller-uid"


def fill(resource: str, body: Json) -> None:
    """Completes a new object, which has its name and uid, in place. `resource` is its plural."""
    if resource in _FILLERS:
        _FILLERS[resource](body)


def _pod(body: Json) -> None:
    body["spec"] = {"terminationGracePeriodSeconds": GRACE_SECONDS, "restartPolicy": "Always", **body["spec"]}
    body["status"] = {"phase": "Pending"}
    if body["spec"].get("schedulingGates"):
        body["status"]["conditions"] = [GATED | {"lastTransitionTime": clock.stamp()}]


def _namespace(body: Json) -> None:
    body["spec"] = {"finalizers": ["kubernetes"]}
    body["status"] = {"phase": "Active"}
    meta = body["metadata"]
    meta["labels"] = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": meta["name"]}


def _deployment(body: Json) -> None:
    body["spec"] = {"progressDeadlineSeconds": 600, **REPLICAS, **body["spec"]}
    body["status"] = {}


def _replica_set(body: Json) -> None:
    body["spec"] = REPLICAS | body["spec"]
    body["status"] = {"replicas": 0}


def _stateful_set(body: Json) -> None:
    body["spec"] = {"podManagementPolicy": "OrderedReady", **REPLICAS, **body["spec"]}
    body["status"] = {"replicas": 0, "availableReplicas": 0}


def _daemon_set(body: Json) -> None:
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    body["status"] = dict.fromkeys(counts, 0)


def _job(body: Json) -> None:
    meta = body["metadata"]
    spec = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "suspend": False, **body["spec"]}
    template = spec["template"]
    mine = {_UID_LABEL: meta["uid"], "batch.kubernetes.io/job-name": meta["name"]}
    mine |= {"controller-uid": meta["uid"], "job-name": meta["name"]}
    about = template.get("metadata") or {}
    labels = {**(about.get("labels") or {}), **mine}
    spec["template"] = {**template, "metadata": {**about, "labels": labels}}
    spec["selector"] = {"matchLabels": {_UID_LABEL: meta["uid"]}}
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    meta.setdefault("labels", labels)
    body["spec"], body["status"] = spec, {}


_FILLERS: dict[str, Callable[[Json], None]] = {
    resources.PODS.plural: _pod,
    resources.NAMESPACES.plural: _namespace,
    resources.DEPLOYMENTS.plural: _deployment,
    resources.REPLICASETS.plural: _replica_set,
    resources.STATEFULSETS.plural: _stateful_set,
    resources.DAEMONSETS.plural: _daemon_set,
    resources.JOBS.plural: _job,
}
