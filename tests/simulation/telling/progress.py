"""How far it is: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tests.simulation.telling.report import Tally

_PLAIN_SECONDS = 10.0


class Shown(Protocol):
    """To be called after each seed."""

    def __call__(self) -> None: ...


@contextmanager
def progress(console: Console, tally: Tally, *, seeds: int | None, seconds: float | None) -> Iterator[Shown]:
    """Shows how far `tally` is on its way to so many seeds, or so many seconds if they are given."""
    began = time.monotonic()

    def elapsed() -> float:
        return time.monotonic() - began

    if console.is_terminal:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        total = float(seconds if seconds is not None else seeds or 0)
        task = bar.add_task("seeds", total=total)

        def moved() -> None:
            done = float(min(elapsed(), total) if seconds is not None else tally.seeds)
            bar.update(task, completed=done, description=_words(tally, seeds, elapsed()))

        with bar:
            yield moved
        return

    told = 0.0

    def said() -> None:
        nonlocal told
        if elapsed() - told >= _PLAIN_SECONDS:
            told = elapsed()
            console.print(f"{told:6.0f} s: {_words(tally, seeds, told)}, {_left(tally, seeds, seconds, told)} left")

    yield said


def _words(tally: Tally, seeds: int | None, elapsed: float) -> str:
    of = f"/{seeds:,}" if seeds is not None else ""
    found = len(tally.failing)
    return f"{tally.seeds:,}{of} seeds, {tally.seeds / max(elapsed, 0.001):.1f} a second, {found} with findings"


def _left(tally: Tally, seeds: int | None, seconds: float | None, elapsed: float) -> str:
    """The shorter of what is left of the time and what the seeds will take."""
    left = []
    if seconds is not None:
        left.append(seconds - elapsed)
    if seeds is not None and tally.seeds:
        left.append((seeds - tally.seeds) * elapsed / tally.seeds)
    return f"{max(0.0, min(left)):.0f} s" if left else "?"
