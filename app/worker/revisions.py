"""Held pods → KeptnWorkload → the KeptnWorkloadVersion that they wait for; and once that has passed, the gate opens."""

import asyncio
import logging
from collections.abc import Callable

from app.api import wellknown
from app.api.core import Pod
from app.api.meta import OwnerReference
from app.api.workload import Workload, WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json, PatchType
from app.cluster.controller import Done, Outcome
from app.cluster.errors import AlreadyExists, Invalid, NotFound
from app.lifecycle import gates, identity, names, revisions
from app.lifecycle.identity import Identity
from app.worker.caches import BY_OWNER, BY_WORKLOAD, scoped
from app.worker.context import Context, together
from app.worker.links import Link, Links, RevisionKey, VersionKey, revision_key_of
from app.worker.parents import Parents, Source

log = logging.getLogger(__name__)

_PATCHES_AT_ONCE = 20


class RevisionReconciler:
    """Level-based: all it is told is which revision; what holds is read from the caches each time."""

    def __init__(self, context: Context, links: Links, judged: Callable[[VersionKey], None]) -> None:
        self._context = context
        self._links = links
        self._judged = judged  # asks for the version to be looked at, since a revision now waits for it
        self._parents = Parents(context)
        self._at_once = asyncio.Semaphore(_PATCHES_AT_ONCE)

    async def __call__(self, key: RevisionKey) -> Outcome:
        pods = self._held(key)
        if not pods:
            link = self._links.get(key)
            self._links.drop(key)
            if link is not None:
                self._judged(link.version)
            return Done()
        owner = identity.owner_of(pods[0])
        if owner is None:
            return Done()
        source, asked = await self._asked(pods[0], owner, key)
        if source is not None and asked is None:
            # A gate that is opened cannot be put back, so that nobody asked must be the API server's own word.
            source, asked = await self._asked(pods[0], owner, key, live=True)
        if source is None:
            return Done()  # the owner is gone, and the garbage collector takes its pods
        if asked is None:
            log.info("pods held although nobody asked for checks", extra={"namespace": key.namespace})
            await self._release(pods)
            return Done()
        wanted = revisions.Wanted(
            base_name=names.workload_version_name(asked.workload_name, asked.version),
            content=revisions.content_digest(source.template.digest, asked),
            revision=revisions.revision_key(
                pods[0], owner, managed_replica_set=source.managed_replica_set, template=source.template.digest
            ),
            retry=source.parent.metadata.annotations.get(wellknown.RETRY, ""),
        )
        reference = {"uid": owner.uid, "kind": owner.kind, "name": owner.name}
        workload = await self._workload(asked, reference, source, key, pods)
        version = await self._version(workload, asked, reference, wanted)
        link = Link((key.namespace, version.metadata.name), wanted.revision, source.kind, source.parent)
        self._links.assign(key, link)
        if revisions.has_passed(version.status):
            await self._release(pods)
        self._judged(link.version)
        return Done()

    async def _asked(
        self, pod: Pod, owner: OwnerReference, key: RevisionKey, *, live: bool = False
    ) -> tuple[Source | None, Identity | None]:
        source = await self._parents.source(pod, owner, key.hash, live=live)
        if source is None:
            return None, None
        # The template's containers: others may have been put into the pod since, and are not of its version.
        spec = pod.spec.model_copy(update={"containers": source.template.containers})
        return source, identity.identify(pod.model_copy(update={"spec": spec}), source.keys)

    def _held(self, key: RevisionKey) -> list[Pod]:
        return [
            pod
            for pod in self._context.caches.pods.by_index(BY_OWNER, key.owner_uid)
            if gates.is_held(pod) and not pod.metadata.deletion_timestamp and revision_key_of(pod) == key
        ]

    async def _workload(
        self, asked: Identity, reference: Json, source: Source, key: RevisionKey, pods: list[Pod]
    ) -> Workload:
        cache = self._context.caches.workloads
        existing = cache.get(key.namespace, asked.workload_name)
        spec = _spec(asked, reference)
        owners = [_reference(source)]
        if existing is None:
            body = {
                "apiVersion": wellknown.API_VERSION,
                "kind": "KeptnWorkload",
                "metadata": {"name": asked.workload_name, "namespace": key.namespace, "ownerReferences": owners},
                "spec": spec,
            }
            try:
                await self._context.create(resources.WORKLOADS, body, cache)
            except AlreadyExists:
                cache.observe(await self._context.api.get(resources.WORKLOADS, asked.workload_name, key.namespace))
                return await self._workload(asked, reference, source, key, pods)
            created = cache.get(key.namespace, asked.workload_name)
            if created is None:
                raise NotFound(404, "NotFound", f"KeptnWorkload {asked.workload_name} was deleted as it was made")
            return created
        have = {field: value for field, value in existing.spec.dump().items() if value}
        change = {field: spec.get(field) for field in have.keys() | spec.keys() if have.get(field) != spec.get(field)}
        mine = [owner.uid for owner in existing.metadata.owner_references] == [source.parent.metadata.uid]
        if (not change and mine) or not self._newest(key, existing, pods):
            return existing
        patch: Json = {"spec": change}
        if not mine:
            patch["metadata"] = {"ownerReferences": owners}
        cache.observe(await self._context.api.patch(resources.WORKLOADS, existing.metadata.name, patch, key.namespace))
        return cache.get(key.namespace, asked.workload_name) or existing

    def _newest(self, key: RevisionKey, workload: Workload, pods: list[Pod]) -> bool:
        """Whether no other held revision of this workload is younger: an old one must not take its place back."""
        own = max(pod.metadata.creation_timestamp or "" for pod in pods)
        versions = self._context.caches.versions.by_index(BY_WORKLOAD, scoped(key.namespace, workload.metadata.name))
        others = {
            other
            for version in versions
            for other in self._links.waiting_for((key.namespace, version.metadata.name))
            if other != key
        }
        return all((pod.metadata.creation_timestamp or "") <= own for other in others for pod in self._held(other))

    async def _version(
        self, workload: Workload, asked: Identity, reference: Json, wanted: revisions.Wanted
    ) -> WorkloadVersion:
        cache = self._context.caches.versions
        meta = workload.metadata
        known = [
            version
            for version in cache.by_index(BY_WORKLOAD, scoped(meta.namespace, meta.name))
            if not version.metadata.deletion_timestamp
        ]
        choice = revisions.choose(known, wanted)
        if not isinstance(choice, revisions.New):
            return choice
        marks = {wellknown.CONTENT: wanted.content} | ({wellknown.RETRY: wanted.retry} if wanted.retry else {})
        previous = workload.status.current_version
        body: Json = {
            "apiVersion": wellknown.API_VERSION,
            "kind": "KeptnWorkloadVersion",
            "metadata": {
                "name": choice.name,
                "namespace": meta.namespace,
                "annotations": marks,
                "ownerReferences": [
                    {
                        "apiVersion": wellknown.API_VERSION,
                        "kind": "KeptnWorkload",
                        "name": meta.name,
                        "uid": meta.uid,
                        "controller": True,
                        "blockOwnerDeletion": True,
                    }
                ],
            },
            "spec": _spec(asked, reference)
            | {"workloadName": meta.name}
            | ({"previousVersion": previous} if previous and previous != asked.version else {}),
        }
        try:
            await self._context.create(resources.WORKLOAD_VERSIONS, body, cache)
        except AlreadyExists:
            # The cache was behind: look at what is there, then choose again.
            there = await self._context.api.get(resources.WORKLOAD_VERSIONS, choice.name, meta.namespace)
            cache.observe(there)
            if there["metadata"].get("deletionTimestamp"):
                raise
            return await self._version(workload, asked, reference, wanted)
        created = cache.get(meta.namespace, choice.name)
        if created is None:
            raise NotFound(404, "NotFound", f"KeptnWorkloadVersion {choice.name} was deleted as it was made")
        if previous != asked.version:
            workloads = self._context.caches.workloads
            workloads.observe(
                await self._context.api.patch(
                    resources.WORKLOADS,
                    meta.name,
                    {"status": {"currentVersion": asked.version}},
                    meta.namespace,
                    subresource="status",
                )
            )
        return created

    async def _release(self, pods: list[Pod]) -> None:
        await together([self._release_one(pod) for pod in pods])

    async def _release_one(self, pod: Pod) -> None:
        operations = gates.release(pod)
        if not operations:
            return
        meta = pod.metadata
        async with self._at_once:
            try:
                body = await self._context.api.patch(
                    resources.PODS, meta.name, operations, meta.namespace, patch_type=PatchType.JSON
                )
            except NotFound:
                return
            except Invalid:
                # The pod's gates have moved since it was seen. Look again, and raise so that it is tried again.
                self._context.caches.pods.observe(
                    await self._context.api.get(resources.PODS, meta.name, meta.namespace)
                )
                raise
        self._context.caches.pods.observe(body)


def _spec(asked: Identity, reference: Json) -> Json:
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


def _reference(source: Source) -> Json:
    meta = source.parent.metadata
    return {"apiVersion": "apps/v1", "kind": source.kind, "name": meta.name, "uid": meta.uid}
