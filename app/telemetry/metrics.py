"""What Prometheus reads of this process at ``/metrics``: Keptn's metrics, and a few of Holdfast's own.

Only the leader speaks of the lifecycle, so that nothing is there twice. A page takes as long as there are objects, but
others get their turn meanwhile, only one is made at a time, and it is sent as it is made: with thousands of objects it
is of many MB.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.lifecycle import spans
from app.lifecycle.states import State
from app.telemetry import gauges, labels, process
from app.telemetry.ended import Ended
from app.telemetry.exposition import CONTENT_TYPE, Family
from app.telemetry.exposition import labels as own_labels
from app.telemetry.gauges import has_evaluation_ended, has_task_ended, seconds_between
from app.telemetry.plain_http import Page

# So many lines are sent together; then others get their turn.
_PART = 200


GATES_OPENED: Final = "gates opened"

_PROMOTED = frozenset({State.SUCCEEDED, State.WARNING, State.FAILED})


class Timed(Protocol):
    @property
    def start_time(self) -> str | None: ...
    @property
    def end_time(self) -> str | None: ...


class Sized(Protocol):
    def __len__(self) -> int: ...


class Work(Protocol):
    """A controller, as far as it is counted."""

    @property
    def name(self) -> str: ...
    @property
    def outcomes(self) -> Mapping[str, int]: ...
    @property
    def queue(self) -> Sized: ...


@dataclass(frozen=True, slots=True)
class Led:
    """What the leader can tell: its objects, its controllers, and what it has counted itself."""

    app_versions: Callable[[], Collection[AppVersion]]
    versions: Callable[[], Collection[WorkloadVersion]]
    tasks: Callable[[], Collection[Task]]
    evaluations: Callable[[], Collection[Evaluation]]
    controllers: Sequence[Work]
    counts: Mapping[str, int]


class Metrics:
    """Counts what ends as it is told of changes, and makes the page."""

    def __init__(self, leading: Callable[[], bool]) -> None:
        self._leading = leading
        self._led: Led | None = None
        self._apps = Ended("keptn_app", "App versions")
        self._deployments = Ended("keptn_deployment", "Workload versions")
        self._tasks = Ended("keptn_task", "Tasks")
        self._evaluations = Ended("keptn_evaluation", "Evaluations")
        self._promotions = Ended("keptn_promotion", "App versions with promotion tasks")
        self._busy = asyncio.Lock()

    def lead(self, led: Led) -> None:
        """This process leads from now on."""
        self._led = led

    # What has changed, as a cache tells it: another object in one's place is one gone and one that has come. The first
    # word on an object counts nothing: it may have ended long ago.

    def app_version(self, old: AppVersion | None, new: AppVersion | None) -> None:
        if old is None:
            return
        if new is None:
            self._apps.forget(old.metadata.uid)
            self._promotions.forget(old.metadata.uid)
        elif spans.has_ended(new) and not spans.has_ended(old):
            name, succeeded = labels.app_ended(new), new.status.status == State.SUCCEEDED
            self._apps.count(new.metadata.uid, name, _taken(new.status) if succeeded else None)
            if new.spec.promotion_tasks and new.status.promotion_status in _PROMOTED:
                self._promotions.count(new.metadata.uid, name, None)

    def version(self, old: WorkloadVersion | None, new: WorkloadVersion | None) -> None:
        if old is None:
            return
        if new is None:
            self._deployments.forget(old.metadata.uid)
        elif spans.has_ended(new) and not spans.has_ended(old):
            seconds = _taken(new.status) if new.status.status == State.SUCCEEDED else None
            self._deployments.count(new.metadata.uid, labels.workload_ended(new), seconds)

    def task(self, old: Task | None, new: Task | None) -> None:
        if old is None:
            return
        if new is None:
            self._tasks.forget(old.metadata.uid)
        elif has_task_ended(new) and not has_task_ended(old):
            self._tasks.count(new.metadata.uid, labels.task_ended(new), _taken(new.status))

    def evaluation(self, old: Evaluation | None, new: Evaluation | None) -> None:
        if old is None:
            return
        if new is None:
            self._evaluations.forget(old.metadata.uid)
        elif has_evaluation_ended(new) and not has_evaluation_ended(old):
            self._evaluations.count(new.metadata.uid, labels.evaluation_ended(new), _taken(new.status))

    # What is read

    async def page(self) -> Page:
        """All metrics as they are now."""
        return Page(self._parts(), content_type=CONTENT_TYPE)

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        async with self._busy:
            for family in self._families():
                if family is None:
                    await asyncio.sleep(0)
                    continue
                yield family.head.encode()
                lines = iter(family.lines)
                while part := list(itertools.islice(lines, _PART)):
                    yield "\n".join([*part, ""]).encode()
                    await asyncio.sleep(0)

    def _families(self) -> Iterator[Family | None]:
        yield from process.families()
        leads = self._led is not None and self._leading()
        yield Family("holdfast_leader", "gauge", "Whether this process leads.", [f"holdfast_leader {int(leads)}"])
        name = "keptn_lifecycle_active_total"
        yield Family(name, "counter", "One for each process that runs.", [f"{name} 1"])
        if self._led is None or not leads:
            return
        led = self._led
        yield from gauges.families(led.app_versions(), led.versions(), led.tasks(), led.evaluations())
        for ended in (self._apps, self._deployments, self._tasks, self._evaluations, self._promotions):
            yield from ended.families()
        yield from _own(led)


def _taken(status: Timed) -> float | None:
    return seconds_between(status.start_time, status.end_time) if status.start_time and status.end_time else None


def _own(led: Led) -> Iterable[Family]:
    name = "holdfast_reconciles_total"
    lines = [
        f"{name}{own_labels({'controller': each.name, 'outcome': outcome})} {count}"
        for each in led.controllers
        for outcome, count in sorted(each.outcomes.items())
    ]
    yield Family(name, "counter", "Keys looked at, by how that ended: failed ones have a traceback in the log.", lines)
    name = "holdfast_queue_depth"
    lines = [f"{name}{own_labels({'controller': each.name})} {len(each.queue)}" for each in led.controllers]
    yield Family(name, "gauge", "Keys that wait to be looked at.", lines)
    name = "holdfast_gates_opened_total"
    yield Family(name, "counter", "Pods whose gate was opened.", [f"{name} {led.counts.get(GATES_OPENED, 0)}"])
