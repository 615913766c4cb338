"""How much the checks of a held revision count: what its workload says, and what is told when pods go unpassed."""

import contextlib
from typing import Any

from app.api import wellknown
from app.api.meta import Object
from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.errors import NotFound
from app.cluster.informer import Informer
from app.lifecycle import policies, revisions
from app.lifecycle.explain import PREFIX
from app.lifecycle.identity import Identity
from app.worker.appgates import gate_of
from app.worker.context import Context
from app.worker.links import Link
from app.worker.parents import Source

OPENED = "SchedulingGateOpenedByPolicy"
UNKNOWN = "UnknownCheckPolicy"


def marks(asked: Identity) -> dict[str, str | None]:
    """The annotations by which a version knows its policy; those that are None are not to be there."""
    of_pods = wellknown.CHECK_POLICY_FROM_PODS if asked.policy_of_pods else None
    return {wellknown.CHECK_POLICY: asked.check_policy or None, wellknown.CHECK_POLICY_FROM: of_pods}


def policy_of(context: Context, version: WorkloadVersion, *, held: bool) -> policies.Policy:
    """What counts for a version; `held`: pods of it are.

    Then that is the version's own note, which is never behind. Once they have gone it is what its workload says at this
    moment, and for that the caches are good enough.
    """
    namespace, own = version.metadata.namespace, version.metadata.annotations
    above = None if held or own.get(wellknown.CHECK_POLICY_FROM) else _workload_of(context, version)
    return context.policy(namespace, above.metadata.annotations if above is not None else own)


def _workload_of(context: Context, version: WorkloadVersion) -> Object | None:
    """The Deployment, or what else a person wrote, that a version belongs to; None if it is not known."""
    caches, namespace = context.caches, version.metadata.namespace
    known: dict[str, Informer[Any]] = {
        "Deployment": caches.deployments,
        "StatefulSet": caches.stateful_sets,
        "DaemonSet": caches.daemon_sets,
        "ReplicaSet": caches.replica_sets,
    }
    workload = caches.workloads.get(namespace, version.spec.workload_name)
    for owner in workload.metadata.owner_references if workload is not None else ():
        found: Object | None = known[owner.kind].get(namespace, owner.name) if owner.kind in known else None
        if found is not None and found.metadata.uid == owner.uid:
            return found
    return None


class CheckPolicies:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._unknown: dict[str, str] = {}  # uid of a workload → the word that is none and was told of

    async def note(self, version: WorkloadVersion, asked: Identity, source: Source) -> WorkloadVersion:
        """Keeps what the workload says on its version, which goes by it; says once of a word that is none.

        Returns the version as it is then.
        """
        self._tell_unknown(source, asked.check_policy)
        meta, cache, want = version.metadata, self._context.caches.versions, marks(asked)
        if all(meta.annotations.get(name) == value for name, value in want.items()):
            return version
        change = {"metadata": {"annotations": want}}
        with contextlib.suppress(NotFound):
            cache.observe(await self._context.api.patch(resources.WORKLOAD_VERSIONS, meta.name, change, meta.namespace))
        now = cache.get(meta.namespace, meta.name)
        return now if now is not None and now.metadata.uid == meta.uid else version

    def lets_go(self, version: WorkloadVersion) -> bool:
        """Whether the pods may go although their checks have no pass on record."""
        return policies.lets_go(self._policy(version), version.status, app_failed=self._app_failed(version))

    def tell(self, link: Link, version: WorkloadVersion) -> None:
        """Says on the workload that its pods go for a person's word, if it is not for a pass."""
        if revisions.has_passed(version.status) and not revisions.was_let_go(version.status):
            return
        words = policies.opened(version, self._policy(version), app_failed=self._app_failed(version))
        self._context.event(link.parent_kind, link.parent, OPENED, words, warning=True)

    def _policy(self, version: WorkloadVersion) -> policies.Policy:
        return policy_of(self._context, version, held=True)

    def _app_failed(self, version: WorkloadVersion) -> bool:
        return gate_of(self._context.caches, version).failed

    def _tell_unknown(self, source: Source, policy: str) -> None:
        uid = source.parent.metadata.uid
        if not policies.is_unknown(policy):
            self._unknown.pop(uid, None)
        elif self._unknown.get(uid) != policy:
            self._unknown[uid] = policy
            words = f"{PREFIX}{policies.unknown(policy)}."
            self._context.event(source.kind, source.parent, UNKNOWN, words, warning=True)
