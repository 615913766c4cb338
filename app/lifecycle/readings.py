"""What a KeptnMetric says, and whether its provider had better be asked instead."""

from datetime import datetime
from typing import Final

from app.api.metric import Metric, MetricsProvider
from app.lifecycle import durations
from app.lifecycle.evaluations import Reading

# They all answer as Prometheus does, and Keptn asks them in one and the same way.
SPEAK_PROMETHEUS: Final = frozenset({"prometheus", "thanos", "cortex"})
# A value that is older than so many of its fetch intervals is one that nobody refreshes.
_INTERVALS: Final = 3


def value(metric: Metric, now: datetime) -> Reading:
    """What an operator has written into the metric's status: however old, as in Keptn, but then it says how old."""
    status = metric.status
    if status.value and status.raw_value:
        age = _age(metric, now)
        return Reading(status.value, note="" if is_fresh(metric, now) else f"last updated {durations.format(age)} ago")
    said = f": {status.err_msg[:200]}" if status.err_msg else ""
    return Reading(
        problem=f"KeptnMetric {_name(metric)} has no value{said}; is Keptn's metrics operator running? Without it, "
        "Holdfast asks the metric's KeptnMetricsProvider itself if that is one of type prometheus"
    )


def is_fresh(metric: Metric, now: datetime) -> bool:
    """Whether the metric has a value that somebody keeps up to date. One that says no time counts as such."""
    status = metric.status
    if not status.value or not status.raw_value:
        return False
    if metric.spec.fetch_interval_seconds <= 0:
        return True
    return _age(metric, now) <= _INTERVALS * metric.spec.fetch_interval_seconds


def can_be_asked(metric: Metric, provider: MetricsProvider) -> bool:
    """Whether Holdfast can put the metric's query to its provider. An aggregate over a range is not for it."""
    return provider.type in SPEAK_PROMETHEUS and bool(metric.spec.query) and metric.spec.range is None


def _age(metric: Metric, now: datetime) -> int:
    """Seconds since the value was written, 0 if it does not say."""
    try:
        return round((now - datetime.fromisoformat(metric.status.last_updated or "")).total_seconds())
    except (ValueError, TypeError):  # no time at all, or one without its zone
        return 0


def _name(metric: Metric) -> str:
    return f"{metric.metadata.namespace}/{metric.metadata.name}"
