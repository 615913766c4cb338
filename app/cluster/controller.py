"""Works a queue off: one call of ``reconcile`` for each key, and what happens next for each way that it can end."""

import asyncio
import logging
import math
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
# Seconds. What ends by itself has been settled, or is over, whenever the next try comes: after an outage of any length
# all keys are looked at again within so much. With chance taking off up to half, they do not come all at once.
_QUIET_CAP = 3.0
# Seconds. However far a server sends us away, and however long ago a deadline was: a key comes back, and not in a spin.
_LONGEST_WAIT = 60.0
_SHORTEST_WAIT = 0.01
STUCK_AFTER = 5


class Controller(Generic[K]):
    """Calls ``reconcile`` with each key of ``queue``, never twice at once with the same.

    It gets a key and nothing of what has happened: it must look at how things are. It returns ``Done`` or ``After``, or
    raises, which means another try after a growing pause: quietly for a conflict and an API server that is
    busy or away, with a traceback in the log for anything else. A key that fails for ever costs the others nothing.
    Only where a namespace is being deleted, and so refuses all that is new, is a key dropped.

    ``cap`` is the longest pause, in seconds, after a failure. ``stuck`` is told, with the last error, of a key that has
    failed ``STUCK_AFTER`` times without a success in between, once until it succeeds; quiet errors do not count.
    """

    def __init__(
        self,
        name: str,
        queue: WorkQueue[K],
        reconcile: Callable[[K], Awaitable[Outcome]],
        *,
        cap: float = math.inf,
        stuck: Callable[[K, Exception], None] | None = None,
    ) -> None:
        self.name = name
        self.queue = queue
        self.outcomes: Counter[str] = Counter()
        self._reconcile = reconcile
        self._cap = cap
        self._stuck = stuck
        self._failed: Counter[K] = Counter()  # without a success since

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
            self.queue.retry(key, at_least=min(error.retry_after or 0.0, _LONGEST_WAIT), at_most=_QUIET_CAP)
        except Exception as error:
            if isinstance(error, errors.Forbidden) and error.namespace_terminating:
                # It never stops ending, and what is in it needs nothing more.
                self.outcomes["dropped"] += 1
                log.debug("the namespace is being deleted", extra=about)
                self._forget(key)
                return
            self.outcomes["failed"] += 1
            log.exception("reconciling failed", extra=about | {"failures": self.queue.failures(key) + 1})
            self.queue.retry(key, at_most=self._cap)
            self._count(key, error)
        else:
            self._forget(key)
            if isinstance(outcome, After):
                self.outcomes["after"] += 1
                self.queue.add_after(key, max(outcome.seconds, _SHORTEST_WAIT))
            else:
                self.outcomes["done"] += 1

    def _count(self, key: K, error: Exception) -> None:
        self._failed[key] += 1
        if self._stuck is None or self._failed[key] != STUCK_AFTER:
            return
        try:
            self._stuck(key, error)
        except Exception:  # it only tells, and must not cost the key its next try
            log.exception("telling of a failure failed", extra={"controller": self.name, "key": str(key)})

    def _forget(self, key: K) -> None:
        self.queue.forget(key)
        self._failed.pop(key, None)
