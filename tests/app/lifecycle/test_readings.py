from datetime import UTC, datetime
from typing import Any

import pytest

from app.api.metric import Metric, MetricsProvider
from app.lifecycle.evaluations import Reading
from app.lifecycle.readings import can_be_asked, is_fresh, value

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def metric(fetched: int = 10, spec: Any = None, **status: Any) -> Metric:
    given = {"value": "5", "rawValue": "NQ==", "lastUpdated": "2026-01-01T11:59:55Z"} | status
    wanted = {"fetchIntervalSeconds": fetched, "query": "up"} | (spec or {})
    return Metric.model_validate({"metadata": {"name": "m", "namespace": "shop"}, "spec": wanted, "status": given})


def provider(name: str = "prom", type: str = "") -> MetricsProvider:
    return MetricsProvider.model_validate({"metadata": {"name": name}, "spec": {"type": type, "targetServer": "x"}})


class TestAValue:
    def test_is_what_the_status_says(self) -> None:
        assert value(metric(), NOW) == Reading("5")

    @pytest.mark.parametrize("status", [{"value": ""}, {"rawValue": ""}, {"value": "", "rawValue": ""}])
    def test_needs_both_fields_as_in_keptn(self, status: dict[str, Any]) -> None:
        said = value(metric(**status), NOW)
        assert not said.value
        assert said.problem.startswith("KeptnMetric shop/m has no value; is Keptn's metrics operator running?")

    def test_that_is_old_counts_and_says_how_old(self) -> None:
        assert value(metric(lastUpdated="2026-01-01T10:30:00Z"), NOW) == Reading("5", note="last updated 1h30m0s ago")


class TestFreshness:
    @pytest.mark.parametrize(
        ("last", "fetched", "fresh"),
        [
            ("2026-01-01T11:59:30Z", 10, True),
            ("2026-01-01T11:59:29Z", 10, False),
            ("2026-01-01T11:59:29Z", 11, True),
            ("2025-01-01T00:00:00Z", 0, True),
            ("2026-01-01T12:00:30Z", 10, True),
            (None, 10, True),
            ("", 10, True),
            ("yesterday", 10, True),
            ("2020-01-01T00:00:00", 10, True),
        ],
    )
    def test_lasts_for_three_intervals_and_for_ever_where_nothing_tells(
        self, last: str | None, fetched: int, fresh: bool
    ) -> None:
        assert is_fresh(metric(fetched, lastUpdated=last), NOW) is fresh

    def test_is_none_without_a_value(self) -> None:
        assert not is_fresh(metric(value=""), NOW)


class TestAsking:
    @pytest.mark.parametrize(
        ("name", "type", "able"),
        [
            ("prom", "prometheus", True),
            ("prom", "thanos", True),
            ("prom", "cortex", True),
            ("prometheus", "", True),
            ("prom", "", False),
            ("prometheus", "datadog", False),
        ],
    )
    def test_is_for_providers_that_speak_prometheus(self, name: str, type: str, able: bool) -> None:
        assert can_be_asked(metric(), provider(name, type)) is able

    @pytest.mark.parametrize("spec", [{"query": ""}, {"range": {"interval": "5m"}}])
    def test_is_not_for_every_metric(self, spec: dict[str, Any]) -> None:
        assert not can_be_asked(metric(spec=spec), provider(type="prometheus"))
