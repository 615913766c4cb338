"""What happened to an object, as one line for a person."""

from collections.abc import Callable

from app.cluster import resources
from app.cluster.api import Resource
from tests.simulation.apiserver.store import Change
from tests.simulation.telling import own_phrases, phrases
from tests.simulation.telling.phrases import Phrase
from tests.simulation.telling.result import Entry, Kind

_PHRASES: dict[Resource, Callable[[Change], Phrase | None]] = {
    resources.NAMESPACES: phrases.namespace,
    resources.DEPLOYMENTS: phrases.workload,
    resources.STATEFULSETS: phrases.workload,
    resources.DAEMONSETS: phrases.workload,
    resources.REPLICASETS: phrases.workload,
    resources.PODS: phrases.pod,
    resources.JOBS: phrases.job,
    resources.EVENTS: phrases.event,
    resources.CONFIGMAPS: own_phrases.config_map,
    resources.LEASES: own_phrases.lease,
    resources.TASK_DEFINITIONS: own_phrases.definition,
    resources.WORKLOADS: own_phrases.keptn_workload,
    resources.WORKLOAD_VERSIONS: own_phrases.version,
    resources.TASKS: own_phrases.task,
    resources.APPS: own_phrases.app,
    resources.APP_VERSIONS: own_phrases.app_version,
    resources.EVALUATIONS: own_phrases.evaluation,
}
_CONTROLLERS = ("controller", "kubelet", "scheduler")


def describe(change: Change) -> Entry | None:
    """What the change was, None if it tells a person nothing: a Lease renewed, a controller's own bookkeeping."""
    phrase = _PHRASES.get(change.resource, phrases.other)(change) or _note(change)
    if phrase is None:
        return None
    kind: Kind = phrase.kind
    if kind == "write":
        kind = "user" if change.by.startswith("user") else "write" if is_ours(change.by) else "cluster"
    return Entry(change.time, phrase.who or change.by, phrase.text, kind)


def is_ours(who: str) -> bool:
    """Whether that is a process of Holdfast."""
    return who.startswith(("worker", "webhook"))


def _note(change: Change) -> Phrase | None:
    """An annotation or label that a stranger has written; what controllers keep there is their own."""
    if change.old is None or change.new is None or change.by.endswith(_CONTROLLERS):
        return None
    for field in ("annotations", "labels"):
        old, new = (body["metadata"].get(field) or {} for body in (change.old, change.new))
        written = [f"{key}={value}" for key, value in new.items() if old.get(key) != value]
        if written:
            return Phrase(f"writes on {phrases.title(change.new)}: {', '.join(written)}")
    return None
