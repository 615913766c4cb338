"""Time that jumps, and processes that stand still in it."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import pytest

from tests.simulation.loop import PROCESS, SimulatedLoop, Stuck, outside, run


def loop() -> SimulatedLoop:
    found = asyncio.get_running_loop()
    assert isinstance(found, SimulatedLoop)
    return found


def spawn(process: object, work: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
    async def main() -> None:
        await work()

    context = contextvars.copy_context()
    context.run(PROCESS.set, process)
    return loop().create_task(main(), context=context)


def test_time_jumps_to_exactly_when_the_next_thing_is_due() -> None:
    async def main() -> list[float]:
        times = []
        for pause in (0.1, 1e-9, 0.2, 3600.0, 200_000.0):
            due = loop().time() + pause
            await asyncio.sleep(pause)
            times.append(loop().time() - due)
        return times

    assert run(main()) == [0.0] * 5


def test_everything_that_can_run_does_before_time_goes_on() -> None:
    async def main() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return loop().time()

    assert run(main()) == 0.0


def test_to_wait_for_nothing_is_an_error() -> None:
    with pytest.raises(Stuck):
        run(asyncio.Event().wait())


def test_a_frozen_process_does_nothing_and_then_all_that_is_overdue_in_order() -> None:
    done: list[tuple[str, float]] = []

    def at(what: str, *pauses: float) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            for pause in pauses:
                await asyncio.sleep(pause)
                done.append((what, loop().time()))

        return work

    async def main() -> None:
        p = object()
        tasks = [spawn(p, at("b", 3, 4)), spawn(p, at("a", 2)), spawn(None, at("other", 5)), spawn(p, at("late", 40))]
        await asyncio.sleep(1)
        loop().freeze(p)
        tasks.append(spawn(p, at("new", 0)))
        await asyncio.sleep(29)
        assert done == [("other", 5.0)]
        loop().thaw(p)
        await asyncio.gather(*tasks)

    run(main())
    assert done[1:] == [("new", 30.0), ("a", 30.0), ("b", 30.0), ("b", 34.0), ("late", 40.0)]


def test_what_a_frozen_process_waits_for_reaches_it_when_it_goes_on() -> None:
    heard: list[float] = []

    async def main() -> None:
        p, news = object(), asyncio.Event()

        async def listen() -> None:
            await news.wait()
            heard.append(loop().time())

        task = spawn(p, listen)
        await asyncio.sleep(1)
        loop().freeze(p)
        news.set()
        await asyncio.sleep(1)
        loop().thaw(p)
        await task

    run(main())
    assert heard == [2.0]


def test_a_timer_that_is_cancelled_while_it_is_held_back_never_fires() -> None:
    fired: list[int] = []

    async def main() -> None:
        p = object()
        context = contextvars.copy_context()
        context.run(PROCESS.set, p)
        timers = [loop().call_later(number + 1, fired.append, number, context=context) for number in range(200)]
        loop().freeze(p)
        for timer in timers[1:]:
            timer.cancel()
        loop().thaw(p)
        await asyncio.sleep(300)

    run(main())
    assert fired == [0]


def test_what_a_process_has_set_off_outside_goes_on_without_it() -> None:
    done: list[float] = []

    async def main() -> None:
        p = object()

        async def arrive() -> None:
            await asyncio.sleep(1)
            done.append(loop().time())

        async def send() -> None:
            await outside(arrive())

        task = spawn(p, send)
        await asyncio.sleep(0.5)
        loop().freeze(p)
        await asyncio.sleep(9.5)
        assert not task.done()
        loop().thaw(p)
        await task

    run(main())
    assert done == [1.0]


def test_a_run_that_ends_while_a_process_is_frozen_ends_that_too() -> None:
    ended: list[str] = []

    async def main() -> None:
        p = object()

        async def work() -> None:
            try:
                await asyncio.sleep(10)
            finally:
                ended.append("work")

        spawn(p, work)
        await asyncio.sleep(1)
        loop().freeze(p)
        raise ValueError("a finding")

    with pytest.raises(ValueError, match="a finding"):
        run(main())
    assert ended == ["work"]
