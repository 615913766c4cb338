"""Prometheus' text format, as its own client reads it."""

import pytest

from app.telemetry.exposition import Family, keptn, labels, number
from tests.app.telemetry.reading import read


@pytest.mark.parametrize("value", ["plain", 'with "quotes"', "back\\slash", "two\nlines", "\\n", "", "ünïcode {}=,"])
def test_any_value_comes_back_as_it_was(value: str) -> None:
    family = Family("it", "gauge", "Help.", [f"it{labels({'a': value, 'b': 'x'})} 1"])
    text = family.head + "".join(f"{line}\n" for line in family.lines)
    assert read(text.encode())["it"] == [({"a": value, "b": "x"}, 1.0)]


def test_keptns_labels_have_its_prefix_and_its_meters_name() -> None:
    assert keptn(app_name="shop") == '{keptn_deployment_app_name="shop",otel_scope_name="keptn/task"}'


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (0.0, "0"), (1.5, "1.5"), (1e18, "1000000000000000000")])
def test_numbers_are_gos(value: float, text: str) -> None:
    assert number(value) == text
