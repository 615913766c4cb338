"""Whether an app lets a workload version go, from what the caches know."""

from app.api.workload import WorkloadVersion
from app.lifecycle import apps
from app.lifecycle.apps import AppGate
from app.worker.caches import BY_APP, Caches, scoped


def gate_of(caches: Caches, version: WorkloadVersion) -> AppGate:
    """The gate of the app of `version`.

    An app that lists it is asked by its newest version alone: over the years there are many.
    """
    namespace, app = version.metadata.namespace, caches.apps.get(version.metadata.namespace, version.spec.app)
    if app is not None and apps.lists(app, version):
        current = caches.app_versions.get(namespace, apps.current_name(app))
        return apps.gate(version, app, [current] if current is not None else [])
    return apps.gate(version, app, caches.app_versions.by_index(BY_APP, scoped(namespace, version.spec.app)))
