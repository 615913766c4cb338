"""The network between a process and the server: what can become of a request, and of what is heard."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable
from typing import Any

import pytest

from app.cluster import errors
from app.cluster.api import Json
from app.cluster.resources import CONFIGMAPS, NAMESPACES
from tests.simulation.apiserver.client import REQUEST_SECONDS, Call, Client, Fate, Network
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.watching import BOOKMARK_SECONDS

pytestmark = pytest.mark.looptime

HOME = "shop"


class Line:
    """A server and one client of it. `fates` is what becomes of the next requests, in order; then all is well."""

    def __init__(self) -> None:
        self.server = Server(random.Random(1))
        self.fates: list[Fate] = []
        self.calls: list[Call] = []
        self.network = Network(latency=(0.01, 0.01), fate=self._fate)
        self.client = Client(self.server, "worker-1", random.Random(2), self.network)

    def _fate(self, call: Call) -> Fate:
        self.calls.append(call)
        return self.fates.pop(0) if self.fates else Fate()

    async def create(self, name: str) -> Json:
        return await self.client.create(CONFIGMAPS, {"metadata": {"name": name}}, HOME)

    async def others_create(self, name: str) -> Json:
        return await self.server.create(CONFIGMAPS, {"metadata": {"name": name}}, HOME, by="user")

    def there(self) -> list[str]:
        return [body["metadata"]["name"] for body in self.server.list(CONFIGMAPS)]

    def watch(self, seconds: int = 100) -> Any:
        return self.client.watch(CONFIGMAPS, HOME, resource_version="1", timeout_seconds=seconds)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture(autouse=True)
async def _home(line: Line) -> None:
    await line.server.create(NAMESPACES, {"metadata": {"name": HOME}}, by="user")


def _clock() -> float:
    return asyncio.get_running_loop().time()


async def _taken(call: Awaitable[object]) -> float:
    started = _clock()
    with contextlib.suppress(errors.ApiError):
        await call
    return round(_clock() - started, 6)


async def _names(stream: Any, into: list[str]) -> None:
    async for event in stream:
        into.append(event["object"]["metadata"].get("name", event["type"]))


async def test_a_request_takes_its_time_both_ways(line: Line) -> None:
    assert await _taken(line.create("a")) == 0.02
    assert line.server.get(CONFIGMAPS, "a", HOME)["metadata"]["resourceVersion"] == "2"
    assert [str(call) for call in line.calls] == ["create configmaps"]
    assert line.client.counts == {"create configmaps": 1}


async def test_a_refused_request_does_nothing(line: Line) -> None:
    line.fates = [Fate(refuse=errors.TooManyRequests(429, "TooManyRequests", "busy", retry_after=1.0))]
    with pytest.raises(errors.TooManyRequests):
        await line.create("a")
    assert line.there() == []


async def test_what_is_done_stays_done_when_its_answer_is_lost(line: Line) -> None:
    line.fates = [Fate(lost=True)]
    with pytest.raises(errors.Unavailable):
        await line.create("a")
    assert line.there() == ["a"]


async def test_a_late_request_is_overtaken(line: Line) -> None:
    line.fates = [Fate(late=1.0)]
    late = asyncio.ensure_future(line.create("late"))
    await asyncio.sleep(0)
    await line.create("a")
    assert (late.done(), line.there()) == (False, ["a"])
    await late
    assert line.there() == ["a", "late"]


async def test_a_write_on_its_way_arrives_although_nobody_waits_for_it(line: Line) -> None:
    line.fates = [Fate(late=1.0), Fate(late=1.0)]
    write = asyncio.ensure_future(line.create("a"))
    read = asyncio.ensure_future(line.client.get(CONFIGMAPS, "a", HOME))
    await asyncio.sleep(0.5)
    for call in (write, read):
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    await asyncio.sleep(1)
    assert line.there() == ["a"]
    assert line.client.counts == {"create configmaps": 1}


async def test_something_can_happen_between_a_write_and_its_answer(line: Line) -> None:
    seen: list[list[str]] = []
    line.fates = [Fate(then=lambda: seen.append(line.there()))]
    await line.create("a")
    assert seen == [["a"]]


async def test_who_is_cut_off_gives_up_after_a_while(line: Line) -> None:
    line.network.cut_off = True
    assert await _taken(line.create("a")) == pytest.approx(REQUEST_SECONDS + 0.01)
    assert line.there() == []
    line.network.cut_off = False
    await line.create("a")
    assert line.there() == ["a"]


async def test_the_dead_neither_do_nor_hear_anything(line: Line) -> None:
    heard: list[str] = []
    hearing = asyncio.ensure_future(_names(line.watch(), heard))
    await asyncio.sleep(0.1)
    line.fates = [Fate(late=1.0)]
    sent = asyncio.ensure_future(line.create("sent"))
    await asyncio.sleep(0.5)
    line.client.dead = True
    later = asyncio.ensure_future(line.create("later"))
    await asyncio.sleep(300)
    assert line.there() == ["sent"], "what was on its way arrives, and nothing else"
    assert heard == []
    assert [task.done() for task in (hearing, sent, later)] == [False] * 3
    for task in (hearing, sent, later):
        task.cancel()


async def test_news_come_late_and_in_order(line: Line) -> None:
    heard: list[str] = []
    hearing = asyncio.ensure_future(_names(line.watch(), heard))
    await asyncio.sleep(0.1)
    line.network.lag = 5.0
    await line.others_create("a")
    line.network.lag = 0.0
    await line.others_create("b")
    await asyncio.sleep(4.9)
    assert heard == [], "what came later does not overtake"
    assert (await line.client.get(CONFIGMAPS, "b", HOME))["metadata"]["name"] == "b", "reads are not late"
    await asyncio.sleep(0.2)
    assert heard == ["a", "b"]
    hearing.cancel()


async def test_a_watch_that_is_cut_fails(line: Line) -> None:
    hearing = asyncio.ensure_future(_names(line.watch(), []))
    await asyncio.sleep(0.1)
    (watch,) = line.client.watches
    watch.cut(errors.Unavailable(0, "ConnectionFailed", "cut"))
    with pytest.raises(errors.Unavailable, match="cut"):
        await hearing
    assert not line.client.watches
    assert line.server.watches() == ()


async def test_a_silent_watch_says_nothing_not_even_that_it_ends(line: Line) -> None:
    heard: list[str] = []
    hearing = asyncio.ensure_future(_names(line.watch(70), heard))
    await asyncio.sleep(0.1)
    (watch,) = line.client.watches
    watch.silent = True
    await line.others_create("a")
    await asyncio.sleep(1000)
    assert (heard, hearing.done()) == ([], False)
    hearing.cancel()


async def test_an_event_can_be_heard_twice(line: Line) -> None:
    heard: list[str] = []
    hearing = asyncio.ensure_future(_names(line.watch(), heard))
    await asyncio.sleep(0.1)
    await line.others_create("a")
    (watch,) = line.client.watches
    watch.repeat()
    await line.others_create("b")
    await asyncio.sleep(1)
    assert heard == ["a", "a", "b"]
    hearing.cancel()


async def test_bookmarks_come_each_minute_and_before_the_end(line: Line) -> None:
    heard: list[float] = []
    async for event in line.watch(150):
        assert event["type"] == "BOOKMARK"
        heard.append(round(_clock()))
    assert heard == [BOOKMARK_SECONDS, 2 * BOOKMARK_SECONDS, 148]
    assert round(_clock()) == 150
