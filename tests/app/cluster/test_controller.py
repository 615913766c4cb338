import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.cluster import errors
from app.cluster.controller import After, Controller, Done, Outcome
from app.cluster.queue import WorkQueue

pytestmark = pytest.mark.looptime


class Work:
    """A controller whose reconcile follows a plan for each key: a list of outcomes or errors, then Done."""

    def __init__(self, **plans: list[Outcome | Exception]) -> None:
        self.queue: WorkQueue[str] = WorkQueue(random.Random(1))
        self.plans = plans
        self.calls: list[tuple[str, float]] = []
        self.controller = Controller("test", self.queue, self.reconcile)

    async def reconcile(self, key: str) -> Outcome:
        self.calls.append((key, asyncio.get_running_loop().time()))
        step = self.plans[key].pop(0) if self.plans.get(key) else Done()
        if isinstance(step, Exception):
            raise step
        return step

    def times(self, key: str) -> list[float]:
        return [time for name, time in self.calls if name == key]


@contextlib.asynccontextmanager
async def running(controller: Controller[str], concurrency: int = 1) -> AsyncIterator[None]:
    task = asyncio.create_task(controller.run(concurrency))
    try:
        yield
    finally:
        assert not task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_done_is_done_and_after_comes_again_in_time() -> None:
    work = Work(a=[After(7), After(3), Done()])
    work.queue.add("a")
    async with running(work.controller):
        await asyncio.sleep(1000)
    assert work.times("a") == [0, 7, 10]
    assert work.controller.outcomes == {"after": 2, "done": 1}


async def test_a_deadline_that_has_passed_does_not_make_it_spin() -> None:
    work = Work(a=[After(-1) for _ in range(1000)])
    work.queue.add("a")
    async with running(work.controller):
        await asyncio.sleep(1)
    assert len(work.calls) < 105


@pytest.mark.parametrize(
    "error",
    [errors.Conflict(409, "Conflict", "m"), errors.Unavailable(0, "x", "m"), errors.TooManyRequests(429, "x", "m")],
)
async def test_what_is_nobodys_fault_is_tried_again_quietly(
    error: errors.ApiError, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(a=[error])
    work.queue.add("a")
    async with running(work.controller):
        await asyncio.sleep(1)
    assert len(work.calls) == 2
    assert work.controller.outcomes == {"retried": 1, "done": 1}
    assert not [record for record in caplog.records if record.levelno >= logging.INFO]


async def test_f42_a_key_in_a_namespace_that_is_being_deleted_is_dropped_until_something_changes() -> None:
    ending = errors.Forbidden(403, "Forbidden", "m", {"causes": [{"reason": "NamespaceTerminating"}]})
    work = Work(a=[RuntimeError(), ending])
    work.queue.add("a")
    async with running(work.controller):
        await asyncio.sleep(1000)
        assert len(work.calls) == 2
        assert work.queue.failures("a") == 0
        work.queue.add("a")
        await asyncio.sleep(1)
    assert work.controller.outcomes == {"failed": 1, "dropped": 1, "done": 1}


async def test_any_other_refusal_is_a_failure_that_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    work = Work(a=[errors.Forbidden(403, "Forbidden", "exceeded quota")])
    work.queue.add("a")
    async with running(work.controller):
        await asyncio.sleep(1)
    assert work.controller.outcomes == {"failed": 1, "done": 1}
    assert "exceeded quota" in caplog.text


async def test_f15_a_server_that_asks_to_wait_is_given_that_time_within_reason() -> None:
    def shed(seconds: float) -> errors.TooManyRequests:
        return errors.TooManyRequests(429, "x", "m", retry_after=seconds)

    work = Work(a=[shed(5)], b=[shed(36_000)])
    work.queue.add("a")
    work.queue.add("b")
    async with running(work.controller):
        await asyncio.sleep(100)
    assert (work.times("a"), work.times("b")) == ([0, 5], [0, 60])


async def test_f16_a_poisoned_key_backs_off_with_a_traceback_and_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = Work(poison=[RuntimeError("bug") for _ in range(1000)])
    work.queue.add("poison")
    async with running(work.controller):
        for _ in range(600):
            work.queue.add("good")
            await asyncio.sleep(1)
    assert len(work.times("good")) == 600
    assert 15 < len(work.times("poison")) < 40
    assert caplog.text.count("RuntimeError: bug") == len(work.times("poison"))


@pytest.mark.parametrize(
    "error",
    [errors.Conflict(409, "Conflict", "m"), errors.Unavailable(0, "x", "m"), errors.TooManyRequests(429, "x", "m")],
)
async def test_f7_after_an_outage_all_keys_are_looked_at_again_within_seconds(error: errors.ApiError) -> None:
    keys = [f"key-{number}" for number in range(50)]
    work = Work()
    outage = 600.0

    async def reconcile(key: str) -> Outcome:
        await work.reconcile(key)
        if asyncio.get_running_loop().time() < outage:
            raise error
        return Done()

    for key in keys:
        work.queue.add(key)
    async with running(Controller("test", work.queue, reconcile), concurrency=4):
        await asyncio.sleep(outage + 100)
    ends = [work.times(key)[-1] for key in keys]
    assert all(outage <= end <= outage + 3 for end in ends)
    assert max(ends) - min(ends) > 1, "they do not come back together"
    assert all(len(work.times(key)) < 10 + outage / 1.5 for key in keys)


async def test_f56_a_controller_may_wait_less_long_after_failures() -> None:
    work = Work(a=[RuntimeError() for _ in range(1000)])
    work.queue.add("a")
    async with running(Controller("test", work.queue, work.reconcile, cap=10)):
        await asyncio.sleep(600)
    pauses = [later - earlier for earlier, later in itertools.pairwise(work.times("a"))]
    assert 5 <= max(pauses) <= 10


class TestAPoisonedKey:
    """F16: it is told of once, and again only after it has recovered."""

    async def test_is_told_of_at_its_fifth_failure_with_the_last_error(self) -> None:
        work = Work(a=[RuntimeError(number) for number in range(1, 40)], b=[RuntimeError() for _ in range(4)])
        told: list[tuple[str, str]] = []
        controller = Controller(
            "test", work.queue, work.reconcile, stuck=lambda key, error: told.append((key, str(error)))
        )
        work.queue.add("a")
        work.queue.add("b")
        async with running(controller):
            await asyncio.sleep(3600)
            assert told == [("a", "5")]
            work.plans["a"] = [RuntimeError(number) for number in range(6)]
            work.queue.add("a")
            await asyncio.sleep(3600)
        assert told == [("a", "5"), ("a", "4")]

    async def test_is_not_what_the_api_server_is_too_busy_for_however_often(self) -> None:
        away: list[Outcome | Exception] = [errors.Unavailable(0, "x", "m") for _ in range(20)]
        work = Work(a=[*away, RuntimeError(1), *away, RuntimeError(2)])
        told: list[str] = []
        controller = Controller("test", work.queue, work.reconcile, stuck=lambda key, error: told.append(key))
        work.queue.add("a")
        async with running(controller):
            await asyncio.sleep(3600)
        assert work.controller.queue.failures("a") == 0
        assert told == []

    async def test_is_tried_again_even_if_it_cannot_be_told_of(self, caplog: pytest.LogCaptureFixture) -> None:
        def stuck(key: str, error: Exception) -> None:
            raise ValueError("nor can this be told")

        work = Work(a=[RuntimeError() for _ in range(7)])
        work.queue.add("a")
        async with running(Controller("test", work.queue, work.reconcile, stuck=stuck)):
            await asyncio.sleep(60)
        assert len(work.times("a")) == 8
        assert "nor can this be told" in caplog.text


async def test_a_success_resets_the_backoff() -> None:
    work = Work(a=[*[RuntimeError() for _ in range(12)], Done(), RuntimeError()])
    work.queue.add("a")
    async with running(work.controller):
        await asyncio.sleep(100)
        work.queue.add("a")
        await asyncio.sleep(0.1)
    assert work.times("a")[-1] - work.times("a")[-2] <= 0.005


def slow(work: Work, seconds: float) -> Callable[[str], Awaitable[Outcome]]:
    busy: set[str] = set()

    async def reconcile(key: str) -> Outcome:
        assert key not in busy
        busy.add(key)
        try:
            await asyncio.sleep(seconds)
        finally:
            busy.discard(key)
        return await work.reconcile(key)

    return reconcile


async def test_keys_are_worked_on_side_by_side_but_never_one_twice_at_once() -> None:
    work = Work()
    controller = Controller("test", work.queue, slow(work, 10))
    for key in "abc":
        work.queue.add(key)
    async with running(controller, concurrency=3):
        await asyncio.sleep(5)
        work.queue.add("a")
        await asyncio.sleep(100)
    assert sorted(work.calls) == [("a", 10), ("a", 20), ("b", 10), ("c", 10)]


async def test_f4_work_broken_off_is_queued_again() -> None:
    work = Work()
    controller = Controller("test", work.queue, slow(work, 10))
    work.queue.add("a")
    async with running(controller):
        await asyncio.sleep(5)
    assert (work.calls, len(work.queue), work.queue.stats.processing) == ([], 1, 0)
    async with running(controller):
        await asyncio.sleep(20)
    assert work.calls == [("a", 15)]


async def test_a_shutdown_lets_the_present_work_end() -> None:
    work = Work()
    controller = Controller("test", work.queue, slow(work, 10))
    work.queue.add("a")
    work.queue.add("b")
    task = asyncio.create_task(controller.run())
    await asyncio.sleep(5)
    work.queue.shutdown()
    await asyncio.wait_for(task, 10)
    assert work.calls == [("a", 10)]
