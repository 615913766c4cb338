"""The event loop of a simulation: no waiting, no sockets, and processes that can be stopped and go on.

Time stands still while anything can run, then jumps to the next timer. looptime does the same for other tests, but
asks the operating system for news and idles for 42 rounds before each jump, which would be most of the cost here.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

# The process that a callback belongs to: that of whoever started it. None for the cluster and for users.
PROCESS: contextvars.ContextVar[object] = contextvars.ContextVar("process", default=None)


class Stuck(Exception):
    """Nothing can happen any more: everything waits, and there is no timer."""


@dataclass(slots=True)
class _HeldBack:
    ready: list[asyncio.Handle] = field(default_factory=list)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class SimulatedLoop(asyncio.BaseEventLoop):
    """Its clock starts at 0 and counts seconds. Raises Stuck where a real loop would wait for ever."""

    # asyncio's own, which typeshed does not know of.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self
        self._frozen: dict[object, _HeldBack] = {}

    def time(self) -> float:
        return self._now

    def freeze(self, process: object) -> None:
        """From now on nothing of `process` runs, as after SIGSTOP: what it was about to do waits, timers as well."""
        held = self._frozen.setdefault(process, _HeldBack())
        theirs = [timer for timer in self._scheduled if _process(timer) is process]
        if theirs:
            kept = [timer for timer in self._scheduled if _process(timer) is not process]
            heapq.heapify(kept)
            self._scheduled = kept
            for timer in theirs:
                _mark(timer, False)
            held.timers += theirs

    def thaw(self, process: object) -> None:
        """It goes on where it was: first what was ready, then the timers whose time has come meanwhile."""
        held = self._frozen.pop(process, _HeldBack())
        self._ready.extend(held.ready)
        for timer in held.timers:
            if not timer.cancelled():
                _mark(timer, True)
                heapq.heappush(self._scheduled, timer)

    def thaw_all(self) -> None:
        for process in list(self._frozen):
            self.thaw(process)

    def select(self, timeout: float | None) -> list[Any]:
        """In place of the operating system's: asked before each round for what has happened within `timeout`."""
        if self._frozen:
            self._hold_back()
        if timeout is None:
            raise Stuck
        if timeout > 0:
            self._now = self._scheduled[0].when()
        return []

    def _hold_back(self) -> None:
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            held = self._frozen.get(_process(handle))
            (self._ready if held is None else held.ready).append(handle)

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Wakes a loop that waits; this one never does."""


def outside(coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """A task of nobody's: what a process has set off, and what goes on whatever becomes of it."""
    return asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())


def run(main: Coroutine[Any, Any, T], loop: SimulatedLoop | None = None) -> T:
    """As asyncio.run, in simulated time. Processes that are frozen at the end are let go, so that they can end."""
    loop = loop or SimulatedLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            return runner.run(main)
        finally:
            loop.thaw_all()


def _process(handle: asyncio.Handle) -> object:
    context: contextvars.Context = handle._context  # type: ignore[attr-defined]
    return context.get(PROCESS)


def _mark(timer: asyncio.TimerHandle, scheduled: bool) -> None:
    """A timer that is cancelled tells the loop, which counts those that lie in its heap."""
    timer._scheduled = scheduled  # type: ignore[attr-defined]
