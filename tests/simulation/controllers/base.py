"""What all controllers share: changes become keys, and each key is reconciled a moment later, never twice at once."""

import asyncio
import contextvars
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from app.cluster.api import Resource
from app.cluster.errors import ApiError, Forbidden
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change

Key = tuple[str, str]  # namespace ("" for a kind without), name

# How long kube-controller-manager waits after the first failure of a key, doubled by each further one, and at most.
FIRST_RETRY_SECONDS = 0.005
LAST_RETRY_SECONDS = 1000.0
_DOUBLINGS = 20  # more than it takes to reach the last


class Controller(ABC):
    """Reconciles objects of `resource`, told of changes of those that it `watches` (all kinds, if empty).

    `pause` is the range of seconds between a change and the work on it, `name` what its writes are signed with.
    """

    name: ClassVar[str]
    resource: ClassVar[Resource]
    watches: ClassVar[tuple[Resource, ...]] = ()
    pause: tuple[float, float] = (0.002, 0.03)

    def __init__(self, server: Server, rng: random.Random) -> None:
        self.server = server
        self.rng = rng
        self._plurals = frozenset(resource.plural for resource in self.watches)
        self._context: contextvars.Context | None = None  # while it runs
        self._due: dict[Key, asyncio.TimerHandle] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._again: dict[Key, None] = {}
        self._failures: dict[Key, int] = {}
        self._broken: asyncio.Future[None] | None = None
        server.subscribe(self._heard)

    @abstractmethod
    async def reconcile(self, namespace: str, name: str) -> None:
        """Brings the object a step nearer to what its spec says. An ApiError has it tried again, later and later."""

    def keys(self, change: Change) -> Iterable[Key]:
        """Whose business a change is: the object itself, and whoever controls it if that is one of `resource`."""
        body = change.body
        meta = body["metadata"]
        if change.resource == self.resource:
            yield meta.get("namespace", ""), meta["name"]
            return
        for owner in meta.get("ownerReferences") or ():
            if owner.get("controller") and owner["kind"] == self.resource.kind:
                yield meta.get("namespace", ""), owner["name"]

    async def run(self) -> None:
        """Until cancelled. Begins with all that is there. Raises what a reconcile raises but ApiErrors."""
        # A change is heard in the context of whoever made it, who may be frozen later on: the work is ours.
        self._context = contextvars.copy_context()
        self._broken = asyncio.get_running_loop().create_future()
        for body in self.server.list(self.resource):
            self.soon((body["metadata"].get("namespace", ""), body["metadata"]["name"]))
        try:
            await self._broken
        finally:
            self._context = None
            for timer in self._due.values():
                timer.cancel()
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for forgotten in (self._due, self._tasks, self._again, self._failures):
                forgotten.clear()

    def soon(self, key: Key) -> None:
        """Has the key reconciled after the usual pause."""
        self.after(self.rng.uniform(*self.pause), key)

    def after(self, seconds: float, key: Key) -> None:
        """Has the key reconciled after so many seconds, unless it will be before."""
        if self._context is None:
            return
        loop = asyncio.get_running_loop()
        known = self._due.get(key)
        if known is not None:
            if known.when() <= loop.time() + seconds:
                return
            known.cancel()
        self._due[key] = loop.call_later(seconds, self._start, key, context=self._context)

    def _heard(self, change: Change) -> None:
        if self._context is None or (self._plurals and change.resource.plural not in self._plurals):
            return
        for key in self.keys(change):
            self.soon(key)

    def _start(self, key: Key) -> None:
        del self._due[key]
        if key in self._tasks:
            self._again[key] = None
            return
        self._tasks[key] = asyncio.get_running_loop().create_task(self._work(key))

    async def _work(self, key: Key) -> None:
        try:
            await self.reconcile(*key)
            self._failures.pop(key, None)
        except ApiError:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            self.after(min(FIRST_RETRY_SECONDS * 2 ** min(failures, _DOUBLINGS), LAST_RETRY_SECONDS), key)
        except Exception as error:
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(error)
        finally:
            self._tasks.pop(key, None)
            if self._again.pop(key, self) is None:
                self.soon(key)


async def in_batches(count: int, create: Callable[[int], Awaitable[object]]) -> None:
    """Calls `create` with 0, 1, ...: first one, then two at a time, four, and so on.

    A batch in which one fails is the last, so that what is refused is not asked for a hundred times. Raises the first
    failure, unless that is only because the namespace ends: then nothing can be made, and nobody should try again.
    """
    made, size = 0, 1
    while made < count:
        size = min(size, count - made)
        batch = (create(number) for number in range(made, made + size))
        for result in await asyncio.gather(*batch, return_exceptions=True):
            if isinstance(result, Forbidden) and result.namespace_terminating:
                return
            if isinstance(result, BaseException):
                raise result
        made += size
        size *= 2
