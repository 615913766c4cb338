"""Works a queue off: one call of ``reconcile`` for each key, and what happens next for each way that it can end."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

from app.cluster import errors
from app.cluster.queue import K, QueueClosed, WorkQueue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """All is as it should be, until something changes."""


@dataclass(frozen=True, slots=True)
class After:
    """All is as it should be; look again in ``seconds``, since a deadline passes then."""

    seconds: float


Outcome = Done | After

# Somebody else was faster, or the API server has other worries: normal, and settled by another try.
_QUIET = (errors.Conflict, errors.TooManyRequests, errors.Unavailable)
# Seconds. However far a server sends us away, and however long ago a deadline was: a key comes back, and not in a spin.
_LONGEST_WAIT = 60.0
_SHORTEST_WAIT = 0.01


class Controller(Generic[K]):
    """Calls ``reconcile`` with each key of ``queue``, never twice at once with the same.

    It gets a key and nothing of what has happened: it must look at how things are. It returns ``Done`` or ``After``, or
    raises, which means another try after a growing pause: quietly for a conflict and an API server that is
    busy or away, with a traceback in the log for anything else. A key that fails for ever costs the others nothing.
    Only where a namespace is being deleted, and so refuses all that is new, is a key dropped.
    """

    def __init__(self, name: str, queue: WorkQueue[K], reconcile: Callable[[K], Awaitable[Outcome]]) -> None:
        self.name = name
        self.queue = queue
        self.outcomes: Counter[str] = Counter()
        self._reconcile = reconcile

    async def run(self, concurrency: int = 1) -> None:
        """Until cancelled or the queue is shut down. Work that a cancellation breaks off is queued again."""
        async with asyncio.TaskGroup() as group:
            for number in range(concurrency):
                group.create_task(self._work(), name=f"{self.name}-{number}")

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueClosed:
                return
            try:
                await self._once(key)
            except asyncio.CancelledError:
                self.queue.add(key)
                raise
            finally:
                self.queue.done(key)

    async def _once(self, key: K) -> None:
        about = {"controller": self.name, "key": str(key)}
        try:
            outcome = await self._reconcile(key)
        except _QUIET as error:
            self.outcomes["retried"] += 1
            log.debug("trying again", extra=about | {"error": str(error), "failures": self.queue.failures(key) + 1})
            self.queue.retry(key, at_least=min(error.retry_after or 0.0, _LONGEST_WAIT))
        except Exception as error:
            if isinstance(error, errors.Forbidden) and error.namespace_terminating:
                # It never stops ending, and what is in it needs nothing more.
                self.outcomes["dropped"] += 1
                log.debug("the namespace is being deleted", extra=about)
                self.queue.forget(key)
                return
            self.outcomes["failed"] += 1
            log.exception("reconciling failed", extra=about | {"failures": self.queue.failures(key) + 1})
            self.queue.retry(key)
        else:
            self.queue.forget(key)
            if isinstance(outcome, After):
                self.outcomes["after"] += 1
                self.queue.add_after(key, max(outcome.seconds, _SHORTEST_WAIT))
            else:
                self.outcomes["done"] += 1
