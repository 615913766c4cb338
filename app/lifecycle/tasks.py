"""A task's next step, from its own status, its Job and the pods of that Job.

The verdict lives in the KeptnTask's status, never in the Job's existence: a task that has one takes no step again, and
a Job that is gone is either not needed any more or made once more under another name.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.api.core import Job, Pod
from app.api.task import Attempt, Task
from app.lifecycle import attempts as records
from app.lifecycle import conditions, names, troubles
from app.lifecycle.states import State, is_completed

BACKOFF_REASON: Final = "BackoffLimitExceeded"
BACKOFF_MESSAGE: Final = "Job has reached the specified backoff limit"
DEADLINE_REASON: Final = "DeadlineExceeded"
SUPERSEDED: Final = "Superseded"

# What the API server calls a pod that it refuses: the Job's name and five random characters.
_POD_NAME = re.compile(r'\bpods? "[^"]*"')


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
    """These fields of the status are to be written; `verdict` is set if they hold one.

    `edit` says that an attempt ran other code than the one before it, "" if none did.
    """

    fields: dict[str, Any]
    verdict: State | None = None
    edit: str = ""


Step = Nothing | StartJob | WriteStatus


def next_step(
    task: Task, job: Job | None, pods: Sequence[Pod], now: str, complaint: str = "", absent: Collection[str] = ()
) -> Step:
    """What to do for `task` now. `job` is its newest, None if there is none for certain.

    `pods` are those that `job` controls, in any order; `now` is RFC 3339; `complaint` is what the Job controller said
    when it could make no pod; `absent` are ConfigMaps that pods mount and that are not there.

    Sources: keptn-behaviour 3.9 for the states, the design for judging by the pod's end, about a second before the
    Job's own condition. Where the two differ, the Job's word counts: a pod that its Job stops at the deadline may well
    end with exit code 0.
    """
    status = task.status
    if is_completed(status.status) or task.metadata.deletion_timestamp:
        return Nothing()
    lost = bool(status.job_name) and (job is None or job.metadata.name != status.job_name)
    attempts = records.record((*status.attempts, records.lost(task)) if lost else status.attempts, pods)
    failed = max(records.failures(attempts), job.status.failed if job and status.runs <= 1 and not lost else 0)
    limit = task.spec.retries + 1
    if job is None:
        if failed < limit:
            return StartJob(run=status.runs + 1, failures=failed)
        reason, message = (records.LOST_REASON, attempts[-1].message) if lost else (BACKOFF_REASON, BACKOFF_MESSAGE)
        return _verdict(task, State.FAILED, attempts, now, reason, message)
    fields = _started(task, job, now)
    for condition in job.status.conditions:
        if condition.status == "True" and condition.type in ("Complete", "SuccessCriteriaMet"):
            return _verdict(task, State.SUCCEEDED, attempts, now, begun=fields)
        if condition.status == "True" and condition.type in ("Failed", "FailureTarget"):
            why = troubles.never_ran(task) if condition.reason == DEADLINE_REASON else ""
            message = "; ".join(filter(None, (condition.message, why)))
            return _verdict(task, State.FAILED, attempts, now, condition.reason, message, begun=fields)
    if any(attempt.status == State.SUCCEEDED for attempt in attempts):
        return _verdict(task, State.SUCCEEDED, attempts, now, begun=fields)
    if failed >= limit:
        return _verdict(task, State.FAILED, attempts, now, BACKOFF_REASON, BACKOFF_MESSAGE, begun=fields)
    if status.status != State.PROGRESSING:
        fields["status"] = State.PROGRESSING.value
    reason, message = _waits(task, job, pods, attempts, complaint, absent)
    if (reason, message) != (status.reason, status.message):
        fields |= {"reason": reason, "message": message}
    if attempts != status.attempts:
        fields["attempts"] = [attempt.dump() for attempt in attempts]
    return WriteStatus(fields, edit=records.edit(status.attempts, attempts)) if fields else Nothing()


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
    status = task.status
    if status.status != State.FAILED or task.metadata.deletion_timestamp:
        return Nothing()
    attempts = records.late(status.attempts, pods, status.reason)
    if attempts == status.attempts:
        return Nothing()
    return WriteStatus(
        {"attempts": [attempt.dump() for attempt in attempts]}, edit=records.edit(status.attempts, attempts)
    )


def waiting(task: Task, reason: str, message: str) -> WriteStatus | Nothing:
    """The status of a task whose Job cannot be made yet: Pending, with what it waits for."""
    if is_completed(task.status.status) or (task.status.reason, task.status.message) == (reason, message):
        return Nothing()
    return WriteStatus({"reason": reason, "message": message})


def refused(task: Task, reason: str, message: str, now: str) -> WriteStatus:
    """The verdict on a task whose Job the API server will never take as it is."""
    return _verdict(task, State.FAILED, task.status.attempts, now, reason, message)


def superseded(task: Task, job: Job | None, pods: Sequence[Pod], owner: str, newer: str, now: str) -> WriteStatus:
    """The verdict on a task that nobody waits for any more: the version `owner` that asked for it was overtaken.

    `newer` is the version that took over, "" if that is not known. What has ended of `job` by now stays on record.
    """
    attempts = records.record(task.status.attempts, pods)
    message = f"{owner} was superseded by {newer or 'a newer version'}; its checks are not needed any more"
    begun = _started(task, job, now) if job is not None else {}
    return _verdict(task, State.FAILED, attempts, now, SUPERSEDED, message, begun=begun)


def with_conditions(task: Task, fields: dict[str, Any], now: str) -> dict[str, Any]:
    """`fields` of the task's status with the conditions that say the same."""
    if not fields and task.metadata.deletion_timestamp:
        return fields
    words = {word: str(fields.get(word, getattr(task.status, word))) for word in ("reason", "message")}
    return conditions.with_conditions(task.status, fields, generation=task.metadata.generation, now=now, **words)


def _waits(
    task: Task,
    job: Job,
    pods: Sequence[Pod],
    attempts: Sequence[Attempt],
    complaint: str,
    absent: Collection[str],
) -> tuple[str, str]:
    """Why no pod of `job` runs, if none does: reason and message."""
    said = task.status.reason, task.status.message
    if not pods and complaint:
        return "FailedCreate", _steady(complaint)
    reason, message = troubles.trouble(task, pods, absent)
    if reason in troubles.PULLING and said[0] in troubles.PULLING:
        return said
    if not reason:
        reason, message = troubles.backoff(task, job, pods, attempts)
    if not reason and said[0] in troubles.TROUBLES and all(p.metadata.deletion_timestamp for p in pods):
        return said  # its Job has stopped the pod that could not start, and is about to say why
    return reason, message


def _started(task: Task, job: Job, now: str) -> dict[str, Any]:
    """The fields that say which Job runs, as far as the status does not say so yet."""
    status = task.status
    if status.job_name == job.metadata.name:
        return {}
    return {"jobName": job.metadata.name, "runs": status.runs + 1, "startTime": status.start_time or now}


def _steady(complaint: str) -> str:
    """A complaint without the random name of the pod that could not be made: it would be another one each time."""
    return _POD_NAME.sub("pod", complaint)


def _verdict(
    task: Task,
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
    return WriteStatus(fields, verdict=state, edit=records.edit(task.status.attempts, attempts))
