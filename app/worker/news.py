"""What each change of an object has to do with: the keys that are to be looked at again. Nothing else is here."""

from dataclasses import dataclass

from app.api.app import App, AppVersion
from app.api.core import Deployment, Job, Namespace, Pod
from app.api.evaluation import Evaluation, EvaluationDefinition
from app.api.meta import Object
from app.api.task import Task
from app.api.taskdefinition import TaskDefinition
from app.api.workload import WorkloadVersion
from app.cluster.queue import WorkQueue
from app.lifecycle import gates
from app.lifecycle.revisions import has_passed, was_superseded
from app.lifecycle.states import is_completed
from app.worker.caches import (
    BY_CONFIG_MAP,
    BY_DEFINITION,
    BY_OWNER,
    BY_PARENT,
    BY_UID,
    BY_WORKLOAD,
    GOING_OF_APP,
    HELD_OF_OWNER,
    UNFINISHED,
    Complaint,
    scoped,
)
from app.worker.context import Context
from app.worker.links import Links, RevisionKey, VersionKey, revision_key_of

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Queues:
    """Where to put the keys: one queue for each reconciler that goes by what others write."""

    revisions: WorkQueue[RevisionKey]
    holds: WorkQueue[RevisionKey]
    versions: WorkQueue[VersionKey]
    app_versions: WorkQueue[Key]
    tasks: WorkQueue[Key]
    evaluations: WorkQueue[Key]
    functions: WorkQueue[Key]
    bypasses: WorkQueue[Key]
    namespaces: WorkQueue[str]


class News:
    def __init__(self, context: Context, links: Links, to: Queues) -> None:
        self._context = context
        self._links = links
        self._to = to

    def subscribe(self) -> None:
        """Tells of all that is there, and from then on of each change."""
        caches = self._context.caches
        caches.pods.subscribe(self._pod)
        caches.jobs.subscribe(self._job)
        caches.complaints.subscribe(self._complaint)
        caches.tasks.subscribe(self._task)
        caches.versions.subscribe(self._version)
        caches.app_versions.subscribe(self._app_version)
        caches.apps.subscribe(self._app)
        caches.evaluations.subscribe(self._evaluation)
        caches.definitions.subscribe(self._definition)
        caches.evaluation_definitions.subscribe(self._evaluation_definition)
        caches.config_maps.subscribe(self._config_map)
        caches.deployments.subscribe(self._deployment)
        caches.replica_sets.subscribe(self._parent)
        caches.stateful_sets.subscribe(self._parent)
        caches.daemon_sets.subscribe(self._parent)
        caches.namespaces.subscribe(self._namespace)

    def judge(self, version: VersionKey) -> None:
        self._to.versions.add(version)
        for revision in self._links.waiting_for(version):
            self._to.holds.add(revision)

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
            self._to.bypasses.add((new.metadata.namespace, new.metadata.name))
        revision = revision_key_of(pod)
        if revision is not None:
            self._to.revisions.add(revision)

    def _job(self, old: Job | None, new: Job | None) -> None:
        job = new or old
        owner = job.metadata.controller if job else None
        if job is not None and owner is not None:
            self._to.tasks.add((job.metadata.namespace, owner.name))

    def _complaint(self, old: Complaint | None, new: Complaint | None) -> None:
        for job in self._context.caches.jobs.by_index(BY_UID, new.job) if new is not None else ():
            self._job(None, job)

    def _task(self, old: Task | None, new: Task | None) -> None:
        task = new or old
        if task is None:
            return
        if new is not None and not is_completed(new.status.status):
            self._to.tasks.add(task.key)
        self._child(old, new)

    def _evaluation(self, old: Evaluation | None, new: Evaluation | None) -> None:
        if new is not None and not is_completed(new.status.overall_status):
            self._to.evaluations.add(new.key)
        self._child(old, new)

    def _child(self, old: Task | Evaluation | None, new: Task | Evaluation | None) -> None:
        child = new or old
        owner = child.metadata.controller if child is not None else None
        if child is None or owner is None:
            return
        if owner.kind == "KeptnWorkloadVersion":
            self.judge((child.metadata.namespace, owner.name))
        elif owner.kind == "KeptnAppVersion":
            self._to.app_versions.add((child.metadata.namespace, owner.name))

    def _version(self, old: WorkloadVersion | None, new: WorkloadVersion | None) -> None:
        version = new or old
        if version is None:
            return
        if new is not None:
            self._to.versions.add(version.key)
        self._end_with(new)
        for revision in self._links.waiting_for(version.key):
            self._to.revisions.add(revision)
            self._to.holds.add(revision)
        if new is None or old is None or _of_use_to_app(old) != _of_use_to_app(new):
            for app_version in self._of_app(version.metadata.namespace, version.spec.app):
                self._to.app_versions.add(app_version.key)

    def _app_version(self, old: AppVersion | None, new: AppVersion | None) -> None:
        version = new or old
        if version is None:
            return
        if new is not None:
            self._to.app_versions.add(version.key)
        self._end_with(new)
        self._wake_workloads(version.metadata.namespace, version.spec.app_name)

    def _app(self, old: App | None, new: App | None) -> None:
        """Its versions go by what it is now, and by what stands on it. They may have been seen before it was."""
        app = new or old
        if app is None or (old and new and _of_use_to_versions(old) == _of_use_to_versions(new)):
            return
        for each in self._of_app(*app.key):
            self._to.app_versions.add(each.key)
        self._wake_workloads(*app.key)

    def _wake_workloads(self, namespace: str, app: str) -> None:
        """Looks at the workload versions that an app keeps waiting."""
        for each in self._context.caches.versions.by_index(GOING_OF_APP, scoped(namespace, app)):
            if not has_passed(each.status):
                self.judge(each.key)
                for revision in self._links.waiting_for(each.key):
                    self._to.revisions.add(revision)

    def _end_with(self, version: WorkloadVersion | AppVersion | None) -> None:
        """Ends the tasks and evaluations of a version that another has overtaken."""
        if version is not None and was_superseded(version.status):
            for task in self._context.caches.tasks.by_index(BY_OWNER, version.metadata.uid):
                if not is_completed(task.status.status):
                    self._to.tasks.add(task.key)
            for evaluation in self._context.caches.evaluations.by_index(BY_OWNER, version.metadata.uid):
                if not is_completed(evaluation.status.overall_status):
                    self._to.evaluations.add(evaluation.key)

    def _of_app(self, namespace: str, app: str) -> list[AppVersion]:
        """The versions of an app that have not ended."""
        return self._context.caches.app_versions.by_index(GOING_OF_APP, scoped(namespace, app))

    def overtake(self, version: WorkloadVersion) -> None:
        """Looks at the versions of the same workload that one which has begun may overtake."""
        where = scoped(version.metadata.namespace, version.spec.workload_name)
        for each in self._context.caches.versions.by_index(BY_WORKLOAD, where):
            if not is_completed(each.status.status):
                self._to.versions.add(each.key)

    def _definition(self, old: TaskDefinition | None, new: TaskDefinition | None) -> None:
        definition = new or old
        if definition is None:
            return
        if new is not None:
            self._to.functions.add(definition.key)
        caches = self._context.caches
        name = definition.metadata.name
        children = {child.metadata.name for child in caches.definitions.by_index(BY_PARENT, name)}
        for used in {name} | children:
            for task in caches.tasks.by_index(BY_DEFINITION, used):
                if not is_completed(task.status.status):
                    self._to.tasks.add(task.key)
        self._asked_for(name)

    def _evaluation_definition(self, old: EvaluationDefinition | None, new: EvaluationDefinition | None) -> None:
        definition = new or old
        if definition is None:
            return
        for evaluation in self._context.caches.evaluations.by_index(BY_DEFINITION, definition.metadata.name):
            if not is_completed(evaluation.status.overall_status):
                self._to.evaluations.add(evaluation.key)
        self._asked_for(definition.metadata.name)

    def _asked_for(self, definition: str) -> None:
        """Wakes the unfinished versions that ask for a definition of this name."""
        caches = self._context.caches
        for version in caches.versions.by_index(BY_DEFINITION, definition):
            if not is_completed(version.status.status):
                self.judge(version.key)
        for app_version in caches.app_versions.by_index(BY_DEFINITION, definition):
            if not is_completed(app_version.status.status):
                self._to.app_versions.add(app_version.key)

    def _config_map(self, old: Object | None, new: Object | None) -> None:
        config_map = new or old
        if config_map is None:
            return
        owner = config_map.metadata.controller
        if owner is not None and owner.kind == "KeptnTaskDefinition":
            self._to.functions.add((config_map.metadata.namespace, owner.name))
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
            self._to.versions.add(version.key)
        held = caches.pods.by_index(HELD_OF_OWNER, parent.metadata.uid) if new is not None else []
        for revision in dict.fromkeys(map(revision_key_of, held)):
            if revision is not None:
                self._to.revisions.add(revision)
                self._to.holds.add(revision)

    def reconsider(self, namespace: str) -> None:
        """Looks at all that goes on in a namespace, "" for everywhere: what a person set for it has changed."""
        caches = self._context.caches
        for pod in caches.pods.all():
            revision = revision_key_of(pod) if gates.is_held(pod) else None
            if revision is not None and namespace in ("", revision.namespace):
                self._to.revisions.add(revision)
                self._to.holds.add(revision)
        for version in caches.versions.all():
            if namespace in ("", version.metadata.namespace) and not is_completed(version.status.status):
                self.judge(version.key)
        for app_version in caches.app_versions.all():
            if namespace in ("", app_version.metadata.namespace) and not is_completed(app_version.status.status):
                self._to.app_versions.add(app_version.key)

    def _namespace(self, old: Namespace | None, new: Namespace | None) -> None:
        if new is not None:
            self._to.namespaces.add(new.metadata.name)


def _of_use_to_app(version: WorkloadVersion) -> tuple[object, ...]:
    """What an app version goes by when it looks at its workloads."""
    return version.status.status, version.spec.version, has_passed(version.status)


def _of_use_to_versions(app: App) -> tuple[object, ...]:
    """What a KeptnApp's versions, and the workloads that wait for them, go by."""
    meta = app.metadata
    return meta.uid, meta.generation, meta.annotations, meta.labels, meta.deletion_timestamp
