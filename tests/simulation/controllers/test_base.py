import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from app.cluster import errors, resources
from tests.simulation import clock
from tests.simulation.apiserver.server import Server
from tests.simulation.controllers.base import Controller, in_batches

pytestmark = pytest.mark.looptime


class Recorder(Controller):
    name = "recorder"
    resource = resources.CONFIGMAPS
    watches = (resources.CONFIGMAPS, resources.SECRETS)
    pause = (0.01, 0.02)

    def __init__(self, server: Server, work: Callable[[], Awaitable[None]]) -> None:
        super().__init__(server, random.Random(1))
        self.began: list[float] = []
        self._do = work

    async def reconcile(self, namespace: str, name: str) -> None:
        assert (namespace, name) == ("shop", "one")
        self.began.append(clock.seconds())
        await self._do()


async def put(server: Server) -> None:
    if server.find(resources.NAMESPACES, "shop") is None:
        await server.create(resources.NAMESPACES, {"metadata": {"name": "shop"}}, by="test")
    await server.create(resources.CONFIGMAPS, {"metadata": {"name": "one"}}, "shop", by="test")


async def touch(server: Server, value: str) -> None:
    await server.patch(resources.CONFIGMAPS, "one", {"data": {"value": value}}, "shop", by="test")


async def stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def nothing() -> None:
    pass


async def test_it_begins_with_what_is_there_and_takes_many_changes_as_one() -> None:
    server = Server(random.Random(1))
    recorder = Recorder(server, nothing)
    await put(server)
    running = asyncio.ensure_future(recorder.run())
    await asyncio.sleep(1)
    assert len(recorder.began) == 1
    for value in "abc":
        await touch(server, value)
    await asyncio.sleep(1)
    assert len(recorder.began) == 2
    await stop(running)
    await touch(server, "d")
    await asyncio.sleep(1)
    assert len(recorder.began) == 2


async def test_it_works_on_a_key_once_at_a_time_and_again_for_what_came_meanwhile() -> None:
    server = Server(random.Random(1))
    recorder = Recorder(server, lambda: asyncio.sleep(10))
    await put(server)
    running = asyncio.ensure_future(recorder.run())
    await asyncio.sleep(1)
    await touch(server, "a")
    await asyncio.sleep(5)
    assert len(recorder.began) == 1
    await asyncio.sleep(20)
    assert len(recorder.began) == 2
    assert recorder.began[1] - recorder.began[0] == pytest.approx(10, abs=0.1)
    await stop(running)


async def test_what_is_refused_is_tried_again_later_and_later_and_at_once_after_a_change() -> None:
    async def fail() -> None:
        raise errors.Conflict(409, "Conflict", "changed")

    server = Server(random.Random(1))
    recorder = Recorder(server, fail)
    await put(server)
    running = asyncio.ensure_future(recorder.run())
    await asyncio.sleep(100)
    waits = [after - before for before, after in pairwise(recorder.began)]
    assert waits[:3] == pytest.approx([0.005, 0.01, 0.02], abs=1e-6)
    assert waits[-1] > 30
    before = clock.seconds()
    await touch(server, "a")
    await asyncio.sleep(1)
    assert recorder.began[-1] - before < 0.03
    await stop(running)


async def test_other_errors_end_it() -> None:
    async def fail() -> None:
        raise ValueError("a mistake")

    server = Server(random.Random(1))
    recorder = Recorder(server, fail)
    await put(server)
    with pytest.raises(ValueError, match="a mistake"):
        await recorder.run()


async def test_the_earliest_of_several_times_counts() -> None:
    server = Server(random.Random(1))
    recorder = Recorder(server, nothing)
    running = asyncio.ensure_future(recorder.run())
    await asyncio.sleep(1)
    for seconds in (20.0, 5.0, 10.0):
        recorder.after(seconds, ("shop", "one"))
    await asyncio.sleep(30)
    assert recorder.began == pytest.approx([6.0])
    await stop(running)


async def test_batches_grow_until_one_fails() -> None:
    made: list[tuple[float, int]] = []

    async def make(number: int) -> None:
        made.append((clock.seconds(), number))
        await asyncio.sleep(1)
        if number == 4:
            raise errors.Forbidden(403, "Forbidden", "no more")

    with pytest.raises(errors.Forbidden):
        await in_batches(20, make)
    assert made == [(0, 0), (1, 1), (1, 2), (2, 3), (2, 4), (2, 5), (2, 6)]
