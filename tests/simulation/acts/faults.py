"""What goes wrong: processes that die or stop, an API server that refuses, lags and forgets, networks that lose things.

Each fault is over by itself or is ended by the world when the plan's time is up.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.api import wellknown
from app.cluster import errors, resources
from tests.simulation.acts.act import Act, pick
from tests.simulation.apiserver.admission import Asked
from tests.simulation.apiserver.client import FINE, Call, Fate
from tests.simulation.manifests import held_by_us

if TYPE_CHECKING:
    from tests.simulation.world import World


_LATEST_JOB = 0.5


@dataclass(frozen=True, slots=True)
class CrashAtWrite:
    """kill -9 of the worker right before or right after one of its next writes (F1, F2)."""

    number: int
    done: bool

    async def do(self, world: "World") -> str:
        worker = world.leader()
        if worker is None:
            return ""
        left = self.number
        earlier = worker.client.network.fate

        def fate(call: Call) -> Fate:
            nonlocal left
            if not call.is_write or call.resource in ("events", "leases"):
                return earlier(call)
            left -= 1
            if left:
                return earlier(call)
            world.say("fault", f"{worker.name} is killed {'after' if self.done else 'before'} {call} {call.name}")
            if not self.done:
                worker.crash()
                return FINE
            return Fate(then=worker.crash)

        worker.client.network.fate = fate
        return f"{worker.name} will be killed at its {self.number}. write from now"


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9 of any process, worker or webhook, at any moment (F2, F3, F17)."""

    luck: int

    async def do(self, world: "World") -> str:
        process = pick(random.Random(self.luck), [*world.workers, *world.webhooks])
        if process is None or not process.alive:
            return ""
        process.crash()
        return f"{process.name} is killed"


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM, as for a rolling update or a drained node (F4)."""

    luck: int

    async def do(self, world: "World") -> str:
        process = pick(random.Random(self.luck), [*world.workers, *world.webhooks])
        if process is None or not process.alive:
            return ""
        process.terminate()
        return f"{process.name} gets SIGTERM"


@dataclass(frozen=True, slots=True)
class Freeze:
    """SIGSTOP and, some time later, SIGCONT: a leader that does not know that it is none any more (F5)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        process = world.leader() or pick(rng, world.workers)
        if process is None or not process.alive:
            return ""
        process.freeze()
        seconds = rng.uniform(0.1, 40.0)
        await world.sleep(seconds)
        process.thaw()
        return f"{process.name} stood still for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Partition:
    """A process cannot reach the API server (F6)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        client = world.any_client(rng)
        if client is None:
            return ""
        seconds = rng.uniform(0.5, 30.0)
        client.network.cut_off += 1
        for watch in list(client.watches):
            watch.silent = True
        await world.sleep(seconds)
        client.network.cut_off -= 1
        for watch in list(client.watches):
            watch.cut(errors.Unavailable(0, "ConnectionFailed", "connection reset by peer"))
            watch.silent = False
        return f"{client.name} could not reach the API server for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Outage:
    """The API server is away for everybody of ours, and comes back with a short memory or without (F7, F11)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        seconds = rng.uniform(0.2, 60.0)
        until = world.seconds() + seconds
        for client in world.clients():
            for watch in list(client.watches):
                watch.cut(errors.Unavailable(0, "ConnectionFailed", "connection refused"))
        world.outage_until = max(world.outage_until, until)
        await world.sleep(seconds)
        if rng.random() < 0.5:
            world.server.compact()
        return f"the API server was away for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Trouble:
    """For a while a part of the requests is refused, or is done and its answer lost (F14, F15)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        client = world.any_client(rng)
        if client is None:
            return ""
        share, seconds = rng.choice((0.1, 0.3, 0.7)), rng.uniform(0.2, 8.0)
        earlier = client.network.fate

        def fate(call: Call) -> Fate:
            if rng.random() > share or call.resource == "leases":
                return earlier(call)
            return rng.choice(_TROUBLES)(call)

        client.network.fate = fate
        await world.sleep(seconds)
        if client.network.fate is fate:
            client.network.fate = earlier
        return f"{share:.0%} of the requests of {client.name} failed in one way or another for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class LateWrites:
    """For a while, writes take long to arrive: their sender has given up or died before (F5, F12)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        client = world.any_client(rng)
        if client is None:
            return ""
        longest, seconds = rng.choice((0.5, 5.0, 40.0)), rng.uniform(0.2, 5.0)
        earlier = client.network.fate

        def fate(call: Call) -> Fate:
            own = earlier(call)
            if not call.is_write or call.resource == "leases":
                return own
            # A Job's create that comes when the Job was made by another, has ended and is gone by its TTL would run
            # the check again, and nothing could tell it from the first: docs/limits.md.
            most = min(longest, _LATEST_JOB) if str(call) == "create jobs" else longest
            return replace(own, late=rng.uniform(0.0, most))

        client.network.fate = fate
        await world.sleep(seconds)
        if client.network.fate is fate:
            client.network.fate = earlier
        return f"writes of {client.name} took up to {longest} s to arrive, for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class LateGates:
    """Half of all changes of pods arrive late, whatever the pods and their gates are by then (F5, F12)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        workers = [worker for worker in world.workers if worker.alive]
        if not workers:
            return ""
        worker = rng.choice(workers)
        longest, seconds = rng.choice((1.0, 8.0)), rng.uniform(3.0, 15.0)
        earlier = worker.client.network.fate

        def fate(call: Call) -> Fate:
            own = earlier(call)
            if str(call) != "patch pods" or rng.random() < 0.5:
                return own
            return replace(own, late=rng.uniform(0.0, longest))

        worker.client.network.fate = fate
        await world.sleep(seconds)
        if worker.client.network.fate is fate:
            worker.client.network.fate = earlier
        return f"half of the changes of pods by {worker.name} took up to {longest} s to arrive, for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class BreakWatches:
    """Watches end: cut off, too old, or with an error among their events (F8, F10, F11)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        client = world.any_client(rng)
        if client is None:
            return ""
        error = rng.choice(
            (
                errors.Unavailable(500, "InternalError", "etcdserver: leader changed"),
                errors.Gone(410, "Expired", "too old resource version"),
            )
        )
        forgets = rng.random() < 0.5
        if forgets:
            world.server.compact()
        for watch in list(client.watches):
            if rng.random() < 0.6:
                end = rng.choice(("finish", "fail", "cut", "cut"))
                if end == "finish":
                    watch.finish()
                elif end == "fail":
                    watch.fail(error)
                else:
                    watch.cut(error)
        return f"watches of {client.name} break: {error.reason}{', and the past is compacted' if forgets else ''}"


@dataclass(frozen=True, slots=True)
class SilentWatches:
    """Some watches say nothing any more, and end late, or not before somebody has noticed by himself (F9)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        client = world.any_client(rng)
        if client is None:
            return ""
        watches = [watch for watch in client.watches if rng.random() < 0.3]
        for watch in watches:
            watch.silent = True
        if rng.random() < 0.5:
            return f"{len(watches)} watches of {client.name} say nothing any more"
        seconds = rng.uniform(1.0, 20.0)
        await world.sleep(seconds)
        for watch in watches:
            watch.cut(errors.Unavailable(0, "ConnectionFailed", "connection reset by peer"))
            watch.silent = False
        return f"{len(watches)} watches of {client.name} said nothing for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Lag:
    """The API server that a process watches is behind the others (F12, F13)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        client = world.any_client(rng)
        if client is None:
            return ""
        lag, seconds = rng.choice((0.3, 2.0, 6.0, 30.0)), rng.uniform(0.5, 15.0)
        client.network.lag = lag
        await world.sleep(seconds)
        client.network.lag = 0.0
        for watch in list(client.watches):  # and goes on with another server, which may be behind or ahead
            watch.cut(errors.Unavailable(0, "ConnectionFailed", "connection reset by peer"))
        return f"watches of {client.name} were {lag} s behind for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Events are told twice (F13)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        for client in world.clients():
            for watch in list(client.watches):
                if rng.random() < 0.5:
                    watch.repeat()
        return "some events are told twice"


@dataclass(frozen=True, slots=True)
class DeleteLease:
    """Somebody deletes the Lease: who leads does not stop, and another may begin (F5)."""

    async def do(self, world: "World") -> str:
        for lease in world.server.list(resources.LEASES):
            meta = lease["metadata"]
            await world.server.delete(resources.LEASES, meta["name"], meta["namespace"], by="user")
        return "somebody deletes the Lease"


@dataclass(frozen=True, slots=True)
class RefuseGates:
    """Another policy of the cluster forbids to change held pods (F56)."""

    luck: int

    async def do(self, world: "World") -> str:
        seconds = random.Random(self.luck).uniform(0.5, 20.0)

        def policy(asked: Asked) -> None:
            ours = asked.resource == resources.PODS and asked.by.startswith("worker")
            if ours and asked.old is not None and held_by_us(asked.old):
                raise errors.Forbidden(403, "Forbidden", "denied by policy no-changes")

        with world.policy(policy):
            await world.sleep(seconds)
        return f"a policy forbade to change held pods for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class RefuseJobs:
    """A quota lets no Jobs, or no pods of theirs, be made (F40, F43)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        seconds, resource = rng.uniform(0.5, 15.0), rng.choice((resources.JOBS, resources.PODS))

        def policy(asked: Asked) -> None:
            labels = asked.new["metadata"].get("labels") or {}
            if (
                asked.operation == "CREATE"
                and asked.resource == resource
                and labels.get(wellknown.LABEL) == wellknown.LABEL_TASK
            ):
                message = f'{resource.plural} "{asked.name}" is forbidden: exceeded quota: small'
                raise errors.Forbidden(403, "Forbidden", message)

        with world.policy(policy):
            await world.sleep(seconds)
        return f"a quota refused all {resource.plural} of checks for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class RefusePods:
    """After our webhook has had its say, a quota refuses the workload's pods: nothing may be left of them (F36)."""

    luck: int

    async def do(self, world: "World") -> str:
        seconds = random.Random(self.luck).uniform(0.5, 10.0)

        def policy(asked: Asked) -> None:
            labels = asked.new["metadata"].get("labels") or {}
            is_check = labels.get(wellknown.LABEL) == wellknown.LABEL_TASK
            if asked.operation == "CREATE" and asked.resource == resources.PODS and not is_check:
                raise errors.Forbidden(403, "Forbidden", f'pods "{asked.name}" is forbidden: exceeded quota: small')

        with world.policy(policy):
            await world.sleep(seconds)
        return f"a quota refused all pods of workloads for {seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Poison:
    """Whatever is written of one object of ours is refused: it fails for ever, and the others must not suffer (F16)."""

    luck: int

    async def do(self, world: "World") -> str:
        rng = random.Random(self.luck)
        resource = rng.choice((resources.TASKS, resources.WORKLOAD_VERSIONS))
        body = pick(rng, world.server.list(resource))
        if body is None:
            return ""
        name, seconds = body["metadata"]["name"], rng.uniform(0.5, 10.0)

        def policy(asked: Asked) -> None:
            if asked.resource == resource and asked.name == name and asked.by.startswith("worker"):
                raise errors.ApiError(400, "BadRequest", "no reason that anybody knows")

        with world.policy(policy):
            await world.sleep(seconds)
        return f"whatever was written of {resource.kind} {name} was refused for {seconds:.1f} s"


def _refused(error: errors.ApiError) -> Callable[[Call], Fate]:
    return lambda call: Fate(refuse=error)


def _conflict(call: Call) -> Fate:
    if call.verb != "patch":
        return Fate(lost=True)
    return Fate(refuse=errors.Conflict(409, "Conflict", "the object has been modified"))


_TROUBLES: tuple[Callable[[Call], Fate], ...] = (
    _conflict,
    lambda call: Fate(lost=True),
    lambda call: Fate(late=0.5),
    _refused(errors.Unavailable(503, "ServiceUnavailable", "apiserver is shutting down")),
    _refused(errors.Unavailable(500, "InternalError", "etcdserver: request timed out")),
    _refused(errors.TooManyRequests(429, "TooManyRequests", "too many requests", retry_after=1.0)),
    _refused(errors.Unavailable(0, "ConnectionFailed", "connection refused")),
)


def _luck(make: Callable[[int], Act]) -> Callable[[random.Random], Act]:
    return lambda rng: make(rng.getrandbits(32))


# By these, Holdfast may hear late of what people write, or what it writes comes late.
LATE = (
    Freeze,
    Partition,
    Outage,
    Trouble,
    LateWrites,
    LateGates,
    BreakWatches,
    SilentWatches,
    Lag,
    Repeat,
    CrashAtWrite,
    Kill,
    Terminate,
    DeleteLease,
    RefuseGates,
    Poison,
)

# How often each is drawn, compared with the others.
DRAWS: tuple[tuple[int, Callable[[random.Random], Act]], ...] = (
    (10, lambda rng: CrashAtWrite(rng.randint(1, 12), rng.random() < 0.5)),
    (4, _luck(Kill)),
    (3, _luck(Terminate)),
    (3, _luck(Freeze)),
    (2, _luck(Partition)),
    (2, _luck(Outage)),
    (4, _luck(Trouble)),
    (4, _luck(LateWrites)),
    (4, _luck(LateGates)),
    (4, _luck(BreakWatches)),
    (2, _luck(SilentWatches)),
    (4, _luck(Lag)),
    (2, _luck(Repeat)),
    (1, lambda rng: DeleteLease()),
    (2, _luck(RefuseGates)),
    (3, _luck(RefuseJobs)),
    (1, _luck(RefusePods)),
    (1, _luck(Poison)),
)
