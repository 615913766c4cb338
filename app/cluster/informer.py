"""A local copy of some of the cluster's objects, kept by a list and a watch.

Each layer handles one kind of failure. ``_stream`` turns silence into an error, ``_watch`` applies what one watch says,
``run`` opens the next one: at the last version known after a clean end or a broken connection, after a new list when
that version is too old (410) or has failed several times. Objects that vanished between two lists are reported as
deleted, like all others.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Generic

import pydantic

from app.cluster import backoff, errors, selector
from app.cluster.api import Api, Json, Resource
from app.cluster.cache import Cache, Change, Stamp, T, number

log = logging.getLogger(__name__)

# Seconds after which we ask the server to end a watch, by chance within this range, so that not all end together.
WATCH_SECONDS = (180, 300)
# The server sends a bookmark about once a minute, on kinds where it has ever had something to say.
BOOKMARK_SILENCE = 130.0
# What it may be late with the end that we asked for.
GRACE = 10.0
# A healthy informer's ``last_contact`` is never older than this, in seconds: for liveness checks, with some margin.
MAX_SILENCE = WATCH_SECONDS[1] + GRACE + 30.0

_HEALTHY_AFTER = 10.0
_RELIST_AFTER = 3
_BEHIND_LIMIT = 3
# After so many decoded objects of a list others get their turn: a webhook answers requests beside it.
_BREATH = 50


class Informer(Generic[T]):
    """Objects of one resource that match the selectors, decoded by ``decode`` into slim immutable views.

    ``decode`` gets the raw object (without ``kind`` when it comes from a list) and returns None to leave it out, which
    counts as a deletion if it was there. One that raises leaves the object out as well, with a log line. ``indexes``
    are functions of the decoded object alone.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        decode: Callable[[Json], T | None],
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        indexes: Mapping[str, Callable[[T], Iterable[str]]] | None = None,
        rng: random.Random,
    ) -> None:
        self.resource = resource
        self._api = api
        self._decode = decode
        self._namespace = namespace
        self._labels = label_selector
        self._fields = field_selector
        self._metadata_only = metadata_only
        self._rng = rng
        self._cache: Cache[T] = Cache(indexes or {})
        self._handlers: list[Callable[[T | None, T | None], None]] = []
        self._synced = asyncio.Event()
        self._last_contact = 0.0
        self._version = ""
        self._must_list = True
        self._lists_behind = 0

    # What it knows

    @property
    def has_synced(self) -> bool:
        """Whether everything has been listed once."""
        return self._synced.is_set()

    async def synced(self) -> None:
        """Returns once ``has_synced``."""
        await self._synced.wait()

    @property
    def last_contact(self) -> float:
        """Loop time at which the server last said something, or ``run`` was called; 0 before that."""
        return self._last_contact

    def get(self, namespace: str, name: str) -> T | None:
        return self._cache.get(namespace, name)

    def all(self) -> list[T]:
        return self._cache.all()

    def by_index(self, index: str, value: str) -> list[T]:
        """Raises KeyError for an index that was not declared."""
        return self._cache.by_index(index, value)

    def subscribe(self, handler: Callable[[T | None, T | None], None]) -> None:
        """Calls ``handler(old, new)`` for each change, after it is in the cache; first, for all that is there by now.

        It is called synchronously and must be quick. An exception in it is logged and goes no further.
        """
        self._handlers.append(handler)
        for item in self._cache.all():
            self._tell(handler, None, item)

    def observe(self, body: Json) -> None:
        """Takes the answer to a write of our own at once, without waiting for the watch to repeat it.

        Ignored when the cache knows the same or a later version already, or knows that the object is gone.
        """
        stamp = Stamp.of(body)
        if not stamp.version or (self._namespace and stamp.key[0] != self._namespace):
            return
        labels = body["metadata"].get("labels") or {}
        if selector.labels_match(self._labels, labels) and selector.fields_match(self._fields, body):
            self._notify(self._put(stamp, body))
        else:
            self._notify(self._cache.remove(stamp))

    # How it gets to know

    async def run(self) -> None:
        """Keeps the cache up to date until cancelled. No failure ends it."""
        loop = asyncio.get_running_loop()
        self._last_contact = loop.time()
        failures = 0
        while True:
            started = loop.time()
            failed = await self._round()
            healthy = loop.time() - started >= _HEALTHY_AFTER
            if healthy and not failed:
                failures = 0
                continue
            # A server that ends each watch at once, however politely, is not to be asked again at once.
            failures = 1 if healthy else failures + 1
            if failures >= _RELIST_AFTER and failed:
                self._must_list = True
            await asyncio.sleep(backoff.delay(failures, base=0.1, cap=4.0, rng=self._rng))

    async def _round(self) -> bool:
        """One list if needed and one watch. Whether it ended in a failure."""
        about = {"resource": self.resource.plural}
        try:
            if self._must_list:
                await self._list()
            await self._watch()
        except errors.Gone:
            log.info("the watch is too old, listing again", extra=about)
            self._must_list = True
            return False
        except errors.ApiError as error:
            log.warning("watching failed", extra=about | {"error": str(error)})
            return True
        except Exception:
            log.exception("watching failed unexpectedly", extra=about)
            self._must_list = True
            return True
        return False

    async def _list(self) -> None:
        listed: list[tuple[Stamp, T | None]] = []
        token = ""
        while True:
            page = await self._api.list_page(
                self.resource,
                self._namespace,
                label_selector=self._labels,
                field_selector=self._fields,
                continue_token=token,
                metadata_only=self._metadata_only,
            )
            self._touch()
            for body in page.get("items") or ():
                stamp = Stamp.of(body)
                listed.append((stamp, self._decoded(stamp, body)))
                if len(listed) % _BREATH == 0:
                    await asyncio.sleep(0)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        version = page["metadata"].get("resourceVersion", "")
        if number(version) >= number(self._version):
            changes = self._cache.replace(listed, number(version))
        elif self._lists_behind < _BEHIND_LIMIT:
            # One of several API servers that lags. If it stays so, the cluster was restored from a backup.
            self._lists_behind += 1
            raise errors.Unavailable(200, "Behind", "the list is older than what the watch has told")
        else:
            log.warning("the cluster's history has gone back", extra={"resource": self.resource.plural})
            changes = self._cache.reset(listed)
        self._lists_behind = 0
        self._version = version
        self._must_list = False
        self._synced.set()
        self._notify(changes)

    async def _watch(self) -> None:
        async with contextlib.aclosing(self._stream()) as stream:
            async for event in stream:
                self._touch()
                self._apply(event["type"], event["object"])
        self._touch()

    def _apply(self, kind: str, body: Json) -> None:
        if kind == "ERROR":
            raise errors.from_status(int(body.get("code") or 0), body)
        if kind == "DELETED":
            self._notify(self._cache.remove(Stamp.of(body)))
        elif kind != "BOOKMARK":
            self._notify(self._put(Stamp.of(body), body))
        version = body["metadata"].get("resourceVersion", "")
        if number(version) > number(self._version):
            self._version = version

    async def _stream(self) -> AsyncGenerator[Json, None]:
        """Events of one watch. Raises Unavailable when it is silent for longer than the server can be."""
        seconds = self._rng.randint(*WATCH_SECONDS)
        stream = self._api.watch(
            self.resource,
            self._namespace,
            resource_version=self._version,
            label_selector=self._labels,
            field_selector=self._fields,
            timeout_seconds=seconds,
            metadata_only=self._metadata_only,
        )
        silence = seconds + GRACE
        try:
            while True:
                async with asyncio.timeout(silence):
                    event = await anext(stream)
                if event["type"] == "BOOKMARK":
                    silence = min(silence, BOOKMARK_SILENCE)
                yield event
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise errors.Unavailable(0, "Stalled", "the watch has gone silent") from error
        except OSError as error:
            raise errors.Unavailable(0, "ConnectionFailed", type(error).__name__) from error
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

    def _put(self, stamp: Stamp, body: Json) -> list[Change[T]]:
        if not self._cache.is_news(stamp):
            return []
        item = self._decoded(stamp, body)
        return self._cache.remove(stamp) if item is None else self._cache.put(stamp, item)

    def _decoded(self, stamp: Stamp, body: Json) -> T | None:
        try:
            return self._decode(body)
        except Exception as error:
            namespace, name = stamp.key
            about = {"resource": self.resource.plural, "object_namespace": namespace, "object_name": name}
            log.warning("an object cannot be read and is left out", extra=about | {"error": _reason(error)})
            return None

    def _touch(self) -> None:
        self._last_contact = asyncio.get_running_loop().time()

    def _notify(self, changes: list[Change[T]]) -> None:
        for old, new in changes:
            for handler in self._handlers:
                self._tell(handler, old, new)

    def _tell(self, handler: Callable[[T | None, T | None], None], old: T | None, new: T | None) -> None:
        try:
            handler(old, new)
        except Exception:
            log.exception("a handler of changes failed", extra={"resource": self.resource.plural})


def _reason(error: Exception) -> str:
    """What is wrong, without the object's content, which the exception's own text would quote."""
    if not isinstance(error, pydantic.ValidationError):
        return type(error).__name__
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in faults)
