"""Words for people: why a pod is held, since when, and what to do. Used for events and the rollout's own status."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.api.task import Task
from app.api.workload import ItemStatus, WorkloadVersion
from app.lifecycle import tasks as task_rules
from app.lifecycle.revisions import has_failed, has_passed
from app.lifecycle.states import State, is_completed

PREFIX = "Holdfast: "
_MOST_WORDS = 700  # an event's message ends at 1,024 bytes, and the advice must still fit


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


def hold(
    version: WorkloadVersion, tasks: Mapping[str, Task], missing: Sequence[str], installation: str, kind: str, name: str
) -> Hold | None:
    """Why the pods of `version` are held, None if they are not.

    `tasks` by name, `missing` the definitions that do not exist, `installation` the namespace of Holdfast, `kind` and
    `name` of the workload that a person wrote.
    """
    status = version.status
    since = status.start_time or version.metadata.creation_timestamp or ""
    if has_passed(status):
        return None
    if has_failed(status):
        advice = _advice(kind, retry_command(kind, name, version.metadata.namespace))
        words = " ".join(
            _failure(item, tasks.get(item.name)) for item in status.pre_deployment_task_status if _bad(item)
        )
        return Hold(HoldState.FAILED, since, f"{PREFIX}{words} The pods stay held. {advice}")
    if missing:
        where = f"{version.metadata.namespace} or {installation}"
        names = _listed(missing)
        return Hold(
            HoldState.WAITING,
            since,
            f"{PREFIX}held since {since}: there is no KeptnTaskDefinition {names} in namespace {where}. "
            "Create it, and the check starts by itself.",
        )
    if version.spec.pre_deployment_evaluations and status.pre_deployment_status == State.SUCCEEDED:
        return Hold(
            HoldState.WAITING,
            since,
            f"{PREFIX}held since {since}: evaluations {_listed(version.spec.pre_deployment_evaluations)} are asked "
            "for, which this version cannot judge. Take keptn.sh/pre-deployment-evaluations off the workload.",
        )
    running = [
        (item, task)
        for item in status.pre_deployment_task_status
        if not is_completed(item.status) and not ((task := tasks.get(item.name)) and is_completed(task.status.status))
    ]
    words = f"{PREFIX}held since {since}: {'; '.join(_progress(*each) for each in running) or 'checks are starting'}."
    stuck = any(task.status.reason for _, task in running if task)
    return Hold(HoldState.WAITING if stuck else HoldState.RUNNING, since, words)


def retry_command(kind: str, name: str, namespace: str) -> str:
    """The command that gets a failed check of this workload another try."""
    if kind in ("Deployment", "StatefulSet", "DaemonSet"):
        return f"kubectl -n {namespace} annotate {kind.lower()} {name} --overwrite keptn.sh/retry=$(date +%s)"
    return f"kubectl -n {namespace} annotate {kind.lower()} {name} --overwrite keptn.sh/retry=again"


def _bad(item: ItemStatus) -> bool:
    return item.status == State.FAILED


def _failure(item: ItemStatus, task: Task | None) -> str:
    text = f"pre-deployment task {item.definition_name} failed (KeptnTask {item.name}"
    if task is None:
        return text + ")."
    attempts = task.status.attempts
    text += f", {task.status.reason}" if task.status.reason else ""
    text += f", {len(attempts)} attempt{'s' if len(attempts) != 1 else ''})" if attempts else ")"
    lines = task_rules.last_words(task)
    if lines:
        return f'{text}. It printed: "{_tail(lines)}".'
    if attempts and attempts[-1].exit_code is not None:
        why = "" if attempts[-1].reason in ("", "Error") else f" ({attempts[-1].reason})"
        return f"{text}. It ended with exit code {attempts[-1].exit_code}{why}; no output of it was kept."
    return f"{text}: {_tail(task.status.message)}." if task.status.message else text + "."


def _progress(item: ItemStatus, task: Task | None) -> str:
    if task is None or not task.status.reason:
        attempts = len(task.status.attempts) if task else 0
        tried = f" after {attempts} failed attempt{'s' if attempts != 1 else ''}" if attempts else ""
        return f"pre-deployment task {item.definition_name} is running{tried} (KeptnTask {item.name})"
    return (
        f"pre-deployment task {item.definition_name} cannot start: {task.status.reason}: {_tail(task.status.message)}"
    )


def _advice(kind: str, retry: str) -> str:
    if kind == "StatefulSet":
        # Its controller does not replace a pod that never became ready, whatever the new template says.
        return f"Mend the cause and try again: {retry}. After a change of the template, delete the held pod as well."
    if kind in ("Deployment", "DaemonSet"):
        return f"Mend the cause, then roll out again (kubectl rollout restart), or try this revision again: {retry}"
    return f"Mend the cause and try again: {retry}"


def _tail(text: str) -> str:
    return text if len(text) <= _MOST_WORDS else "…" + text[-_MOST_WORDS:]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
