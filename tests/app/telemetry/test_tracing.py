"""Spans on their way: together, kept while the collector is away, and never in anybody's way."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Sequence

import pytest

from app.lifecycle.spans import Span
from app.lifecycle.traces import SpanContext
from app.telemetry.collector import Refused, Unreachable
from app.telemetry.tracing import KEPT, Tracing

pytestmark = pytest.mark.looptime


def span(name: str) -> Span:
    return Span("scope", name, SpanContext("1" * 32, "2" * 16), "", 0, 1, {}, failed=False)


class InMemory:
    """A collector that notes what it takes; `error` is raised instead, `complaint` is what it answers."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.sent: list[list[str]] = []
        self.tries = 0
        self.error: Exception | None = None
        self.complaint = ""
        self.hangs = False
        self.closed = False

    async def send(self, spans: Sequence[Span], seconds: float) -> str:
        self.tries += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.error is not None:
            raise self.error
        self.sent.append([each.name for each in spans])
        return self.complaint

    async def close(self) -> None:
        self.closed = True


class Connected:
    def __init__(self) -> None:
        self.collectors: list[InMemory] = []
        self.tracing = Tracing(self._connect)

    async def _connect(self, target: str) -> InMemory:
        self.collectors.append(InMemory(target))
        return self.collectors[-1]

    @property
    def last(self) -> InMemory:
        return self.collectors[-1]

    def emit(self, *names: str) -> None:
        self.tracing.emit([span(name) for name in names])


@contextlib.asynccontextmanager
async def running(target: str = "collector:4317") -> AsyncIterator[Connected]:
    it = Connected()
    it.tracing.configure(target)
    task = asyncio.create_task(it.tracing.run())
    try:
        await asyncio.sleep(0.1)
        yield it
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_what_ends_together_is_sent_together() -> None:
    async with running() as it:
        it.emit("a")
        await asyncio.sleep(0.5)
        it.emit("b", "c")
        await asyncio.sleep(1.0)
        assert it.last.sent == [["a", "b", "c"]]
        it.emit("d")
        await asyncio.sleep(1.5)
        assert it.last.sent == [["a", "b", "c"], ["d"]]
        assert it.last.target == "collector:4317"


async def test_without_a_collector_nothing_is_kept_connected_or_loaded() -> None:
    async with running("") as it:
        assert not it.tracing.on
        it.emit("lost")
        await asyncio.sleep(60)
        assert it.collectors == []
        it.tracing.configure("collector:4317")
        it.emit("first")
        await asyncio.sleep(2)
        assert it.last.sent == [["first"]]


async def test_gRPC_is_loaded_only_for_a_collector() -> None:
    script = (
        "import sys, asyncio, app.worker.main\n"
        "from app.telemetry.tracing import connect\n"
        "heavy = ('grpc', 'google.protobuf', 'opentelemetry.proto')\n"
        "assert not [name for name in heavy if name in sys.modules], 'loaded for nothing'\n"
        "async def main():\n"
        "    await (await connect('localhost:1')).close()\n"
        "asyncio.run(main())\n"
        "assert all(name in sys.modules for name in heavy)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await process.wait() == 0


async def test_another_collector_gets_what_comes_next_and_the_old_one_is_closed() -> None:
    async with running("first:4317") as it:
        it.emit("a")
        it.tracing.configure("second:4317")
        await asyncio.sleep(0.1)
        it.emit("b")
        await asyncio.sleep(2)
        first, second = it.collectors
        assert (first.sent, first.closed) == ([["a"]], True)
        assert (second.target, second.sent, second.closed) == ("second:4317", [["b"]], False)


async def test_one_that_cannot_be_closed_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with running("old:1") as it:

        async def close() -> None:
            raise RuntimeError("broken")

        it.last.close = close  # type: ignore[method-assign]
        it.tracing.configure("new:1")
        await asyncio.sleep(0.1)
        it.emit("a")
        await asyncio.sleep(2)
        assert (it.last.target, it.last.sent) == ("new:1", [["a"]])
    assert "cannot be closed" in caplog.text


async def test_switched_off_what_there_is_goes_out_and_no_more_is_taken() -> None:
    async with running() as it:
        it.emit("a")
        it.tracing.configure("")
        await asyncio.sleep(0.1)
        it.emit("b")
        await asyncio.sleep(5)
        assert (it.last.sent, it.last.closed, len(it.collectors)) == ([["a"]], True, 1)


async def test_the_same_setting_again_changes_nothing() -> None:
    async with running() as it:
        for _ in range(5):
            it.tracing.configure("collector:4317")
            await asyncio.sleep(0.1)
        assert len(it.collectors) == 1


async def test_a_process_that_ends_sends_what_it_has() -> None:
    async with running() as it:
        it.emit("a")
    assert (it.last.sent, it.last.closed) == ([["a"]], True)


async def test_a_process_that_ends_does_not_wait_for_a_collector_that_hangs() -> None:
    async with running() as it:
        it.last.hangs = True
        it.emit("a")
        await asyncio.sleep(3)
        before = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - before <= 2.1
    assert it.last.closed


async def test_a_collector_that_is_away_is_said_once_and_gets_everything_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with running() as it:
        it.last.error = Unreachable("UNAVAILABLE: connection refused")
        it.emit("a")
        await asyncio.sleep(600)
        it.emit("b")
        await asyncio.sleep(600)
        assert warnings(caplog) == ["the collector takes no spans; they are kept"]
        assert 15 < it.last.tries < 40
        it.last.error = None
        await asyncio.sleep(90)
        assert it.last.sent == [["a", "b"]]
        assert caplog.records[-1].getMessage() == "the collector takes spans again"
        assert len(warnings(caplog)) == 1


async def test_what_there_is_no_room_for_is_the_oldest_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as it:
        it.last.error = Unreachable("UNAVAILABLE")
        for number in range(KEPT + 50):
            it.emit(str(number))
            if number % 500 == 0:
                await asyncio.sleep(2)
        it.last.error = None
        await asyncio.sleep(300)
        sent = [name for batch in it.last.sent for name in batch]
        assert sent == [str(number) for number in range(50, KEPT + 50)]
        assert max(len(batch) for batch in it.last.sent) <= 256
        assert warnings(caplog).count("spans are lost: too many wait for the collector") == 1


@pytest.mark.parametrize("error", [Refused("INVALID_ARGUMENT"), ValueError("cannot be encoded")])
async def test_what_is_refused_is_left_out_and_holds_up_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as it:
        it.last.error = error
        it.emit("bad")
        await asyncio.sleep(2)
        it.last.error = None
        it.emit("good")
        await asyncio.sleep(2)
        assert it.last.sent == [["good"]]
        assert warnings(caplog)


async def test_what_a_collector_rejects_of_a_batch_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as it:
        it.last.complaint = "1 of 2 spans were rejected: too old"
        it.emit("a", "b")
        await asyncio.sleep(2)
        (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert vars(record)["error"] == "1 of 2 spans were rejected: too old"
        assert len(it.last.sent) == 1


async def test_what_cannot_be_loaded_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(target: str) -> InMemory:
        raise ImportError("no gRPC here")

    tracing = Tracing(fails)
    tracing.configure("collector:4317")
    task = asyncio.create_task(tracing.run())
    tracing.emit([span("a")])
    await asyncio.sleep(10)
    assert not task.done()
    assert len(warnings(caplog)) == 1
    task.cancel()
