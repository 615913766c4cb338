"""Events: what `kubectl describe` shows at the end of an object.

They are for people and must never stand in the way of the work: ``record`` only notes, a task of its own writes, what
cannot be written is dropped. The same thing said again about the same object raises the count of the event that is
there instead of making another; its name follows from what it says, so this holds across restarts too.
"""

import asyncio
import contextlib
import hashlib
import logging
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.cluster import errors, resources
from app.cluster.api import Api, Json

log = logging.getLogger(__name__)

_MESSAGE_BYTES = 1024
_KNOWN = 2048
# Seconds. What only tells of progress is written in a lull of so much, or once it is so old.
_LULL = 0.1
_OLDEST = 1.0
_SHORTEST = 0.01


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """The object that an event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(slots=True)
class _Entry:
    regarding: ObjectRef
    type: str
    reason: str
    message: str
    action: str
    annotations: dict[str, str]
    component: str
    first: datetime
    last: datetime
    count: int = 1
    due: asyncio.TimerHandle | None = field(default=None, repr=False)
    ready: float = 0.0  # loop time since when it could be written

    @property
    def name(self) -> str:
        said = "\0".join((self.regarding.uid, self.type, self.reason, self.message))
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        return f"{self.regarding.name[:200].rstrip('.-')}.{digest}"

    @property
    def namespace(self) -> str:
        return self.regarding.namespace or "default"


class EventRecorder:
    """Writes events in the name of ``component``, where nobody else is named, running as ``instance`` (the pod's name).

    At most ``capacity`` different ones (of 2 KiB each at most) wait to be written; more are dropped. A thousand failed
    rollouts say four thousand at once, and some have no other place to say it. They are written one after
    another, so that what matters more does not wait for them; among them warnings come first, and a quarter of the
    room is theirs alone, since the many that only tell of progress are worth less: those also wait, for a second at
    most, as long as ``idle`` (seconds since this process wrote anything else) says that there is other work. A
    repetition is written at most every ``repeat_seconds``, with the count of all that came in between.
    """

    def __init__(
        self,
        api: Api,
        *,
        component: str,
        instance: str,
        now: Callable[[], datetime],
        capacity: int = 10_000,
        repeat_seconds: float = 10.0,
        idle: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self.dropped = 0
        self._api = api
        self._component = component
        self._instance = instance
        self._now = now
        self._capacity = capacity
        self._repeat = repeat_seconds
        self._pending: dict[tuple[str, str], _Entry] = {}
        self._idle = idle
        # Warnings before others, each in their order.
        self._warnings: deque[tuple[str, str]] = deque()
        self._others: deque[tuple[str, str]] = deque()
        self._arrived = asyncio.Event()
        self._rested = asyncio.Event()  # nothing is left to be written
        # Count and loop time of the last write, of the events written most recently.
        self._written: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def record(
        self,
        regarding: ObjectRef,
        *,
        type: str,
        reason: str,
        message: str,
        action: str = "",
        annotations: Mapping[str, str] | None = None,
        component: str = "",
    ) -> None:
        """Notes an event, ``type`` Normal or Warning. Returns at once and raises nothing; a long message is cut."""
        now = self._now()
        marks, source = dict(annotations or {}), component or self._component
        entry = _Entry(regarding, type, reason, _cut(message), action, marks, source, now, now)
        key = (entry.namespace, entry.name)
        waiting = self._pending.get(key)
        if waiting is not None:
            waiting.count += 1
            waiting.last = now
            return
        room = self._capacity if type == "Warning" else self._capacity * 3 // 4
        if self._closing or len(self._pending) >= room:
            self.dropped += 1
            log.debug("an event was dropped", extra={"reason": reason, "dropped": self.dropped})
            return
        self._pending[key] = entry
        loop = asyncio.get_running_loop()
        pause = self._written[key][1] + self._repeat - loop.time() if key in self._written else 0.0
        if pause > 0:
            entry.due = loop.call_later(pause, self._put, key, entry)
        else:
            self._put(key, entry)
        if self._task is None:
            self._task = loop.create_task(self._run(), name="events")

    async def aclose(self, seconds: float = 2.0) -> None:
        """Writes what still waits, for that long at most, and takes no more."""
        self._closing = True
        for key, entry in self._pending.items():
            if entry.due is not None and not entry.due.cancelled() and entry.due.when() > self._time():
                entry.due.cancel()
                self._put(key, entry)
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                self._arrived.set()
                await self._rested.wait()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _put(self, key: tuple[str, str], entry: _Entry) -> None:
        entry.ready = self._time()
        (self._warnings if entry.type == "Warning" else self._others).append(key)
        self._rested.clear()
        self._arrived.set()

    async def _next(self) -> tuple[str, str]:
        """What is to be written now. Returns once there is something whose time has come."""
        while True:
            self._arrived.clear()
            if self._warnings:
                return self._warnings.popleft()
            wait = None
            if self._others:
                early = self._pending[self._others[0]].ready + _OLDEST - self._time()
                wait = 0.0 if self._closing else min(early, _LULL - self._idle())
                if wait <= 0:
                    return self._others.popleft()
                wait = max(wait, _SHORTEST)
            else:
                self._rested.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), wait)

    async def _run(self) -> None:
        while True:
            key = await self._next()
            entry = self._pending.pop(key)
            try:
                count = await self._write(entry, self._written.get(key, (0, 0.0))[0])
                self._written[key] = (count, self._time())
                self._written.move_to_end(key)
                if len(self._written) > _KNOWN:
                    self._written.popitem(last=False)
            except Exception as error:
                self.dropped += 1
                # That a namespace takes no more events while it is being deleted is nobody's news.
                expected = isinstance(error, errors.Forbidden) and error.namespace_terminating
                level = logging.DEBUG if expected else logging.WARNING
                log.log(level, "an event could not be written", extra={"reason": entry.reason, "error": str(error)})

    async def _write(self, entry: _Entry, known: int) -> int:
        """Creates the event or raises its count. Returns the count that it has now."""
        if not known:
            try:
                await self._api.create(resources.EVENTS, self._body(entry), entry.namespace)
                return entry.count
            except errors.AlreadyExists:
                # From before a restart. The answer to a harmless patch tells its count.
                stored = await self._patch(entry, {})
                known = int(stored.get("count") or 0)
        count = known + entry.count
        try:
            await self._patch(entry, {"count": count})
        except errors.NotFound:
            # It has expired, as events do after an hour.
            await self._api.create(resources.EVENTS, self._body(entry), entry.namespace)
            return entry.count
        return count

    async def _patch(self, entry: _Entry, more: Json) -> Json:
        body: Json = {"lastTimestamp": _timestamp(entry.last), **more}
        if entry.annotations:
            body["metadata"] = {"annotations": entry.annotations}
        return await self._api.patch(resources.EVENTS, entry.name, body, entry.namespace)

    def _body(self, entry: _Entry) -> Json:
        about = entry.regarding
        metadata: Json = {"name": entry.name, "namespace": entry.namespace}
        if entry.annotations:
            metadata["annotations"] = entry.annotations
        body: Json = {
            "apiVersion": resources.EVENTS.api_version,
            "kind": resources.EVENTS.kind,
            "metadata": metadata,
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
            },
            "type": entry.type,
            "reason": entry.reason,
            "message": entry.message,
            "count": entry.count,
            "firstTimestamp": _timestamp(entry.first),
            "lastTimestamp": _timestamp(entry.last),
            "source": {"component": entry.component, "host": self._instance},
            "reportingComponent": entry.component,
            "reportingInstance": self._instance,
        }
        if entry.action:
            body["action"] = entry.action
        return body

    def _time(self) -> float:
        return asyncio.get_running_loop().time()


def _timestamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _cut(message: str) -> str:
    """At most 1024 bytes, which is what the API takes."""
    data = message.encode(errors="replace")
    if len(data) <= _MESSAGE_BYTES:
        return data.decode()
    return data[: _MESSAGE_BYTES - 3].decode(errors="ignore") + "…"
