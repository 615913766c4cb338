"""The KeptnApp of workloads that name one which nobody wrote; and the requests for one that Keptn leaves behind."""

import asyncio
import contextlib

from app.api.app import App, AppCreationRequest
from app.api.workload import Workload
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import AlreadyExists, NotFound
from app.lifecycle import apps, discovery
from app.worker.caches import BY_APP, scoped
from app.worker.context import Context
from app.worker.settling import AppKey, Settling


class DiscoveryReconciler:
    """Nothing is asked for by an object of its own: the worker sees the workloads, and admission writes nothing."""

    def __init__(self, context: Context, settling: Settling) -> None:
        self._context = context
        self._settling = settling
        self._generations: dict[AppKey, tuple[str, int]] = {}  # of each KeptnApp as this process has written it

    async def __call__(self, key: AppKey) -> Outcome:
        caches = self._context.caches
        app = caches.apps.get(*key)
        requests = [each for each in caches.app_requests.all() if _asks_for(each, key)]
        if app is None or not apps.is_discovered(app):
            self._generations.pop(key, None)
        if app is not None and not apps.is_discovered(app):
            await self._answered(requests)
            return Done()
        if app is not None and app.metadata.deletion_timestamp:
            return Done()  # once it is gone, another is made
        workloads = [each for each in caches.workloads.by_index(BY_APP, scoped(*key)) if not _is_going(each)]
        single = discovery.is_single_service(workloads, (*requests, *((app,) if app is not None else ())))
        left = self._settling.workloads_left(*key)
        if left > 0:
            return After(left)
        if app is None:
            await self._make(key, workloads, single_service=single)
        else:
            await self._change(app, workloads)
        await self._answered(requests)
        return Done()

    async def _make(self, key: AppKey, workloads: list[Workload], *, single_service: bool) -> None:
        namespace, name = key
        spec = discovery.listed(name, workloads)
        if spec is None:
            return
        cache = self._context.caches.apps
        body = discovery.made(name, namespace, spec, single_service=single_service)
        try:
            self._note(key, await self._context.create(resources.APPS, body, cache))
        except AlreadyExists:
            # Somebody's, or ours from before a crash: the news of it has this looked at again.
            cache.observe(await self._context.api.get(resources.APPS, name, namespace))

    async def _change(self, app: App, workloads: list[Workload]) -> None:
        caches, meta = self._context.caches, app.metadata
        current = caches.app_versions.get(meta.namespace, apps.current_name(app))
        versions = caches.versions.by_index(BY_APP, scoped(meta.namespace, meta.name))
        spec = discovery.next_spec(app, workloads, current, versions)
        if spec is not None and self._generations.get(app.key) != (meta.uid, meta.generation):
            # Another worker's words, who may know more: two that take themselves for the leader would else undo each
            # other's for as long as the news of one of them is late.
            spec = discovery.next_spec(app, await self._as_they_are(app, workloads), current, versions)
        if spec is not None:
            body = discovery.changed(app, spec)
            changed = await self._context.api.patch(resources.APPS, meta.name, body, meta.namespace)
            self._note(app.key, changed)
            caches.apps.observe(changed)

    async def _as_they_are(self, app: App, workloads: list[Workload]) -> list[Workload]:
        """The app's KeptnWorkloads by the API server's word; `workloads` are those that are known."""
        cache, namespace = self._context.caches.workloads, app.metadata.namespace

        async def read(name: str) -> Workload | None:
            try:
                raw = await self._context.api.get(resources.WORKLOADS, name, namespace)
            except NotFound:
                return None
            cache.observe(raw)
            return Workload.model_validate(raw)

        found = await asyncio.gather(*map(read, discovery.asked_about(app, workloads)))
        mine = (each for each in found if each is not None and each.spec.app == app.metadata.name)
        return [each for each in mine if not _is_going(each)]

    def _note(self, key: AppKey, written: Json) -> None:
        self._generations[key] = (written["metadata"]["uid"], written["metadata"]["generation"])

    async def _answered(self, requests: list[AppCreationRequest]) -> None:
        for request in requests:
            meta = request.metadata
            with contextlib.suppress(NotFound):
                await self._context.api.delete(resources.APP_CREATION_REQUESTS, meta.name, meta.namespace, uid=meta.uid)


def _asks_for(request: AppCreationRequest, key: AppKey) -> bool:
    meta = request.metadata
    return (meta.namespace, request.spec.app_name) == key and not meta.deletion_timestamp


def _is_going(workload: Workload) -> bool:
    return workload.metadata.deletion_timestamp is not None
