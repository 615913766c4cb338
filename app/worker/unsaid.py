"""What has just begun says so a little later: nobody waits for that word, and what it makes comes first."""

import asyncio
import math
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

UNSAID_SECONDS = 0.3


class Unsaid(Generic[K]):
    """Since when each key has something to say that can wait. A word that comes meanwhile is said with it.

    `seconds` is how long it can wait.
    """

    def __init__(self, seconds: float = UNSAID_SECONDS) -> None:
        self._seconds = seconds
        self._since: dict[K, float] = {}

    def begin(self, key: K) -> None:
        """Notes that `key` has begun, unless that is noted."""
        self._since.setdefault(key, asyncio.get_running_loop().time())

    def left(self, key: K) -> float:
        """Seconds for which `key` may keep silent; 0 or less if it is to speak, or has not begun here."""
        return self._since.get(key, -math.inf) + self._seconds - asyncio.get_running_loop().time()

    def end(self, key: K) -> bool:
        """Forgets `key`; whether it was noted."""
        return self._since.pop(key, None) is not None
