from io import StringIO

import pytest
from rich.console import Console

from bench import report
from bench.report import Row

MET = Row("time", "s", 0.1, 0.15, 0.05, "27.9 s", digits=3)
MISSED = Row("memory", "MiB", 75.01, 75, digits=1)
UNKNOWN = Row("writes", "", None, 14, note="no [counter]")


def _text(*rows: Row) -> str:
    file = StringIO()
    Console(file=file, width=140).print(report.table(rows))
    return file.getvalue()


def test_a_goal_is_met_up_to_its_very_value_and_rounding_hides_no_miss() -> None:
    assert Row("x", "s", 0.15, 0.15).met is True
    assert MISSED.shown(MISSED.measured) == "75.0 MiB"
    assert MISSED.met is False


def test_every_row_shows_its_verdict() -> None:
    lines = _text(MET, MISSED, UNKNOWN).splitlines()
    assert any("0.100 s" in line and "≤ 0.150 s" in line and " met" in line and "27.9 s" in line for line in lines)
    assert any("75.0 MiB" in line and "NOT MET" in line for line in lines)
    assert any("writes" in line and "not measured" in line for line in lines)
    assert any("no [counter]" in line for line in lines)


@pytest.mark.parametrize(
    ("rows", "strict", "status"),
    [
        ([MET, MISSED], False, 0),
        ([MET, MISSED], True, 1),
        ([MET], True, 0),
        ([MET, UNKNOWN], False, 1),
    ],
)
def test_the_exit_status_tells_what_was_not_measured_and_if_asked_what_was_missed(
    rows: list[Row], strict: bool, status: int
) -> None:
    assert report.exit_status(rows, strict=strict) == status


def test_the_file_has_the_verdicts_and_every_value() -> None:
    document = report.document([MET, MISSED], {"cpus": 2}, {"one": [0.1, 0.2]})
    assert [row["met"] for row in document["rows"]] == [True, False]
    assert document["series"] == {"one": [0.1, 0.2]}
    assert document["about"] == {"cpus": 2}
