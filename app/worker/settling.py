"""Whether all that was applied together with an app has been seen: nothing new of it for a while.

It is kept in memory: a process that takes over begins with what is there, which has been left alone for longer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from app.lifecycle import apps

AppKey = tuple[str, str]  # namespace, name of the KeptnApp

# Seconds. News so far apart are no longer one change.
_FORGOTTEN = 60.0


@dataclass(frozen=True, slots=True)
class _News:
    first: float
    last: float


class Settling:
    """`is_known` says whether an app's KeptnAppContext is there, or none is to be expected any more.

    `limit` is the most seconds that anybody waits.
    """

    def __init__(self, is_known: Callable[[str, str], bool], limit: Callable[[], float]) -> None:
        self._is_known = is_known
        self._limit = limit
        self._all: dict[AppKey, _News] = {}
        self._workloads: dict[AppKey, _News] = {}

    def news(self, namespace: str, app: str, *, workload: bool = False) -> None:
        """Something of the app is new or has changed just now; `workload` says that it is one of its workloads."""
        _note(self._all, (namespace, app))
        if workload:
            _note(self._workloads, (namespace, app))

    def left(self, namespace: str, app: str) -> float:
        """Seconds until the app has settled, so that a version of it may begin; 0 if it has."""
        quiet = apps.QUIET if self._is_known(namespace, app) else apps.QUIET_WITHOUT_CONTEXT
        return self._left(self._all, (namespace, app), quiet)

    def workloads_left(self, namespace: str, app: str) -> float:
        """Seconds until the app's workloads have settled, so that they can be listed; 0 if they have."""
        return self._left(self._workloads, (namespace, app), apps.QUIET)

    def _left(self, known: dict[AppKey, _News], key: AppKey, quiet: float) -> float:
        news = known.get(key)
        if news is None:
            return 0.0
        now = _now()
        return apps.quiet_left(now - news.last, now - news.first, quiet=quiet, limit=self._limit())


def _note(known: dict[AppKey, _News], key: AppKey) -> None:
    now = _now()
    before = known.pop(key, None)
    together = before is not None and now - before.last <= apps.QUIET_WITHOUT_CONTEXT
    known[key] = _News(before.first if before is not None and together else now, now)
    # The newest stand last, so what nobody will ask for any more stands in front.
    while now - known[oldest := next(iter(known))].last > _FORGOTTEN:
        del known[oldest]


def _now() -> float:
    return asyncio.get_running_loop().time()
