"""Who is told of what: each change of an object becomes the keys to look at again. Nothing else is here."""

import asyncio
from collections.abc import Callable
from typing import Any

from app.api.core import Deployment, Job, Namespace, Pod
from app.api.meta import Object
from app.api.task import Task
from app.api.taskdefinition import TaskDefinition
from app.api.workload import WorkloadVersion
from app.cluster.controller import Controller
from app.cluster.queue import WorkQueue
from app.lifecycle import gates
from app.lifecycle.revisions import has_failed, has_passed
from app.lifecycle.states import is_completed
from app.worker.bypasses import BypassReconciler
from app.worker.caches import BY_CONFIG_MAP, BY_DEFINITION, BY_OWNER, BY_PARENT, BY_UID, HELD_OF_OWNER, Complaint
from app.worker.context import Context
from app.worker.functions import FunctionReconciler
from app.worker.links import Links, RevisionKey, VersionKey, revision_key_of
from app.worker.namespaces import NamespaceReconciler
from app.worker.poison import Poison
from app.worker.revisions import RevisionReconciler
from app.worker.rollouts import HoldReconciler
from app.worker.tasks import TaskReconciler
from app.worker.workloadversions import WorkloadVersionReconciler

Key = tuple[str, str]

# Seconds. A gate that somebody does not let us open opens within so much, once they do.
_GATES_CAP = 10.0


class Wiring:
    """All reconcilers of the leading worker, and what wakes them."""

    def __init__(self, context: Context, queue: Callable[[], WorkQueue[Any]]) -> None:
        self._context = context
        self._links = Links()
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
            WorkloadVersionReconciler(context, self._links),
            stuck=told.of("KeptnWorkloadVersion", context.caches.versions),
        )
        self.tasks: Controller[Key] = Controller(
            "tasks", queue(), TaskReconciler(context), stuck=told.of("KeptnTask", context.caches.tasks)
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

    def controllers(self) -> list[Controller[Any]]:
        return [self.revisions, self.versions, self.tasks, self.functions, self.holds, self.namespaces, self.bypasses]

    async def run(self, concurrency: int = 8) -> None:
        """Works until cancelled. Subscribing tells of all that is there: a predecessor may have stopped anywhere."""
        self._subscribe()
        async with asyncio.TaskGroup() as group:
            for controller in self.controllers():
                group.create_task(controller.run(concurrency))

    def _subscribe(self) -> None:
        caches = self._context.caches
        caches.pods.subscribe(self._pod)
        caches.jobs.subscribe(self._job)
        caches.complaints.subscribe(self._complaint)
        caches.tasks.subscribe(self._task)
        caches.versions.subscribe(self._version)
        caches.definitions.subscribe(self._definition)
        caches.config_maps.subscribe(self._config_map)
        caches.deployments.subscribe(self._deployment)
        caches.replica_sets.subscribe(self._parent)
        caches.stateful_sets.subscribe(self._parent)
        caches.daemon_sets.subscribe(self._parent)
        caches.namespaces.subscribe(self._namespace)

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
        owner = task.metadata.controller
        if owner is not None and owner.kind == "KeptnWorkloadVersion":
            self._judge((task.metadata.namespace, owner.name))

    def _version(self, old: WorkloadVersion | None, new: WorkloadVersion | None) -> None:
        version = new or old
        if version is None:
            return
        if new is not None:
            self.versions.queue.add(version.key)
        for revision in self._links.waiting_for(version.key):
            self.revisions.queue.add(revision)
            self.holds.queue.add(revision)

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
        for version in caches.versions.by_index(BY_DEFINITION, name):
            if not has_passed(version.status) and not has_failed(version.status):
                self._judge(version.key)

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
        owned = self._context.caches.replica_sets.by_index(BY_OWNER, new.metadata.uid) if new is not None else ()
        for replica_set in owned:
            self._parent(None, replica_set)

    def _parent(self, old: Object | None, new: Object | None) -> None:
        """What the checks are may stand on a workload, and `keptn.sh/retry`, and which of its revisions is the newest.

        All of that matters only for pods that are held, so no look is taken at what has changed.
        """
        held = self._context.caches.pods.by_index(HELD_OF_OWNER, new.metadata.uid) if new is not None else []
        for revision in dict.fromkeys(map(revision_key_of, held)):
            if revision is not None:
                self.revisions.queue.add(revision)
                self.holds.queue.add(revision)

    def _namespace(self, old: Namespace | None, new: Namespace | None) -> None:
        if new is not None:
            self.namespaces.queue.add(new.metadata.name)
