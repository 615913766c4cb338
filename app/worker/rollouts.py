"""A Deployment's rollout and its pods say why they are held."""

import asyncio

from app.api import wellknown
from app.api.core import Deployment
from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.api import PatchType
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import NotFound
from app.lifecycle import explain, rollouts, strategies
from app.lifecycle.explain import Around, Hold, HoldState
from app.lifecycle.phases import WORKLOAD_PRE_EVALUATIONS
from app.worker.appgates import gate_of
from app.worker.caches import BY_OWNER, HELD_OF_REVISION
from app.worker.context import Context
from app.worker.links import Link, Links, RevisionKey, VersionKey

# A definition, Secret or ConfigMap that is applied together with the workload needs no event for being a moment late.
_SETTLE_SECONDS = 2.0
# Between two writes that say the same kind of thing of one Deployment.
_PAUSE_SECONDS = 2.0
REASON_FAILED = "WorkloadPreDeployTasksFailed"
REASON_WAITING = "WorkloadPreDeployTasksWaiting"
REASON_REFUSED = "SchedulingGateNotRemoved"
REASON_STRATEGY = "OldPodsEndBeforeChecks"


class HoldReconciler:
    """For one revision: events on its pods and its workload, and its Deployment's status."""

    def __init__(self, context: Context, links: Links) -> None:
        self._context = context
        self._links = links
        self._told: dict[RevisionKey, tuple[str, frozenset[str]]] = {}
        self._said: dict[RevisionKey, tuple[HoldState, float]] = {}  # what the Deployment was last told, and when
        self._warned: set[RevisionKey] = set()  # whose Deployment was told that its strategy makes an outage

    async def __call__(self, key: RevisionKey) -> Outcome:
        link = self._links.get(key)
        hold = self._hold(key, link) if link else None
        if link is None or hold is None:
            self._told.pop(key, None)
            self._said.pop(key, None)
            if link is None:
                self._warned.discard(key)
            return Done()
        self._warn(key, link)
        if hold.state is HoldState.WAITING:
            early = _SETTLE_SECONDS - rollouts.seconds_since(hold.since, self._context.now())
            if early > 0:
                return After(early)
        if hold.state is not HoldState.RUNNING:
            self._tell(key, link, hold, refused=key in self._links.refusals)
        if link.parent_kind != "Deployment":
            return Done()
        deployment = self._context.caches.deployments.get(key.namespace, link.parent.metadata.name)
        if deployment is None or not self._is_newest(key, deployment):
            return Done()
        change = rollouts.next_change(deployment, hold, self._context.now())
        if change.patch is not None:
            # Somebody else may want other words there and write them at once: we do not answer in kind.
            now = asyncio.get_running_loop().time()
            state, when = self._said.get(key, (None, 0.0))
            if state is hold.state and now < when + _PAUSE_SECONDS:
                return After(when + _PAUSE_SECONDS - now)
            # Only if it is still as it was: this must not fail a newer rollout that has begun meanwhile.
            same = {"resourceVersion": deployment.metadata.resource_version, "uid": deployment.metadata.uid}
            try:
                body = await self._context.api.patch(
                    resources.DEPLOYMENTS,
                    deployment.metadata.name,
                    {"metadata": same, **change.patch},
                    key.namespace,
                    patch_type=PatchType.STRATEGIC,
                    subresource="status",
                )
            except NotFound:
                return Done()
            self._context.caches.deployments.observe(body)
            self._said[key] = hold.state, now
        return Done() if change.look_again is None else After(change.look_again)

    def _warn(self, key: RevisionKey, link: Link) -> None:
        """Says once for each revision that its strategy ends the old pods before the new ones are checked."""
        if link.parent_kind != "Deployment" or key in self._warned:
            return
        deployment = self._context.caches.deployments.get(key.namespace, link.parent.metadata.name)
        if deployment is not None and self._is_newest(key, deployment) and self._is_checked(link.version):
            self._warned.add(key)
            if words := strategies.warning(deployment):
                self._context.event("Deployment", deployment, REASON_STRATEGY, words, warning=True)

    def _is_checked(self, key: VersionKey) -> bool:
        """Whether something runs before the deployment, for the workload or for its app."""
        caches = self._context.caches
        version = caches.versions.get(*key)
        context = caches.app_contexts.get(key[0], version.spec.app) if version is not None else None
        specs = [each.spec for each in (version, context) if each is not None]
        return any(spec.pre_deployment_tasks or spec.pre_deployment_evaluations for spec in specs)

    def _hold(self, key: RevisionKey, link: Link) -> Hold | None:
        caches = self._context.caches
        version = caches.versions.get(*link.version)
        if version is None or version.metadata.uid != link.uid:
            return None  # what it waited for is gone, and another has its name perhaps
        refusal = self._links.refusals.get(key)
        if refusal is not None:
            return explain.refused(version, refusal)
        return explain.hold(version, self._around(version, link))

    def _around(self, version: WorkloadVersion, link: Link) -> Around:
        caches, namespace, uid = self._context.caches, version.metadata.namespace, version.metadata.uid
        home, spec = self._context.settings.namespace, version.spec
        tasks = {task.metadata.name: task for task in caches.tasks.by_index(BY_OWNER, uid)}
        evaluations = {each.metadata.name: each for each in caches.evaluations.by_index(BY_OWNER, uid)}
        ran = {task.spec.task_definition for task in tasks.values()}
        ran |= {each.spec.evaluation_definition for each in evaluations.values()}
        # Of the phase that it is in, or all checks would be called for before their turn.
        evaluating = version.status.current_phase == WORKLOAD_PRE_EVALUATIONS.name
        return Around(
            tasks=tasks,
            evaluations=evaluations,
            missing_tasks=[
                name
                for name in spec.pre_deployment_tasks
                if name not in ran and caches.definition(namespace, name, home) is None
            ],
            missing_evaluations=[
                name
                for name in (spec.pre_deployment_evaluations if evaluating else ())
                if name not in ran and caches.evaluation_definition(namespace, name, home) is None
            ],
            app=gate_of(caches, version),
            installation=home,
            kind=link.parent_kind,
            name=link.parent.metadata.name,
        )

    def _is_newest(self, key: RevisionKey, deployment: Deployment) -> bool:
        """Whether the Deployment is rolling out this very ReplicaSet: an older one must not fail a newer rollout."""
        owner = self._context.caches.replica_sets.get(key.namespace, key.owner_name)
        if owner is None or deployment.status.observed_generation < deployment.metadata.generation:
            return False
        revision = deployment.metadata.annotations.get(wellknown.DEPLOYMENT_REVISION)
        return revision is not None and owner.metadata.annotations.get(wellknown.DEPLOYMENT_REVISION) == revision

    def _tell(self, key: RevisionKey, link: Link, hold: Hold, *, refused: bool) -> None:
        """Says it once to each pod, and once to the workload, for as long as the words stay the same.

        A pod whose gate may not be opened has been told already.
        """
        reason = REASON_FAILED if hold.state is HoldState.FAILED else REASON_WAITING
        if refused:
            reason = REASON_REFUSED
        said, told = self._told.get(key, ("", frozenset()))
        told = told if said == hold.message else frozenset()
        held = self._context.caches.pods.by_index(HELD_OF_REVISION, key.value)
        for pod in held:
            if pod.metadata.uid not in told and not refused:
                self._context.event("Pod", pod, reason, hold.message, warning=True)
        if said != hold.message:
            self._context.event(link.parent_kind, link.parent, reason, hold.message, warning=True)
        self._told[key] = (hold.message, frozenset(pod.metadata.uid for pod in held))
