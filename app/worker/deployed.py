"""Reads the workload whose pods a version stands for, and asks whether it is up."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.api.core import DaemonSet, Parent, ReplicaSet, Rollout
from app.api.meta import Object, OwnerReference
from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.cluster.errors import NotFound
from app.cluster.informer import Informer
from app.lifecycle import deployed
from app.lifecycle.deployed import Deployed
from app.lifecycle.revisions import template_digest
from app.worker.caches import BY_OWNER, BY_UID, revisions_of
from app.worker.context import Context

T = TypeVar("T", bound=Object)

_REMEMBERED = 4096


class Rollouts:
    """Answers from the caches. What they do not have, and what is not worth a cache, is read from the API."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._templates: dict[str, str] = {}  # digest of what a DaemonSet's revision is made from: it never changes

    async def look(self, version: WorkloadVersion) -> Deployed | None:
        """How far the version's workload is, None for one of a kind that deploys no pods. Raises ApiError.

        Whatever may change the answer wakes the version, but for the one case where `Deployed.again` says when to look.
        """
        reference = version.spec.resource_reference
        name, namespace = reference.name, version.metadata.namespace
        revisions, caches = revisions_of(version), self._context.caches
        if reference.kind == "ReplicaSet":
            return await self._of_replica_sets(namespace, name, revisions)
        if reference.kind == "StatefulSet":
            return await self._judged(
                caches.stateful_sets,
                namespace,
                name,
                _uids(revisions),
                lambda found: deployed.stateful_set(found, revisions),
            )
        if reference.kind == "DaemonSet":
            known = await self._made_from(namespace, name, revisions)

            def judge(found: DaemonSet) -> Deployed:
                own = [known.get(each) for each in revisions if each.startswith(f"{found.metadata.uid}/")]
                return deployed.daemon_set(found, newest=not own or found.template in own)

            return await self._judged(caches.daemon_sets, namespace, name, _uids(revisions), judge)
        return None

    async def _of_replica_sets(self, namespace: str, name: str, revisions: list[str]) -> Deployed:
        cache, uids = self._context.caches.replica_sets, _uids(revisions)
        known = [each for uid in uids for each in cache.by_index(BY_UID, uid)]
        if not known:
            read = await self._read(resources.REPLICASETS, namespace, name, uids, metadata_only=True)
            if read is None:
                return deployed.missing("ReplicaSet", name)
            cache.observe(read)
            known = [Parent.model_validate(read)]
        looks: dict[str, Deployed] = {}
        for each in known:
            above = each.metadata.controller
            uid = above.uid if above else each.metadata.uid
            if uid not in looks:
                looks[uid] = await self._of_replica_set(each, above, revisions)
        return deployed.together(list(looks.values()))

    async def _of_replica_set(self, own: Parent, above: OwnerReference | None, revisions: list[str]) -> Deployed:
        caches, namespace = self._context.caches, own.metadata.namespace
        if above is not None and above.kind == "Deployment":
            owner = above.uid
            return await self._judged(
                caches.deployments,
                namespace,
                above.name,
                [owner],
                lambda found: deployed.deployment(found, caches.replica_sets.by_index(BY_OWNER, owner), revisions),
            )
        if above is not None and above.kind == "Rollout":
            raw = await self._read(resources.ROLLOUTS, namespace, above.name, [above.uid])
            if raw is None:
                return deployed.missing("Rollout", above.name)
            owned = caches.replica_sets.by_index(BY_OWNER, above.uid)
            return deployed.rollout(Rollout.model_validate(raw), owned, revisions)
        raw = await self._read(resources.REPLICASETS, namespace, own.metadata.name, [own.metadata.uid])
        if raw is None:
            return deployed.missing("ReplicaSet", own.metadata.name)
        template = template_digest(raw["spec"]["template"])
        return deployed.replica_set(ReplicaSet.model_validate(raw), template, revisions)

    async def _made_from(self, namespace: str, name: str, revisions: list[str]) -> dict[str, str]:
        """The digest of the pod template of each revision of a DaemonSet, as far as they are still on record."""
        known: dict[str, str] = {}
        for revision in revisions:
            hash_ = revision.partition("/")[2]
            digest = self._templates.get(revision, "")
            if hash_ and not digest:
                try:
                    record = await self._context.api.get(resources.CONTROLLERREVISIONS, f"{name}-{hash_}", namespace)
                except NotFound:
                    continue
                digest = template_digest(record["data"]["spec"]["template"])
                if len(self._templates) >= _REMEMBERED:
                    self._templates.pop(next(iter(self._templates)))
                self._templates[revision] = digest
            known[revision] = digest
        return known

    async def _judged(
        self, cache: Informer[T], namespace: str, name: str, uids: Sequence[str], judge: Callable[[T], Deployed]
    ) -> Deployed:
        """The answer by the cache, but only the API says that something does not exist or is not current any more."""
        cached = cache.get(namespace, name)
        if cached is not None and cached.metadata.uid in uids:
            looked = judge(cached)
            if looked.current:
                return looked
        read = await self._read(cache.resource, namespace, name, uids)
        if read is not None:
            cache.observe(read)
            cached = cache.get(namespace, name)
        if read is None or cached is None or cached.metadata.uid not in uids:
            return deployed.missing(cache.resource.kind, name)
        return judge(cached)

    async def _read(
        self, resource: Resource, namespace: str, name: str, uids: Sequence[str], *, metadata_only: bool = False
    ) -> Json | None:
        try:
            raw = await self._context.api.get(resource, name, namespace, metadata_only=metadata_only)
        except NotFound:
            return None
        return raw if raw["metadata"].get("uid") in uids else None


def _uids(revisions: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(revision.partition("/")[0] for revision in revisions))
