"""A verdict belongs to content: which version of a workload a held pod waits for, and whether that is a new one."""

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.api import wellknown
from app.api.app import AppVersionStatus
from app.api.core import Pod
from app.api.meta import OwnerReference
from app.api.workload import VersionStatus, WorkloadVersion, WorkloadVersionStatus
from app.lifecycle import names
from app.lifecycle.identity import Identity
from app.lifecycle.states import PASSED, State

# What controllers and `kubectl rollout restart` put on a template without making it other content.
_VOLATILE_LABELS = frozenset({wellknown.POD_TEMPLATE_HASH, wellknown.CONTROLLER_REVISION_HASH})
_VOLATILE_ANNOTATIONS = frozenset({wellknown.RESTARTED_AT, wellknown.RETRY, wellknown.CHECK_POLICY})

# A deployment that is in one of these states has begun. Keptn's Deprecated is not: it says that it never will.
_BEGUN = frozenset({State.PROGRESSING, State.SUCCEEDED, State.WARNING, State.FAILED})

# Seconds, between a version's end and the next of the same content, if nothing but another version has ended it.
_PAUSE = 2.0

# So many a pass keeps: with a new ReplicaSet on each restart, the list would grow for as long as the workload lives.
KEPT_REVISIONS = 100


def template_digest(template: dict[str, Any]) -> str:
    """32 hex digits that stand for a pod template's content, whatever order its fields came in."""
    metadata = template.get("metadata") or {}
    content = {key: value for key, value in template.items() if key not in ("metadata", "$patch")}
    content["labels"] = _without(metadata.get("labels"), _VOLATILE_LABELS)
    content["annotations"] = _without(metadata.get("annotations"), _VOLATILE_ANNOTATIONS)
    return _digest(content)


def content_digest(template: str, identity: Identity) -> str:
    """32 hex digits for what one verdict is about: the template's digest, the version, and the checks asked for.

    The version and the checks may stand on the Deployment instead of its template, so the template alone is not enough.
    """
    return _digest([template, identity.version, identity.pre_deployment_tasks, identity.pre_deployment_evaluations])


def revision_key(pod: Pod, owner: OwnerReference, *, managed_replica_set: bool, template: str) -> str:
    """The name under which a status lists this pod's revision (`status.revisions`).

    A Deployment's ReplicaSet is one revision for all its life. A StatefulSet's or DaemonSet's pods carry their revision
    in a label that the controller sets. A ReplicaSet of nobody can be edited in place, so its template's digest counts.
    """
    if owner.kind == "ReplicaSet":
        return owner.uid if managed_replica_set else f"{owner.uid}/{template}"
    return f"{owner.uid}/{pod.metadata.labels.get(wellknown.CONTROLLER_REVISION_HASH, '')}"


def has_passed(status: WorkloadVersionStatus) -> bool:
    """Whether its pods may run: the checks before the deployment have a recorded pass, its own and those of its app.

    The app's pass is on record by the deployment's having begun. Keptn's older versions did not note when.
    """
    return checks_passed(status) and (bool(status.deployment_start_time) or status.deployment_status in _BEGUN)


def checks_passed(status: VersionStatus) -> bool:
    """Whether a version's own checks before the deployment have a recorded pass."""
    return status.pre_deployment_status in PASSED and status.pre_deployment_evaluation_status in PASSED


def has_failed(status: VersionStatus) -> bool:
    """Whether the checks before the deployment have failed for good."""
    return State.FAILED in (status.pre_deployment_status, status.pre_deployment_evaluation_status)


def was_let_go(status: WorkloadVersionStatus) -> bool:
    """Whether checks before the deployment have failed and its gate opens all the same, since they only warn."""
    return State.WARNING in (status.pre_deployment_status, status.pre_deployment_evaluation_status)


def was_superseded(status: WorkloadVersionStatus | AppVersionStatus) -> bool:
    """Whether a version has ended because a newer one took over: it is over, and no phase of it has failed.

    What has become of an app's workloads is noted before it is their turn, and then fails nobody.
    """
    if status.status not in (State.FAILED, State.DEPRECATED):
        return False
    if isinstance(status, WorkloadVersionStatus):
        later = [status.deployment_status]
    else:
        later = [status.promotion_status, *([status.workload_overall_status] if checks_passed(status) else [])]
    later += [status.post_deployment_status, status.post_deployment_evaluation_status]
    return not has_failed(status) and State.FAILED not in later


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a held pod needs a verdict on. `retry` is the workload's `keptn.sh/retry` annotation, "" without one."""

    base_name: str
    content: str
    revision: str
    retry: str = ""


@dataclass(frozen=True, slots=True)
class New:
    """No version covers this content: make one under this name."""

    name: str


def is_about(version: WorkloadVersion, wanted: Wanted) -> bool:
    """Whether the version's verdict is about this content."""
    return version.metadata.annotations.get(wellknown.CONTENT) == wanted.content


def choose(versions: Sequence[WorkloadVersion], wanted: Wanted) -> WorkloadVersion | New:
    """The version of the workload whose verdict counts for a held pod, or the name of the one to make.

    A pass of the same content always counts, then a check that is under way. A failure, one that only warned too,
    counts only for the revisions and the retry value that it has seen, so a `rollout restart` or a new `keptn.sh/retry`
    is another try, and the failed version stays readable. Names are a function of what is there and of the content, so
    making one twice makes one, also when two revisions of the same content ask for another try at the same moment.
    """
    same = sorted(
        (v for v in versions if is_about(v, wanted)),
        key=lambda v: v.metadata.order,
        reverse=True,
    )
    spent = [v for v in same if _is_spent(v, wanted)]
    passed = [v for v in same if has_passed(v.status) and v not in spent]
    if passed:
        return passed[0]
    running = [v for v in same if not has_failed(v.status) and not was_superseded(v.status) and v not in spent]
    if running:
        return running[0]
    same = [v for v in same if has_failed(v.status) or v in spent]  # what was superseded has no verdict
    tried = {v.metadata.annotations.get(wellknown.RETRY, "") for v in same} | {""}
    # One that failed and names no revision has lost its status; it counts for all, or it would be made for ever.
    seen = [v for v in same if wanted.revision in v.status.revisions or not v.status.revisions]
    if seen and wanted.retry in tried:
        return seen[0]
    return New(_free_name(wanted, {v.metadata.name for v in versions}))


def too_soon(versions: Iterable[WorkloadVersion], wanted: Wanted, now: datetime) -> float:
    """Seconds until another version may be made of a content that was superseded just now, 0 if it may be at once.

    Two workers that both take themselves for the leader, one of them with late news, would else supersede and make
    versions in turn, and start their checks, as fast as they can write.
    """
    ends = [v.status.end_time for v in versions if is_about(v, wanted) and was_superseded(v.status)]
    ago = [(now - datetime.fromisoformat(end)).total_seconds() for end in ends if end]
    return max(0.0, min(_PAUSE, _PAUSE - min(ago, default=_PAUSE)))


def _is_spent(version: WorkloadVersion, wanted: Wanted) -> bool:
    """Whether a version whose pods went does not speak for this one.

    They went without a pass; or it failed afterwards, and somebody asks for another try.
    """
    status = version.status
    if not has_passed(status):
        return False
    failed = status.status == State.FAILED and not was_superseded(status)
    again = wanted.retry not in ("", version.metadata.annotations.get(wellknown.RETRY, ""))
    return was_let_go(status) or (failed and again)


def successor(version: WorkloadVersion, siblings: Iterable[WorkloadVersion]) -> WorkloadVersion | None:
    """Who may have taken over from `version`: the newest other of the workload that has begun, None without one.

    It may be older: a rollback takes over from what it undoes.
    """
    begun = [each for each in siblings if each.status.current_phase and each.key != version.key]
    return max(begun, key=lambda each: each.metadata.order, default=None)


def covering(status: WorkloadVersionStatus, revision: str) -> list[str] | None:
    """What `status.revisions` should be once a recorded pass counts for `revision` too, None if it says so already.

    The oldest give way: a pod of theirs would be held for a moment only, since the content has still passed.
    """
    return None if revision in status.revisions else [*status.revisions, revision][-KEPT_REVISIONS:]


def _free_name(wanted: Wanted, taken: set[str]) -> str:
    if wanted.base_name not in taken:
        return wanted.base_name
    later = (names.later_version_name(wanted.base_name, wanted.content, number) for number in itertools.count(1))
    return next(name for name in later if name not in taken)


def _without(mapping: dict[str, str] | None, keys: frozenset[str]) -> dict[str, str]:
    return {key: value for key, value in (mapping or {}).items() if key not in keys}


def _digest(content: object) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
