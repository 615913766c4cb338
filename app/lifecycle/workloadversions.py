"""A workload version's next step: which tasks to make, what its status becomes, whether its pods may go."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.api.task import Task
from app.api.workload import ItemStatus, WorkloadVersion
from app.lifecycle import names
from app.lifecycle.phases import Phase, failed_at
from app.lifecycle.revisions import has_failed, has_passed
from app.lifecycle.states import State, is_completed, overall

PRE = "pre"


@dataclass(frozen=True, slots=True)
class Step:
    """What to write for one version: tasks to make (definition → name), status fields, definitions not there."""

    create: tuple[tuple[str, str], ...] = ()
    fields: Mapping[str, Any] | None = None
    missing: tuple[str, ...] = ()
    began: bool = False
    verdict: State | None = None


def task_name(version: WorkloadVersion, definition: str) -> str:
    """The one name of this version's task for a definition, so that making it twice makes it once."""
    return names.task_name(PRE, definition, version.metadata.uid)


def next_step(
    version: WorkloadVersion,
    tasks: Mapping[str, Task],
    definitions: Collection[str],
    revisions: Collection[str],
    now: str,
) -> Step:
    """What to do for `version` now.

    `tasks` are this version's own by name, `definitions` those of its definitions that exist, `revisions` the pod
    revisions that wait for it, `now` RFC 3339. Sources: keptn-behaviour 3.4, 3.7, 3.8; what passes or fails is
    in the design.
    """
    status = version.status
    if has_passed(status) or has_failed(status) or version.metadata.deletion_timestamp:
        return Step()
    listed = (*status.revisions, *sorted(set(revisions) - set(status.revisions)))
    fields: dict[str, Any] = {} if listed == status.revisions else {"revisions": list(listed)}
    began = not status.current_phase
    if began and not listed:
        return Step()  # nobody waits for it yet: the revision that made it is about to say so
    if began:
        fields["startTime"] = status.start_time or now
    items: list[ItemStatus] = []
    create: list[tuple[str, str]] = []
    missing: list[str] = []
    known = {item.definition_name: item for item in status.pre_deployment_task_status}
    for definition in version.spec.pre_deployment_tasks:
        name = task_name(version, definition)
        task = tasks.get(name)
        done = known.get(definition)
        if done is not None and is_completed(done.status):
            # What is recorded here stays, whether its task was deleted since or is known only as it was before.
            items.append(done)
            continue
        if task is None and definition not in definitions:
            missing.append(definition)
            continue
        if task is None:
            create.append((definition, name))
        items.append(_item(definition, name, task, known.get(definition), now))
    state = overall((item.status for item in items), len(version.spec.pre_deployment_tasks))
    fields |= _phase(version, state, now)
    dumped = [item.dump() for item in items]
    if dumped != [item.dump() for item in status.pre_deployment_task_status]:
        fields["preDeploymentTaskStatus"] = dumped
    verdict = None
    if fields.get("deploymentStatus") == State.PROGRESSING:
        verdict = State.SUCCEEDED
    elif fields.get("status") == State.FAILED:
        verdict = State.FAILED
    return Step(tuple(create), fields or None, tuple(missing), began, verdict)


def _phase(version: WorkloadVersion, state: State, now: str) -> dict[str, Any]:
    """The fields that change when the tasks before the deployment are in `state`."""
    status = version.status
    if state is State.FAILED:
        return {**failed_at(Phase.PRE_TASKS), "endTime": now}
    if state is not State.SUCCEEDED:
        wanted = {
            "currentPhase": Phase.PRE_TASKS.value,
            "preDeploymentStatus": state.value,
            "status": State.PROGRESSING.value,
        }
    elif version.spec.pre_deployment_evaluations:
        # Nothing here judges evaluations yet, and what nobody judged has not passed: the gate stays.
        wanted = {
            "currentPhase": Phase.PRE_EVALUATIONS.value,
            "preDeploymentStatus": State.SUCCEEDED.value,
            "preDeploymentEvaluationStatus": State.PENDING.value,
            "status": State.PROGRESSING.value,
        }
    else:
        wanted = {
            "currentPhase": Phase.DEPLOY.value,
            "preDeploymentStatus": State.SUCCEEDED.value,
            "preDeploymentEvaluationStatus": State.SUCCEEDED.value,
            "deploymentStatus": State.PROGRESSING.value,
            "deploymentStartTime": now,
            "status": State.PROGRESSING.value,
        }
    have = status.model_dump(by_alias=True)
    return {field: value for field, value in wanted.items() if have.get(field) != value}


def _item(definition: str, name: str, task: Task | None, known: ItemStatus | None, now: str) -> ItemStatus:
    """One line of the status. A task that is made or runs is Progressing; only its end is copied as it stands."""
    start = known.start_time if known and known.start_time else now
    if task is None or not is_completed(task.status.status):
        return ItemStatus(definition_name=definition, name=name, status=State.PROGRESSING, start_time=start)
    end = task.status.end_time or (known.end_time if known else None) or now
    return ItemStatus(definition_name=definition, name=name, status=task.status.status, start_time=start, end_time=end)
