"""How a version walks through its phases: one pass over them, from what is recorded and what can be seen now.

KeptnWorkloadVersion and KeptnAppVersion differ in their phases and in what their deployment means; the rest is here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import ItemStatus, VersionStatus, WorkloadVersion
from app.lifecycle import names
from app.lifecycle.phases import COMPLETED, Phase, failed_at
from app.lifecycle.states import PASSED, State, is_completed, overall

Fields = dict[str, Any]

# The reason in the conditions of what a newer version has overtaken.
SUPERSEDED: Final = "Superseded"
# And of what waits for a definition that does not exist.
LACKING: Final = "DefinitionNotFound"


Version = WorkloadVersion | AppVersion


@dataclass(frozen=True, slots=True)
class Child:
    """A KeptnTask or a KeptnEvaluation, as far as its version goes by it."""

    status: str
    end_time: str | None = None

    @classmethod
    def of(cls, thing: Task | Evaluation) -> "Child":
        if isinstance(thing, Task):
            return cls(thing.status.status, thing.status.end_time)
        return cls(thing.status.overall_status, thing.status.end_time)


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is: a version's children by name, and the definitions that exist among those it asks for."""

    children: Mapping[str, Child] = field(default_factory=dict)
    task_definitions: Collection[str] = ()
    evaluation_definitions: Collection[str] = ()

    def defined(self, phase: Phase, definition: str) -> bool:
        return definition in (self.evaluation_definitions if phase.evaluates else self.task_definitions)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a phase stands: its state, and what else it has to say in the status."""

    state: State
    fields: Fields = field(default_factory=dict)
    create: tuple["Create", ...] = ()
    missing: tuple[str, ...] = ()
    has_ended: bool = True  # whether each of its tasks or evaluations has


@dataclass(frozen=True, slots=True)
class Create:
    """A KeptnTask or KeptnEvaluation to be made."""

    phase: Phase
    definition: str
    name: str


@dataclass(frozen=True, slots=True)
class Word:
    """What is to be told once a pass is written: `suffix` is Started, Finished or Failed."""

    phase: Phase
    suffix: str

    @property
    def text(self) -> str:
        return {"Started": "has started", "Finished": "has finished", "Failed": "has failed"}[self.suffix]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do for one version: children to make, status fields to write, what to tell then.

    `began` says that it has just begun, `verdict` that it has ended or that its deployment may go on, so that somebody
    waits for the word. `missing` are definitions that do not exist, of `phase` if there are any.
    """

    create: tuple[Create, ...] = ()
    fields: Fields = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()
    began: bool = False
    verdict: State | None = None
    phase: Phase | None = None

    @property
    def waits_for(self) -> tuple[str, str]:
        """Reason and message for the conditions of a version that only a person can help; two empty strings if none."""
        message = lacking(self.phase, self.missing) if self.phase is not None and self.verdict is None else ""
        return (LACKING, message) if message else ("", "")


# Judges a phase that is not one of tasks or evaluations; None: it may not begin yet.
Deployment = Callable[[Phase], Judgement | None]
Carrier = Callable[[Phase], dict[str, str]]


def lacking(phase: Phase, names: Sequence[str]) -> str:
    """That these definitions of a phase do not exist, and what to do; "" for none."""
    kind = "KeptnEvaluationDefinition" if phase.evaluates else "KeptnTaskDefinition"
    said = f"there is no {kind} {', '.join(names)} in its namespace or Holdfast's"
    return f"{said}. Create it, and the check starts by itself." if names else ""


def child_name(version: Version, phase: Phase, definition: str) -> str:
    """The one name of a version's task or evaluation, so that making it twice makes it once."""
    return names.task_name(phase.check, definition, version.metadata.uid)


def has_ended(status: VersionStatus) -> bool:
    """Whether nothing of a version with this status moves any more."""
    return status.status in (State.FAILED, State.DEPRECATED) or status.current_phase == COMPLETED


def advance(
    version: Version,
    phases: tuple[Phase, ...],
    all_phases: tuple[Phase, ...],
    seen: Seen,
    deployment: Deployment,
    now: str,
    *,
    blocking: bool,
    carrier: Carrier = lambda phase: {},
) -> Step:
    """One pass. It falls through all phases that have ended, and stops at the first that has not.

    `all_phases` has those too that are switched off: a failure takes them along. With `blocking` false a failed phase
    of tasks or evaluations is a Warning, and what was a Warning stays one whatever is configured later. `carrier` gives
    a phase's trace context, {} without tracing. `now` is RFC 3339. Source: keptn-behaviour 3.4.
    """
    if has_ended(version.status) or version.metadata.deletion_timestamp:
        return Step()
    have = version.status.model_dump(by_alias=True, mode="json")
    spec = version.spec.model_dump(by_alias=True, mode="json")
    fields: Fields = {}
    words: list[Word] = []
    create: tuple[Create, ...] = ()
    missing: tuple[str, ...] = ()
    traces: dict[str, dict[str, str]] = {}
    current = have["currentPhase"]
    verdict: State | None = None
    stands: Phase | None = None
    for phase in phases:
        if have[phase.field] in PASSED:
            continue
        judged = _items(version, phase, spec, have, seen, now) if phase.items else deployment(phase)
        if judged is None:
            break
        stands = phase
        if current != phase.name:
            current = phase.name
            words.append(Word(phase, "Started"))
            if (context := carrier(phase)) and phase.name not in (have["phaseTraceIDs"] or {}):
                traces[phase.name] = context
        state = judged.state
        if state is State.FAILED and phase.items and not blocking:
            # All are waited for: the next phase is to begin when these have said what they have to say.
            state = State.WARNING if judged.has_ended else State.PROGRESSING
        fields |= judged.fields | {phase.field: state.value}
        create, missing = judged.create, judged.missing
        if state is State.FAILED:
            fields |= failed_at(all_phases, phase) | {"endTime": now}
            words.append(Word(phase, "Failed"))
            verdict = State.FAILED
            break
        if state not in PASSED:
            break
        words.append(Word(phase, "Finished"))
    else:
        current = COMPLETED
        fields |= {"status": State.SUCCEEDED.value, "endTime": now}
        verdict = State.SUCCEEDED
    began = not have["currentPhase"] and bool(current)
    if began:
        # It may say so a little later than it began, which was when it was made, or almost.
        fields["startTime"] = have["startTime"] or version.metadata.creation_timestamp or now
    if current:
        fields["currentPhase"] = current
        fields.setdefault("status", State.PROGRESSING.value)
    if traces:
        fields["phaseTraceIDs"] = traces
    changed = {name: value for name, value in fields.items() if have.get(name) != value}
    return Step(create, changed, missing, tuple(words), began, verdict, stands if missing else None)


def superseded(version: Version, phases: Iterable[Phase], now: str) -> Fields:
    """Status fields of a version that a newer one overtakes: it ends, and what has not ended in it is Deprecated.

    {} for one that has ended by itself.
    """
    if has_ended(version.status):
        return {}
    have = version.status.model_dump(by_alias=True, mode="json")
    open_phases = {each.field: State.DEPRECATED.value for each in phases if not is_completed(have[each.field])}
    return {**open_phases, "status": State.FAILED.value, "endTime": now}


def _items(version: Version, phase: Phase, spec: Fields, have: Fields, seen: Seen, now: str) -> Judgement:
    """A phase of tasks or evaluations: all at once, each from its child."""
    asked: list[str] = list(dict.fromkeys(spec[phase.asked]))
    known = {item["definitionName"]: ItemStatus.model_validate(item) for item in have[phase.items]}
    items: list[ItemStatus] = []
    create: list[Create] = []
    missing: list[str] = []
    for definition in asked:
        done = known.get(definition)
        if done is not None and is_completed(done.status):
            # What is recorded here stays, whether its child was deleted since or is known only as it was before.
            items.append(done)
            continue
        name = (done.name if done else "") or child_name(version, phase, definition)
        child = seen.children.get(name)
        if child is None and name != child_name(version, phase, definition):
            # Made by Keptn, under a name of its own, and gone.
            name = child_name(version, phase, definition)
            child = seen.children.get(name)
        if child is None and not seen.defined(phase, definition):
            missing.append(definition)
            continue
        if child is None:
            create.append(Create(phase, definition, name))
        items.append(_item(definition, name, child, done, now))
    state = overall((item.status for item in items), len(asked))
    fields: Fields = {}
    dumped = [item.dump() for item in items]
    if dumped != [item.dump() for item in known.values()]:
        fields[phase.items] = dumped
    ended = not missing and all(is_completed(item.status) for item in items)
    return Judgement(state, fields, tuple(create), tuple(missing), ended)


def _item(definition: str, name: str, child: Child | None, known: ItemStatus | None, now: str) -> ItemStatus:
    """One line of the status. A child that is made or runs is Progressing; only its end is copied as it stands."""
    start = known.start_time if known and known.start_time else now
    if child is None or not is_completed(child.status):
        return ItemStatus(definition_name=definition, name=name, status=State.PROGRESSING, start_time=start)
    end = child.end_time or (known.end_time if known else None) or now
    return ItemStatus(definition_name=definition, name=name, status=child.status, start_time=start, end_time=end)
