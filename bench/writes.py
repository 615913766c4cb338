"""What one rollout makes Holdfast write, and when: until its gate has opened, to its app's end, and at its removal."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.cluster import resources
from app.cluster.api import Api
from bench import accounting
from bench.accounting import Written
from bench.manifests import deployment, gets_ready_late
from bench.stopwatch import Stopwatch

# Seconds after which nothing more is written because of what was just seen. The pod gets ready only after the first.
_AFTER_OPENING = 1.0
READY_AFTER = 3
_AFTER_READY = 3.0
_AFTER_REMOVAL = 2.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Writes of one or more rollouts, by when they were made."""

    opening: Written = field(default_factory=Written)
    ending: Written = field(default_factory=Written)
    removal: Written = field(default_factory=Written)
    rollouts: int = 0

    @property
    def rollout(self) -> Written:
        """All but the removal's."""
        return self.opening.plus(self.ending)

    def plus(self, more: "Counted") -> "Counted":
        return Counted(
            self.opening.plus(more.opening),
            self.ending.plus(more.ending),
            self.removal.plus(more.removal),
            self.rollouts + more.rollouts,
        )


async def count(
    api: Api,
    namespace: str,
    stopwatch: Stopwatch,
    metrics: Callable[[], Awaitable[str]],
    name: str,
    check: str,
    patience: float = 90.0,
) -> Counted:
    """Rolls `name` out, whose pod gets ready some seconds after its start, and takes it away again.

    Raises TimeoutError if that takes longer than `patience` seconds.
    """
    times = stopwatch[name]
    body = gets_ready_late(deployment(name, check=check), READY_AFTER)

    async def written(after: float) -> Written:
        await asyncio.sleep(after)
        return accounting.written(await metrics())

    before = await written(0)
    async with asyncio.timeout(patience):
        await api.create(resources.DEPLOYMENTS, body, namespace)
        await stopwatch.wait(lambda: times.opened is not None)
        opened = await written(_AFTER_OPENING)
        await stopwatch.wait(lambda: times.ready is not None)
        ended = await written(_AFTER_READY)
        await api.delete(resources.DEPLOYMENTS, name, namespace)
        await stopwatch.wait(lambda: times.gone is not None)
        removed = await written(_AFTER_REMOVAL)
    return Counted(opened.since(before), ended.since(opened), removed.since(ended), 1)
