"""Whether anybody still waits for a task: a version that a newer one has overtaken does not."""

from collections.abc import Sequence

from app.api.app import AppVersion
from app.api.meta import Object
from app.api.workload import WorkloadVersion
from app.lifecycle.revisions import was_superseded
from app.worker.caches import BY_APP, BY_WORKLOAD, Caches, scoped


def overtaken(caches: Caches, child: Object) -> tuple[str, str] | None:
    """The version that asked for `child`, by kind and name, and the name of the one that has overtaken it.

    None while its verdict is wanted, and for a child of nobody. The second is "" if that one is not there any more.
    """
    owner = child.metadata.controller
    if owner is None or child.metadata.deletion_timestamp:
        return None
    namespace = child.metadata.namespace
    version: WorkloadVersion | AppVersion | None = None
    others: Sequence[WorkloadVersion | AppVersion] = ()
    if owner.kind == "KeptnWorkloadVersion" and (version := caches.versions.get(namespace, owner.name)) is not None:
        others = caches.versions.by_index(BY_WORKLOAD, scoped(namespace, version.spec.workload_name))
    elif owner.kind == "KeptnAppVersion" and (version := caches.app_versions.get(namespace, owner.name)) is not None:
        others = caches.app_versions.by_index(BY_APP, scoped(namespace, version.spec.app_name))
    if version is None or version.metadata.uid != owner.uid or not was_superseded(version.status):
        return None
    made = version.metadata.creation_timestamp or ""
    later = [each for each in others if each is not version and (each.metadata.creation_timestamp or "") >= made]
    newest = max(later, key=lambda each: each.metadata.order, default=None)
    return f"{owner.kind} {owner.name}", newest.metadata.name if newest else ""
