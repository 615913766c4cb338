"""Keys that need work.

A key says only "look at this again", so ten additions while it waits are one. A key is never handed out twice at once:
one that is added while it is being worked on comes back exactly once, after ``done``.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.cluster import backoff

K = TypeVar("K", bound=Hashable)


class QueueClosed(Exception):
    """``shutdown`` was called: there is no more work."""


@dataclass(frozen=True, slots=True)
class Stats:
    """The queue by numbers. ``waited`` is the sum, in seconds, of what all ``handed_out`` keys waited since due."""

    waiting: int
    processing: int
    delayed: int
    added: int
    retries: int
    handed_out: int
    waited: float
    longest_wait: float


class WorkQueue(Generic[K]):
    """First in, first out, each key once. Must be used from one event loop, by whose clock it runs.

    ``retry`` puts a key back after a time that doubles with each call from ``base`` to ``cap`` seconds, less up to
    half by chance, until ``forget``.
    """

    def __init__(self, rng: random.Random, *, base: float = 0.005, cap: float = 60.0) -> None:
        self._rng = rng
        self._base = base
        self._cap = cap
        self._ready: deque[K] = deque()
        self._dirty: dict[K, float] = {}  # when it became so
        self._processing: set[K] = set()
        self._delayed: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self._added = self._retries = self._handed_out = 0
        self._waited = self._longest = 0.0

    def __len__(self) -> int:
        """How many keys wait to be handed out, delayed ones not counted."""
        return len(self._dirty)

    @property
    def stats(self) -> Stats:
        return Stats(
            waiting=len(self._dirty),
            processing=len(self._processing),
            delayed=len(self._delayed),
            added=self._added,
            retries=self._retries,
            handed_out=self._handed_out,
            waited=self._waited,
            longest_wait=self._longest,
        )

    def failures(self, key: K) -> int:
        """How often in a row ``retry`` was called for it."""
        return self._failures.get(key, 0)

    def add(self, key: K) -> None:
        """Now, or as soon as the present work on it is done."""
        if self._closed or key in self._dirty:
            return
        self._added += 1
        self._dirty[key] = self._now()
        if key not in self._processing:
            self._ready.append(key)
            self._wake()

    def add_after(self, key: K, seconds: float) -> None:
        """In that many seconds, unless it is already to come earlier."""
        if self._closed:
            return
        if seconds <= 0:
            self.add(key)
            return
        due = self._now() + seconds
        earlier = self._delayed.get(key)
        if earlier is not None:
            if earlier.when() <= due:
                return
            earlier.cancel()
        self._delayed[key] = asyncio.get_running_loop().call_at(due, self._due, key)

    def retry(self, key: K, at_least: float = 0.0, at_most: float = math.inf) -> None:
        """After its backoff, ``at_most`` that many seconds or a little less by chance, and ``at_least`` that many."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        self._retries += 1
        pause = backoff.delay(failures, base=self._base, cap=min(self._cap, at_most), rng=self._rng)
        self.add_after(key, max(at_least, pause))

    def forget(self, key: K) -> None:
        """Its next ``retry`` starts from the beginning."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key; ``done`` must follow. Raises QueueClosed after ``shutdown``, whatever was left waiting."""
        while not self._ready and not self._closed:
            getter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                # It may have been woken and cancelled at once; then the next one must get the key.
                if getter in self._getters:
                    self._getters.remove(getter)
                elif self._ready:
                    self._wake()
                raise
        if self._closed:
            raise QueueClosed
        key = self._ready.popleft()
        waited = self._now() - self._dirty.pop(key)
        self._processing.add(key)
        self._handed_out += 1
        self._waited += waited
        self._longest = max(self._longest, waited)
        return key

    def done(self, key: K) -> None:
        """The work on it has ended, well or not."""
        self._processing.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._wake()

    def shutdown(self) -> None:
        """Takes and gives no more keys. What is being worked on may finish."""
        self._closed = True
        for timer in self._delayed.values():
            timer.cancel()
        self._delayed.clear()
        while self._getters:
            self._wake()

    def _due(self, key: K) -> None:
        del self._delayed[key]
        self.add(key)

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
