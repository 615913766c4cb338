"""The KeptnWorkload of held pods: made, kept true to what its newest revision asks for, and told which that is."""

import contextlib

from app.api import wellknown
from app.api.core import Pod
from app.api.meta import OwnerReference
from app.api.workload import Workload, WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import AlreadyExists, Conflict, NotFound
from app.lifecycle import names, rollbacks
from app.lifecycle.identity import Identity
from app.worker.caches import BY_OWNER, BY_WORKLOAD, HELD_OF_REVISION, revisions_of, scoped
from app.worker.context import Context
from app.worker.links import Links, RevisionKey
from app.worker.parents import Source


class Workloads:
    def __init__(self, context: Context, links: Links) -> None:
        self._context = context
        self._links = links

    async def ensure(
        self, asked: Identity, reference: Json, source: Source, key: RevisionKey, pods: list[Pod]
    ) -> Workload:
        """The KeptnWorkload that held `pods` belong to, as they ask for it unless a newer revision of it is held.

        Raises Conflict while an older one is being deleted.
        """
        cache = self._context.caches.workloads
        existing = cache.get(key.namespace, asked.workload_name)
        spec = spec_of(asked, reference)
        owners = [_reference(source)]
        app_type = wellknown.SINGLE_SERVICE if asked.single_service else None
        if existing is None:
            body = {
                "apiVersion": wellknown.API_VERSION,
                "kind": "KeptnWorkload",
                "metadata": {
                    "name": asked.workload_name,
                    "namespace": key.namespace,
                    "annotations": {wellknown.APP_TYPE: app_type} if app_type else {},
                    "ownerReferences": owners,
                },
                "spec": spec,
            }
            try:
                await self._context.create(resources.WORKLOADS, body, cache)
            except AlreadyExists:
                cache.observe(await self._context.api.get(resources.WORKLOADS, asked.workload_name, key.namespace))
                return await self.ensure(asked, reference, source, key, pods)
            created = cache.get(key.namespace, asked.workload_name)
            if created is None:
                raise NotFound(404, "NotFound", f"KeptnWorkload {asked.workload_name} was deleted as it was made")
            return created
        if existing.metadata.deletion_timestamp:
            # Its workload was deleted in the foreground and is back already. What is made under it now is deleted with
            # it, and would be made again, and run its checks, for as long as that keeps it from ending.
            where = f"{key.namespace}/{existing.metadata.name}"
            raise Conflict(409, "Ending", f"KeptnWorkload {where} is being deleted; a new one is made once it is gone")
        have = {field: value for field, value in existing.spec.dump().items() if value}
        change = {field: spec.get(field) for field in have.keys() | spec.keys() if have.get(field) != spec.get(field)}
        mine = [owner.uid for owner in existing.metadata.owner_references] == [source.parent.metadata.uid]
        metadata: Json = {} if mine else {"ownerReferences": owners}
        if existing.metadata.annotations.get(wellknown.APP_TYPE) != app_type:
            metadata["annotations"] = {wellknown.APP_TYPE: app_type}
        if (not change and not metadata) or not self._speaks(key, existing, pods):
            return existing  # an old revision must not take the place of a newer one back
        patch: Json = {"spec": change, "metadata": metadata}
        cache.observe(await self._context.api.patch(resources.WORKLOADS, existing.metadata.name, patch, key.namespace))
        return cache.get(key.namespace, asked.workload_name) or existing

    async def note(self, version: WorkloadVersion, key: RevisionKey, pods: list[Pod]) -> None:
        """Says on the KeptnWorkload which version is its newest."""
        cache = self._context.caches.workloads
        workload = cache.get(key.namespace, version.spec.workload_name)
        newest = version.spec.version
        if workload is None or workload.status.current_version == newest:
            return
        if workload.status.current_version and not self._speaks(key, workload, pods):
            return
        with contextlib.suppress(NotFound):
            cache.observe(
                await self._context.api.patch(
                    resources.WORKLOADS,
                    workload.metadata.name,
                    {"status": {"currentVersion": newest}},
                    key.namespace,
                    subresource="status",
                )
            )

    def _speaks(self, key: RevisionKey, workload: Workload, pods: list[Pod]) -> bool:
        """Whether a KeptnWorkload is to say what this held revision asks for.

        Its controller knows which revision is the newest. If that is another, which has no version, its pods are not
        there yet or ask for nothing; then the youngest that is held speaks. When pods were made says no more than that:
        times are whole seconds, and an old revision's pod may have been made again just now.
        """
        versions = self._context.caches.versions.by_index(BY_WORKLOAD, scoped(key.namespace, workload.metadata.name))
        newest = self._newest(key)
        if newest == key.value.removesuffix("/"):
            return True
        others = {
            other
            for version in versions
            for other in self._links.waiting_for((key.namespace, version.metadata.name))
            if other != key
        }
        if newest and (
            any(newest == other.value.removesuffix("/") for other in others)
            or any(newest in revisions_of(version) for version in versions)
        ):
            return False
        own = (max((pod.metadata.creation_timestamp or "" for pod in pods), default=""), str(key))
        held = self._context.caches.pods.by_index
        return all(
            (pod.metadata.creation_timestamp or "", str(other)) <= own
            for other in others
            for pod in held(HELD_OF_REVISION, other.value)
        )

    def _newest(self, key: RevisionKey) -> str:
        """Its owner's newest revision, as a status lists it, "" if that is not known.

        News of a controller has its held pods looked at again.
        """
        caches = self._context.caches
        if key.owner_kind == "StatefulSet":
            found = caches.stateful_sets.get(key.namespace, key.owner_name)
            return (rollbacks.newest_revision(found) if found is not None else None) or ""
        own = caches.replica_sets.get(key.namespace, key.owner_name) if key.owner_kind == "ReplicaSet" else None
        above = own.metadata.controller if own is not None and own.metadata.uid == key.owner_uid else None
        return rollbacks.newest_of(caches.replica_sets.by_index(BY_OWNER, above.uid)) if above is not None else ""


def spec_of(asked: Identity, reference: Json) -> Json:
    """What a KeptnWorkload and its versions say of who was asked for what; `reference` is who deploys the pods."""
    lists = {
        "preDeploymentTasks": list(asked.pre_deployment_tasks),
        "postDeploymentTasks": list(asked.post_deployment_tasks),
        "preDeploymentEvaluations": list(asked.pre_deployment_evaluations),
        "postDeploymentEvaluations": list(asked.post_deployment_evaluations),
        "metadata": dict(asked.metadata),
    }
    return {
        "app": names.app_name(asked.app),
        "version": asked.version,
        "resourceReference": reference,
        **{field: value for field, value in lists.items() if value},
    }


def owner_of(owner: OwnerReference) -> Json:
    """What deploys the pods, as a KeptnWorkload refers to it."""
    return {"uid": owner.uid, "kind": owner.kind, "name": owner.name}


def _reference(source: Source) -> Json:
    meta = source.parent.metadata
    return {"apiVersion": source.api_version, "kind": source.kind, "name": meta.name, "uid": meta.uid}
