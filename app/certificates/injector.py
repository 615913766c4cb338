"""Puts the CA into all that the API server calls the webhook by, and puts it back when somebody takes it out.

What carries the label ``keptn.sh/inject-cert: "true"``, as with Keptn, and calls our Service is ours to fill.
"""

import asyncio
import functools
import logging
import random
from collections.abc import Callable

from app.certificates import targets
from app.certificates.targets import Service, Target
from app.cluster import errors, resources
from app.cluster.api import Api, PatchType, Resource
from app.cluster.controller import After, Controller, Done, Outcome
from app.cluster.informer import Informer
from app.cluster.queue import WorkQueue

log = logging.getLogger(__name__)

Key = tuple[str, str]

# A tool that takes out what we put in is met once in this many seconds, not in a loop.
_SECONDS_BETWEEN_WRITES = 1.0


class Injector:
    """Keeps one bundle in all labelled webhook configurations and CRDs that call ``service``, while ``run`` runs."""

    def __init__(self, api: Api, service: Service, rng: random.Random) -> None:
        self._api = api
        self._bundle = b""
        self._written_at: dict[Key, float] = {}
        self._everywhere_since: float | None = None
        self._subscribers: list[Callable[[], None]] = []
        self._queue: WorkQueue[Key] = WorkQueue(rng)
        decoders = {
            resources.MUTATING_WEBHOOKS: targets.decode_configuration,
            resources.VALIDATING_WEBHOOKS: targets.decode_configuration,
            resources.CRDS: targets.decode_definition,
        }
        self._informers: dict[str, Informer[Target]] = {
            resource.plural: Informer(
                api, resource, functools.partial(decode, service), label_selector=targets.SELECTOR, rng=rng
            )
            for resource, decode in decoders.items()
        }
        for plural, informer in self._informers.items():
            informer.subscribe(self._handler(plural))

    def subscribe(self, handler: Callable[[], None]) -> None:
        """Calls ``handler`` whenever ``everywhere_since`` may have changed."""
        self._subscribers.append(handler)

    @property
    def everywhere_since(self) -> float | None:
        """Loop time since when the bundle is in every place that we know; None when it is not, or nothing is known."""
        return self._everywhere_since

    def put(self, bundle: bytes) -> None:
        """The bundle to have everywhere from now on. An empty one means to leave things as they are."""
        if bundle == self._bundle:
            return
        self._bundle = bundle
        self._everywhere_since = None
        for plural, informer in self._informers.items():
            for target in informer.all():
                self._queue.add((plural, target.metadata.name))
        self._judge()

    async def run(self) -> None:
        """Until cancelled. No failure of the API ends it."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())
            group.create_task(Controller("ca-injector", self._queue, self._reconcile).run(concurrency=4))
            for informer in self._informers.values():
                await informer.synced()
            self._judge()

    def _handler(self, plural: str) -> Callable[[Target | None, Target | None], None]:
        def changed(_: Target | None, target: Target | None) -> None:
            if target is not None:
                self._queue.add((plural, target.metadata.name))
            self._judge()

        return changed

    async def _reconcile(self, key: Key) -> Outcome:
        plural, name = key
        informer = self._informers[plural]
        target = informer.get("", name)
        if target is None:
            self._written_at.pop(key, None)
            return Done()
        patch = targets.patch(target, self._bundle) if self._bundle else []
        if not patch:
            return Done()
        now = asyncio.get_running_loop().time()
        pause = self._written_at.get(key, now - _SECONDS_BETWEEN_WRITES) + _SECONDS_BETWEEN_WRITES - now
        if pause > 0:
            return After(pause)
        self._written_at[key] = now
        try:
            stored = await self._api.patch(_RESOURCES[plural], name, patch, patch_type=PatchType.JSON)
        except errors.NotFound:
            return Done()
        except errors.Invalid as error:
            # Not what we read any more: the watch will tell what it is now.
            log.info("a CA could not be put in", extra={"target": f"{plural}/{name}", "error": str(error)})
            return After(_SECONDS_BETWEEN_WRITES)
        log.info("put the CA in", extra={"target": f"{plural}/{name}"})
        informer.observe(stored)
        return Done()

    def _judge(self) -> None:
        everywhere = (
            bool(self._bundle)
            and all(informer.has_synced for informer in self._informers.values())
            and not any(
                targets.patch(target, self._bundle)
                for informer in self._informers.values()
                for target in informer.all()
            )
        )
        if everywhere != (self._everywhere_since is not None):
            self._everywhere_since = asyncio.get_running_loop().time() if everywhere else None
            for handler in self._subscribers:
                handler()


_RESOURCES: dict[str, Resource] = {
    resource.plural: resource
    for resource in (resources.MUTATING_WEBHOOKS, resources.VALIDATING_WEBHOOKS, resources.CRDS)
}
