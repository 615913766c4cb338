"""Counters and histograms: each object once, and gone with it."""

import pytest

from app.telemetry.ended import BOUNDS, Ended
from app.telemetry.exposition import keptn
from tests.app.telemetry.reading import Sample, read, types

LABELS = keptn(task_name="check")
NAMED = {"keptn_deployment_task_name": "check", "otel_scope_name": "keptn/task"}


def page(ended: Ended) -> bytes:
    families = ended.families()
    return "".join(each.head + "".join(f"{line}\n" for line in each.lines) for each in families).encode()


def test_nothing_has_ended_yet() -> None:
    text = page(Ended("keptn_task", "Tasks"))
    assert types(text) == {"keptn_task_count_total": "counter"}
    assert read(text) == {}


def test_a_counter_and_a_histogram() -> None:
    ended = Ended("keptn_task", "Tasks")
    ended.count("1", LABELS, 7.0)
    ended.count("2", LABELS, 10.0)
    ended.count("3", LABELS, 20000.5)
    text = page(ended)
    assert types(text) == {"keptn_task_count_total": "counter", "keptn_task_duration_seconds": "histogram"}
    found = read(text)
    assert found["keptn_task_count_total"] == [Sample(NAMED, 3)]
    assert found["keptn_task_duration_seconds_sum"] == [Sample(NAMED, 20017.5)]
    assert found["keptn_task_duration_seconds_count"] == [Sample(NAMED, 3)]
    buckets = {sample.labels["le"]: sample.value for sample in found["keptn_task_duration_seconds_bucket"]}
    assert list(buckets) == [*map(str, BOUNDS), "+Inf"]
    assert (buckets["5"], buckets["10"], buckets["25"], buckets["10000"], buckets["+Inf"]) == (0, 2, 2, 2, 3)


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, "0"), (0.1, "5"), (5.0, "5"), (10000.0, "10000")])
def test_a_bucket_takes_what_is_at_most_its_bound(seconds: float, bucket: str) -> None:
    ended = Ended("keptn_task", "Tasks")
    ended.count("1", LABELS, seconds)
    first = next(s for s in read(page(ended))["keptn_task_duration_seconds_bucket"] if s.value)
    assert first.labels["le"] == bucket


def test_an_object_counts_once() -> None:
    ended = Ended("keptn_task", "Tasks")
    ended.count("1", LABELS, 1.0)
    ended.count("1", LABELS, 1.0)
    assert read(page(ended))["keptn_task_count_total"][0].value == 1


def test_what_has_no_duration_is_only_counted() -> None:
    ended = Ended("keptn_app", "Apps")
    ended.count("1", LABELS, None)
    assert list(read(page(ended))) == ["keptn_app_count_total"]


def test_a_series_goes_with_the_last_of_its_objects() -> None:
    ended = Ended("keptn_task", "Tasks")
    ended.count("1", LABELS, 1.0)
    ended.count("2", LABELS, None)
    ended.count("3", keptn(task_name="other"), 2.0)
    ended.forget("1")
    ended.forget("1")
    assert read(page(ended))["keptn_task_count_total"][0] == Sample(NAMED, 2)
    ended.forget("2")
    found = read(page(ended))
    assert all(s.labels["keptn_deployment_task_name"] == "other" for samples in found.values() for s in samples)
