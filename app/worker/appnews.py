"""What is new of an app: who is to look at it again, and that it has not settled yet."""

from datetime import datetime, timedelta

from app.api.app import App, AppContext, AppCreationRequest, AppVersion
from app.api.meta import Object
from app.api.workload import Workload, WorkloadVersion
from app.cluster.queue import WorkQueue
from app.lifecycle import apps
from app.worker.context import Context
from app.worker.settling import AppKey, Settling

# What is older than this when a worker begins was there before, and is no news.
_OLD = timedelta(seconds=3)


class AppNews:
    """`looked_at` are the apps whose versions are to be made, `discovered` those that are made from their workloads."""

    def __init__(
        self, context: Context, settling: Settling, looked_at: WorkQueue[AppKey], discovered: WorkQueue[AppKey]
    ) -> None:
        self._context = context
        self._settling = settling
        self._apps = looked_at
        self._discovered = discovered
        self._begun: datetime | None = None  # while all that is there is told

    def subscribe(self) -> None:
        caches = self._context.caches
        self._begun = self._context.now()
        caches.workloads.subscribe(self._workload)
        caches.versions.subscribe(self._version)
        caches.apps.subscribe(self._app)
        caches.app_contexts.subscribe(self._app_context)
        caches.app_versions.subscribe(self._app_version)
        caches.app_requests.subscribe(self._request)
        self._begun = None

    def _workload(self, old: Workload | None, new: Workload | None) -> None:
        if new is not None and (old is None or old.spec != new.spec):
            self._news(new, new.spec.app, workload=True)
        for each in filter(None, (old, new)):
            self._discovered.add((each.metadata.namespace, each.spec.app))

    def _version(self, old: WorkloadVersion | None, new: WorkloadVersion | None) -> None:
        if new is not None and old is None:
            self._news(new, new.spec.app, workload=True)
            self._discovered.add((new.metadata.namespace, new.spec.app))

    def _app(self, old: App | None, new: App | None) -> None:
        app = new or old
        if app is None:
            return
        if new is not None and (old is None or old.spec != new.spec) and not apps.is_discovered(new):
            self._news(new, new.metadata.name)  # what we write ourselves is no news
        self._apps.add(app.key)
        self._discovered.add(app.key)

    def _app_context(self, old: AppContext | None, new: AppContext | None) -> None:
        context = new or old
        if context is None:
            return
        if new is not None and (old is None or old.spec != new.spec):
            self._news(new, new.metadata.name)
        self._apps.add(context.key)

    def _app_version(self, old: AppVersion | None, new: AppVersion | None) -> None:
        version = new or old
        if version is None:
            return
        app = (version.metadata.namespace, version.spec.app_name)
        if old is None or new is None or old.spec != new.spec or apps.has_ended(new):
            self._apps.add(app)
        if new is not None and apps.has_ended(new):
            self._discovered.add(app)

    def _request(self, old: AppCreationRequest | None, new: AppCreationRequest | None) -> None:
        if new is not None:
            self._discovered.add((new.metadata.namespace, new.spec.app_name))

    def _news(self, thing: Object, app: str, *, workload: bool = False) -> None:
        made = thing.metadata.creation_timestamp
        if self._begun is not None and made and datetime.fromisoformat(made) < self._begun - _OLD:
            return
        self._settling.news(thing.metadata.namespace, app, workload=workload)
