"""What the kubelet says of a pod, as it says it: phases, conditions, the states of containers."""

from collections.abc import Mapping
from typing import Any

from app.cluster.api import Json
from tests.simulation import clock

KILLED = 137
_OWN = ("Initialized", "Ready", "ContainersReady", "PodScheduled")


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}


def running(since: str) -> Json:
    return {"running": {"startedAt": since}}


def terminated(exit_code: int, said: str, started: str | None) -> Json:
    """`said` is the termination message, `started` when the container did, None if it never did."""
    if started is None:
        message = "The container could not be located when the pod was terminated"
        return {"terminated": {"exitCode": exit_code, "reason": "ContainerStatusUnknown", "message": message}}
    state: Json = {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}
    state |= {"startedAt": started, "finishedAt": clock.stamp()}
    return {"terminated": state | {"message": said} if said else state}


def status(pod: Json, phase: str, state: Json, *, restarts: int = 0, last: Json | None = None, **more: Any) -> Json:
    """A whole status, of a pod on a node. All its containers are in the same `state`; `last` is the one before it.

    `more` is added to it: a reason, a message.
    """
    old: Json = pod.get("status") or {}
    (word, details), *_ = state.items()
    ready = word == "running"
    containers = [
        {
            "name": container["name"],
            "image": container.get("image", ""),
            "state": state,
            "lastState": last or {},
            "ready": ready,
            "started": ready,
            "restartCount": restarts,
        }
        for container in pod["spec"]["containers"]
    ]
    return {
        "phase": phase,
        "startTime": old.get("startTime") or clock.stamp(),
        "conditions": _conditions(old, pod, word, details),
        "containerStatuses": containers,
        **more,
    }


def unschedulable(pod: Json, message: str) -> Json:
    """The status of a pod that fits no node."""
    words = {"reason": "Unschedulable", "message": message}
    condition = _condition(pod.get("status") or {}, "PodScheduled", "False", words)
    return {"phase": "Pending", "conditions": [condition]}


def _conditions(old: Json, pod: Json, word: str, details: Mapping[str, Any]) -> list[Json]:
    why: dict[str, str] = {}
    if word == "terminated" and pod["spec"].get("restartPolicy") == "Never":
        why = {"reason": "PodFailed" if details["exitCode"] else "PodCompleted"}
    elif word != "running":
        names = " ".join(container["name"] for container in pod["spec"]["containers"])
        why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{names}]"}
    ready = "True" if word == "running" else "False"
    others = [each for each in old.get("conditions") or () if each["type"] not in _OWN]
    return [
        *others,
        _condition(old, "Initialized", "True", {}),
        _condition(old, "Ready", ready, why),
        _condition(old, "ContainersReady", ready, why),
        _condition(old, "PodScheduled", "True", {}),
    ]


def _condition(old: Json, type_: str, value: str, words: dict[str, str]) -> Json:
    """The time of a condition is when its status changed last."""
    known = next((each for each in old.get("conditions") or () if each["type"] == type_), None)
    if known is not None and known["status"] == value and known.get("lastTransitionTime"):
        since = known["lastTransitionTime"]
    else:
        since = clock.stamp()
    return {"type": type_, "status": value, "lastTransitionTime": since, **words}
