"""What Keptn's gauges say, worked out from what there is at the moment of a scrape (keptn-behaviour 6.1).

One look at each object, whatever there is. Where several objects have the same labels (revisions of one app version,
tasks of one name in two namespaces) one sample stands for them: under way if any is, and the newest's times.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.lifecycle import spans
from app.lifecycle.states import is_completed
from app.telemetry import labels
from app.telemetry.exposition import Family, number

# So many objects are looked at before others get their turn.
_BREATH = 200

T = TypeVar("T")
V = TypeVar("V", AppVersion, WorkloadVersion)


def families(
    app_versions: Collection[AppVersion],
    versions: Collection[WorkloadVersion],
    tasks: Collection[Task],
    evaluations: Collection[Evaluation],
) -> Iterator[Family | None]:
    """All gauges of the lifecycle, each made when it is asked for; None wherever others should get their turn."""
    yield from _active("keptn_app", "App versions", app_versions, labels.app_active, spans.has_ended)
    yield from _active("keptn_deployment", "Workload versions", versions, labels.workload_active, spans.has_ended)
    yield from _active("keptn_task", "Tasks", tasks, labels.task_active, has_task_ended)
    yield from _active("keptn_evaluation", "Evaluations", evaluations, labels.evaluation_active, has_evaluation_ended)
    yield from _deployments("keptn_app", app_versions, labels.app_previous, lambda version: version.spec.app_name)
    yield from _deployments(
        "keptn_deployment", versions, labels.workload_previous, lambda version: version.spec.workload_name
    )


def has_task_ended(task: Task) -> bool:
    return is_completed(task.status.status)


def has_evaluation_ended(evaluation: Evaluation) -> bool:
    return is_completed(evaluation.status.overall_status)


def seconds_between(start: str, end: str) -> float:
    """From one RFC 3339 time to another, 0 if that one is earlier."""
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def _active(
    name: str, what: str, objects: Iterable[T], labelled: Callable[[T], str], ended: Callable[[T], bool]
) -> Iterator[Family | None]:
    values: dict[str, int] = {}
    for number_, each in enumerate(objects, 1):
        key = labelled(each)
        values[key] = max(values.get(key, 0), int(not ended(each)))
        if number_ % _BREATH == 0:
            yield None
    name = f"{name}_active"
    yield Family(name, "gauge", f"{what} under way.", (f"{name}{key} {value}" for key, value in values.items()))


def _deployments(
    name: str, versions: Iterable[V], labelled: Callable[[V], str], parent: Callable[[V], str]
) -> Iterator[Family | None]:
    """How long deployments took, and how long after that of the previous version each ended."""
    finished = sorted((each for each in versions if each.status.end_time), key=lambda each: each.status.end_time or "")
    ends: dict[tuple[str, str, str], str] = {}  # the latest so far
    durations: dict[str, float] = {}
    intervals: dict[str, float] = {}
    for number_, each in enumerate(finished, 1):
        spec, end, key = each.spec, each.status.end_time or "", labelled(each)
        place: tuple[str, str] = (each.metadata.namespace, parent(each))
        if each.status.start_time:
            durations[key] = seconds_between(each.status.start_time, end)
        before = ends.get((*place, spec.previous_version)) if spec.previous_version else None
        if before:
            intervals[key] = seconds_between(before, end)
        ends[*place, spec.version] = end
        if number_ % _BREATH == 0:
            yield None
    for what, help_, values in (
        ("duration", "Seconds from a deployment's start to its end.", durations),
        ("interval", "Seconds from the end of the previous version's deployment to this one's.", intervals),
    ):
        full = f"{name}_deployment{what}"
        yield Family(full, "gauge", help_, (f"{full}{key} {number(value)}" for key, value in values.items()))
