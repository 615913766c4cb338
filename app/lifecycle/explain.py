"""Words for people: why a pod is held, since when, and what to do. Used for events and the rollout's own status."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import ItemStatus, WorkloadVersion
from app.lifecycle import attempts
from app.lifecycle.apps import AppGate
from app.lifecycle.phases import WORKLOAD_PRE_EVALUATIONS
from app.lifecycle.revisions import checks_passed, has_failed, has_passed, was_superseded
from app.lifecycle.states import State, is_completed
from app.lifecycle.troubles import BACK_OFF

PREFIX = "Holdfast: "
# Stands in every message of a failure, and in no other.
STAY_HELD = "The pods stay held."
# To whom a policy or a webhook refuses the change of a pod that opens its gate.
REFUSED_ADVICE = (
    "Let Holdfast's worker change this pod (see the policy or webhook that refuses it); the gate then opens by itself "
    "within seconds."
)
# An event's message ends there, and the advice is at its end. What a check printed gives way, down to so much of it.
_MOST_BYTES = 1024
_LEAST_WORDS = 100


class HoldState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a revision's pods are held, and since when (RFC 3339)."""

    state: HoldState
    since: str
    message: str


@dataclass(frozen=True, slots=True)
class Around:
    """What the words need beside the version: its tasks and evaluations by name, what does not exist, its app.

    `installation` is the namespace of Holdfast, `kind` and `name` are those of the workload that a person wrote.
    """

    tasks: Mapping[str, Task]
    evaluations: Mapping[str, Evaluation]
    missing_tasks: Sequence[str]
    missing_evaluations: Sequence[str]
    app: AppGate
    installation: str
    kind: str
    name: str


def hold(version: WorkloadVersion, around: Around) -> Hold | None:
    """Why the pods of `version` are held, None if they are not, or if the verdict is there and about to be written."""
    status = version.status
    since = status.start_time or version.metadata.creation_timestamp or ""
    if has_passed(status) or was_superseded(status):
        return None
    held = f"{PREFIX}held since {since}:"
    if has_failed(status):
        advice = _advice(around.kind, retry_command(around.kind, around.name, version.metadata.namespace))
        words = _failures(version, around)
        return Hold(
            HoldState.FAILED,
            since,
            _fitted(len(words), lambda room: f"{PREFIX}{' '.join(each(room) for each in words)} {STAY_HELD} {advice}"),
        )
    if around.missing_tasks or around.missing_evaluations:
        where = f"{version.metadata.namespace} or {around.installation}"
        kinds = {"Task": around.missing_tasks, "Evaluation": around.missing_evaluations}
        lacking = " and ".join(f"no Keptn{kind}Definition {_listed(names)}" for kind, names in kinds.items() if names)
        return Hold(
            HoldState.WAITING,
            since,
            f"{held} there is {lacking} in namespace {where}. Create it, and the check starts by itself.",
        )
    if around.app.failed:
        return Hold(HoldState.FAILED, since, f"{PREFIX}{around.app.message} {STAY_HELD}")
    if checks_passed(status):
        state = HoldState.WAITING if around.app.version is None or around.app.stuck else HoldState.RUNNING
        return None if around.app.open else Hold(state, since, f"{held} {around.app.message}")
    return _running(version, around, since, held)


def _failures(version: WorkloadVersion, around: Around) -> list[Callable[[int], str]]:
    """What to say of each failed check, given so many bytes for what it printed."""
    status = version.status
    words: list[Callable[[int], str]] = []
    for item in filter(_bad, status.pre_deployment_task_status):
        words.append(partial(_failure, item, around.tasks.get(item.name)))
    for item in filter(_bad, status.pre_deployment_evaluation_task_status):
        words.append(partial(_missed, item, around.evaluations.get(item.name)))
    return words


def _running(version: WorkloadVersion, around: Around, since: str, held: str) -> Hold | None:
    status = version.status
    tasks = [
        (item, task)
        for item in status.pre_deployment_task_status
        if not is_completed(item.status)
        and not ((task := around.tasks.get(item.name)) and is_completed(task.status.status))
    ]
    evaluations = [
        (item, found)
        for item in status.pre_deployment_evaluation_task_status
        if not is_completed(item.status)
        and not ((found := around.evaluations.get(item.name)) and is_completed(found.status.overall_status))
    ]
    evaluating = status.current_phase == WORKLOAD_PRE_EVALUATIONS.name
    items = status.pre_deployment_evaluation_task_status if evaluating else status.pre_deployment_task_status
    asked = version.spec.pre_deployment_evaluations if evaluating else version.spec.pre_deployment_tasks
    begun = {item.definition_name for item in items}
    if begun and not tasks and not evaluations and begun.issuperset(asked):
        return None  # what could be said now is not so, and would be written for nothing
    words: list[Callable[[int], str]] = [partial(_progress, item, task, version) for item, task in tasks]
    words += [partial(_measuring, item, found) for item, found in evaluations]
    text = _fitted(
        len(words), lambda room: f"{held} {'; '.join(each(room) for each in words) or 'checks are starting'}."
    )
    stuck = any(task is None or task.status.reason not in ("", BACK_OFF) for _, task in tasks)
    return Hold(HoldState.WAITING if stuck else HoldState.RUNNING, since, text)


def _missed(item: ItemStatus, evaluation: Evaluation | None, room: int) -> str:
    text = f"pre-deployment evaluation {item.definition_name} failed (KeptnEvaluation {item.name})"
    said = _objectives(evaluation, "Failed")
    return f"{text}: {_tail(said, room)}." if said else f"{text}."


def _measuring(item: ItemStatus, evaluation: Evaluation | None, room: int) -> str:
    text = f"pre-deployment evaluation {item.definition_name} is running (KeptnEvaluation {item.name}"
    if evaluation is None:
        return f"{text})"
    text += f", {_counted(evaluation.status.retry_count, 'try')})".replace("trys", "tries")
    said = _objectives(evaluation, "Failed")
    return f"{text}: {_tail(said, room)}" if said else text


def _objectives(evaluation: Evaluation | None, state: str) -> str:
    met = evaluation.status.evaluation_status if evaluation is not None else {}
    return "; ".join(f"{name}: {each.message}" for name, each in sorted(met.items()) if each.status == state)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The gate of this pod cannot be taken off, since then (RFC 3339) and for that reason."""

    pod: str
    reason: str
    since: str


def refused(version: WorkloadVersion, refusal: Refusal) -> Hold:
    """Why pods of `version` are held although its checks have passed."""
    since = version.status.start_time or refusal.since
    words = _fitted(
        1,
        lambda room: (
            f"{PREFIX}held since {since}: all checks have passed, but the gate of pod {refusal.pod} cannot be removed: "
            f"{_tail(refusal.reason, room)}. {REFUSED_ADVICE}"
        ),
    )
    return Hold(HoldState.WAITING, refusal.since, words)


def bypassed(pod: str, namespace: str) -> str:
    """That a pod went without its gate having been opened by us, and what to do."""
    return (
        f"{PREFIX}pod {pod} went without its checks having passed: somebody other than Holdfast took its gate off. "
        "Who it was stands in the API server's audit log, if that is on. The next pod of this revision is held again. "
        f"To have this one checked as well, delete it: kubectl -n {namespace} delete pod {pod}"
    )


def retry_command(kind: str, name: str, namespace: str) -> str:
    """The command that gets a failed check of this workload another try."""
    return f"kubectl -n {namespace} annotate {kind.lower()} {name} --overwrite keptn.sh/retry=$(date +%s)"


def _bad(item: ItemStatus) -> bool:
    return item.status == State.FAILED


def _failure(item: ItemStatus, task: Task | None, room: int) -> str:
    text = f"pre-deployment task {item.definition_name} failed (KeptnTask {item.name}"
    if task is None:
        return text + ")."
    last = attempts.judged(task.status.attempts)
    text += f", {task.status.reason}" if task.status.reason else ""
    text += f", {_counted(last.number, 'attempt')})" if last else ")"
    lines = attempts.last_words(task)
    if lines:
        return f'{text}. It printed: "{_tail(lines, room)}".'
    if last and last.exit_code is not None:
        why = "" if last.reason in ("", "Error") else f" ({last.reason})"
        return f"{text}. It ended with exit code {last.exit_code}{why}; no output of it was kept."
    return f"{text}: {_tail(task.status.message, room)}." if task.status.message else text + "."


def _progress(item: ItemStatus, task: Task | None, version: WorkloadVersion, room: int) -> str:
    what = f"pre-deployment task {item.definition_name}"
    if task is None:
        return f"{what} could not be made (see the events of KeptnWorkloadVersion {version.metadata.name})"
    if task.status.reason == BACK_OFF:
        return f"{what} is tried again (KeptnTask {item.name}): {_tail(task.status.message, room)}"
    if task.status.reason:
        return f"{what} cannot start: {task.status.reason}: {_tail(task.status.message, room)}"
    failed = attempts.failures(task.status.attempts)
    tried = f" after {_counted(failed, 'failed attempt')}" if failed else ""
    last = task.status.attempts[-1] if task.status.attempts else None
    again = f"; the cluster ended its last pod ({last.reason}), which does not count" if last and last.disrupted else ""
    return f"{what} is running{tried} (KeptnTask {item.name}){again}"


def _advice(kind: str, retry: str) -> str:
    if kind == "StatefulSet":
        # Its controller does not replace a pod that never became ready, whatever the new template says.
        return f"Mend the cause and try again: {retry}. After a change of the template, delete the held pod as well."
    if kind in ("Deployment", "DaemonSet"):
        return f"Mend the cause, then roll out again (kubectl rollout restart), or try this revision again: {retry}"
    return f"Mend the cause and try again: {retry}"


def _fitted(parts: int, message: Callable[[int], str]) -> str:
    """The message with as much of each of its `parts` quotations, in bytes, as there is room for."""
    room = (_MOST_BYTES - len(message(0).encode())) // max(1, parts)
    return message(max(room, _LEAST_WORDS))


def _tail(text: str, room: int) -> str:
    """The end of `text`, in at most `room` bytes beyond the mark of what is left out."""
    data = text.encode(errors="replace")
    return text if len(data) <= room else "…" + data[len(data) - room :].decode(errors="ignore")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
