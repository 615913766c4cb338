"""Which of the objects that Keptn left behind Holdfast goes on with, and as what.

Keptn's operator knows a version by its name alone. A verdict of Holdfast's is about content, so one that Keptn has
given counts only where it is certain which content it was about.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.api import wellknown
from app.api.meta import ObjectMeta
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.lifecycle import names
from app.lifecycle.identity import Identity
from app.lifecycle.states import is_completed


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a held pod comes from.

    `owner` is the uid of its ReplicaSet, StatefulSet or DaemonSet. `made` is when this revision of it was made, RFC
    3339: a ReplicaSet's own creation, or that of the pod's ControllerRevision.
    """

    owner: str
    made: str


def is_keptns(version: WorkloadVersion) -> bool:
    """Whether Keptn made this version and nobody has said yet which content it is about."""
    return wellknown.CONTENT not in version.metadata.annotations


def adopt(versions: Iterable[WorkloadVersion], asked: Identity, origin: Origin) -> WorkloadVersion | None:
    """Keptn's version that is about the content of a pod of `origin`, None if there is none for certain.

    It has the name and the checks that the pod asks for, and was made for the pod's own owner. Keptn makes a version
    when the first pod of a revision comes, and puts later revisions with the same version string under it without
    checking them: what was made after the version was never checked, so it is not adopted. Sources: keptn-behaviour
    3.6 for what is overwritten, 2.2 for lists that are not trimmed.
    """
    version = fitting(versions, asked)
    if version is None or version.spec.resource_reference.uid != origin.owner:
        return None
    return version if origin.made <= (version.metadata.creation_timestamp or "") else None


def fitting(versions: Iterable[WorkloadVersion], asked: Identity) -> WorkloadVersion | None:
    """Keptn's version with the name and the checks that a pod asks for, whatever content it is about."""
    found = [
        version
        for version in versions
        if is_keptns(version)
        and not version.metadata.deletion_timestamp
        and asked.version_name in (version.metadata.name, _own_name(version))
        and _names(version.spec.pre_deployment_tasks) == set(asked.pre_deployment_tasks)
        and _names(version.spec.pre_deployment_evaluations) == set(asked.pre_deployment_evaluations)
    ]
    return max(found, key=lambda v: v.metadata.order, default=None)


def first_checked(version: WorkloadVersion, replica_sets: Iterable[ObjectMeta]) -> ObjectMeta | None:
    """The one of a Deployment's ReplicaSets whose content Keptn checked: the newest when it made the version.

    If a later one has the same content, after a restart for one, the verdict is about that as well.
    """
    made = version.metadata.creation_timestamp or ""
    there = [each for each in replica_sets if each.creation_timestamp and each.creation_timestamp <= made]
    return max(there, key=lambda each: each.order, default=None)


def is_gated_by_keptn(raw_pod: dict[str, Any]) -> bool:
    """Whether a pod (JSON) has the gate and not the label by which Holdfast's worker knows the pods that it holds."""
    metadata, spec = raw_pod.get("metadata") or {}, raw_pod.get("spec") or {}
    gated = any(gate.get("name") == wellknown.GATE for gate in spec.get("schedulingGates") or ())
    return gated and wellknown.LABEL not in (metadata.get("labels") or {}) and not metadata.get("deletionTimestamp")


def has_foreign_job(task: Task) -> bool:
    """Whether a task runs in a Job that Holdfast did not make: it goes on there, and is not started once more."""
    status = task.status
    if is_completed(status.status) or not status.job_name or task.metadata.deletion_timestamp:
        return False
    return status.job_name != names.job_name(task.metadata.name, task.metadata.uid, max(status.runs, 1))


def _own_name(version: WorkloadVersion) -> str:
    """As Holdfast would call it. The two differ where Keptn has cut a name that is too long."""
    return names.workload_version_name(version.spec.workload_name, version.spec.version)


def _names(items: Iterable[str]) -> set[str]:
    return {item.strip() for item in items} - {""}
