"""Counters and histograms of what has ended while this process led.

Each object is counted once, when it is seen to end. They live in memory: a restart, or another leader, begins at
nothing, and what had ended before is not counted again, so that `increase()` and `rate()` say what really happened. An
object's figures go when the object goes, unless another one has the same labels.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from app.telemetry.exposition import Family, number

# OpenTelemetry's, which Keptn's histograms have, in seconds.
BOUNDS = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)
_ENDS = tuple(f',le="{bound}"}}' for bound in (*BOUNDS, "+Inf"))


@dataclass(slots=True)
class _Series:
    objects: int = 0  # that are still there
    total: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * len(_ENDS))


class Ended:
    """One kind of thing: its ``<name>_count_total`` and ``<name>_duration_seconds``."""

    def __init__(self, name: str, what: str) -> None:
        self._name = name
        self._what = what
        self._labels: dict[str, str] = {}  # by uid
        self._counts: dict[str, _Series] = {}
        self._durations: dict[str, _Series] = {}

    def count(self, uid: str, labels: str, seconds: float | None) -> None:
        """Notes that the object `uid` has ended after so many seconds; None leaves it out of the histogram."""
        if uid in self._labels:
            return
        self._labels[uid] = labels
        counted = self._counts.setdefault(labels, _Series())
        counted.objects += 1
        counted.total += 1
        if seconds is None:
            return
        timed = self._durations.setdefault(labels, _Series())
        timed.total += 1
        timed.seconds += seconds
        timed.buckets[bisect_left(BOUNDS, seconds)] += 1

    def forget(self, uid: str) -> None:
        """The object is gone."""
        labels = self._labels.pop(uid, None)
        if labels is None:
            return
        counted = self._counts[labels]
        counted.objects -= 1
        if not counted.objects:
            del self._counts[labels]
            self._durations.pop(labels, None)

    def families(self) -> list[Family]:
        counter, histogram = f"{self._name}_count_total", f"{self._name}_duration_seconds"
        counts = [f"{counter}{labels} {series.total}" for labels, series in self._counts.items()]
        families = [Family(counter, "counter", f"{self._what} that have ended.", counts)]
        if self._durations:
            timed = list(self._durations.items())
            lines = (line for labels, series in timed for line in _histogram(histogram, labels, series))
            families.append(Family(histogram, "histogram", f"How long {self._what} took.", lines))
        return families


def _histogram(name: str, labels: str, series: _Series) -> Iterator[str]:
    start = f"{name}_bucket{labels[:-1]}"
    for end, total in zip(_ENDS, accumulate(series.buckets), strict=True):
        yield f"{start}{end} {total}"
    yield f"{name}_sum{labels} {number(series.seconds)}"
    yield f"{name}_count{labels} {series.total}"
