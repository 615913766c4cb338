"""One KeptnWorkloadVersion: its checks, whether its pods may go and are up, and its own status from all that."""

from collections.abc import Callable
from dataclasses import replace

from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.controller import After, Done, Outcome
from app.lifecycle import advance, apps, deployed, revisions, workloadversions
from app.lifecycle.conditions import with_conditions
from app.lifecycle.deployed import Deployed
from app.lifecycle.happenings import FAILED, WORKLOAD_COMPLETED
from app.lifecycle.phases import APP_DEPLOY, APP_PRE_EVALUATIONS, WORKLOAD_DEPLOY, WORKLOAD_PHASES
from app.lifecycle.policies import Policy
from app.lifecycle.rollouts import seconds_since
from app.lifecycle.states import State
from app.lifecycle.workloadversions import Surroundings
from app.worker.appgates import gate_of
from app.worker.caches import BY_WORKLOAD, HELD_OF_REVISION, revisions_of, scoped
from app.worker.checkpolicies import policy_of
from app.worker.children import Children
from app.worker.context import Context
from app.worker.deployed import Rollouts
from app.worker.links import Links, VersionKey
from app.worker.unsaid import Unsaid

KIND = "KeptnWorkloadVersion"
# A check that is quicker says its beginning and its end at once. Its KeptnTask says meanwhile that it runs.
_SILENT_SECONDS = 2.0


class WorkloadVersionReconciler:
    """`began` is told of a version that has begun: those that it overtakes are to be looked at."""

    def __init__(self, context: Context, links: Links, began: Callable[[WorkloadVersion], None]) -> None:
        self._context = context
        self._links = links
        self._began = began
        self._children = Children(context, KIND, WORKLOAD_PHASES)
        self._rollouts = Rollouts(context)
        self._unsaid: Unsaid[VersionKey] = Unsaid(_SILENT_SECONDS)
        self._app_failed: set[VersionKey] = set()  # versions of which that was said
        self._since = context.now()  # when this worker began to lead

    async def __call__(self, key: VersionKey) -> Outcome:
        version = self._context.caches.versions.get(*key)
        if version is None or advance.has_ended(version.status):
            self._unsaid.end(key)
            self._app_failed.discard(key)
            return Done()
        successor = await self._successor(version)
        if successor is not None:
            await self._supersede(version, successor)
            return Done()
        around = await self._surroundings(version)
        seen = self._children.seen(version)
        waiting = self._links.revisions(key, version.metadata.uid)
        now = self._context.stamp()
        step = workloadversions.next_step(version, seen, waiting, around, now)
        if step.fields and _is_still_keptns(version) and not step.fields.keys() & {"deploymentStatus", "endTime"}:
            # The first word of ours takes the clock over with it.
            step = replace(step, fields={**step.fields, "deploymentStartTime": now})
        if step.create:
            self._unsaid.begin(key)
            await self._children.make(version, step.create, self._metadata(version))
        if step.fields:
            early = self._unsaid.left(key)
            if step.began and step.verdict is None and early > 0:
                return After(early)
            self._unsaid.end(key)
            await self._write(version, step, now, around.deployed)
        again = around.deployed.again if around.deployed is not None else None
        if not workloadversions.is_deploying(version) or step.verdict is not None:
            return Done()
        left = around.timeout - around.waited
        return After(max(0.0, left if again is None else min(left, again)))

    async def _surroundings(self, version: WorkloadVersion) -> Surroundings:
        context = self._context
        gate = gate_of(self._context.caches, version)
        self._tell_app(version, gate)
        of_app = gate.version.spec.metadata if gate.version is not None else None
        deploying = bool(version.status.deployment_start_time)
        held = bool(self._links.revisions(version.key, version.metadata.uid))
        return Surroundings(
            app_open=gate.open,
            app_failed=gate.failed,
            app_metadata=of_app,
            deployed=await self._rollouts.look(version) if deploying else None,
            waited=self._waited(version),
            timeout=context.config().observability_seconds,
            blocking=policy_of(context, version, held=held) is Policy.ENFORCE,
            carrier=lambda phase: context.carrier(version, phase),
        )

    def _waited(self, version: WorkloadVersion) -> float:
        """Seconds since the deployment began, or since we lead, if that was Keptn's: its gate is opened only now."""
        start, now = version.status.deployment_start_time, self._context.now()
        if not start:
            return 0.0
        waited = seconds_since(start, now)
        return min(waited, (now - self._since).total_seconds()) if _is_still_keptns(version) else waited

    def _metadata(self, version: WorkloadVersion) -> dict[str, str]:
        """What app and workload say of themselves, the workload's word before the app's (keptn-behaviour 3.7).

        Before the app version is known, its KeptnAppContext is asked: checks do not wait for it.
        """
        of_app = version.status.app_context_metadata
        if not of_app:
            written = self._context.caches.app_contexts.get(version.metadata.namespace, version.spec.app)
            of_app = written.spec.metadata if written is not None else {}
        return {**of_app, **version.spec.metadata}

    async def _write(self, version: WorkloadVersion, step: advance.Step, now: str, looked: Deployed | None) -> None:
        reason, message = step.waits_for
        if step.verdict is State.FAILED and step.fields.get("deploymentStatus") == State.FAILED:
            reason, message = workloadversions.TIMED_OUT, "the workload was not up within the observability timeout"
            message += f": {looked.message}" if looked is not None else ""
        fields = with_conditions(
            version.status, step.fields, generation=version.metadata.generation, now=now, reason=reason, message=message
        )
        await self._context.write_status(resources.WORKLOAD_VERSIONS, version, fields, self._context.caches.versions)
        await self._trace(version, step)
        self._tell(version, step)
        if step.began:
            self._began(version)

    async def _trace(self, version: WorkloadVersion, step: advance.Step) -> None:
        """Notes the trace of its app version once its deployment begins (keptn-behaviour 3.7)."""
        gate = (
            gate_of(self._context.caches, version)
            if "deploymentStartTime" in step.fields and not version.spec.trace_id
            else None
        )
        if gate is None or gate.version is None:
            return
        known = (gate.version.status.phase_trace_ids or {}).get(APP_DEPLOY.name)
        if carrier := known or self._context.carrier(gate.version, APP_DEPLOY):
            meta, cache = version.metadata, self._context.caches.versions
            cache.observe(
                await self._context.api.patch(
                    resources.WORKLOAD_VERSIONS, meta.name, {"spec": {"traceId": carrier}}, meta.namespace
                )
            )

    def _tell(self, version: WorkloadVersion, step: advance.Step) -> None:
        timed_out = step.fields.get("deploymentStatus") == State.FAILED
        if timed_out:
            self._context.tell(KIND, version, WORKLOAD_DEPLOY, "Finished", "has reached timeout", warning=True)
        self._children.tell(version, step)
        if step.fields.get("status") in (State.SUCCEEDED, State.FAILED):
            failed = step.verdict is State.FAILED
            suffix, text = ("Failed", "has failed") if failed else ("Finished", "has finished")
            self._context.tell(KIND, version, WORKLOAD_COMPLETED, suffix, text, warning=failed)

    def _tell_app(self, version: WorkloadVersion, gate: apps.AppGate) -> None:
        """Says once that it cannot be deployed, since its app's checks have failed."""
        if not gate.failed:
            self._app_failed.discard(version.key)
        elif version.key not in self._app_failed:
            self._app_failed.add(version.key)
            self._context.tell(KIND, version, APP_PRE_EVALUATIONS, FAILED, "app has failed", warning=True)

    async def _successor(self, version: WorkloadVersion) -> WorkloadVersion | None:
        """Who has taken over: nobody waits for `version` any more, and its owner rolls out what another is about."""
        key, caches = version.key, self._context.caches
        where = scoped(version.metadata.namespace, version.spec.workload_name)
        siblings = caches.versions.by_index(BY_WORKLOAD, where)
        if revisions.successor(version, siblings) is None or self._links.revisions(key, version.metadata.uid):
            return None
        listed = (f"{revision}/" if "/" not in revision else revision for revision in revisions_of(version))
        if any(caches.pods.by_index(HELD_OF_REVISION, each) for each in listed):
            return None
        looked = await self._rollouts.look(version)
        if looked is None or looked.current:
            return None
        # A newer one has taken over whatever is rolled out by now; an older one only if that is it.
        meant = [
            each
            for each in siblings
            if each.metadata.order > version.metadata.order or deployed.stands_for(looked, revisions_of(each))
        ]
        return revisions.successor(version, meant)

    async def _supersede(self, version: WorkloadVersion, successor: WorkloadVersion) -> None:
        now = self._context.stamp()
        fields = with_conditions(
            version.status,
            advance.superseded(version, WORKLOAD_PHASES, now),
            generation=version.metadata.generation,
            now=now,
            reason=advance.SUPERSEDED,
            message=f"KeptnWorkloadVersion {successor.metadata.name} has taken over",
        )
        await self._context.write_status(resources.WORKLOAD_VERSIONS, version, fields, self._context.caches.versions)


def _is_still_keptns(version: WorkloadVersion) -> bool:
    """Whether its deployment is under way by Keptn's word, and nothing of ours stands in its status."""
    status = version.status
    return (
        status.deployment_status == State.PROGRESSING and bool(status.deployment_start_time) and not status.conditions
    )
