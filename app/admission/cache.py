"""What the webhook knows of the cluster before it is asked, so that most answers need no call.

Each object is cut down to what an answer depends on: a cluster has many ReplicaSets, and this process may hold 75 MiB.
"""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, fields
from sys import intern
from typing import Any

from app.api.core import Parent
from app.api.meta import ObjectMeta, OwnerReference
from app.api.workload import WorkloadVersionStatus
from app.cluster import resources
from app.cluster.api import Api, Json, Resource
from app.cluster.informer import Informer
from app.lifecycle.revisions import has_passed

_PASSED = resources.WORKLOAD_VERSIONS
_DEFINITIONS = resources.TASK_DEFINITIONS
_BY_WORKLOAD = "workload"
_KEPT_PREFIXES = ("keptn.sh/", "app.kubernetes.io/")


@dataclass(frozen=True, slots=True)
class Meta:
    """Which object, at which version."""

    namespace: str
    name: str
    uid: str
    resource_version: str

    @classmethod
    def of(cls, body: Json) -> "Meta":
        """Of a raw object."""
        meta = body["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        return cls(intern(namespace), name, meta.get("uid", ""), meta.get("resourceVersion", ""))


@dataclass(frozen=True, slots=True)
class Named:
    """An object of which it matters only that it exists."""

    metadata: Meta


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """`above` is what controls it: a Deployment, most often; None for a ReplicaSet of nobody."""

    metadata: Meta
    above: OwnerReference | None


@dataclass(frozen=True, slots=True)
class PassedVersion:
    """A KeptnWorkloadVersion whose checks have passed, and the pod revisions that it covers."""

    metadata: Meta
    workload: str
    revisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caches:
    replica_sets: Informer[ReplicaSet]
    deployments: Informer[Parent]
    stateful_sets: Informer[Parent]
    daemon_sets: Informer[Parent]
    passed: Informer[PassedVersion]
    task_definitions: Informer[Named]

    @classmethod
    def build(cls, api: Api, rng: random.Random) -> "Caches":
        """All informers, not running yet."""

        def parents(resource: Resource) -> Informer[Parent]:
            return Informer(api, resource, parent, metadata_only=True, rng=rng)

        return cls(
            replica_sets=Informer(api, resources.REPLICASETS, replica_set, metadata_only=True, rng=rng),
            deployments=parents(resources.DEPLOYMENTS),
            stateful_sets=parents(resources.STATEFULSETS),
            daemon_sets=parents(resources.DAEMONSETS),
            passed=Informer(api, _PASSED, passed_version, indexes={_BY_WORKLOAD: _workload}, rng=rng),
            task_definitions=Informer(
                api, _DEFINITIONS, lambda body: Named(Meta.of(body)), metadata_only=True, rng=rng
            ),
        )

    async def run(self) -> None:
        """Keeps all of them up to date until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._all():
                group.create_task(informer.run())

    async def synced(self) -> None:
        """Returns once everything has been listed."""
        for informer in self._all():
            await informer.synced()

    @property
    def missing(self) -> list[str]:
        """Resources that have not been listed yet."""
        return [informer.resource.plural for informer in self._all() if not informer.has_synced]

    @property
    def needed(self) -> list[str]:
        """Those of them that answers depend on. The others are of kinds that are ours, and only spare a detour.

        A pod that has passed is held for a moment without them, until the worker lets it go, and nobody is told of a
        definition that is missing.
        """
        return [each for each in self.missing if each not in (_PASSED.plural, _DEFINITIONS.plural)]

    def revisions_passed(self, namespace: str, workload: str) -> frozenset[str]:
        """Pod revisions of the KeptnWorkload `workload` for which there is a pass."""
        versions = self.passed.by_index(_BY_WORKLOAD, f"{namespace}/{workload}")
        return frozenset(revision for version in versions for revision in version.revisions)

    def _all(self) -> list[Informer[Any]]:
        return [getattr(self, field.name) for field in fields(self)]


def replica_set(body: Json) -> ReplicaSet:
    """The view of a raw ReplicaSet. Raises KeyError or ValidationError for one that no server would send."""
    owners = body["metadata"].get("ownerReferences") or ()
    above = next((OwnerReference.model_validate(owner) for owner in owners if owner.get("controller")), None)
    return ReplicaSet(Meta.of(body), above)


def parent(body: Json) -> Parent:
    """The view of a raw Deployment, StatefulSet or DaemonSet: who it is, and the keys that people write on it."""
    meta = body["metadata"]
    return Parent(
        metadata=ObjectMeta(
            name=meta["name"],
            namespace=intern(meta.get("namespace", "")),
            uid=meta.get("uid", ""),
            resource_version=meta.get("resourceVersion", ""),
            labels=_kept(meta.get("labels")),
            annotations=_kept(meta.get("annotations")),
        )
    )


def passed_version(body: Json) -> PassedVersion | None:
    """The view of a raw KeptnWorkloadVersion, None as long as it has not passed."""
    status = WorkloadVersionStatus.model_validate(body.get("status") or {})
    if not has_passed(status) or not status.revisions:
        return None
    return PassedVersion(Meta.of(body), body["spec"]["workloadName"], status.revisions)


def _workload(version: PassedVersion) -> Iterable[str]:
    return (f"{version.metadata.namespace}/{version.workload}",)


def _kept(mapping: dict[str, str] | None) -> dict[str, str]:
    return {intern(key): value for key, value in (mapping or {}).items() if key.startswith(_KEPT_PREFIXES)}
