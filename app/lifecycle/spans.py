"""The spans of a rollout, made at their end from what the statuses say (keptn-behaviour 6.2).

A span is reported when the change that ends it is seen, by `old` and `new` of one object. Times are the statuses' own,
so whole seconds; a phase whose end no status records ends with its version, or `now`, when it was seen. Attributes
hold what Keptn's have: names, versions, and the metadata that app and workload were given; never a parameter, nor what
a check printed.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.lifecycle import traces
from app.lifecycle.phases import APP_PHASES, WORKLOAD_PHASES, Phase
from app.lifecycle.revisions import was_superseded
from app.lifecycle.states import State, is_completed
from app.lifecycle.traces import SpanContext

APP_SCOPE: Final = "keptn/lifecycle-operator/appversion"
WORKLOAD_SCOPE: Final = "keptn/lifecycle-operator/workloadversion"
FOLLOWS: Final = {"opentracing.ref_type": "follows-from"}

_PREFIX: Final = "keptn.deployment."
_SUPERSEDED: Final = "was superseded"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a span, `time` in ns since 1970."""

    name: str
    time: int


@dataclass(frozen=True, slots=True)
class Span:
    """One span, of kind Consumer as all of Keptn's. Times are ns since 1970; `parent` is a span id, "" for a root."""

    scope: str
    name: str
    context: SpanContext
    parent: str
    start: int
    end: int
    attributes: Mapping[str, str]
    failed: bool
    events: tuple[Event, ...] = ()
    links: tuple[SpanContext, ...] = ()


def has_ended(version: WorkloadVersion | AppVersion) -> bool:
    """Whether nothing of the version is under way any more."""
    return bool(version.status.end_time) or is_completed(version.status.status)


def of_app(old: AppVersion, new: AppVersion, trace_id: str, now: str) -> list[Span]:
    """Of the phases of an app version, and of itself, that have ended between `old` and `new`."""
    spec = new.spec
    attributes = {
        **_named("app", name=spec.app_name, version=spec.version, namespace=new.metadata.namespace),
        **metadata_of(new),
    }
    above = traces.extract(spec.trace_id)
    own = _Owner(new, APP_SCOPE, attributes, trace_id, new.status.end_time or now)
    links = tuple(filter(None, map(traces.parse, spec.span_links)))
    names = {phase: phase.name for phase in APP_PHASES}
    return [*own.phases(old, names), *own.root(old, above.span_id if above else "", links)]


def of_workload(
    old: WorkloadVersion, new: WorkloadVersion, above: SpanContext | None, trace_id: str, now: str
) -> list[Span]:
    """Of the phases of a workload version, and of itself, that have ended between `old` and `new`.

    `above` is its app version's AppDeploy: its parent where that is of the same trace, else what it links to.
    """
    spec = new.spec
    attributes = {
        **_named("app", name=spec.app),
        **_named("workload", name=spec.workload_name, version=spec.version, namespace=new.metadata.namespace),
        **metadata_of(new),
    }
    own = _Owner(new, WORKLOAD_SCOPE, attributes, trace_id, new.status.end_time or now)
    names = {phase: f"{spec.workload_name}/{phase.name}" for phase in WORKLOAD_PHASES}
    related = above is not None and above.trace_id == trace_id
    parent = above.span_id if above is not None and related else ""
    return [*own.phases(old, names), *own.root(old, parent, () if above is None or related else (above,))]


def of_task(task: Task, now: str) -> Span | None:
    """Of a task that has ended, under what its metadata says was handed to it; None if that is no trace."""
    context, status = task.spec.context, task.status
    parent = traces.extract(context.metadata)
    if parent is None:
        return None
    attributes = {
        **_named("app", name=context.app_name, version=context.app_version),
        **_named("workload", name=context.workload_name, version=context.workload_version),
        **_named("task", name=task.metadata.name, type=task.spec.check_type),
        **{key: value for key, value in context.metadata.items() if key != traces.TRACEPARENT},
    }
    start, end = _bounds(status.start_time, status.end_time, now)
    failed = status.status != State.SUCCEEDED
    told = f"{task.metadata.name} has failed with reason: {status.reason or status.status}"
    return Span(
        scope=WORKLOAD_SCOPE if context.workload_name else APP_SCOPE,
        name=task.metadata.name,
        context=SpanContext(parent.trace_id, traces.span_id(task.metadata.uid)),
        parent=parent.span_id,
        start=start,
        end=end,
        attributes=attributes,
        failed=failed,
        events=(Event(told, end),) if failed else (),
    )


def of_evaluation(evaluation: Evaluation, parent: SpanContext, metadata: Mapping[str, str], now: str) -> Span:
    """Of an evaluation that has ended, in the phase `parent` of a version with this `metadata`."""
    spec, status = evaluation.spec, evaluation.status
    attributes = {
        **_named("app", name=spec.app_name, version=spec.app_version),
        **_named("workload", name=spec.workload, version=spec.workload_version),
        **_named("evaluation", name=evaluation.metadata.name, type=spec.check_type),
        **metadata,
    }
    start, end = _bounds(status.start_time, status.end_time, now)
    told = tuple(
        Event(f"evaluation of {metric!r} failed with value: {seen.value!r} and reason: {seen.message!r}", end)
        for metric, seen in status.evaluation_status.items()
        if seen.status == State.FAILED
    )
    return Span(
        scope=WORKLOAD_SCOPE if spec.workload else APP_SCOPE,
        name=evaluation.metadata.name,
        context=SpanContext(parent.trace_id, traces.span_id(evaluation.metadata.uid)),
        parent=parent.span_id,
        start=start,
        end=end,
        attributes=attributes,
        failed=status.overall_status != State.SUCCEEDED,
        events=told,
    )


def metadata_of(version: WorkloadVersion | AppVersion) -> dict[str, str]:
    """What a version was given to say of itself; a workload's word comes before its app's (keptn-behaviour 3.7)."""
    if isinstance(version, AppVersion):
        return version.spec.metadata
    return {**version.status.app_context_metadata, **version.spec.metadata}


@dataclass(frozen=True, slots=True)
class _Owner:
    """A version whose spans are made."""

    version: WorkloadVersion | AppVersion
    scope: str
    attributes: Mapping[str, str]
    trace_id: str
    now: str

    def phases(self, old: WorkloadVersion | AppVersion, names: Mapping[Phase, str]) -> list[Span]:
        before, after = _fields(old), _fields(self.version)
        ended = {phase for phase in names if not is_completed(before[phase.field]) and is_completed(after[phase.field])}
        return [
            self._phase(phase, name, names, after)
            for phase, name in names.items()
            if phase in ended and _began(phase, before, after)
        ]

    def root(self, old: WorkloadVersion | AppVersion, parent: str, links: tuple[SpanContext, ...]) -> list[Span]:
        status, name = self.version.status, self.version.metadata.name
        if has_ended(old) or not has_ended(self.version) or not status.start_time:
            return []
        start, end = _bounds(status.start_time, status.end_time, self.now)
        failed = status.status != State.SUCCEEDED
        context = traces.context(self.version, None, self.trace_id)
        word = "has finished" if not failed else _SUPERSEDED if was_superseded(status) else "has failed"
        told = (Event(f"{name} {word}", end),)
        return [Span(self.scope, name, context, parent, start, end, self.attributes, failed, told, links)]

    def _phase(self, phase: Phase, name: str, phases: Iterable[Phase], status: Mapping[str, Any]) -> Span:
        state = status[phase.field]
        end_time = max((item["endTime"] or self.now for item in status.get(phase.items, ())), default=self.now)
        start, end = _bounds(_start(phase, phases, status) or end_time, end_time, self.now)
        word = {State.FAILED: "has failed", State.DEPRECATED: _SUPERSEDED}.get(state, "has succeeded")
        return Span(
            scope=self.scope,
            name=name,
            context=traces.context(self.version, phase, self.trace_id),
            parent=traces.context(self.version, None, self.trace_id).span_id,
            start=start,
            end=end,
            attributes=self.attributes,
            failed=state in (State.FAILED, State.DEPRECATED),
            events=(Event(f"{phase.title} {word}", end),),
        )


def _began(phase: Phase, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a phase was under way before it ended: what a failure or a newer version cut off never was."""
    return bool(after[phase.field] != State.DEPRECATED or before["currentPhase"] == phase.name)


def _start(phase: Phase, phases: Iterable[Phase], status: Mapping[str, Any]) -> str:
    """When a phase began, as far as the status says; "" for one that took no time."""
    if phase.items:
        return min((item["startTime"] for item in status[phase.items] if item["startTime"]), default="")
    if "deploymentStartTime" in status:
        return str(status["deploymentStartTime"] or "")
    # An app's deployment begins with the end of what comes before it.
    before = itertools.takewhile(lambda each: each != phase, phases)
    ends = [item["endTime"] for each in before for item in status[each.items] if item["endTime"]]
    return str(max([*ends, status["startTime"] or ""]))


def _fields(version: WorkloadVersion | AppVersion) -> dict[str, Any]:
    return version.status.model_dump(by_alias=True, mode="json")


def _named(what: str, **values: str) -> dict[str, str]:
    return {f"{_PREFIX}{what}.{key}": value for key, value in values.items()}


def _bounds(start: str | None, end: str | None, now: str) -> tuple[int, int]:
    """Both in ns since 1970; what is not recorded is `now`, and nothing ends before its start."""
    last = _ns(end or now)
    return min(_ns(start or end or now), last), last


def _ns(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) * 1_000_000_000
