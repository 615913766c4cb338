"""Which trace a rollout belongs to, and the ids in it, so that nobody has to remember them.

Ids are hashes of uids: whoever leads now says the same as whoever led before, and a span can be reported at its end by
a process that did not exist at its start.

Keptn has an app's version begin its trace, and its workloads wait for that before they do anything. Here a workload's
own checks start at once, often before its app version exists, and their scripts are told a traceparent that cannot be
taken back. So the trace must have an id that all of them can know beforehand. It is that of *the rollout which follows
the app's newest version there is*: made from the namespace's uid, the app's name and that version's uid. All
workloads that begin between two versions of their app find the same newest one, whatever order they come in, and the
next version finds it as its predecessor. A workload that an app version lists already belongs to that one's trace.

What is written down counts more than what would be found now: a version keeps the trace in `status.phaseTraceIDs`, or
in `spec.traceId`, whoever wrote it there. If a workload did begin on the edge between two app versions, it keeps the
trace that its scripts were told, and its span links to the app's instead of being under it. An app whose versions
were all deleted by hand begins where its first one did.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.api.app import AppVersion
from app.api.workload import WorkloadVersion
from app.lifecycle import apps, names
from app.lifecycle.phases import Phase

TRACEPARENT: Final = "traceparent"

_W3C = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True, slots=True)
class SpanContext:
    """A span's place: 32 and 16 hex digits."""

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-01"


def parse(traceparent: str) -> SpanContext | None:
    """A W3C traceparent, None for what is not one."""
    match = _W3C.fullmatch(traceparent.strip())
    if match is None:
        return None
    version, trace_id, span_id, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return SpanContext(trace_id, span_id)


def extract(carrier: Mapping[str, str]) -> SpanContext | None:
    """What a carrier (`status.phaseTraceIDs.<phase>`, `spec.traceId`, a task's metadata) says, None for nothing."""
    return parse(carrier.get(TRACEPARENT, ""))


def span_id(uid: str, phase: str = "") -> str:
    """16 hex digits: of an object's own span, or of that of one of its phases."""
    return _digest("span", uid, phase)[:16]


def covers(app_version: AppVersion, version: WorkloadVersion) -> bool:
    """Whether an app version lists the workload in this version and had not ended before it was there."""
    app = app_version.spec.app_name
    listed = any(apps.newest_of(ref, app, [version]) for ref in app_version.spec.workloads)
    return listed and not apps.had_ended(app_version, version)


def trace_of_app(version: AppVersion, siblings: Collection[AppVersion], place: str) -> str:
    """The trace id of an app version.

    `siblings` are all versions of its app, itself or not; `place` is the uid of their namespace.
    """
    recorded = _recorded(version)
    if recorded:
        return recorded
    before = [each for each in siblings if _age(each) < _age(version)]
    return _after(newest(before), version.spec.app_name, place)


def trace_of_workload(version: WorkloadVersion, app_versions: Collection[AppVersion], place: str) -> str:
    """The trace id of a workload version. `app_versions` are all versions of its app, `place` as above."""
    recorded = _recorded(version)
    if recorded:
        return recorded
    covering = newest(each for each in app_versions if covers(each, version))
    if covering is not None:
        return trace_of_app(covering, app_versions, place)
    return _after(newest(app_versions), version.spec.app, place)


def context(version: WorkloadVersion | AppVersion, phase: Phase | None, trace_id: str) -> SpanContext:
    """The place of a version's span, or of that of one of its phases: as written down, else made from its uid."""
    name = phase.name if phase else ""
    written = extract((version.status.phase_trace_ids or {}).get(name) or {})
    return written or SpanContext(trace_id, span_id(version.metadata.uid, name))


def carrier(version: WorkloadVersion | AppVersion, phase: Phase | None, trace_id: str) -> dict[str, str]:
    """What goes to `status.phaseTraceIDs.<phase>` and into the `context.metadata` of the phase's tasks."""
    return {TRACEPARENT: context(version, phase, trace_id).traceparent}


def _recorded(version: WorkloadVersion | AppVersion) -> str:
    written = [*(version.status.phase_trace_ids or {}).values(), version.spec.trace_id]
    return next((found.trace_id for each in written if (found := extract(each))), "")


def newest(versions: Iterable[AppVersion]) -> AppVersion | None:
    """The app version that was made last, None without one."""
    return max(versions, key=_age, default=None)


def _age(version: AppVersion) -> tuple[int, str, str]:
    return apps.generation_of(version), version.metadata.creation_timestamp or "", version.metadata.uid


def _after(newest: AppVersion | None, app: str, place: str) -> str:
    return _digest("rollout", place, names.app_name(app), newest.metadata.uid if newest else "")[:32]


def _digest(*parts: str) -> str:
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
