"""Whose a held pod is: its owner, the workload that a person wrote, and the template of its revision."""

from dataclasses import dataclass
from typing import Any

from app.api.core import Parent, Pod, PodContainer
from app.api.meta import Object, ObjectMeta, OwnerReference
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.cluster.errors import NotFound
from app.cluster.informer import Informer
from app.lifecycle.revisions import template_digest
from app.worker.context import Context

_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Template:
    """What a revision's pods are made from: its digest, its containers, and the controller of its ReplicaSet if any."""

    digest: str
    containers: tuple[PodContainer, ...]
    above: OwnerReference | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a revision comes from.

    `parent` is the workload that a person wrote; `keys` is the same if its annotations count for pods without
    their own, None for a ReplicaSet of nobody or of another tool.
    """

    kind: str
    parent: Parent
    keys: Parent | None
    managed_replica_set: bool
    template: Template


class Parents:
    """Reads owners from the caches, and each revision's template once: a controller never changes one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._templates: dict[tuple[str, str], Template] = {}

    async def source(self, pod: Pod, owner: OwnerReference, revision: str, *, live: bool = False) -> Source | None:
        """The source of a pod's revision, None if its owner is gone. Raises ApiError if it cannot be read.

        A revision that is new here has its parent read from the API server, and so has any with `live`: a cache that is
        a moment behind could say that nobody asked for checks.
        """
        try:
            if owner.kind == "ReplicaSet":
                return await self._of_replica_set(pod.metadata.namespace, owner, live)
            if owner.kind in ("StatefulSet", "DaemonSet"):
                return await self._of_set(pod.metadata.namespace, owner, revision, live)
        except NotFound:
            return None
        return None

    async def _of_replica_set(self, namespace: str, owner: OwnerReference, live: bool) -> Source | None:
        template = self._templates.get((owner.uid, ""))
        own: Parent | None = None
        if template is None:
            live = True
            raw = await self._context.api.get(resources.REPLICASETS, owner.name, namespace)
            own = Parent.model_validate(raw)
            if own.metadata.uid != owner.uid:
                return None
            template = _template(raw["spec"]["template"], own.metadata.controller)
            if template.above is not None:
                self._remember((owner.uid, ""), template)
        if template.above is None and own is not None:
            return Source("ReplicaSet", own, None, False, template)
        if template.above is not None and template.above.kind == "Deployment":
            parent = await self._parent(
                self._context.caches.deployments, resources.DEPLOYMENTS, namespace, template.above, live
            )
            return Source("Deployment", parent, parent, True, template) if parent else None
        meta = ObjectMeta(name=owner.name, namespace=namespace, uid=owner.uid)
        return Source("ReplicaSet", Parent(metadata=meta), None, True, template)

    async def _of_set(self, namespace: str, owner: OwnerReference, revision: str, live: bool) -> Source | None:
        caches = self._context.caches
        stateful = owner.kind == "StatefulSet"
        cache, resource = (
            (caches.stateful_sets, resources.STATEFULSETS) if stateful else (caches.daemon_sets, resources.DAEMONSETS)
        )
        template = self._templates.get((owner.uid, revision))
        parent = await self._parent(cache, resource, namespace, owner, live or template is None)
        if parent is None:
            return None
        if template is None:
            # The workload itself has only its newest template; an older revision's stands in its ControllerRevision.
            name = revision if stateful else f"{owner.name}-{revision}"
            record = await self._context.api.get(resources.CONTROLLERREVISIONS, name, namespace)
            template = _template(record["data"]["spec"]["template"], None)
            self._remember((owner.uid, revision), template)
        return Source(owner.kind, parent, parent, False, template)

    async def _parent(
        self, cache: Informer[Any], resource: Resource, namespace: str, owner: OwnerReference, live: bool
    ) -> Parent | None:
        cached: Object | None = None if live else cache.get(namespace, owner.name)
        if cached is not None and cached.metadata.uid == owner.uid:
            return Parent(metadata=cached.metadata)
        raw = await self._context.api.get(resource, owner.name, namespace, metadata_only=True)
        read = Parent.model_validate(raw)
        return read if read.metadata.uid == owner.uid else None

    def _remember(self, key: tuple[str, str], template: Template) -> None:
        if len(self._templates) >= _REMEMBERED:
            self._templates.pop(next(iter(self._templates)))
        self._templates[key] = template


def _template(raw: Json, above: OwnerReference | None) -> Template:
    containers: list[Any] = (raw.get("spec") or {}).get("containers") or []
    return Template(template_digest(raw), tuple(PodContainer.model_validate(one) for one in containers), above)
