"""How far it is, on a terminal and elsewhere."""

import io
import time

import pytest
from rich.console import Console

from tests.simulation.telling.progress import progress
from tests.simulation.telling.report import Tally
from tests.simulation.telling.result import Result

FINE = Result(1, (), 0.0, 0.0, 0, "digest", {})
BAD = Result(2, ("I1: twice",), 0.0, 0.0, 0, "digest", {})


def _shown(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, seeds: int | None, seconds: float | None, pause: float
) -> str:
    """What is written while a good and a bad seed come in, each after `pause` seconds."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    tally = Tally()
    with progress(console, tally, seeds=seeds, seconds=seconds) as moved:
        for result in (FINE, BAD):
            now += pause
            tally.add(result)
            moved()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_plain_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    output = _shown(monkeypatch, terminal=False, seeds=8, seconds=None, pause=6.0)
    assert output == "    12 s: 2/8 seeds, 0.2 a second, 1 with findings, 36 s left\n"


def test_what_is_over_soon_needs_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _shown(monkeypatch, terminal=False, seeds=8, seconds=None, pause=1.0) == ""


def test_the_time_that_is_left_is_the_shorter_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    output = _shown(monkeypatch, terminal=False, seeds=8, seconds=20.0, pause=6.0)
    assert output.endswith(", 8 s left\n")
    output = _shown(monkeypatch, terminal=False, seeds=None, seconds=20.0, pause=6.0)
    assert "2 seeds, " in output
    assert output.endswith(", 8 s left\n")


@pytest.mark.parametrize(("seeds", "seconds", "done"), [(8, None, "25%"), (None, 24.0, "50%")])
def test_a_terminal_has_a_bar(
    monkeypatch: pytest.MonkeyPatch, seeds: int | None, seconds: float | None, done: str
) -> None:
    output = _shown(monkeypatch, terminal=True, seeds=seeds, seconds=seconds, pause=6.0)
    assert "with findings" in output
    assert done in output
