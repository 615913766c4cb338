"""An app has settled once nothing new of it was seen for a while."""

import asyncio

import pytest

from app.worker.settling import Settling

pytestmark = pytest.mark.looptime

APP = ("shop", "web")


def settling(*, context: bool = False, limit: float = 30.0) -> Settling:
    return Settling(lambda namespace, app: context, lambda: limit)


async def test_what_nobody_has_news_of_has_settled() -> None:
    assert settling().left(*APP) == 0.0
    assert settling().workloads_left(*APP) == 0.0


async def test_a_second_is_left_for_a_context_that_may_still_come() -> None:
    known = settling()
    known.news(*APP)
    assert known.left(*APP) == pytest.approx(1.0)
    await asyncio.sleep(0.4)
    assert known.left(*APP) == pytest.approx(0.6)
    await asyncio.sleep(0.7)
    assert known.left(*APP) == 0.0


async def test_with_its_context_there_half_a_second_is_enough() -> None:
    known = settling(context=True)
    known.news(*APP)
    assert known.left(*APP) == pytest.approx(0.5)


async def test_each_news_begins_the_wait_anew() -> None:
    known = settling()
    known.news(*APP)
    await asyncio.sleep(0.9)
    known.news(*APP)
    assert known.left(*APP) == pytest.approx(1.0)


async def test_news_without_end_are_waited_for_no_longer_than_the_limit() -> None:
    known = settling(limit=3.0)
    for _ in range(9):
        known.news(*APP, workload=True)
        await asyncio.sleep(0.3)
    assert known.workloads_left(*APP) == pytest.approx(0.2)
    await asyncio.sleep(0.2)
    known.news(*APP, workload=True)
    await asyncio.sleep(0.2)
    assert known.workloads_left(*APP) == known.left(*APP) == 0.0


async def test_after_a_pause_it_is_another_change() -> None:
    known = settling(limit=2.0)
    known.news(*APP)
    await asyncio.sleep(5)
    known.news(*APP)
    assert known.left(*APP) == pytest.approx(1.0)


async def test_only_news_of_workloads_keep_them_from_being_listed() -> None:
    known = settling()
    known.news(*APP)
    assert known.workloads_left(*APP) == 0.0
    known.news(*APP, workload=True)
    assert known.workloads_left(*APP) == pytest.approx(0.5)


async def test_apps_settle_each_on_its_own() -> None:
    known = settling()
    known.news(*APP)
    assert known.left("shop", "other") == known.left("other", "web") == 0.0
