import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.cluster import errors
from app.cluster.api import Json
from app.cluster.leader import LeaderElector, LeadershipLost
from app.cluster.resources import LEASES
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


class Partition:
    """The same server as seen through a network of its own, which can be cut."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.down = False
        self.silent = False
        self.lose_answers = False
        self.calls = 0

    async def _through(self, call: Callable[..., Awaitable[Json]], *args: Any, **options: Any) -> Json:
        self.calls += 1
        if self.silent:
            await asyncio.sleep(3600)
        if self.down:
            raise errors.Unavailable(0, "ConnectionFailed", "no route")
        answer = await call(*args, **options)
        if self.lose_answers:
            raise errors.Unavailable(0, "ConnectionFailed", "reset")
        return answer

    async def get(self, *args: Any, **options: Any) -> Json:
        return await self._through(self.api.get, *args, **options)

    async def create(self, *args: Any, **options: Any) -> Json:
        return await self._through(self.api.create, *args, **options)

    async def patch(self, *args: Any, **options: Any) -> Json:
        return await self._through(self.api.patch, *args, **options)


class Worker:
    """A process that wants to lead. ``terms`` notes from when to when its work ran."""

    def __init__(self, api: FakeApi, identity: str, led: Callable[[], Awaitable[None]] | None = None) -> None:
        self.net = Partition(api)
        self.elector = LeaderElector(
            self.net,  # type: ignore[arg-type]
            namespace="keptn-system",
            name="lease",
            identity=identity,
            now=lambda: datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=now()),
            rng=random.Random(identity),
        )
        self.terms: list[list[float]] = []
        self.led = led or asyncio.Event().wait
        self.task = asyncio.create_task(self.elector.run(self.work))

    async def work(self) -> None:
        self.terms.append([now()])
        try:
            await self.led()
        finally:
            self.terms[-1].append(now())

    def works(self) -> bool:
        return bool(self.terms) and len(self.terms[-1]) == 1

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, LeadershipLost):
            await self.task


def lease(api: FakeApi) -> Json:
    spec: Json = api.one(LEASES, "lease", "keptn-system")["spec"]
    return spec


async def test_the_first_creates_the_lease_and_the_second_waits() -> None:
    api = FakeApi(latency=0)
    a = Worker(api, "a")
    await asyncio.sleep(0.1)
    b = Worker(api, "b")
    await asyncio.sleep(300)
    assert (a.works(), b.works(), a.elector.leading, b.elector.leading) == (True, False, True, False)
    assert (a.elector.holder, b.elector.holder) == ("a", "a")
    assert lease(api) == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-11-21T12:00:00.000000Z",
        "renewTime": a.elector._lease["spec"]["renewTime"],
        "leaseTransitions": 0,
    }
    assert "2026-11-21T12:04:5" < lease(api)["renewTime"] < "2026-11-21T12:05:01"
    assert 120 < a.net.calls < 200, "one write in about two seconds"
    await a.stop()
    await b.stop()


async def test_times_are_written_in_utc_wherever_the_process_runs() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    a.elector._now = lambda: datetime(2026, 11, 21, 2, 38, tzinfo=timezone(timedelta(hours=-5)))
    await asyncio.sleep(1)
    assert lease(api)["renewTime"] == "2026-11-21T07:38:00.000000Z"
    await a.stop()


async def test_f4_a_leader_that_is_stopped_gives_the_lease_back_and_the_next_acts_within_three_seconds() -> None:
    api = FakeApi()
    a, b = Worker(api, "a"), Worker(api, "b")
    await asyncio.sleep(50)
    if b.works():
        a, b = b, a
    stopped = now()
    await a.stop()
    assert lease(api)["holderIdentity"] == ""
    await asyncio.sleep(3)
    assert b.works()
    assert b.terms[0][0] - stopped <= 3
    assert (lease(api)["leaseTransitions"], lease(api)["leaseDurationSeconds"]) == (1, 15)
    await b.stop()


async def test_f4_the_lease_is_kept_while_the_work_winds_up() -> None:
    async def thorough() -> None:
        try:
            await asyncio.sleep(36_000)
        finally:
            await asyncio.sleep(40)

    api = FakeApi()
    a = Worker(api, "a", thorough)
    await asyncio.sleep(0.1)
    b = Worker(api, "b")
    await asyncio.sleep(10)
    stopping = asyncio.create_task(a.stop())
    await asyncio.sleep(39)
    assert a.works()
    assert not b.works()
    await asyncio.sleep(5)
    assert not a.works()
    assert b.works()
    await stopping
    await b.stop()


@pytest.mark.parametrize("how", ["down", "silent"])
async def test_f6_a_leader_cut_off_stops_before_its_lease_can_pass_to_another(how: str) -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(0.1)
    b = Worker(api, "b")
    await asyncio.sleep(100)
    setattr(a.net, how, True)
    cut = now()
    with pytest.raises(LeadershipLost):
        await a.task
    assert a.terms[0][1] - cut <= 10
    assert not b.works()
    await asyncio.sleep(15)
    assert b.works()
    assert b.terms[0][0] - a.terms[0][1] > 2, "nobody leads for a moment, rather than two"
    assert b.terms[0][0] - cut < 20
    await b.stop()


async def test_f6_a_leader_that_lost_the_lease_can_stand_by_again() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(10)
    a.net.down = True
    with pytest.raises(LeadershipLost):
        await a.task
    a.net.down = False
    a.task = asyncio.create_task(a.elector.run(a.work))
    await asyncio.sleep(10)
    assert a.works()
    await a.stop()


async def test_f7_a_short_outage_costs_nobody_the_lease() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(20)
    for _ in range(20):
        a.net.down = True
        await asyncio.sleep(5)
        a.net.down = False
        await asyncio.sleep(4)
    assert len(a.terms) == 1
    assert a.works()
    await a.stop()


async def test_f5_a_frozen_leader_knows_on_waking_that_it_leads_no_more() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(100)
    # As if it had been frozen for 30 s: nothing of it has run, and time went on.
    answers = [a.elector.leading]
    a.elector._leads_until -= 30
    assert [*answers, a.elector.leading] == [True, False]
    assert a.works(), "its tasks have not run yet, but can ask"
    await a.stop()
    assert lease(api)["holderIdentity"] == "a", "what is not ours any more is not ours to give back"


async def test_f5_a_stale_leader_is_refused_by_the_version_of_its_lease() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(10)
    api.make(LEASES, "lease", "keptn-system", spec=lease(api) | {"holderIdentity": "b"})
    with pytest.raises(LeadershipLost, match="lost to b"):
        await a.task
    assert lease(api)["holderIdentity"] == "b"


async def test_f14_of_many_candidates_exactly_one_leads_at_any_time() -> None:
    api = FakeApi(latency=0)
    workers = [Worker(api, f"w{number}") for number in range(10)]
    rng = random.Random(3)
    for _ in range(40):
        await asyncio.sleep(rng.uniform(5, 40))
        assert sum(worker.works() for worker in workers) <= 1
        leader = next((worker for worker in workers if worker.works()), None)
        if leader and rng.random() < 0.5:
            leader.net.down = True
            await asyncio.sleep(12)
            assert not leader.works()
            leader.net.down = False
            leader.task = asyncio.create_task(leader.elector.run(leader.work))
        elif leader:
            await leader.stop()
            leader.task = asyncio.create_task(leader.elector.run(leader.work))
    await asyncio.gather(*(worker.stop() for worker in workers))
    terms = sorted(term for worker in workers for term in worker.terms)
    assert len(terms) > 20
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(terms))


async def test_a_renewal_whose_answer_was_lost_is_recognised_as_our_own() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(20)
    for _ in range(10):
        a.net.lose_answers = True
        await asyncio.sleep(4)
        a.net.lose_answers = False
        await asyncio.sleep(4)
    assert len(a.terms) == 1
    assert a.works()
    await a.stop()


async def test_a_restarted_leader_of_the_same_name_goes_on_at_once() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(10)
    a.net.down = True
    await a.stop()
    again = Worker(api, "a")
    await asyncio.sleep(0.1)
    assert again.works()
    assert lease(api)["leaseTransitions"] == 0
    await again.stop()


async def test_a_dead_leaders_lease_is_taken_when_it_has_run_out_by_our_own_clock() -> None:
    api = FakeApi()
    spec = {"holderIdentity": "ghost", "leaseDurationSeconds": 40, "renewTime": "2031-01-01T00:00:00.000000Z"}
    api.make(LEASES, "lease", "keptn-system", spec=spec)
    a = Worker(api, "a")
    await asyncio.sleep(39)
    assert not a.works()
    await asyncio.sleep(5)
    assert a.works()
    assert lease(api)["leaseTransitions"] == 1
    await a.stop()


async def test_a_deleted_lease_does_not_make_a_second_leader() -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(0.1)
    b = Worker(api, "b")
    await asyncio.sleep(30)
    api.remove(LEASES, "lease", "keptn-system")
    await asyncio.sleep(30)
    assert (a.works(), b.works(), len(a.terms)) == (True, False, 1)
    await a.stop()
    await b.stop()


async def test_of_two_creations_at_once_one_is_refused() -> None:
    api = FakeApi()

    def other_first(call: Call) -> None:
        if call.verb == "create" and not api.all(LEASES):
            api.make(LEASES, "lease", "keptn-system", spec={"holderIdentity": "b", "leaseDurationSeconds": 15})

    api.before = other_first
    a = Worker(api, "a")
    await asyncio.sleep(10)
    assert not a.works()
    await a.stop()


async def test_the_works_own_end_ends_the_leadership() -> None:
    async def short() -> None:
        await asyncio.sleep(5)

    api = FakeApi()
    a = Worker(api, "a", short)
    await asyncio.wait_for(a.task, 6)
    assert lease(api)["holderIdentity"] == ""
    assert not a.elector.leading


async def test_the_works_own_failure_ends_the_leadership_and_is_raised() -> None:
    async def failing() -> None:
        await asyncio.sleep(5)
        raise RuntimeError("bug")

    api = FakeApi()
    a = Worker(api, "a", failing)
    with pytest.raises(RuntimeError, match="bug"):
        await a.task
    assert lease(api)["holderIdentity"] == ""


async def test_a_lease_that_cannot_be_given_back_runs_out(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(10)
    a.net.silent = True
    before = now()
    await a.stop()
    assert now() - before <= 3.1
    assert "could not be given back" in caplog.text


async def test_work_that_does_not_stop_is_shouted_about(caplog: pytest.LogCaptureFixture) -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(36_000)
        finally:
            await asyncio.sleep(60)

    api = FakeApi()
    a = Worker(api, "a", stubborn)
    await asyncio.sleep(10)
    a.net.down = True
    with pytest.raises(LeadershipLost):
        await a.task
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)


async def test_a_bug_in_renewing_stops_the_work(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi()
    a = Worker(api, "a")
    await asyncio.sleep(1)
    del a.elector._lease["metadata"]
    with pytest.raises(LeadershipLost):
        await a.task
    assert "renewing failed unexpectedly" in caplog.text


def test_times_that_leave_no_room_to_stop_are_refused() -> None:
    for renew_deadline in (15.0, 4.0):
        with pytest.raises(ValueError, match="renew_deadline"):
            LeaderElector(
                FakeApi(),
                namespace="n",
                name="l",
                identity="a",
                now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
                rng=random.Random(1),
                renew_deadline=renew_deadline,
            )
