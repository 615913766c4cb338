"""The rows of the table, from what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench import course
from bench.accounting import Written
from bench.memory import Resident
from bench.report import Row
from bench.writes import Counted

ONE, APP, MANY, FLOOR_ONE, FLOOR_MANY, FAILED = "one", "app", "many", "floor one", "floor many", "failed"
APPS, FLOOR_APPS = "apps", "floor apps"


@dataclass(slots=True)
class Measured:
    """All values of one run. `series` are seconds; each of the rest is None if it could not be measured."""

    series: Mapping[str, Sequence[float]]
    admissions: float = 0
    own_admissions: int = 0
    admission_seconds: float = 0
    counted: Counted | None = None
    floor_writes: float | None = None
    idle: Sequence[Resident] = field(default_factory=tuple)
    afterwards: Sequence[Resident] = field(default_factory=tuple)


def rows(measured: Measured) -> list[Row]:
    """The issues' tables, and one row more: how soon a failed check fails the rollout."""
    series = measured.series
    mean = 1000 * measured.admission_seconds / measured.admissions if measured.admissions else None
    return [
        Row(
            "time the gate adds beyond the Job's own run, one rollout at a time",
            "s",
            _median(series.get(ONE)),
            0.15,
            _median(series.get(FLOOR_ONE)),
            "27.9 s",
            _spread(series.get(ONE)),
            3,
        ),
        Row(
            "the same with keptn.sh/app set",
            "s",
            _median(series.get(APP)),
            0.15,
            _median(series.get(FLOOR_ONE)),
            "57.7 s",
            _spread(series.get(APP)),
            3,
        ),
        Row(
            "the same, 10 rollouts at once",
            "s",
            _median(series.get(MANY)),
            0.25,
            _median(series.get(FLOOR_MANY)),
            "57.7 s",
            _spread(series.get(MANY)),
            3,
        ),
        _apps(series),
        Row(
            "pod admission, by the API server's own histogram",
            "ms",
            mean,
            6,
            keptn="32 ms",
            note=_pods(measured),
        ),
        *_writes(measured),
        _memory("webhook", 75, "59 MB", measured),
        _memory("worker", 90, "41 MB", measured),
        Row(
            "from the end of a failed check to the failed rollout",
            "s",
            _median(series.get(FAILED)),
            1.0,
            keptn="never",
            note=_spread(series.get(FAILED)),
            digits=3,
        ),
    ]


def _pods(measured: Measured) -> str:
    others = measured.admissions - measured.own_admissions
    return f"mean of {measured.admissions:.0f} pods" + (f", {others:.0f} of them of other work" if others > 0 else "")


def _apps(series: Mapping[str, Sequence[float]]) -> Row:
    values = series.get(APPS)
    starting = _median(series.get(f"{APPS}, {course.STARTING}"))
    note = _spread(values, 2)
    if note and starting is not None:
        note += f"; {starting:.2f} s of it {course.STARTING}"
    return Row(
        "an app of six workloads, from apply to Completed, beyond its Jobs' own times on the longest path",
        "s",
        _median(values),
        2.0,
        _median(series.get(FLOOR_APPS)),
        note=note,
    )


def _writes(measured: Measured) -> list[Row]:
    opening = "writes to the API for a rollout with one task, until its gate is open"
    whole = "the same, until its app version has ended"
    counted, floor = measured.counted, measured.floor_writes
    if counted is None or not counted.rollouts:
        note = "the API server's counters did not show the installation's requests"
        return [Row(what, "", None, 14, floor, "about 50", note, 1) for what in (opening, whole)]
    number = counted.rollouts
    return [
        Row(
            opening,
            "",
            counted.opening.others / number,
            14,
            floor,
            "about 50",
            f"mean of {number}, each of a new workload; {_kinds(counted.opening, number)}",
            1,
        ),
        Row(
            whole,
            "",
            counted.rollout.others / number,
            14,
            floor,
            "about 50",
            f"{_kinds(counted.ending, number)} more; not counted: {counted.rollout.events / number:.1f} events, "
            f"and {counted.removal.others / number:.1f} when it is removed",
            1,
        ),
    ]


def _kinds(written: Written, number: int) -> str:
    return ", ".join(f"{kind} {count / number:.3g}" for kind, count in written.kinds.items() if count) or "none"


def _memory(role: str, goal: float, keptn: str, measured: Measured) -> Row:
    what = f"resident memory of the {role}, idle"
    idle = [one.mebibytes for one in measured.idle if one.role == role]
    later = [one.mebibytes for one in measured.afterwards if one.role == role]
    if not idle:
        return Row(what, "MiB", None, goal, keptn=keptn, note="no such process here: run this on the cluster's node")
    note = f"largest of {len(idle)}" + (f"; {max(later):.1f} MiB after the load" if later else "")
    return Row(what, "MiB", max(idle), goal, keptn=keptn, note=note, digits=1)


def _median(values: Sequence[float] | None) -> float | None:
    return median(values) if values else None


def _spread(values: Sequence[float] | None, digits: int = 3) -> str:
    return f"median of {len(values)}, {min(values):.{digits}f} to {max(values):.{digits}f} s" if values else ""
