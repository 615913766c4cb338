"""Spans on their way to the collector: kept, sent together, and never in anybody's way.

Without a collector nothing is kept and gRPC is not loaded. The collector may be set, changed and unset at any time.
One that cannot be reached is said once in the log and asked again, ever less often; meanwhile as many spans are kept as
there is room for, the newest ones. A process that ends in order sends what it has; one that is killed loses what was
seen in its last second.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from app.lifecycle.spans import Span
from app.telemetry.collector import Collector, Refused, Unreachable

log = logging.getLogger(__name__)

KEPT = 4096
_BATCH = 256
# Seconds. What ends in the same moment goes together.
_GATHER = 1.0
_TIMEOUT = 10.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
# What may be taken to send the rest: less than a leader's time to stop.
_GOODBYE = 2.0


async def connect(target: str) -> Collector:
    """The collector at `target`, ``host:port``."""
    return (await asyncio.to_thread(_load))(target)


def _load() -> Callable[[str], Collector]:
    from app.telemetry.otlp import OtlpCollector  # not for those who want no traces: it takes memory and time

    return OtlpCollector


class Tracing:
    """Takes spans at any time; ``run`` sends them."""

    def __init__(self, connect: Callable[[str], Awaitable[Collector]] = connect) -> None:
        self._connect = connect
        self._target = ""
        self._spans: deque[Span] = deque()
        self._changed = asyncio.Event()
        self._news = asyncio.Event()  # set with `_changed`, too
        self._failing = False
        self._losing = False

    @property
    def on(self) -> bool:
        """Whether anybody wants spans."""
        return bool(self._target)

    def configure(self, target: str) -> None:
        """Sends to `target`, ``host:port``, from now on; to nobody if it is empty."""
        if target != self._target:
            self._target = target
            self._changed.set()
            self._news.set()

    def emit(self, spans: Sequence[Span]) -> None:
        """Takes spans that have ended. Returns at once."""
        if self._target and spans:
            self._spans.extend(spans)
            self._make_room()
            self._news.set()

    async def run(self) -> None:
        """Until cancelled; then sends what there is, if the collector takes it within moments."""
        while True:
            target = self._target
            self._changed.clear()
            if not target:
                self._spans.clear()
                await self._changed.wait()
                continue
            try:
                collector = await self._connect(target)
            except Exception:
                log.exception("no traces: what speaks to the collector cannot be loaded", extra={"collector": target})
                await self._changed.wait()
                continue
            log.info("traces go to a collector", extra={"collector": target})
            try:
                await self._serve(collector, target)
            finally:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_GOODBYE):
                        await self._say_goodbye(collector, target)

    async def _serve(self, collector: Collector, target: str) -> None:
        self._failing = self._losing = False
        pause = _FIRST_PAUSE
        while self._target == target:
            if not self._spans:
                self._news.clear()
                await self._news.wait()
                await self._unless_changed(_GATHER)
                continue
            if await self._send(collector, target, _TIMEOUT):
                pause = _FIRST_PAUSE
            else:
                await self._unless_changed(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _say_goodbye(self, collector: Collector, target: str) -> None:
        try:
            while self._spans and await self._send(collector, target, _GOODBYE):
                pass
        finally:
            try:
                await collector.close()
            except Exception:  # it is not needed any more, and what leads must go on
                log.exception("the connection to a collector cannot be closed", extra={"collector": target})

    async def _send(self, collector: Collector, target: str, seconds: float) -> bool:
        """Whether what waited longest is off our hands."""
        batch = [self._spans.popleft() for _ in range(min(_BATCH, len(self._spans)))]
        about = {"collector": target}
        try:
            complaint = await collector.send(batch, seconds)
        except Unreachable as error:
            self._keep(batch)
            if not self._failing:
                log.warning("the collector takes no spans; they are kept", extra=about | {"error": str(error)})
            self._failing = True
            return False
        except asyncio.CancelledError:
            self._keep(batch)
            raise
        except Refused as error:
            complaint = str(error)
        except Exception as error:
            log.exception("spans cannot be sent and are left out", extra=about)
            complaint = type(error).__name__
        if complaint:
            log.warning("the collector does not want some spans", extra=about | {"error": complaint})
        elif self._failing:
            log.info("the collector takes spans again", extra=about)
            self._failing = self._losing = False
        return True

    def _keep(self, batch: list[Span]) -> None:
        self._spans.extendleft(reversed(batch))
        self._make_room()

    def _make_room(self) -> None:
        too_many = len(self._spans) - KEPT
        if too_many > 0 and not self._losing:
            log.warning("spans are lost: too many wait for the collector", extra={"collector": self._target})
            self._losing = True
        for _ in range(too_many):
            self._spans.popleft()

    async def _unless_changed(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
