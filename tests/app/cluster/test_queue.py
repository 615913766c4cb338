import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cluster.queue import QueueClosed, WorkQueue

pytestmark = pytest.mark.looptime


@pytest.fixture
def queue() -> WorkQueue[str]:
    return WorkQueue(random.Random(1))


def now() -> float:
    return asyncio.get_running_loop().time()


async def take(queue: WorkQueue[str]) -> tuple[str, float]:
    key = await queue.get()
    queue.done(key)
    return key, now()


async def test_keys_come_in_order_and_each_once(queue: WorkQueue[str]) -> None:
    for key in "abab":
        queue.add(key)
    assert len(queue) == 2
    assert [(await take(queue))[0] for _ in "ab"] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_added_during_its_work_comes_back_exactly_once_and_only_after_it(queue: WorkQueue[str]) -> None:
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    queue.add("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 100)
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_waiting_getter_is_woken(queue: WorkQueue[str]) -> None:
    getter = asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    queue.add("a")
    assert await getter == "a"


async def test_a_getter_cancelled_while_being_woken_leaves_the_key_to_the_next(queue: WorkQueue[str]) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    queue.add("a")
    first.cancel()
    assert await asyncio.wait_for(second, 1) == "a"


async def test_a_getter_cancelled_early_is_forgotten(queue: WorkQueue[str]) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    first.cancel()
    await asyncio.sleep(1)
    queue.add("a")
    assert await asyncio.wait_for(second, 1) == "a"


async def test_of_two_times_the_earlier_counts(queue: WorkQueue[str]) -> None:
    queue.add_after("a", 10)
    queue.add_after("a", 3)
    queue.add_after("a", 20)
    assert await take(queue) == ("a", 3)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 100)


async def test_a_time_that_has_passed_is_now(queue: WorkQueue[str]) -> None:
    queue.add_after("a", -5)
    assert await take(queue) == ("a", 0)


async def test_an_addition_does_not_cancel_a_deadline(queue: WorkQueue[str]) -> None:
    queue.add_after("a", 10)
    queue.add("a")
    assert await take(queue) == ("a", 0)
    assert await take(queue) == ("a", 10)


async def test_f16_retries_back_off_to_the_cap_and_forget_starts_over(queue: WorkQueue[str]) -> None:
    waits = []
    for _ in range(20):
        before = now()
        queue.retry("a")
        waits.append((await take(queue))[1] - before)
    assert 0.0025 <= waits[0] <= 0.005
    assert all(30 <= wait <= 60 for wait in waits[15:])
    assert all(later > earlier * 0.99 for earlier, later in zip(waits[:13], waits[2:13], strict=False))
    assert queue.failures("a") == 20
    queue.forget("a")
    before = now()
    queue.retry("a")
    assert (await take(queue))[1] - before <= 0.005


async def test_f16_a_poisoned_key_does_not_slow_down_others(queue: WorkQueue[str]) -> None:
    for _ in range(20):
        queue.retry("poison")
        queue._delayed.pop("poison").cancel()
    queue.retry("poison")
    queue.retry("good")
    key, time = await take(queue)
    assert (key, time <= 0.005) == ("good", True)


async def test_a_retry_may_be_told_to_wait_longer(queue: WorkQueue[str]) -> None:
    queue.retry("a", at_least=7)
    assert await take(queue) == ("a", 7)


async def test_a_retry_may_be_told_not_to_wait_so_long(queue: WorkQueue[str]) -> None:
    for _ in range(20):
        before = now()
        queue.retry("a", at_most=3)
        _, time = await take(queue)
        assert time - before <= 3
    assert time - before >= 1.5
    before = now()
    queue.retry("a", at_least=7, at_most=3)
    assert (await take(queue))[1] - before == 7


async def test_shutdown_wakes_all_getters_and_drops_what_waits(queue: WorkQueue[str]) -> None:
    getters = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(1)
    queue.add_after("later", 5)
    queue.shutdown()
    ends = await asyncio.gather(*getters, return_exceptions=True)
    assert [type(end) for end in ends] == [QueueClosed] * 3
    queue.add("a")
    queue.add_after("a", 1)
    await asyncio.sleep(10)
    with pytest.raises(QueueClosed):
        await queue.get()
    assert (len(queue), queue.stats.delayed) == (0, 0)


async def test_the_stats_tell_depth_and_latency(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await asyncio.sleep(4)
    queue.add("b")
    await asyncio.sleep(1)
    await queue.get()
    queue.add_after("c", 9)
    queue.retry("d")
    stats = queue.stats
    assert (stats.waiting, stats.processing, stats.delayed, stats.added) == (1, 1, 2, 2)
    assert (stats.retries, stats.handed_out, stats.waited, stats.longest_wait) == (1, 1, 5, 5)


@given(st.lists(st.tuples(st.sampled_from(["add", "get", "done"]), st.sampled_from("abc")), max_size=40))
def test_f13_whatever_is_called_no_key_is_out_twice_and_none_is_lost(steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        queue: WorkQueue[str] = WorkQueue(random.Random(1))
        out: set[str] = set()
        owed: set[str] = set()
        for verb, key in steps:
            if verb == "add":
                queue.add(key)
                owed.add(key)
            elif verb == "get" and owed - out:
                got = await asyncio.wait_for(queue.get(), 1)
                assert got not in out
                assert got in owed
                out.add(got)
                owed.discard(got)
            elif verb == "done" and key in out:
                queue.done(key)
                out.discard(key)
        assert len(queue) == len(owed)

    asyncio.run(play())
    asyncio.set_event_loop(None)
