"""Whose a held pod is: its owner, the workload that a person wrote, and the template of its revision."""

import contextlib
from dataclasses import dataclass
from enum import Enum
from typing import Any

from app.api.core import Parent, Pod, PodContainer, Rollout
from app.api.meta import Object, ObjectMeta, OwnerReference
from app.api.wellknown import DEPLOYMENT_REVISION
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.cluster.errors import NotFound
from app.cluster.informer import Informer
from app.lifecycle import deployed
from app.lifecycle.identity import has_own_keys
from app.lifecycle.revisions import template_digest
from app.worker.context import Context

_REMEMBERED = 4096


class _NoSuchKind(Exception):
    """The cluster does not have Rollouts."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a revision's pods are made from: its digest, its containers, and the controller of its ReplicaSet if any."""

    digest: str
    containers: tuple[PodContainer, ...]
    above: OwnerReference | None = None


class Age(Enum):
    """How a workload that was read relates to a revision of its pods."""

    CURRENT = "this revision is the newest"
    OLD = "there is a newer revision"
    UNSETTLED = "its controller has not seen its newest form yet"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a revision comes from.

    `parent` is the workload that a person wrote; `keys` is the same if its annotations count for pods without
    their own, None for a ReplicaSet of nobody or of a tool that we do not know. `age` says whether those annotations
    are about this very revision.
    """

    kind: str
    parent: Parent
    keys: Parent | None
    managed_replica_set: bool
    template: Template
    age: Age

    @property
    def api_version(self) -> str:
        """Of the parent."""
        return resources.ROLLOUTS.api_version if self.kind == "Rollout" else resources.DEPLOYMENTS.api_version


class Parents:
    """Reads owners, and each revision's template once: a controller never changes one.

    A workload whose own annotations say which checks its pods need is read live. A cache may be behind, and then would
    check a new revision by the words for the old one, or let it go because nobody had asked yet.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._templates: dict[tuple[str, str], Template] = {}

    async def source(self, pod: Pod, owner: OwnerReference, revision: str) -> Source | None:
        """The source of a pod's revision, None if its owner is gone. Raises ApiError if it cannot be read."""
        try:
            if owner.kind == "ReplicaSet":
                return await self._of_replica_set(pod, owner)
            if owner.kind in ("StatefulSet", "DaemonSet"):
                return await self._of_set(pod, owner, revision)
        except NotFound:
            return None
        return None

    async def _of_replica_set(self, pod: Pod, owner: OwnerReference) -> Source | None:
        namespace = pod.metadata.namespace
        caches = self._context.caches
        cached = caches.replica_sets.get(namespace, owner.name)
        own = cached if cached is not None and cached.metadata.uid == owner.uid else None
        template = self._templates.get((owner.uid, ""))
        if template is None:
            raw = await self._context.api.get(resources.REPLICASETS, owner.name, namespace)
            own = Parent.model_validate(raw)
            if own.metadata.uid != owner.uid:
                return None
            template = _template(raw["spec"]["template"], own.metadata.controller)
            if template.above is not None:
                self._remember((owner.uid, ""), template)
        above = template.above
        if above is not None and above.kind == "Rollout":
            with contextlib.suppress(_NoSuchKind):
                return await self._of_rollout(pod, own, template, above)
        if above is None or above.kind != "Deployment":
            parent = own or Parent(metadata=ObjectMeta(name=owner.name, namespace=namespace, uid=owner.uid))
            return Source("ReplicaSet", parent, None, above is not None, template, Age.CURRENT)
        if has_own_keys(pod):
            found = await self._parent(caches.deployments, resources.DEPLOYMENTS, namespace, above)
            return Source("Deployment", found, found, True, template, Age.CURRENT) if found else None
        raw = await self._context.api.get(resources.DEPLOYMENTS, above.name, namespace)
        deployment = Parent.model_validate(raw)
        if deployment.metadata.uid != above.uid:
            return None
        revision = deployment.metadata.annotations.get(DEPLOYMENT_REVISION)
        newest = own is not None and own.metadata.annotations.get(DEPLOYMENT_REVISION) == revision
        return Source("Deployment", deployment, deployment, True, template, _age(raw, newest=newest))

    async def _of_rollout(
        self, pod: Pod, own: Parent | None, template: Template, above: OwnerReference
    ) -> Source | None:
        """Of an Argo Rollout. Raises _NoSuchKind in a cluster that does not have them."""
        namespace = pod.metadata.namespace
        try:
            raw = await self._context.api.get(resources.ROLLOUTS, above.name, namespace)
        except NotFound as error:
            if error.details.get("name"):
                raise
            raise _NoSuchKind from None
        rollout = Rollout.model_validate(raw)
        if rollout.metadata.uid != above.uid:
            return None
        parent = Parent(metadata=rollout.metadata)
        age = Age.CURRENT
        if not has_own_keys(pod):
            newest = own is not None and deployed.is_newest(own, rollout)
            age = Age.UNSETTLED if not deployed.is_settled(rollout) else Age.CURRENT if newest else Age.OLD
        return Source("Rollout", parent, parent, True, template, age)

    async def _of_set(self, pod: Pod, owner: OwnerReference, revision: str) -> Source | None:
        namespace = pod.metadata.namespace
        caches = self._context.caches
        stateful = owner.kind == "StatefulSet"
        cache, resource = (
            (caches.stateful_sets, resources.STATEFULSETS) if stateful else (caches.daemon_sets, resources.DAEMONSETS)
        )
        age = Age.CURRENT
        if has_own_keys(pod):
            parent = await self._parent(cache, resource, namespace, owner)
        else:
            raw = await self._context.api.get(resource, owner.name, namespace)
            parent = Parent.model_validate(raw)
            # A DaemonSet does not say which revision is its newest, but leaves no held pods of others behind.
            update = (raw.get("status") or {}).get("updateRevision") if stateful else None
            age = _age(raw, newest=update in (None, revision))
        if parent is None or parent.metadata.uid != owner.uid:
            return None
        template = self._templates.get((owner.uid, revision))
        if template is None:
            # The workload itself has only its newest template; an older revision's stands in its ControllerRevision.
            name = revision if stateful else f"{owner.name}-{revision}"
            record = await self._context.api.get(resources.CONTROLLERREVISIONS, name, namespace)
            template = _template(record["data"]["spec"]["template"], None)
            self._remember((owner.uid, revision), template)
        return Source(owner.kind, parent, parent, False, template, age)

    async def _parent(
        self, cache: Informer[Any], resource: Resource, namespace: str, owner: OwnerReference
    ) -> Parent | None:
        cached: Object | None = cache.get(namespace, owner.name)
        if cached is not None and cached.metadata.uid == owner.uid:
            return Parent(metadata=cached.metadata)
        raw = await self._context.api.get(resource, owner.name, namespace, metadata_only=True)
        read = Parent.model_validate(raw)
        return read if read.metadata.uid == owner.uid else None

    def _remember(self, key: tuple[str, str], template: Template) -> None:
        if len(self._templates) >= _REMEMBERED:
            self._templates.pop(next(iter(self._templates)))
        self._templates[key] = template


def _age(raw: Json, *, newest: bool) -> Age:
    if (raw.get("status") or {}).get("observedGeneration", 0) < raw["metadata"].get("generation", 0):
        return Age.UNSETTLED
    return Age.CURRENT if newest else Age.OLD


def _template(raw: Json, above: OwnerReference | None) -> Template:
    containers: list[Any] = (raw.get("spec") or {}).get("containers") or []
    return Template(template_digest(raw), tuple(PodContainer.model_validate(one) for one in containers), above)
