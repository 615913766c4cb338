"""KeptnConfigs: that one was read, and which of them, or of their values, do not count."""

import logging
from collections.abc import Callable

from app.api import wellknown
from app.api.config import Config
from app.api.core import Namespace
from app.cluster.controller import Done, Outcome
from app.lifecycle import config
from app.lifecycle.explain import PREFIX
from app.worker.context import Context

log = logging.getLogger(__name__)

Key = tuple[str, str]

REASON = "ConfigNotRead"


class ConfigReconciler:
    """Says what is to be said of one of them. What it says counts by itself: all readers ask the cache each time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: dict[Key, tuple[str, ...]] = {}

    async def __call__(self, key: Key) -> Outcome:
        caches, installation = self._context.caches, self._context.settings.namespace
        found = caches.configs.get(*key)
        if found is None:
            self._told.pop(key, None)
            return Done()
        others = caches.configs_of(installation)
        if key[0] == installation:
            # Keptn's own words, which people's scripts wait for.
            about = {"config": key[1], "resourceVersion": found.metadata.resource_version}
            log.info("reconciling Keptn Config", extra={**about, "read": config.chosen(others) == found})
        complaints = config.complaints(found, others, installation)
        for complaint in complaints:
            if complaint not in self._told.get(key, ()):
                self._context.event("KeptnConfig", found, REASON, f"{PREFIX}{complaint}", warning=True)
        self._told[key] = complaints
        return Done()


class Changes:
    """What a change of a KeptnConfig, or of a namespace's policy, has looked at again.

    `look` is called with each KeptnConfig to reconcile, `wake` with the namespace whose rollouts may go on otherwise
    now, "" for all.
    """

    def __init__(self, context: Context, look: Callable[[Key], None], wake: Callable[[str], None]) -> None:
        self._context = context
        self._look = look
        self._wake = wake
        self._known = config.DEFAULTS

    def config(self, old: Config | None, new: Config | None) -> None:
        """For the cache of KeptnConfigs."""
        changed = new or old
        if changed is None:
            return
        installation = self._context.settings.namespace
        here = changed.metadata.namespace == installation
        keys = [changed.key]
        if here and (old is None or new is None):  # another one may be the one that counts
            keys += [each.key for each in self._context.caches.configs_of(installation)]
        for key in dict.fromkeys(keys):
            self._look(key)
        if not here:
            return
        now = self._context.config()
        if now != self._known:
            self._known = now
            self._wake("")

    def namespace(self, old: Namespace | None, new: Namespace | None) -> None:
        """For the cache of namespaces."""
        if old is not None and new is not None and _policy(old) != _policy(new):
            self._wake(new.metadata.name)


def _policy(namespace: Namespace) -> str:
    return namespace.metadata.annotations.get(wellknown.CHECK_POLICY, "")
