"""Whose a pod is: from the caches, and by one live read where they may be behind."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from app.admission.cache import Caches, ReplicaSet, parent, replica_set
from app.api.core import Parent, Pod
from app.api.meta import OwnerReference
from app.api.wellknown import CONTROLLER_REVISION_HASH
from app.cluster import resources
from app.cluster.api import Api, Json, Resource
from app.cluster.errors import ApiError, NotFound
from app.cluster.informer import Informer
from app.lifecycle import keys
from app.lifecycle.revisions import revision_key, template_digest

READ_SECONDS: Final = 0.5
_REMEMBERED: Final = 4096


class Unreadable(Exception):
    """An owner that could not be read; the message is for the person who waits for the pod."""


class _NoSuchKind(Unreadable):
    """The cluster does not have the owner's kind."""


class _Identified(Protocol):
    @property
    def uid(self) -> str: ...


class _View(Protocol):
    @property
    def metadata(self) -> _Identified: ...


V = TypeVar("V", bound=_View)


class Parents:
    """Owners of pods.

    A cache may be a moment behind what the controllers act on. If it says that nobody asked for checks, the first pod
    of each revision has that confirmed by a live read: a gate that is missing cannot be added later. If it says that
    somebody asked, it is believed, since the worker takes an unneeded gate off again.

    Argo's Rollouts are in no cache, since a cluster need not have that kind: each pod of theirs is worth a live read.
    """

    def __init__(self, api: Api, caches: Caches, *, read_seconds: float = READ_SECONDS) -> None:
        self._api = api
        self._caches = caches
        self._read_seconds = read_seconds
        self._confirmed: OrderedDict[str, None] = OrderedDict()  # revisions without keys on their parent, by live read

    async def parent(self, namespace: str, pod: Pod, owner: OwnerReference) -> Parent | None:
        """What a pod without keys of its own gets them from, None if there is no such thing. Raises Unreadable."""
        caches = self._caches
        if owner.kind == "ReplicaSet":
            above = (await self._replica_set(namespace, owner)).above
            if above is not None and above.kind == "Rollout":
                return await self._rollout(namespace, above)
            if above is None or above.kind != "Deployment":
                return None
            return await self._confirmed_parent(caches.deployments, namespace, above, owner.uid)
        sets = {"StatefulSet": caches.stateful_sets, "DaemonSet": caches.daemon_sets}.get(owner.kind)
        if sets is None:
            return None
        revision = f"{owner.uid}/{pod.metadata.labels.get(CONTROLLER_REVISION_HASH, '')}"
        return await self._confirmed_parent(sets, namespace, owner, revision)

    async def revision(self, namespace: str, pod: Pod, owner: OwnerReference) -> str:
        """The name under which a status lists the pod's revision. Raises Unreadable."""
        if owner.kind != "ReplicaSet":
            return revision_key(pod, owner, managed_replica_set=False, template="")
        managed = (await self._replica_set(namespace, owner)).above is not None
        template = ""
        if not managed:  # it can be edited in place, so only what it holds now counts
            body = await self._read(resources.REPLICASETS, namespace, owner, metadata_only=False)
            template = template_digest(body["spec"]["template"])
        return revision_key(pod, owner, managed_replica_set=managed, template=template)

    async def _rollout(self, namespace: str, reference: OwnerReference) -> Parent | None:
        try:
            return parent(await self._read(resources.ROLLOUTS, namespace, reference, metadata_only=True))
        except _NoSuchKind:
            return None

    async def _replica_set(self, namespace: str, owner: OwnerReference) -> ReplicaSet:
        cached = _same(self._caches.replica_sets, namespace, owner)
        return cached or await self._fresh(self._caches.replica_sets, replica_set, namespace, owner)

    async def _confirmed_parent(
        self, informer: Informer[Parent], namespace: str, reference: OwnerReference, revision: str
    ) -> Parent:
        cached = _same(informer, namespace, reference)
        if cached and (keys.value(cached, keys.WORKLOAD) or revision in self._confirmed):
            return cached
        fresh = await self._fresh(informer, parent, namespace, reference)
        if not keys.value(fresh, keys.WORKLOAD):
            self._confirmed[revision] = None
            if len(self._confirmed) > _REMEMBERED:
                self._confirmed.popitem(last=False)
        return fresh

    async def _fresh(
        self, informer: Informer[V], view: Callable[[Json], V], namespace: str, reference: OwnerReference
    ) -> V:
        body = await self._read(informer.resource, namespace, reference, metadata_only=True)
        informer.observe(body)
        return view(body)

    async def _read(
        self, resource: Resource, namespace: str, reference: OwnerReference, *, metadata_only: bool
    ) -> Json:
        what = f"{reference.kind} {reference.name}"
        try:
            async with asyncio.timeout(self._read_seconds):
                body = await self._api.get(resource, reference.name, namespace, metadata_only=metadata_only)
        except TimeoutError:
            raise Unreadable(f"{what} could not be read within {self._read_seconds:g} s") from None
        except NotFound as error:
            kind = Unreadable if error.details.get("name") else _NoSuchKind
            raise kind(f"{what} does not exist any more") from None
        except ApiError as error:
            raise Unreadable(f"{what} could not be read ({error.reason})") from error
        if body["metadata"].get("uid") != reference.uid:
            raise Unreadable(f"{what} is another one by now")
        return body


def _same(informer: Informer[V], namespace: str, reference: OwnerReference) -> V | None:
    """The cached object, if it is the very one that is referred to."""
    cached = informer.get(namespace, reference.name)
    return cached if cached is not None and cached.metadata.uid == reference.uid else None
