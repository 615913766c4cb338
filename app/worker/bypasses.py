"""A pod from which somebody else has taken our gate: seen, told once, and marked, whoever did it and whenever."""

from app.api.core import Pod
from app.cluster import resources
from app.cluster.api import PatchType
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import Invalid, NotFound
from app.lifecycle import gates, identity, revisions
from app.lifecycle.explain import bypassed
from app.worker.asking import asked_for
from app.worker.caches import BY_REVISION, BY_WORKLOAD, scoped
from app.worker.context import Context
from app.worker.links import revision_key_of
from app.worker.parents import Age, Parents, Source

REASON = "SchedulingGateBypassed"
_UNSETTLED_SECONDS = 5.0


class BypassReconciler:
    """For one pod. The mark in the pod outlives the event, and keeps a later worker from telling it again."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._parents = Parents(context)
        self._told: dict[tuple[str, str], str] = {}  # uid of a pod that is told of and cannot be marked yet

    async def __call__(self, key: tuple[str, str]) -> Outcome:
        pod = self._context.caches.pods.get(*key)
        if pod is None or not gates.is_bypassed(pod):
            self._told.pop(key, None)
            return Done()
        revision = revision_key_of(pod)
        owner = identity.owner_of(pod)
        source = await self._parents.source(pod, owner, revision.hash) if owner and revision else None
        if source is not None and source.age is Age.UNSETTLED:
            return After(_UNSETTLED_SECONDS)
        if self._told.get(key) != pod.metadata.uid and not (source and self._may_run(pod, source)):
            self._tell(pod, source)
            self._told[key] = pod.metadata.uid
        if await self._mark(pod):
            self._told.pop(key, None)
        return Done()

    def _may_run(self, pod: Pod, source: Source) -> bool:
        """Whether nobody asked for checks of this pod, or its content has a recorded pass."""
        found = asked_for(pod, source)
        if found is None:
            return True
        asked, wanted = found
        namespace, versions = pod.metadata.namespace, self._context.caches.versions
        of_workload = versions.by_index(BY_WORKLOAD, scoped(namespace, asked.workload_name))
        of_revision = versions.by_index(BY_REVISION, wanted.revision)
        return any(
            version.metadata.namespace == namespace and revisions.has_passed(version.status)
            for version in (*of_revision, *(v for v in of_workload if revisions.is_about(v, wanted)))
        )

    def _tell(self, pod: Pod, source: Source | None) -> None:
        message = bypassed(pod.metadata.name, pod.metadata.namespace)
        self._context.event("Pod", pod, REASON, message, warning=True)
        if source is not None:
            self._context.event(source.kind, source.parent, REASON, message, warning=True)

    async def _mark(self, pod: Pod) -> bool:
        """Whether it is marked, or gone, and nothing is left to do."""
        meta = pod.metadata
        api, cache = self._context.api, self._context.caches.pods
        try:
            cache.observe(
                await api.patch(resources.PODS, meta.name, gates.mark(pod), meta.namespace, patch_type=PatchType.JSON)
            )
        except NotFound:
            return True
        except Invalid:
            # It has changed since it was seen; the news wakes us again, unless it is something else that refuses.
            fresh = await api.get(resources.PODS, meta.name, meta.namespace)
            cache.observe(fresh)
            if fresh["metadata"].get("resourceVersion") == meta.resource_version:
                raise
            return False
        return True
