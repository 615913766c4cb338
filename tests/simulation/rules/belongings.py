"""What we may write at all: our own objects, and of others' a gate, a label, a condition, a name in a status.

I4 what is not ours stays as it is     I5 the webhook writes nothing     I6 who did not opt in is left in peace
"""

from collections.abc import Callable

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.lifecycle import happenings
from app.lifecycle.explain import PREFIX
from app.worker.main import COMPONENT
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import INSTALLATION, controller_of, held_by_us
from tests.simulation.rules.truth import Truth

_KINDS = (
    resources.TASKS,
    resources.EVALUATIONS,
    resources.WORKLOADS,
    resources.WORKLOAD_VERSIONS,
    resources.APP_VERSIONS,
)
# What follows the words of the workload, the app's context, or the trace that it belongs to.
_FOLLOWING = (resources.WORKLOADS, resources.APP_VERSIONS)
_PREFIX = "keptn.sh/"


class Belongings:
    """Looks at every change of ours. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self._truth = truth
        self._finding = finding
        self._bypassed: set[str] = set()  # pods (uid) whose gate somebody else took off

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        old, new, resource = change.old, change.new, change.resource
        if change.by.startswith("webhook"):
            self._finding("I5", f"{change.by} has written {_named(change)}, and admission writes nothing")
        if not change.by.startswith(("worker", "webhook")):
            if resource == resources.PODS and old and new and held_by_us(old) and not held_by_us(new):
                self._bypassed.add(new["metadata"]["uid"])
            return
        home = change.body["metadata"].get("namespace", "")
        if home not in ("", INSTALLATION) and home not in self._truth.opted_in:
            self._finding("I6", f"{change.verb} of {_named(change)}, whose namespace {home} did not opt in")
        if resource == resources.NAMESPACES and new:
            self._mirror(new)
        if not _is_ours(resource, old or change.body):
            if resource in _OWNED and not _notes_only(change):
                self._finding("I4", f"{change.verb} of {_named(change)} by {change.by}, and it is not ours")
            elif resource == resources.PODS and old and new:
                self._pod(old, new)
            elif resource == resources.DEPLOYMENTS and old and new:
                self._deployment(old, new)
        elif old and new and resource in _KINDS:
            self._notes(change, old, new)

    def _mirror(self, namespace: Json) -> None:
        meta = namespace["metadata"]
        marks, labels = meta.get("annotations") or {}, meta.get("labels") or {}
        if wellknown.LABEL in labels and marks.get(wellknown.NAMESPACE_OPT_IN) != wellknown.NAMESPACE_OPT_IN_VALUE:
            self._finding("I6", f"namespace {meta['name']} was opted in, and nobody has asked for that")

    def _pod(self, old: Json, new: Json) -> None:
        meta = new["metadata"]
        was, marks = old["metadata"].get("annotations") or {}, meta.get("annotations") or {}
        if held_by_us(new) and not held_by_us(old):
            self._finding("I4", f"pod {meta['name']} was given our gate although it was there already")
        if not held_by_us(new) and wellknown.LABEL in (meta.get("labels") or {}):
            self._finding("I4", f"pod {meta['name']} is not held, and our label stays on it")
        if wellknown.GATE_REMOVED in marks and wellknown.GATE_REMOVED not in was and not held_by_us(old):
            self._finding("I4", f"pod {meta['name']} says that we opened its gate, and we did not")
        fresh = wellknown.GATE_BYPASSED in marks and wellknown.GATE_BYPASSED not in was
        if fresh and meta["uid"] not in self._bypassed:
            self._finding("I4", f"pod {meta['name']} says that its gate was bypassed, and it was not")

    def _deployment(self, old: Json, new: Json) -> None:
        name = new["metadata"]["name"]
        was, now = _progressing(old), _progressing(new)
        if was and not now:
            self._finding("I4", f"condition Progressing of Deployment {name} is gone")
        elif now != was and not str(now.get("message", "")).startswith(PREFIX):
            self._finding("I4", f"condition Progressing of Deployment {name} does not say that it speaks for us")

    def _notes(self, change: Change, old: Json, new: Json) -> None:
        """Others may write notes on our objects too, and they stay; what was asked of them stays as well."""
        for field in ("labels", "annotations", "finalizers"):
            if _others(old["metadata"].get(field)) != _others(new["metadata"].get(field)):
                self._finding("I4", f"{change.by} changed the {field} of {_named(change)} that are not ours")
        if change.resource not in _FOLLOWING and old["spec"] != new["spec"]:
            self._finding("I7", f"{change.by} changed what was asked of {_named(change)}")


def _is_job(body: Json) -> bool:
    return controller_of(body).get("kind") == "KeptnTask"


def _is_script(body: Json) -> bool:
    return controller_of(body).get("kind") in ("KeptnTaskDefinition", "KeptnTask")


def _is_event(body: Json) -> bool:
    said_by = (body.get("source") or {}).get("component")
    return said_by in (COMPONENT, happenings.component(body["involvedObject"]["kind"]))


def _is_lease(body: Json) -> bool:
    return bool(body["metadata"]["namespace"] == INSTALLATION)


def _notes_only(change: Change) -> bool:
    """Whether nothing but the status of a KeptnApp has changed: which version is its newest, on a person's as well."""
    old, new = change.old, change.new
    if change.resource != resources.APPS or old is None or new is None:
        return False
    return bool(old["spec"] == new["spec"])


def is_our_app(resource: Resource, body: Json) -> bool:
    """Whether that is a KeptnApp which nobody wrote."""
    return resource == resources.APPS and _is_discovered(body)


def _is_discovered(body: Json) -> bool:
    return (body["metadata"].get("labels") or {}).get(wellknown.MANAGED_BY) == wellknown.MANAGED_BY_VALUE


_OWNED: dict[Resource, Callable[[Json], bool]] = {
    resources.JOBS: _is_job,
    resources.CONFIGMAPS: _is_script,
    resources.EVENTS: _is_event,
    resources.LEASES: _is_lease,
    resources.APPS: _is_discovered,
}


def _is_ours(resource: Resource, body: Json) -> bool:
    is_ours = _OWNED.get(resource)
    return resource in _KINDS if is_ours is None else is_ours(body)


def _named(change: Change) -> str:
    return f"{change.resource.kind} {change.body['metadata']['name']}"


def _progressing(deployment: Json) -> Json:
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == "Progressing"), {})


def _others(field: object) -> object:
    if isinstance(field, dict):
        return {key: value for key, value in field.items() if not key.startswith(_PREFIX)} or ()
    return field or ()
