"""Why a task's Job has no running pod, and when it will have one: words for its status while it waits."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from app.api.core import Job, Pod
from app.api.task import Attempt, Task
from app.lifecycle import durations

BACK_OFF: Final = "BackOff"
# Waiting reasons of a container whose image cannot be had, between which the kubelet goes to and fro.
PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff"})

_UNSCHEDULABLE: Final = "Unschedulable"
_UNMOUNTED: Final = "FailedMount"
_CREATING: Final = "ContainerCreating"
_BY_ITSELF: Final = "the kubelet tries again by itself, and that is no failed attempt"
# Waiting reasons of a container that mean trouble, not progress, and what comes of each.
TROUBLES: Final = {
    "CreateContainerConfigError": "once that is there, the kubelet starts the pod by itself",
    "CreateContainerError": _BY_ITSELF,
    "ErrImageNeverPull": _BY_ITSELF,
    "ErrImagePull": _BY_ITSELF,
    "ImageInspectError": _BY_ITSELF,
    "ImagePullBackOff": _BY_ITSELF,
    "InvalidImageName": "mend the image's name in the definition; until then no pod of the task can run",
    "RunContainerError": _BY_ITSELF,
    _UNSCHEDULABLE: "once there is room, the pod starts by itself",
    _UNMOUNTED: "create it again, and the kubelet starts the pod by itself, within two minutes",
}

# How the Job controller spaces a Job's pods, in seconds: doubled with each that has failed, up to the longest.
_FIRST_PAUSE: Final = 10
_LONGEST_PAUSE: Final = 600


def mounted(pod: Pod) -> list[str]:
    """The names of the ConfigMaps that a pod mounts."""
    return [volume.config_map.name for volume in pod.spec.volumes if volume.config_map]


def trouble(task: Task, pods: Iterable[Pod], absent: Collection[str] = ()) -> tuple[str, str]:
    """Reason and message of a pod that cannot start, in the kubelet's own words; two empty strings if all is well.

    The message says as well what will come of it, and that the task's timeout runs on. `absent` are ConfigMaps that are
    not there: of what a pod cannot mount the kubelet says nothing in its status.
    """
    for pod in pods:
        if pod.status.phase != "Pending" or pod.metadata.deletion_timestamp:
            continue
        for container in pod.status.container_statuses:
            waiting = container.state.waiting
            if waiting and waiting.reason in TROUBLES:
                return waiting.reason, _told(task, waiting.reason, waiting.message)
            if waiting and waiting.reason == _CREATING and (missing := [n for n in mounted(pod) if n in absent]):
                where = pod.metadata.namespace
                said = f"there is no ConfigMap {missing[0]} in namespace {where} any more, which has the script"
                return _UNMOUNTED, _told(task, _UNMOUNTED, said)
        for condition in pod.status.conditions:
            if condition.type == "PodScheduled" and condition.status == "False" and condition.reason == _UNSCHEDULABLE:
                return condition.reason, _told(task, condition.reason, condition.message)
    return "", ""


def backoff(task: Task, job: Job, pods: Iterable[Pod], attempts: Sequence[Attempt]) -> tuple[str, str]:
    """Reason and message while Kubernetes waits before the next attempt; two empty strings if it does not.

    The Job controller makes the next pod so much later than the last one's end: 10 s, 20 s, 40 s and so on, and counts
    what the cluster ended as well. It says so nowhere, and starts anew if it is itself restarted, so it may be sooner.
    """
    if any(pod.status.phase not in ("Succeeded", "Failed") for pod in pods):
        return "", ""
    # Each Job starts its count anew; an attempt without a pod is one whose Job was deleted.
    since = next((at for at in range(len(attempts), 0, -1) if not attempts[at - 1].pod_name), 0)
    failed = len(attempts) - since
    if not failed:
        return "", ""
    last = attempts[-1]
    if last.disrupted:
        what = f"the cluster ended the pod of attempt {last.number} ({last.reason}), which does not count"
    else:
        code = f" with exit code {last.exit_code}" if last.exit_code is not None else ""
        what = f"attempt {last.number} of {task.spec.retries + 1} failed{code}"
    if last.end_time is None:
        return BACK_OFF, f"{what}; Kubernetes waits a while before the next one"
    pause = min(_FIRST_PAUSE * 2 ** (failed - 1), _LONGEST_PAUSE)
    again = _time(last.end_time) + timedelta(seconds=pause)
    text = f"{what}; Kubernetes makes the next one at about {_stamp(again)}"
    if job.metadata.creation_timestamp:
        deadline = _time(job.metadata.creation_timestamp) + timedelta(seconds=_timeout(task))
        if deadline <= again:
            text = f"{what}; the next one would be at about {_stamp(again)}, but the timeout of {task.spec.timeout} "
            text += f"ends at {_stamp(deadline)}"
    return BACK_OFF, text


def never_ran(task: Task) -> str:
    """What kept the task's last pod from running, as its status says while it waits; "" if nothing did."""
    reason, message = task.status.reason, task.status.message
    if reason not in TROUBLES:
        return ""
    return f"its pod never ran: {reason}: {message.removesuffix(_advice(task, reason))}"


def _told(task: Task, reason: str, message: str) -> str:
    return f"{message}{_advice(task, reason)}"


def _advice(task: Task, reason: str) -> str:
    return f"; {TROUBLES[reason]}; the timeout of {task.spec.timeout} runs on"


def _timeout(task: Task) -> float:
    """Seconds after its start at which Kubernetes ends the Job, as `jobs.build` writes it."""
    return max(1, int(durations.parse(task.spec.timeout)))


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
