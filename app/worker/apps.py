"""One KeptnApp: the KeptnAppVersion of what it says now, and an end for those of what it said before."""

import contextlib

from app.api.app import App, AppContextSpec, AppVersion
from app.cluster import resources
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import AlreadyExists, Conflict, Invalid, NotFound
from app.lifecycle import advance, apprevisions, apps
from app.lifecycle.conditions import with_conditions
from app.lifecycle.happenings import CREATE_APP_VERSION, FAILED
from app.worker.caches import BY_APP, scoped
from app.worker.context import Context, together
from app.worker.settling import AppKey, Settling


class AppReconciler:
    """Level-based: whatever a crash has left out is made good at the next look."""

    def __init__(self, context: Context, settling: Settling) -> None:
        self._context = context
        self._settling = settling

    async def __call__(self, key: AppKey) -> Outcome:
        caches = self._context.caches
        app = caches.apps.get(*key)
        if app is None or app.metadata.deletion_timestamp:
            return Done()  # its versions go with it
        context = caches.app_contexts.get(*key)
        wanted = apprevisions.asked(context, app)
        name = apps.current_name(app)
        current = caches.app_versions.get(key[0], name)
        if current is None:
            # All that belongs to it has had the time to appear: once it is there, it may begin, and who asks for
            # nothing of it may go.
            left = self._settling.left(*key)
            if left > 0:
                return After(left)
            if not await self._make(app, wanted):
                return Done()
            self._warn(app, apprevisions.twice_asked(context, app))
        else:
            await self._follow(current, wanted)
        await self._note(app)
        older = apprevisions.older(app, caches.app_versions.by_index(BY_APP, scoped(*key)))
        await together([self._end(each, app, name) for each in older])
        return Done()

    async def _make(self, app: App, wanted: AppContextSpec | None) -> bool:
        """Whether it is there now."""
        cache, body = self._context.caches.app_versions, apprevisions.body(app, wanted)
        name, namespace = body["metadata"]["name"], app.metadata.namespace
        try:
            await self._context.create(resources.APP_VERSIONS, body, cache)
        except Invalid as error:
            # Only who wrote the app can mend that, and then it is looked at again.
            words = f"KeptnAppVersion {name} cannot be made: {error.message}"
            self._context.tell("KeptnApp", app, CREATE_APP_VERSION, FAILED, words, warning=True)
            return False
        except AlreadyExists:
            there = await self._context.api.get(resources.APP_VERSIONS, name, namespace)
            found = AppVersion.model_validate(there)
            if not apprevisions.is_of(found, app):
                raise Conflict(
                    409,
                    "NameTaken",
                    f"KeptnAppVersion {namespace}/{name} belongs to a KeptnApp that was deleted, or to something else; "
                    "it is in the way until it is deleted too",
                ) from None
            cache.observe(there)
        return True

    def _warn(self, app: App, lists: list[str]) -> None:
        if lists:
            words = (
                f"KeptnApp {app.metadata.name} was written in an old version and gives {', '.join(lists)}, and so does "
                "its KeptnAppContext, which counts. Take them off the KeptnApp: write it in lifecycle.keptn.sh/v1."
            )
            self._context.event("KeptnApp", app, "ListsIgnored", words, warning=True)

    async def _follow(self, current: AppVersion, wanted: AppContextSpec | None) -> None:
        fields, meta, cache = (
            apprevisions.followed(current, wanted),
            current.metadata,
            self._context.caches.app_versions,
        )
        if not fields:
            return
        body = {"metadata": {"uid": meta.uid, "resourceVersion": meta.resource_version}, "spec": fields}
        with contextlib.suppress(NotFound):
            cache.observe(await self._context.api.patch(resources.APP_VERSIONS, meta.name, body, meta.namespace))

    async def _note(self, app: App) -> None:
        """Says on the KeptnApp which version is its newest; the next one's previousVersion goes by that."""
        meta, cache = app.metadata, self._context.caches.apps
        if app.status.current_version == app.spec.version:
            return
        body = {"metadata": {"uid": meta.uid}, "status": {"currentVersion": app.spec.version}}
        with contextlib.suppress(NotFound):
            cache.observe(
                await self._context.api.patch(resources.APPS, meta.name, body, meta.namespace, subresource="status")
            )

    async def _end(self, version: AppVersion, app: App, newer: str) -> None:
        now = self._context.stamp()
        fields = apprevisions.ended(version, app, now)
        if not fields:
            return
        words = f"KeptnAppVersion {newer} has taken over"
        fields = with_conditions(
            version.status,
            fields,
            generation=version.metadata.generation,
            now=now,
            reason=advance.SUPERSEDED,
            message=words,
        )
        await self._context.write_status(resources.APP_VERSIONS, version, fields, self._context.caches.app_versions)
        self._context.event("KeptnAppVersion", version, advance.SUPERSEDED, words)
