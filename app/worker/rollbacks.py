"""Keeps KeptnWorkloads true, and with them their apps, when a workload goes back to content that has passed."""

import contextlib
from dataclasses import dataclass

from app.api.core import Deployment, Parent, Pod, StatefulSet
from app.api.meta import ObjectMeta
from app.api.workload import Workload, WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.controller import Done, Outcome
from app.cluster.errors import NotFound
from app.cluster.queue import WorkQueue
from app.lifecycle import gates, rollbacks
from app.lifecycle.identity import owner_of
from app.worker.caches import BY_OWNER, BY_REVISION, HELD_OF_OWNER
from app.worker.context import Context

ParentKey = tuple[str, str, str]  # kind (Deployment or StatefulSet), namespace, name


@dataclass(frozen=True, slots=True)
class _Newest:
    """Who has the pods of the newest revision, that revision as a status lists it, and all (uid) who may have pods.

    `parent` is the uid of the workload that a person wrote.
    """

    kind: str
    meta: ObjectMeta
    revision: str
    owners: tuple[str, ...]
    parent: str

    def has(self, workload: Workload) -> bool:
        """Whether the KeptnWorkload is this workload's, and not that of another which has its name too."""
        return any(owner.uid in (self.parent, *self.owners) for owner in workload.metadata.owner_references)


class RollbackReconciler:
    """What is held says by its pods what is deployed, and is not looked at here."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, key: ParentKey) -> Outcome:
        caches, namespace = self._context.caches, key[1]
        newest = self._newest(key)
        if newest is None or any(caches.pods.by_index(HELD_OF_OWNER, uid) for uid in newest.owners):
            return Done()  # a held pod that goes away has this looked at again
        versions = [
            each
            for each in caches.versions.by_index(BY_REVISION, newest.revision)
            if each.metadata.namespace == namespace
        ]
        for name in {each.spec.workload_name for each in versions}:
            workload = caches.workloads.get(namespace, name)
            if workload is not None and not workload.metadata.deletion_timestamp and newest.has(workload):
                found = rollbacks.went_back_to(workload, versions)
                if found is not None:
                    await self._speak(workload, found, newest)
        return Done()

    def _newest(self, key: ParentKey) -> _Newest | None:
        caches, (kind, namespace, name) = self._context.caches, key
        if kind == "StatefulSet":
            found = caches.stateful_sets.get(namespace, name)
            revision = rollbacks.newest_revision(found) if found is not None else None
            if found is None or revision is None:
                return None
            return _Newest(kind, found.metadata, revision, (found.metadata.uid,), found.metadata.uid)
        above = caches.deployments.get(namespace, name)
        owned = caches.replica_sets.by_index(BY_OWNER, above.metadata.uid) if above is not None else []
        own = rollbacks.newest_replica_set(above, owned) if above is not None else None
        if own is None or above is None:
            return None
        owners = tuple(each.metadata.uid for each in owned)
        return _Newest("ReplicaSet", own.metadata, own.metadata.uid, owners, above.metadata.uid)

    async def _speak(self, workload: Workload, version: WorkloadVersion, newest: _Newest) -> None:
        meta, cache, api = workload.metadata, self._context.caches.workloads, self._context.api
        reference: Json = {"kind": newest.kind, "name": newest.meta.name, "uid": newest.meta.uid}
        with contextlib.suppress(NotFound):
            body = rollbacks.spoken_of(workload, version, reference)
            cache.observe(await api.patch(resources.WORKLOADS, meta.name, body, meta.namespace))
            status = {"metadata": {"uid": meta.uid}, "status": {"currentVersion": version.spec.version}}
            cache.observe(await api.patch(resources.WORKLOADS, meta.name, status, meta.namespace, subresource="status"))


class RollbackNews:
    """What can show that a workload went back: its newest revision changes, or its last held pod goes."""

    def __init__(self, context: Context, queue: WorkQueue[ParentKey]) -> None:
        self._context = context
        self._queue = queue

    def subscribe(self) -> None:
        caches = self._context.caches
        caches.deployments.subscribe(self._deployment)
        caches.replica_sets.subscribe(self._replica_set)
        caches.stateful_sets.subscribe(self._stateful_set)
        caches.pods.subscribe(self._pod)

    def _deployment(self, old: Deployment | None, new: Deployment | None) -> None:
        if new is not None and (
            old is None
            or old.metadata.annotations != new.metadata.annotations
            or old.status.observed_generation != new.status.observed_generation
        ):
            self._queue.add(("Deployment", *new.key))

    def _replica_set(self, old: Parent | None, new: Parent | None) -> None:
        above = new.metadata.controller if new is not None else None
        if new is None or above is None or above.kind != "Deployment":
            return
        if old is None or old.metadata.annotations != new.metadata.annotations:
            self._queue.add(("Deployment", new.metadata.namespace, above.name))

    def _stateful_set(self, old: StatefulSet | None, new: StatefulSet | None) -> None:
        if new is not None and (old is None or old.status.update_revision != new.status.update_revision):
            self._queue.add(("StatefulSet", *new.key))

    def _pod(self, old: Pod | None, new: Pod | None) -> None:
        was_held = old is not None and gates.is_held(old) and not old.metadata.deletion_timestamp
        if old is None or not was_held or (new is not None and not new.metadata.deletion_timestamp):
            return
        owner = owner_of(old)
        if owner is None:
            return
        namespace = old.metadata.namespace
        if owner.kind == "StatefulSet":
            self._queue.add(("StatefulSet", namespace, owner.name))
        own = self._context.caches.replica_sets.get(namespace, owner.name) if owner.kind == "ReplicaSet" else None
        above = own.metadata.controller if own is not None else None
        if above is not None and above.kind == "Deployment":
            self._queue.add(("Deployment", namespace, above.name))
