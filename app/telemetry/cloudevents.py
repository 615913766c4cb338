"""CloudEvents: each happening posted to the receiver that the KeptnConfig names, in HTTP's binary mode.

A receiver is somebody else's program. It may be slow, ill or gone, and a rollout must not feel that: ``send`` only
notes, one task posts, what finds no room or no ear in time is dropped and counted. In the order in which things
happened, one at a time, since most receivers care for that and none was promised more.
"""

import asyncio
import contextlib
import logging
import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx2
from cloudevents.core.bindings.http import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from app.cluster import backoff
from app.lifecycle.happenings import SOURCE, Happening

log = logging.getLogger(__name__)

CAPACITY = 1000
# Seconds. What no receiver has taken by then is no news any more.
KEPT_SECONDS = 300.0
_ATTEMPT_SECONDS = 5.0
_LONGEST_PAUSE = 10.0
_SAYING_SECONDS = 60.0  # between two lines about what was dropped
# Of an answer, whose content nobody reads, so many bytes are taken to keep the connection.
_ANSWER_BYTES = 65_536
# Answers that say nothing of the event: there is no receiver at this moment, or it is busy.
_ABSENT = frozenset({408, 425, 429, 502, 503, 504})
# Another answer of 500 and above may be about just this event, and those behind it should not wait for long.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Waiting:
    event: CloudEvent
    since: float  # loop time


class _Refused(Exception):
    """The receiver does not want it, now or later."""


class _Undelivered(Exception):
    """Not this time: nobody took it."""


class _Failed(Exception):
    """The receiver failed over it."""


class CloudEvents:
    """Posts to the URL that ``endpoint`` gives at that moment; to nobody while it gives "".

    At most ``capacity`` wait; the oldest give way. Each is tried for `KEPT_SECONDS`, with growing pauses. ``transport``
    is how tests answer for a receiver.
    """

    def __init__(
        self,
        endpoint: Callable[[], str],
        *,
        now: Callable[[], datetime],
        rng: random.Random,
        capacity: int = CAPACITY,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.dropped = 0
        self._endpoint = endpoint
        self._now = now
        self._rng = rng
        self._capacity = capacity
        self._transport = transport
        self._waiting: deque[_Waiting] = deque()
        self._more = asyncio.Event()
        self._empty = asyncio.Event()
        self._failures = 0
        self._said: float | None = None
        self._unsaid = 0
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def send(self, happening: Happening) -> None:
        """Notes it for the receiver, if there is one. Returns at once and raises nothing."""
        if self._closing or not self._endpoint():
            return
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self._drop("too many wait")
        loop = asyncio.get_running_loop()
        self._waiting.append(_Waiting(self._event(happening), loop.time()))
        self._empty.clear()
        self._more.set()
        if self._task is None:
            self._task = loop.create_task(self._run(), name="cloudevents")

    async def aclose(self, seconds: float = 2.0) -> None:
        """Posts what still waits, for that long at most and only to a receiver that listens; takes no more."""
        self._closing = True
        if self._task is None:
            return
        if not self._failures:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()
        if self._waiting:
            log.warning("CloudEvents were not delivered before the end", extra={"count": len(self._waiting)})
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _event(self, happening: Happening) -> CloudEvent:
        attributes = {
            "id": str(uuid.uuid4()),  # the same at each try, so that a receiver can tell a repetition
            "source": SOURCE,
            "type": happening.type,
            "time": self._now(),
            "datacontenttype": "application/json",
        }
        return CloudEvent(attributes, happening.data)

    async def _run(self) -> None:
        # Reading the trusted certificates takes 0.1 s, which the event loop need not wait for.
        client = await asyncio.to_thread(httpx2.AsyncClient, timeout=_ATTEMPT_SECONDS, transport=self._transport)
        async with client:
            while True:
                while self._waiting:
                    first = self._waiting[0]
                    try:
                        await self._deliver(client, first)
                    except Exception:
                        log.exception("a CloudEvent cannot be sent")
                        self._done(first)
                self._empty.set()
                self._more.clear()
                await self._more.wait()

    async def _deliver(self, client: httpx2.AsyncClient, first: _Waiting) -> None:
        """One try of the oldest, and the pause after one that failed."""
        endpoint = self._endpoint()
        if not endpoint:
            self._waiting.clear()  # nobody asks for them any more
            return
        if self._time() - first.since > KEPT_SECONDS:
            self._done(first)
            self._drop("the receiver has not answered in time")
            return
        try:
            await self._post(client, endpoint, first.event)
        except _Refused as error:
            self._done(first)
            self._drop(str(error))
        except (_Undelivered, _Failed) as error:
            self._failures += 1
            if isinstance(error, _Failed) and self._failures >= _TRIES:
                self._failures = 0
                self._done(first)
                self._drop(str(error))
                return
            if self._failures == 1:
                log.warning(
                    "a CloudEvent could not be delivered, trying again",
                    extra={"receiver": _shown(endpoint), "error": str(error)},
                )
            await asyncio.sleep(backoff.delay(self._failures, base=0.5, cap=_LONGEST_PAUSE, rng=self._rng))
        else:
            self._done(first)
            if self._failures:
                log.info("CloudEvents are delivered again", extra={"receiver": _shown(endpoint)})
            self._failures = 0

    async def _post(self, client: httpx2.AsyncClient, endpoint: str, event: CloudEvent) -> None:
        message = to_binary(event, JSONFormat())
        try:
            async with (
                asyncio.timeout(_ATTEMPT_SECONDS),
                client.stream("POST", endpoint, headers=message.headers, content=message.body) as answer,
            ):
                taken = 0
                async for chunk in answer.aiter_raw():
                    taken += len(chunk)
                    if taken > _ANSWER_BYTES:
                        break
        except TimeoutError:
            raise _Undelivered(f"no answer within {_ATTEMPT_SECONDS:g} s") from None
        except Exception as error:
            raise _Undelivered(_why(error)) from None
        status = answer.status_code
        if not 200 <= status < 300:
            kind = _Undelivered if status in _ABSENT else _Failed if status >= 500 else _Refused
            raise kind(f"the receiver answered {status}")

    def _done(self, first: _Waiting) -> None:
        """Takes it off the queue, unless it has had to give way meanwhile."""
        if self._waiting and self._waiting[0] is first:
            self._waiting.popleft()

    def _drop(self, why: str) -> None:
        """Counts one that nobody will get. The log has a line for the first, then at most one a minute."""
        self.dropped += 1
        self._unsaid += 1
        if self._said is None or self._time() - self._said >= _SAYING_SECONDS:
            log.warning("CloudEvents were dropped", extra={"count": self._unsaid, "all": self.dropped, "reason": why})
            self._said, self._unsaid = self._time(), 0

    def _time(self) -> float:
        return asyncio.get_running_loop().time()


def _why(error: BaseException) -> str:
    """What is wrong, in the system's words: the client's own may quote the URL, which may have a password in it."""
    name, cause = type(error).__name__, error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f"{name}: {cause.strerror}"
        cause = cause.__cause__ or cause.__context__
    return name


def _shown(endpoint: str) -> str:
    """Where that is, without what may be secret: user, password, path and query."""
    parts = urlsplit(endpoint)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
