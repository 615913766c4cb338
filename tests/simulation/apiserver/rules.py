"""What the API server itself refuses or sets, kind by kind, as far as Holdfast can meet it."""

import re
from typing import Any

from app.cluster import errors, resources
from app.cluster.api import Json, Resource

# Kinds without a status of their own: everything is written at once.
WITHOUT_STATUS = frozenset({"configmaps", "secrets", "events", "leases", "controllerrevisions"})
# Kinds whose objects never have a generation.
WITHOUT_GENERATION = WITHOUT_STATUS - {"controllerrevisions"} | {"namespaces", "nodes", "resourcequotas"}
# Kinds whose annotations can be changed together with their status, which the controller of Deployments does.
STATUS_WITH_ANNOTATIONS = frozenset({"deployments"})
LONGEST_GENERATED = 58  # characters of a generateName that are kept, for a name of 63

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
DEFAULT_GRACE_SECONDS = 30


def invalid(resource: Resource, name: str, message: str) -> errors.Invalid:
    return errors.Invalid(422, "Invalid", f'{resource.kind} "{name}" is invalid: {message}')


def check_name(resource: Resource, name: str) -> None:
    """Raises Invalid for a name that no object of that kind can have."""
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise invalid(
            resource, name, f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain must ...'
        )


def check_new(resource: Resource, body: Json) -> None:
    """Raises Invalid for an object that cannot be created."""
    if resource == resources.PODS and body["spec"].get("nodeName") and body["spec"].get("schedulingGates"):
        raise invalid(
            resource,
            body["metadata"]["name"],
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        )


def check_update(resource: Resource, old: Json, new: Json) -> None:
    """Raises Invalid for a change that an object of that kind cannot undergo."""
    if resource != resources.PODS:
        return
    name = old["metadata"]["name"]
    was, now = old["spec"], new["spec"]
    if was is now or was == now:
        return
    gates_before = {gate["name"] for gate in was.get("schedulingGates") or ()}
    gates = [gate["name"] for gate in now.get("schedulingGates") or ()]
    if not gates_before.issuperset(gates):
        raise invalid(
            resource, name, "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate"
        )
    if now.get("nodeName") != was.get("nodeName") and gates:
        raise invalid(
            resource, name, "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"
        )
    for part in (was, now):
        if _fixed(part) != _fixed(was):
            raise invalid(resource, name, "spec: Forbidden: pod updates may not change fields other than ...")


def default(resource: Resource, body: Json) -> Json:
    """A new object with what the API server fills in, where somebody reads it."""
    if resource == resources.PODS:
        body["spec"].setdefault("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
        body["spec"].setdefault("restartPolicy", "Always")
        body["status"] = {"phase": "Pending"} | (body.get("status") or {})
        if body["spec"].get("schedulingGates"):
            gated = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
            body["status"]["conditions"] = [
                gated | {"message": "Scheduling is blocked due to non-empty scheduling gates"}
            ]
    elif resource == resources.NAMESPACES:
        body["spec"] = {"finalizers": ["kubernetes"]}
        body["status"] = {"phase": "Active"}
        body["metadata"]["labels"] = {
            **(body["metadata"].get("labels") or {}),
            "kubernetes.io/metadata.name": body["metadata"]["name"],
        }
    elif resource == resources.DEPLOYMENTS:
        body["spec"].setdefault("progressDeadlineSeconds", 600)
        body["spec"].setdefault("replicas", 1)
    elif resource in (resources.REPLICASETS, resources.STATEFULSETS):
        body["spec"].setdefault("replicas", 1)
    return body


def _fixed(spec: dict[str, Any]) -> dict[str, Any]:
    """What cannot be changed of a pod's spec; images can, and tolerations, which nobody here does."""
    free = ("schedulingGates", "nodeName", "containers", "initContainers", "activeDeadlineSeconds")
    return {name: value for name, value in spec.items() if name not in free}
