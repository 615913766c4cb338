"""One watch: what has happened since a version, then what happens, bookmarks in between, until its time is up."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from app.cluster import errors
from app.cluster.api import Json, Resource
from tests.simulation.apiserver.store import Change, Store

BOOKMARK_SECONDS = 60.0
LAST_BOOKMARK_SECONDS = 2.0  # before the end
_TICK = 1e-6  # by which a timer may fire too early

Select = Callable[[Json], bool]
View = Callable[[Json], Json]


class Watch:
    """Events of one resource after `version`, as the API server sends them.

    `delay` gives the seconds after which an event is heard; events never overtake each other. `cut` ends it with an
    error, `finish` politely, as the server's own time limit does. While `silent` nothing is heard, bookmarks neither.
    """

    def __init__(
        self,
        store: Store,
        resource: Resource,
        version: int,
        select: Select,
        view: View,
        *,
        seconds: float,
        delay: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.resource = resource
        self.silent = False
        self._store = store
        self._select = select
        self._view = view
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[float, Json]] = deque()
        self._heard_at = 0.0
        self._version = version
        self._error: Exception | None = None
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._end = self._loop.call_later(seconds, self.finish)
        self._end_at = self._end.when()
        self._bookmark = self._loop.call_later(self._until_bookmark(), self._mark)
        if version < store.compacted:
            self._refuse(f"too old resource version: {version} ({store.compacted})")
            return
        for change in _since(store.history(resource), version):
            self.feed(change)

    def feed(self, change: Change) -> None:
        """Tells it of a change of its resource, unless it asked for later ones only."""
        if change.version <= self._version or self._ended:
            return
        self._version = change.version
        was = change.old is not None and self._select(change.old)
        now = change.new is not None and self._select(change.new)
        if not was and not now:
            return
        kind = "MODIFIED" if was and now else "ADDED" if now else "DELETED"
        body = change.new if now else change.old
        assert body is not None
        if not now:  # as it was last, at the version of the change that took it out of sight
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(change.version)}}
        self._put({"type": kind, "object": self._view(body)})

    def repeat(self) -> None:
        """Says the last event that waits to be heard a second time."""
        if self._queue:
            self._queue.append(self._queue[-1])

    def fail(self, error: errors.ApiError) -> None:
        """Says `error` as an event, as a server does that cannot go on with a watch, and ends."""
        status = {"kind": "Status", "code": error.status, "reason": error.reason, "message": error.message}
        self._put({"type": "ERROR", "object": status})
        self.finish()

    def cut(self, error: Exception) -> None:
        self._error = error
        self._wake()

    def finish(self) -> None:
        self._ended = True
        self._wake()

    def close(self) -> None:
        self._end.cancel()
        self._bookmark.cancel()

    async def events(self) -> AsyncIterator[Json]:
        while True:
            if self._error is not None:
                raise self._error
            if self._queue and not self.silent:
                due, event = self._queue[0]
                early = due - self._loop.time()
                if early > _TICK:
                    await self._wait(early)
                    continue
                self._queue.popleft()
                yield event
            elif self._ended and not self.silent:
                return
            else:
                await self._wait(None)

    def _put(self, event: Json) -> None:
        self._heard_at = max(self._heard_at, self._loop.time() + self._delay())
        self._queue.append((self._heard_at, event))
        self._wake()

    def _refuse(self, message: str) -> None:
        """The last thing it says: that what was asked for is forgotten."""
        about = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        self._put({"type": "ERROR", "object": about | {"message": message, "reason": "Expired", "code": 410}})
        self._ended = True

    def _until_bookmark(self) -> float:
        """Seconds until the next bookmark: one a minute, and one shortly before the end."""
        left = self._end_at - self._loop.time() - LAST_BOOKMARK_SECONDS
        return min(BOOKMARK_SECONDS, left) if left > _TICK else BOOKMARK_SECONDS

    def _mark(self) -> None:
        self._bookmark = self._loop.call_later(self._until_bookmark(), self._mark)
        metadata = {"resourceVersion": str(max(self._version, self._store.version)), "creationTimestamp": None}
        about = {"apiVersion": self.resource.api_version, "kind": self.resource.kind, "metadata": metadata}
        self._put({"type": "BOOKMARK", "object": about})

    async def _wait(self, seconds: float | None) -> None:
        self._waiter = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _since(history: list[Change], version: int) -> list[Change]:
    at = len(history)
    while at and history[at - 1].version > version:
        at -= 1
    return history[at:]
