"""A task's next step, from its own status, its Job and the pods of that Job.

The verdict lives in the KeptnTask's status, never in the Job's existence: a task that has one takes no step again, and
a Job that is gone is either not needed any more or made once more under another name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.api import wellknown
from app.api.core import Job, Pod, PodCondition, Terminated
from app.api.task import Attempt, Task
from app.lifecycle import names
from app.lifecycle.states import State, is_completed

KEPT_ATTEMPTS = 25
BACKOFF_REASON = "BackoffLimitExceeded"
BACKOFF_MESSAGE = "Job has reached the specified backoff limit"

_LOST_REASON = "JobDeleted"
_UNSEEN = "ContainerStatusUnknown"

# What the API server calls a pod that it refuses: the Job's name and five random characters.
_POD_NAME = re.compile(r'\bpods? "[^"]*"')

# Waiting reasons of a container that mean trouble, not progress.
_TROUBLE = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
_PULLING = frozenset({"ErrImagePull", "ImagePullBackOff"})


@dataclass(frozen=True, slots=True)
class Nothing:
    """The task has its verdict, or all is well and it just runs."""


@dataclass(frozen=True, slots=True)
class StartJob:
    """Make the Job of this run; `failures` attempts count already."""

    run: int
    failures: int


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """These fields of the status are to be written; `verdict` is set if they hold one."""

    fields: dict[str, Any]
    verdict: State | None = None


Step = Nothing | StartJob | WriteStatus


def next_step(task: Task, job: Job | None, pods: Sequence[Pod], now: str, complaint: str = "") -> Step:
    """What to do for `task` now. `job` is its newest, None if there is none for certain.

    `pods` are those that `job` controls, in any order; `now` is RFC 3339; `complaint` is what the Job controller said
    when it could make no pod. Sources: keptn-behaviour 3.9 for the states, the design for judging by the pod's end,
    about a second before the Job's own condition. Where the two differ, the Job's word counts: a pod that its Job stops
    at the deadline may well end with exit code 0.
    """
    status = task.status
    if is_completed(status.status) or task.metadata.deletion_timestamp:
        return Nothing()
    lost = bool(status.job_name) and (job is None or job.metadata.name != status.job_name)
    attempts = record((*status.attempts, _lost(task)) if lost else status.attempts, pods)
    failed = max(failures(attempts), job.status.failed if job and status.runs <= 1 and not lost else 0)
    limit = task.spec.retries + 1
    if job is None:
        if failed < limit:
            return StartJob(run=status.runs + 1, failures=failed)
        reason, message = (_LOST_REASON, attempts[-1].message) if lost else (BACKOFF_REASON, BACKOFF_MESSAGE)
        return _verdict(State.FAILED, attempts, now, reason, message)
    fields = _started(task, job, now)
    for condition in job.status.conditions:
        if condition.status == "True" and condition.type in ("Complete", "SuccessCriteriaMet"):
            return _verdict(State.SUCCEEDED, attempts, now, begun=fields)
        if condition.status == "True" and condition.type in ("Failed", "FailureTarget"):
            return _verdict(State.FAILED, attempts, now, condition.reason, condition.message, begun=fields)
    if any(attempt.status == State.SUCCEEDED for attempt in attempts):
        return _verdict(State.SUCCEEDED, attempts, now, begun=fields)
    if failed >= limit:
        return _verdict(State.FAILED, attempts, now, BACKOFF_REASON, BACKOFF_MESSAGE, begun=fields)
    if status.status != State.PROGRESSING:
        fields["status"] = State.PROGRESSING.value
    reason, message = trouble(pods) if pods or not complaint else ("FailedCreate", _steady(complaint))
    if reason in _PULLING and status.reason in _PULLING:
        reason, message = status.reason, status.message  # the kubelet goes to and fro between the two
    if (reason, message) != (status.reason, status.message):
        fields |= {"reason": reason, "message": message}
    if attempts != status.attempts:
        fields["attempts"] = [attempt.dump() for attempt in attempts]
    return WriteStatus(fields) if fields else Nothing()


def unsaid(task: Task, now: str) -> WriteStatus:
    """The status of a task whose Job was made and was gone before the status spoke of it."""
    run = task.status.runs + 1
    name = names.job_name(task.metadata.name, task.metadata.uid, run)
    start = task.status.start_time or now
    return WriteStatus({"status": State.PROGRESSING.value, "jobName": name, "runs": run, "startTime": start})


def afterword(task: Task, pods: Sequence[Pod]) -> WriteStatus | Nothing:
    """What a failed task's status lacks: the pod that its Job stopped at the deadline, which ends after the verdict.

    Only attempts are added. The verdict and all else stay as they are.
    """
    if task.status.status != State.FAILED or task.metadata.deletion_timestamp:
        return Nothing()
    known = task.status.attempts
    attempts = known
    for pod in _unknown(known, pods):
        if not pod.metadata.deletion_timestamp or not any(s.state.terminated for s in pod.status.container_statuses):
            continue
        attempt = _attempt(pod, _next_number(attempts))
        if not attempt.disrupted:
            attempt = attempt.model_copy(update={"status": State.FAILED, "reason": task.status.reason})
        attempts = (*attempts, attempt)
    if attempts == known:
        return Nothing()
    return WriteStatus({"attempts": [attempt.dump() for attempt in attempts[-KEPT_ATTEMPTS:]]})


def waiting(task: Task, reason: str, message: str) -> WriteStatus | Nothing:
    """The status of a task whose Job cannot be made yet: Pending, with what it waits for."""
    if is_completed(task.status.status) or (task.status.reason, task.status.message) == (reason, message):
        return Nothing()
    return WriteStatus({"reason": reason, "message": message})


def refused(task: Task, reason: str, message: str, now: str) -> WriteStatus:
    """The verdict on a task whose Job the API server will never take as it is."""
    return _verdict(State.FAILED, task.status.attempts, now, reason, message)


def record(known: tuple[Attempt, ...], pods: Iterable[Pod]) -> tuple[Attempt, ...]:
    """The attempts known so far and those of pods that have ended since, numbered in order of their start.

    A pod that is being deleted is not an attempt of its own: its Job says why it went (the deadline, most often). But
    where the cluster has ended it, the pod itself says so.
    """
    attempts = known
    for pod in _unknown(known, pods):
        ended = pod.status.phase in ("Succeeded", "Failed") and not pod.metadata.deletion_timestamp
        if ended or _disruption(pod):
            attempts = (*attempts, _attempt(pod, _next_number(attempts)))
    return attempts[-KEPT_ATTEMPTS:]


def failures(attempts: Sequence[Attempt]) -> int:
    """How many attempts count as failed. The oldest may not be kept any more, so the last one's number tells.

    What a Job's own `status.failed` counts is the same: pods that its podFailurePolicy ignores are not in it.
    """
    succeeded = sum(attempt.status == State.SUCCEEDED for attempt in attempts)
    return _next_number(attempts) - 1 - succeeded


def judged(attempts: Sequence[Attempt]) -> Attempt | None:
    """The last attempt that counts, None if there is none."""
    return next((attempt for attempt in reversed(attempts) if not attempt.disrupted), None)


def trouble(pods: Iterable[Pod]) -> tuple[str, str]:
    """Reason and message of a pod that cannot start, from its own waiting reason; two empty strings if all is well."""
    for pod in pods:
        if pod.status.phase != "Pending" or pod.metadata.deletion_timestamp:
            continue
        for container in pod.status.container_statuses:
            waiting_state = container.state.waiting
            if waiting_state and waiting_state.reason in _TROUBLE:
                return waiting_state.reason, waiting_state.message
        for condition in pod.status.conditions:
            if condition.type == "PodScheduled" and condition.status == "False" and condition.reason == "Unschedulable":
                return condition.reason, condition.message
    return "", ""


def last_words(task: Task) -> str:
    """The last lines that the check printed, "" if none were kept."""
    return next((a.last_lines for a in reversed(task.status.attempts) if a.last_lines and not a.disrupted), "")


def _unknown(known: tuple[Attempt, ...], pods: Iterable[Pod]) -> list[Pod]:
    """The pods that are not on record, in order of their start."""
    names = {attempt.pod_name for attempt in known}
    order = sorted(pods, key=lambda pod: (pod.metadata.creation_timestamp or "", pod.metadata.name))
    if len(known) >= KEPT_ATTEMPTS:
        # The oldest attempts are not kept. Their pods may still be there, and must not count as new ones.
        order = order[next((at for at, pod in enumerate(order) if pod.metadata.name in names), 0) :]
    return [pod for pod in order if pod.metadata.name not in names]


def _next_number(attempts: Sequence[Attempt]) -> int:
    """The number of the attempt that follows. What the cluster ended is made again under the same number."""
    if not attempts:
        return 1
    return attempts[-1].number + (0 if attempts[-1].disrupted else 1)


def _disruption(pod: Pod) -> PodCondition | None:
    """Why the cluster has ended the pod, None if it has not: exactly what the Job's podFailurePolicy ignores."""
    if pod.status.phase != "Failed":
        return None
    return next((c for c in pod.status.conditions if c.type == wellknown.DISRUPTION and c.status == "True"), None)


def _started(task: Task, job: Job, now: str) -> dict[str, Any]:
    """The fields that say which Job runs, as far as the status does not say so yet."""
    status = task.status
    if status.job_name == job.metadata.name:
        return {}
    return {"jobName": job.metadata.name, "runs": status.runs + 1, "startTime": status.start_time or now}


def _lost(task: Task) -> Attempt:
    """The attempt whose Job somebody deleted. It counts, or a Job deleted again and again would run for ever."""
    number = _next_number(task.status.attempts)
    message = f"Job {task.status.job_name} was deleted before its end was seen"
    return Attempt(number=number, pod_name="", status=State.FAILED, reason=_LOST_REASON, message=message)


def _steady(complaint: str) -> str:
    """A complaint without the random name of the pod that could not be made: it would be another one each time."""
    return _POD_NAME.sub("pod", complaint)


def _verdict(
    state: State,
    attempts: tuple[Attempt, ...],
    now: str,
    reason: str = "",
    message: str = "",
    *,
    begun: Mapping[str, Any] | None = None,
) -> WriteStatus:
    fields: dict[str, Any] = {
        **(begun or {}),
        "status": state.value,
        "reason": reason,
        "message": message,
        "endTime": now,
        "attempts": [attempt.dump() for attempt in attempts],
    }
    return WriteStatus(fields, verdict=state)


def _attempt(pod: Pod, number: int) -> Attempt:
    ended = next((s.state.terminated for s in pod.status.container_statuses if s.state.terminated), None)
    failed = pod.status.phase == "Failed"
    disruption = _disruption(pod)
    return Attempt(
        number=number,
        pod_name=pod.metadata.name,
        status=State.FAILED if failed else State.SUCCEEDED,
        reason=disruption.reason if disruption else pod.status.reason or (ended.reason if ended else ""),
        message=pod.status.message or (disruption.message if disruption else ""),
        exit_code=ended.exit_code if ended else None,
        last_lines=_tidy(ended),
        start_time=ended.started_at if ended else pod.status.start_time,
        end_time=ended.finished_at if ended else None,
        code_digest=pod.metadata.annotations.get("keptn.sh/code-digest", ""),
        disrupted=disruption is not None,
    )


def _tidy(ended: Terminated | None) -> str:
    """What the container printed last. Of one that never ran, or was lost sight of, the message is the kubelet's."""
    return ended.message.rstrip()[-2048:] if ended and ended.reason != _UNSEEN else ""
