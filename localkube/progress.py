"""Says what is going on: a live line on a terminal, otherwise a heartbeat line every few seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

HEARTBEAT_SECONDS = 15.0
REDRAW_SECONDS = 0.5
LINE_WIDTH = 118


def duration(seconds: float) -> str:
    """A duration in words short enough for a column: `0.4 s`, `12 s`, `4 min 5 s`, `2 h 3 min`, `1 d 2 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


class Step:
    """One thing that is being done; `detail` may change while it runs."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.started = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.started

    def line(self, state: str) -> str:
        """The step as one line, cut to what a terminal shows."""
        told = f"{self.title}: {self.detail}" if self.detail else self.title
        return f"  {state:<4} {duration(self.elapsed()):>11}  {told}"[:LINE_WIDTH]


class Progress:
    """Prints steps to a stream. `heartbeat` is the silence, in seconds, after which a running step is repeated."""

    def __init__(self, stream: TextIO | None = None, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._stream = stream if stream is not None else sys.stdout
        self._live = self._stream.isatty()
        self._pause = REDRAW_SECONDS if self._live else heartbeat
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Print one plain line."""
        with self._lock:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Announce a step, keep telling that it runs, and end with `done` or `FAIL` and the time it took."""
        step = Step(title)
        finished = threading.Event()
        teller = threading.Thread(target=self._tell, args=(step, finished), daemon=True)
        teller.start()
        outcome = "FAIL"
        try:
            yield step
            outcome = "done"
        finally:
            finished.set()
            teller.join()
            self._write(step.line(outcome), last=True)

    def _tell(self, step: Step, finished: threading.Event) -> None:
        if self._live:
            self._write(step.line("..."), last=False)
        while not finished.wait(self._pause):
            self._write(step.line("..."), last=not self._live)

    def _write(self, line: str, *, last: bool) -> None:
        with self._lock:
            start = "\r\x1b[K" if self._live else ""
            self._stream.write(start + line + ("\n" if last else ""))
            self._stream.flush()
