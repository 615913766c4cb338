"""One KeptnAppVersion: its checks, its workloads, and its own status from theirs."""

from collections.abc import Sequence

from app.api.app import AppVersion, WorkloadRef, WorkloadState
from app.cluster import resources
from app.cluster.controller import After, Done, Outcome
from app.lifecycle import advance, apps, appversions
from app.lifecycle.appversions import Surroundings
from app.lifecycle.conditions import with_conditions
from app.lifecycle.happenings import APP_COMPLETED, NOT_FOUND, RECONCILE_WORKLOAD
from app.lifecycle.phases import APP_PHASES
from app.lifecycle.policies import Policy
from app.lifecycle.states import State, is_completed
from app.worker.caches import BY_APP, scoped
from app.worker.children import Children
from app.worker.context import Context
from app.worker.unsaid import Unsaid

KIND = "KeptnAppVersion"
# Most rollouts are through by then, and their app says once how they went instead of twice.
_SILENT_SECONDS = 5.0
# A note of how the workloads of a version are comes so much later than the one before.
_NOTE_SECONDS = 0.5
_NOTES = frozenset({"workloadStatus", "workloadOverallStatus"})


class AppVersionReconciler:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._unsaid: Unsaid[tuple[str, str]] = Unsaid(_SILENT_SECONDS)
        self._noted: Unsaid[tuple[str, str]] = Unsaid(_NOTE_SECONDS)
        self._children = Children(context, KIND, APP_PHASES)
        self._told_missing: dict[str, frozenset[str]] = {}  # uid of a version → workloads that were said to be missing

    async def __call__(self, key: tuple[str, str]) -> Outcome:
        context = self._context
        version = context.caches.app_versions.get(*key)
        if version is None or advance.has_ended(version.status):
            if version is not None:
                self._told_missing.pop(version.metadata.uid, None)
            self._unsaid.end(key)
            self._noted.end(key)
            return Done()
        listed = context.caches.versions.by_index(BY_APP, scoped(key[0], version.spec.app_name))
        workloads, missing = apps.workload_states(version, listed)
        around = Surroundings(
            may_begin=apps.begins(version, context.caches.apps.get(key[0], version.spec.app_name)),
            workloads=workloads,
            promotes=context.settings.promotion_tasks,
            blocking=context.policy(key[0], self._marks(version)) is Policy.ENFORCE,
            carrier=lambda phase: context.carrier(version, phase),
        )
        now = context.stamp()
        step = appversions.next_step(version, self._children.seen(version), around, now)
        if step.create:
            await self._children.make(version, step.create, version.spec.metadata)
        if step.fields:
            # How the workloads are is for people, and may be seen otherwise by another worker whose news is late.
            is_note = step.fields.keys() <= _NOTES
            early = self._noted.left(key) if is_note else self._silent(key, version, step, workloads)
            if early > 0:
                return After(early)
            self._unsaid.end(key)
            self._noted.end(key)
            if is_note:
                self._noted.begin(key)
            reason, message = step.waits_for
            fields = with_conditions(
                version.status,
                step.fields,
                generation=version.metadata.generation,
                now=now,
                reason=reason,
                message=message,
            )
            await context.write_status(resources.APP_VERSIONS, version, fields, context.caches.app_versions)
            self._tell(version, step)
        self._tell_missing(version, missing)
        return Done()

    def _silent(
        self, key: tuple[str, str], version: AppVersion, step: advance.Step, workloads: Sequence[WorkloadState]
    ) -> float:
        """Seconds for which a version that asks for nothing, and none of whose workloads has ended, may say nothing."""
        if not step.began or apps.asks(version) or any(is_completed(each.status) for each in workloads):
            return 0.0
        self._unsaid.begin(key)
        return self._unsaid.left(key)

    def _marks(self, version: AppVersion) -> dict[str, str]:
        app = self._context.caches.apps.get(version.metadata.namespace, version.spec.app_name)
        return app.metadata.annotations if app is not None else {}

    def _tell(self, version: AppVersion, step: advance.Step) -> None:
        self._children.tell(version, step)
        if step.verdict is not None:
            failed = step.verdict is State.FAILED
            suffix, text = ("Failed", "has failed") if failed else ("Finished", "has finished")
            self._context.tell(KIND, version, APP_COMPLETED, suffix, text, warning=failed)

    def _tell_missing(self, version: AppVersion, missing: Sequence[WorkloadRef]) -> None:
        """Says once which listed workloads nobody has deployed."""
        uid = version.metadata.uid
        if version.status.current_phase != "AppDeploy":
            return  # until then they have time to come
        names = {f"{ref.name} in version {ref.version}" for ref in missing}
        for name in sorted(names - self._told_missing.get(uid, frozenset())):
            words = f"nobody has deployed workload {name} yet; the app waits for it"
            self._context.tell(KIND, version, RECONCILE_WORKLOAD, NOT_FOUND, words, warning=True)
        self._told_missing[uid] = frozenset(names)
