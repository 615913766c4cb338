"""A workload that goes back to content that has passed holds no pods, so nobody says by them what is deployed now."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.api.core import Deployment, Parent, StatefulSet
from app.api.workload import Workload, WorkloadSpec, WorkloadVersion
from app.lifecycle.deployed import revision_number
from app.lifecycle.revisions import has_passed

Json = dict[str, Any]


def newest_replica_set(found: Deployment, owned: Sequence[Parent]) -> Parent | None:
    """The ReplicaSet of a Deployment's newest form, None as long as nobody knows for certain which that is.

    Its controller numbers them, and says the highest number on the Deployment. What is known of the two may be of
    different moments.
    """
    meta = found.metadata
    newest = max(owned, key=revision_number, default=None)
    if newest is None or meta.deletion_timestamp or found.status.observed_generation < meta.generation:
        return None
    return newest if revision_number(newest) == revision_number(found) > 0 else None


def newest_of(owned: Iterable[Parent]) -> str:
    """The newest (uid) of the ReplicaSets that a Deployment owns, by the numbers it gives them; "" without any."""
    newest = max(owned, key=revision_number, default=None)
    return newest.metadata.uid if newest is not None and revision_number(newest) > 0 else ""


def newest_revision(found: StatefulSet) -> str | None:
    """The newest revision of a StatefulSet, as a status lists it, None as long as its controller has not said it."""
    status, meta = found.status, found.metadata
    if not status.update_revision or meta.deletion_timestamp or status.observed_generation < meta.generation:
        return None
    return f"{meta.uid}/{status.update_revision}"


def went_back_to(workload: Workload, versions: Sequence[WorkloadVersion]) -> WorkloadVersion | None:
    """The version that is deployed although its KeptnWorkload speaks of another one, None if it speaks of that.

    `versions` are those that cover the newest revision of what is deployed.
    """
    mine = [
        each
        for each in versions
        if each.spec.workload_name == workload.metadata.name
        and has_passed(each.status)
        and not each.metadata.deletion_timestamp
    ]
    found = max(mine, key=lambda each: each.metadata.order, default=None)
    return None if found is None or _words(found.spec) == _words(workload.spec) else found


def spoken_of(workload: Workload, version: WorkloadVersion, reference: Json) -> Json:
    """The merge patch that has a KeptnWorkload, just as it was looked at, speak of `version`.

    `reference` is the resourceReference of what has its pods now.
    """
    have, want = _words(workload.spec), _words(version.spec)
    if have["metadata"] != want["metadata"]:
        want["metadata"] = dict.fromkeys(have["metadata"]) | want["metadata"]
    changes = {name: value for name, value in want.items() if have[name] != value}
    return {
        "metadata": {"uid": workload.metadata.uid, "resourceVersion": workload.metadata.resource_version},
        "spec": changes | {"resourceReference": reference},
    }


def _words(spec: WorkloadSpec) -> Json:
    """What its author has said of a workload."""
    return spec.model_dump(by_alias=True, mode="json", include=set(WorkloadSpec.model_fields) - {"resource_reference"})
