"""Who is told of what: each change of an object becomes the keys to look at again. Nothing else is here."""

import asyncio
from collections.abc import Callable
from typing import Any

from app.api.app import AppVersion
from app.api.core import Deployment, Job, Namespace, Pod
from app.api.evaluation import Evaluation, EvaluationDefinition
from app.api.meta import Object
from app.api.task import Task
from app.api.taskdefinition import TaskDefinition
from app.api.workload import WorkloadVersion
from app.cluster.controller import Controller
from app.cluster.queue import WorkQueue
from app.lifecycle import gates
from app.lifecycle.revisions import has_passed, was_superseded
from app.lifecycle.states import is_completed
from app.worker.appnews import AppNews
from app.worker.apps import AppReconciler
from app.worker.appversions import AppVersionReconciler
from app.worker.bypasses import BypassReconciler
from app.worker.caches import (
    BY_APP,
    BY_CONFIG_MAP,
    BY_DEFINITION,
    BY_OWNER,
    BY_PARENT,
    BY_UID,
    BY_WORKLOAD,
    HELD_OF_OWNER,
    UNFINISHED,
    Complaint,
    scoped,
)
from app.worker.configs import Changes, ConfigReconciler
from app.worker.context import Context
from app.worker.discovery import DiscoveryReconciler
from app.worker.evaluations import EvaluationReconciler
from app.worker.functions import FunctionReconciler
from app.worker.links import Links, RevisionKey, VersionKey, revision_key_of
from app.worker.namespaces import NamespaceReconciler
from app.worker.poison import Poison
from app.worker.revisions import RevisionReconciler
from app.worker.rollbacks import ParentKey, RollbackNews, RollbackReconciler
from app.worker.rollouts import HoldReconciler
from app.worker.settling import Settling
from app.worker.takeover import Takeover
from app.worker.tasks import TaskReconciler
from app.worker.workloadversions import WorkloadVersionReconciler

Key = tuple[str, str]

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
            RevisionReconciler(context, self._links, self._judge),
            cap=_GATES_CAP,
            stuck=told.revision,
        )
        self.versions: Controller[VersionKey] = Controller(
            "workloadversions",
            queue(),
            WorkloadVersionReconciler(context, self._links, self._overtake),
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
        self._news = AppNews(context, self._settling, self.apps.queue, self.discovery.queue)
        self._changes = Changes(context, self.configs.queue.add, self._reconsider)

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
        caches = self._context.caches
        self._news.subscribe()
        self._rollbacks.subscribe()
        caches.pods.subscribe(self._pod)
        caches.jobs.subscribe(self._job)
        caches.complaints.subscribe(self._complaint)
        caches.tasks.subscribe(self._task)
        caches.versions.subscribe(self._version)
        caches.app_versions.subscribe(self._app_version)
        caches.evaluations.subscribe(self._evaluation)
        caches.definitions.subscribe(self._definition)
        caches.evaluation_definitions.subscribe(self._evaluation_definition)
        caches.config_maps.subscribe(self._config_map)
        caches.deployments.subscribe(self._deployment)
        caches.replica_sets.subscribe(self._parent)
        caches.stateful_sets.subscribe(self._parent)
        caches.daemon_sets.subscribe(self._parent)
        caches.namespaces.subscribe(self._namespace)
        caches.namespaces.subscribe(self._changes.namespace)
        caches.configs.subscribe(self._changes.config)
        self.takeover.queue.add("")

    def _judge(self, version: VersionKey) -> None:
        self.versions.queue.add(version)
        for revision in self._links.waiting_for(version):
            self.holds.queue.add(revision)

    def _pod(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        if pod is None:
            return
        controller = pod.metadata.controller
        if controller is not None and controller.kind == "Job":
            job = self._context.caches.jobs.get(pod.metadata.namespace, controller.name)
            if job is not None:
                self._job(None, job)
            return
        if new is not None and gates.is_bypassed(new):
            self.bypasses.queue.add((new.metadata.namespace, new.metadata.name))
        revision = revision_key_of(pod)
        if revision is not None:
            self.revisions.queue.add(revision)

    def _job(self, old: Job | None, new: Job | None) -> None:
        job = new or old
        owner = job.metadata.controller if job else None
        if job is not None and owner is not None:
            self.tasks.queue.add((job.metadata.namespace, owner.name))

    def _complaint(self, old: Complaint | None, new: Complaint | None) -> None:
        for job in self._context.caches.jobs.by_index(BY_UID, new.job) if new is not None else ():
            self._job(None, job)

    def _task(self, old: Task | None, new: Task | None) -> None:
        task = new or old
        if task is None:
            return
        if new is not None and not is_completed(new.status.status):
            self.tasks.queue.add(task.key)
        self._child(old, new)

    def _evaluation(self, old: Evaluation | None, new: Evaluation | None) -> None:
        if new is not None and not is_completed(new.status.overall_status):
            self.evaluations.queue.add(new.key)
        self._child(old, new)

    def _child(self, old: Task | Evaluation | None, new: Task | Evaluation | None) -> None:
        child = new or old
        owner = child.metadata.controller if child is not None else None
        if child is None or owner is None:
            return
        if owner.kind == "KeptnWorkloadVersion":
            self._judge((child.metadata.namespace, owner.name))
        elif owner.kind == "KeptnAppVersion":
            self.app_versions.queue.add((child.metadata.namespace, owner.name))

    def _version(self, old: WorkloadVersion | None, new: WorkloadVersion | None) -> None:
        version = new or old
        if version is None:
            return
        if new is not None:
            self.versions.queue.add(version.key)
        self._end_with(new)
        for revision in self._links.waiting_for(version.key):
            self.revisions.queue.add(revision)
            self.holds.queue.add(revision)
        if new is None or old is None or _of_use_to_app(old) != _of_use_to_app(new):
            for app_version in self._of_app(version.metadata.namespace, version.spec.app):
                self.app_versions.queue.add(app_version.key)

    def _app_version(self, old: AppVersion | None, new: AppVersion | None) -> None:
        version = new or old
        if version is None:
            return
        if new is not None:
            self.app_versions.queue.add(version.key)
        self._end_with(new)
        caches, namespace = self._context.caches, version.metadata.namespace
        for each in caches.versions.by_index(BY_APP, scoped(namespace, version.spec.app_name)):
            if not has_passed(each.status) and not is_completed(each.status.status):
                self._judge(each.key)
                for revision in self._links.waiting_for(each.key):
                    self.revisions.queue.add(revision)

    def _end_with(self, version: WorkloadVersion | AppVersion | None) -> None:
        """Ends the tasks and evaluations of a version that another has overtaken."""
        if version is not None and was_superseded(version.status):
            for task in self._context.caches.tasks.by_index(BY_OWNER, version.metadata.uid):
                if not is_completed(task.status.status):
                    self.tasks.queue.add(task.key)
            for evaluation in self._context.caches.evaluations.by_index(BY_OWNER, version.metadata.uid):
                if not is_completed(evaluation.status.overall_status):
                    self.evaluations.queue.add(evaluation.key)

    def _of_app(self, namespace: str, app: str) -> list[AppVersion]:
        """The versions of an app that have not ended."""
        listed = self._context.caches.app_versions.by_index(BY_APP, scoped(namespace, app))
        return [each for each in listed if not is_completed(each.status.status)]

    def _overtake(self, version: WorkloadVersion) -> None:
        """Looks at the versions of the same workload that one which has begun may overtake."""
        where = scoped(version.metadata.namespace, version.spec.workload_name)
        for each in self._context.caches.versions.by_index(BY_WORKLOAD, where):
            if not is_completed(each.status.status):
                self.versions.queue.add(each.key)

    def _definition(self, old: TaskDefinition | None, new: TaskDefinition | None) -> None:
        definition = new or old
        if definition is None:
            return
        if new is not None:
            self.functions.queue.add(definition.key)
        caches = self._context.caches
        name = definition.metadata.name
        children = {child.metadata.name for child in caches.definitions.by_index(BY_PARENT, name)}
        for used in {name} | children:
            for task in caches.tasks.by_index(BY_DEFINITION, used):
                if not is_completed(task.status.status):
                    self.tasks.queue.add(task.key)
        self._asked_for(name)

    def _evaluation_definition(self, old: EvaluationDefinition | None, new: EvaluationDefinition | None) -> None:
        definition = new or old
        if definition is None:
            return
        for evaluation in self._context.caches.evaluations.by_index(BY_DEFINITION, definition.metadata.name):
            if not is_completed(evaluation.status.overall_status):
                self.evaluations.queue.add(evaluation.key)
        self._asked_for(definition.metadata.name)

    def _asked_for(self, definition: str) -> None:
        """Wakes the unfinished versions that ask for a definition of this name."""
        caches = self._context.caches
        for version in caches.versions.by_index(BY_DEFINITION, definition):
            if not is_completed(version.status.status):
                self._judge(version.key)
        for app_version in caches.app_versions.by_index(BY_DEFINITION, definition):
            if not is_completed(app_version.status.status):
                self.app_versions.queue.add(app_version.key)

    def _config_map(self, old: Object | None, new: Object | None) -> None:
        config_map = new or old
        if config_map is None:
            return
        owner = config_map.metadata.controller
        if owner is not None and owner.kind == "KeptnTaskDefinition":
            self.functions.queue.add((config_map.metadata.namespace, owner.name))
        name = config_map.metadata.name
        for definition in self._context.caches.definitions.by_index(BY_CONFIG_MAP, name):
            self._definition(None, definition)

    def _deployment(self, old: Deployment | None, new: Deployment | None) -> None:
        deployment = new or old
        if deployment is None:
            return
        for replica_set in self._context.caches.replica_sets.by_index(BY_OWNER, deployment.metadata.uid):
            self._parent(None if new else replica_set, replica_set if new else None)

    def _parent(self, old: Object | None, new: Object | None) -> None:
        """What the checks are may stand on a workload, and `keptn.sh/retry`, and which of its revisions is the newest.

        All of that matters only for pods that are held, so no look is taken at what has changed. How far its rollout
        has come, and of which revision, matters to versions that have not ended.
        """
        parent = new or old
        if parent is None:
            return
        caches = self._context.caches
        for version in caches.versions.by_index(UNFINISHED, parent.metadata.uid):
            self.versions.queue.add(version.key)
        held = caches.pods.by_index(HELD_OF_OWNER, parent.metadata.uid) if new is not None else []
        for revision in dict.fromkeys(map(revision_key_of, held)):
            if revision is not None:
                self.revisions.queue.add(revision)
                self.holds.queue.add(revision)

    def _reconsider(self, namespace: str) -> None:
        """Looks at all that goes on in a namespace, "" for everywhere: what a person set for it has changed."""
        caches = self._context.caches
        for pod in caches.pods.all():
            revision = revision_key_of(pod) if gates.is_held(pod) else None
            if revision is not None and namespace in ("", revision.namespace):
                self.revisions.queue.add(revision)
                self.holds.queue.add(revision)
        for version in caches.versions.all():
            if namespace in ("", version.metadata.namespace) and not is_completed(version.status.status):
                self._judge(version.key)
        for app_version in caches.app_versions.all():
            if namespace in ("", app_version.metadata.namespace) and not is_completed(app_version.status.status):
                self.app_versions.queue.add(app_version.key)

    def _namespace(self, old: Namespace | None, new: Namespace | None) -> None:
        if new is not None:
            self.namespaces.queue.add(new.metadata.name)


def _of_use_to_app(version: WorkloadVersion) -> tuple[object, ...]:
    """What an app version goes by when it looks at its workloads."""
    return version.status.status, version.spec.version, has_passed(version.status)
