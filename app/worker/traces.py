"""The trace context of a version's phases, from what the caches know."""

from app.api.app import AppVersion
from app.api.workload import WorkloadVersion
from app.lifecycle import traces
from app.lifecycle.phases import Phase
from app.worker.caches import BY_APP, Caches, scoped


class Traces:
    """Which trace each version belongs to.

    A version's tasks are made a moment before its status says so. What they were told in that moment counts, so it is
    remembered until then.
    """

    def __init__(self, caches: Caches) -> None:
        self._caches = caches
        self._told: dict[str, str] = {}  # trace id by the version's uid

    def trace_of(self, version: WorkloadVersion | AppVersion) -> str:
        uid = version.metadata.uid
        if uid not in self._told:
            self._told[uid] = self._find(version)
        return self._told[uid]

    def carrier(self, version: WorkloadVersion | AppVersion, phase: Phase | None) -> dict[str, str]:
        return traces.carrier(version, phase, self.trace_of(version))

    def app_versions(self, version: WorkloadVersion | AppVersion) -> list[AppVersion]:
        """All versions of its app, or of the app whose version it is."""
        app = version.spec.app_name if isinstance(version, AppVersion) else version.spec.app
        return self._caches.app_versions.by_index(BY_APP, scoped(version.metadata.namespace, app))

    def forget(self, uid: str) -> None:
        """The version is gone."""
        self._told.pop(uid, None)

    def _find(self, version: WorkloadVersion | AppVersion) -> str:
        namespace = self._caches.namespaces.get("", version.metadata.namespace)
        place = namespace.metadata.uid if namespace else version.metadata.namespace
        siblings = self.app_versions(version)
        if isinstance(version, AppVersion):
            return traces.trace_of_app(version, siblings, place)
        return traces.trace_of_workload(version, siblings, place)
