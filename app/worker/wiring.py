"""All reconcilers of the leading worker, put together and run. Who is told of what stands in ``news`` and its like."""

import asyncio
from collections.abc import Callable
from typing import Any

from app.cluster.controller import Controller
from app.cluster.queue import WorkQueue
from app.worker.appnews import AppNews
from app.worker.apps import AppReconciler
from app.worker.appversions import AppVersionReconciler
from app.worker.bypasses import BypassReconciler
from app.worker.configs import Changes, ConfigReconciler
from app.worker.context import Context
from app.worker.discovery import DiscoveryReconciler
from app.worker.evaluations import EvaluationReconciler
from app.worker.functions import FunctionReconciler
from app.worker.links import Links, RevisionKey, VersionKey
from app.worker.namespaces import NamespaceReconciler
from app.worker.news import Key, News, Queues
from app.worker.poison import Poison
from app.worker.revisions import RevisionReconciler
from app.worker.rollbacks import ParentKey, RollbackNews, RollbackReconciler
from app.worker.rollouts import HoldReconciler
from app.worker.settling import Settling
from app.worker.takeover import Takeover
from app.worker.tasks import TaskReconciler
from app.worker.workloadversions import WorkloadVersionReconciler

# Seconds. A gate that somebody does not let us open opens within so much, once they do.
_GATES_CAP = 10.0
# So many evaluations at once: a metrics server that lets us wait is not to keep those of others from being asked.
_METRICS_AT_ONCE = 32


class Wiring:
    """All reconcilers of the leading worker, and what wakes them."""

    def __init__(self, context: Context, queue: Callable[[], WorkQueue[Any]]) -> None:
        self._context = context
        self._links = Links()
        self._settling = Settling(self._is_known, lambda: context.config().discovery_seconds)
        told = Poison(context, self._links)
        self.revisions: Controller[RevisionKey] = Controller(
            "revisions",
            queue(),
            RevisionReconciler(context, self._links, lambda version: self._news.judge(version)),
            cap=_GATES_CAP,
            stuck=told.revision,
        )
        self.versions: Controller[VersionKey] = Controller(
            "workloadversions",
            queue(),
            WorkloadVersionReconciler(context, self._links, lambda version: self._news.overtake(version)),
            stuck=told.of("KeptnWorkloadVersion", context.caches.versions),
        )
        self.app_versions: Controller[Key] = Controller(
            "appversions",
            queue(),
            AppVersionReconciler(context),
            stuck=told.of("KeptnAppVersion", context.caches.app_versions),
        )
        self.apps: Controller[Key] = Controller(
            "apps", queue(), AppReconciler(context, self._settling), stuck=told.of("KeptnApp", context.caches.apps)
        )
        self.discovery: Controller[Key] = Controller(
            "discovery",
            queue(),
            DiscoveryReconciler(context, self._settling),
            stuck=told.of("KeptnApp", context.caches.apps),
        )
        self.tasks: Controller[Key] = Controller(
            "tasks", queue(), TaskReconciler(context), stuck=told.of("KeptnTask", context.caches.tasks)
        )
        self.evaluations: Controller[Key] = Controller(
            "evaluations",
            queue(),
            EvaluationReconciler(context),
            stuck=told.of("KeptnEvaluation", context.caches.evaluations),
        )
        self.functions: Controller[Key] = Controller(
            "functions",
            queue(),
            FunctionReconciler(context),
            stuck=told.of("KeptnTaskDefinition", context.caches.definitions),
        )
        self.holds: Controller[RevisionKey] = Controller(
            "holds", queue(), HoldReconciler(context, self._links), stuck=told.revision
        )
        self.namespaces: Controller[str] = Controller(
            "namespaces", queue(), NamespaceReconciler(context), stuck=told.namespace
        )
        self.bypasses: Controller[Key] = Controller(
            "bypasses", queue(), BypassReconciler(context), stuck=told.of("Pod", context.caches.pods)
        )
        self.configs: Controller[Key] = Controller(
            "configs", queue(), ConfigReconciler(context), stuck=told.of("KeptnConfig", context.caches.configs)
        )
        self.takeover: Controller[str] = Controller("takeover", queue(), Takeover(context))
        self.rollbacks: Controller[ParentKey] = Controller("rollbacks", queue(), RollbackReconciler(context))
        self._rollbacks = RollbackNews(context, self.rollbacks.queue)
        self._news = News(
            context,
            self._links,
            Queues(
                revisions=self.revisions.queue,
                holds=self.holds.queue,
                versions=self.versions.queue,
                app_versions=self.app_versions.queue,
                tasks=self.tasks.queue,
                evaluations=self.evaluations.queue,
                functions=self.functions.queue,
                bypasses=self.bypasses.queue,
                namespaces=self.namespaces.queue,
            ),
        )
        self._app_news = AppNews(context, self._settling, self.apps.queue, self.discovery.queue)
        self._changes = Changes(context, self.configs.queue.add, self._news.reconsider)

    def _is_known(self, namespace: str, app: str) -> bool:
        """Whether there is nothing more to be expected of an app: it has a context, or has been deployed without."""
        caches = self._context.caches
        written = caches.apps.get(namespace, app)
        return caches.app_contexts.get(namespace, app) is not None or (
            written is not None and written.metadata.generation > 1
        )

    def controllers(self) -> list[Controller[Any]]:
        return [
            self.revisions,
            self.versions,
            self.app_versions,
            self.apps,
            self.discovery,
            self.rollbacks,
            self.tasks,
            self.evaluations,
            self.functions,
            self.holds,
            self.namespaces,
            self.bypasses,
            self.configs,
            self.takeover,
        ]

    async def run(self, concurrency: int = 8) -> None:
        """Works until cancelled. Subscribing tells of all that is there: a predecessor may have stopped anywhere."""
        self._subscribe()
        async with asyncio.TaskGroup() as group:
            for controller in self.controllers():
                many = _METRICS_AT_ONCE if controller is self.evaluations else concurrency
                group.create_task(controller.run(many))

    def _subscribe(self) -> None:
        self._app_news.subscribe()
        self._rollbacks.subscribe()
        self._news.subscribe()
        self._context.caches.namespaces.subscribe(self._changes.namespace)
        self._context.caches.configs.subscribe(self._changes.config)
        self.takeover.queue.add("")
