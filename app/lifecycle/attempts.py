"""What became of each pod of a task: which count as failed attempts, and which code each of them ran."""

import re
from collections.abc import Iterable, Sequence

from app.api import wellknown
from app.api.core import ContainerStatus, Pod, PodCondition
from app.api.task import Attempt, Task
from app.lifecycle.jobs import RUNNER
from app.lifecycle.states import State

KEPT = 25
LOST_REASON = "JobDeleted"

_UNSEEN = "ContainerStatusUnknown"
# What our runner images put before the last lines of a script (see runtimes/run-task).
_CODE = re.compile(r"\Acode (?:(sha256:[0-9a-f]{16})|unknown)(?:\n|\Z)")


def record(known: tuple[Attempt, ...], pods: Iterable[Pod]) -> tuple[Attempt, ...]:
    """The attempts known so far and those of pods that have ended since, numbered in order of their start.

    A pod that is being deleted is not an attempt of its own: its Job says why it went (the deadline, most often). But
    where the cluster has ended it, the pod itself says so.
    """
    attempts = known
    for pod in _unknown(known, pods):
        ended = pod.status.phase in ("Succeeded", "Failed") and not pod.metadata.deletion_timestamp
        if ended or _disruption(pod):
            attempts = (*attempts, _attempt(pod, attempts))
    return attempts[-KEPT:]


def late(known: tuple[Attempt, ...], pods: Iterable[Pod], reason: str) -> tuple[Attempt, ...]:
    """The attempts known and those of pods that were stopped after the verdict, which has this `reason`."""
    attempts = known
    for pod in _unknown(known, pods):
        if not pod.metadata.deletion_timestamp or not any(c.state.terminated for c in pod.status.container_statuses):
            continue
        attempt = _attempt(pod, attempts)
        if not attempt.disrupted:
            attempt = attempt.model_copy(update={"status": State.FAILED, "reason": reason})
        attempts = (*attempts, attempt)
    return attempts[-KEPT:]


def lost(task: Task) -> Attempt:
    """The attempt whose Job somebody deleted. It counts, or a Job deleted again and again would run for ever."""
    number = _next_number(task.status.attempts)
    message = f"Job {task.status.job_name} was deleted before its end was seen"
    return Attempt(number=number, pod_name="", status=State.FAILED, reason=LOST_REASON, message=message)


def failures(attempts: Sequence[Attempt]) -> int:
    """How many attempts count as failed. The oldest may not be kept any more, so the last one's number tells.

    What a Job's own `status.failed` counts is the same: pods that its podFailurePolicy ignores are not in it.
    """
    succeeded = sum(attempt.status == State.SUCCEEDED for attempt in attempts)
    return _next_number(attempts) - 1 - succeeded


def judged(attempts: Sequence[Attempt]) -> Attempt | None:
    """The last attempt that counts, None if there is none."""
    return next((attempt for attempt in reversed(attempts) if not attempt.disrupted), None)


def last_words(task: Task) -> str:
    """The last lines that the check printed, "" if none were kept."""
    return next((a.last_lines for a in reversed(task.status.attempts) if a.last_lines and not a.disrupted), "")


def edit(before: Sequence[Attempt], after: Sequence[Attempt]) -> str:
    """Which of the attempts in `after` that are not in `before` ran other code than the one before it; "" if none."""
    new = sum(attempt not in before for attempt in after)
    said = (
        _other_code(after[:at], after[at].number, after[at].code_digest) for at in range(len(after) - new, len(after))
    )
    return "; ".join(filter(None, said))


def _other_code(earlier: Sequence[Attempt], number: int, digest: str) -> str:
    last = next((attempt for attempt in reversed(earlier) if attempt.code_digest), None)
    if last is None or not digest or last.code_digest == digest:
        return ""
    what = f"attempt {number}" if number != last.number else f"attempt {number}, made again,"
    return f"{what} ran other code ({digest}) than attempt {last.number} ({last.code_digest})"


def _unknown(known: tuple[Attempt, ...], pods: Iterable[Pod]) -> list[Pod]:
    """The pods that are not on record, in order of their start."""
    names = {attempt.pod_name for attempt in known}
    order = sorted(pods, key=lambda pod: pod.metadata.order)
    if len(known) >= KEPT:
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


def _attempt(pod: Pod, earlier: Sequence[Attempt]) -> Attempt:
    container = next((each for each in pod.status.container_statuses if each.state.terminated), ContainerStatus())
    ended = container.state.terminated
    failed = pod.status.phase == "Failed"
    disruption = _disruption(pod)
    number = _next_number(earlier)
    digest, lines = _printed(container)
    message = pod.status.message or (disruption.message if disruption else "")
    return Attempt(
        number=number,
        pod_name=pod.metadata.name,
        status=State.FAILED if failed else State.SUCCEEDED,
        reason=disruption.reason if disruption else pod.status.reason or (ended.reason if ended else ""),
        message="; ".join(filter(None, (message, _other_code(earlier, number, digest)))),
        exit_code=ended.exit_code if ended else None,
        last_lines=lines,
        start_time=ended.started_at if ended else pod.status.start_time,
        end_time=ended.finished_at if ended else None,
        code_digest=digest,
        disrupted=disruption is not None,
    )


def _printed(container: ContainerStatus) -> tuple[str, str]:
    """The digest of the code that a container ran and what it printed last; "" for what is not known.

    Of one that never ran, or was lost sight of, the message is the kubelet's and says nothing of either.
    """
    ended = container.state.terminated
    if ended is None or ended.reason == _UNSEEN:
        return "", ""
    said = _CODE.match(ended.message) if container.name == RUNNER else None
    lines = ended.message[said.end() :] if said else ended.message
    return (said[1] or "") if said else "", lines.rstrip()[-2048:]
