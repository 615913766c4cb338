"""What the API server itself refuses, kind by kind, as far as Holdfast can meet it."""

import re
from typing import Any

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation.apiserver.refusals import bad_request, conflict, invalid

# Kinds without a status of their own: everything is written at once.
WITHOUT_STATUS = frozenset({"configmaps", "secrets", "events", "leases", "controllerrevisions"})
# Kinds whose objects never have a generation.
WITHOUT_GENERATION = WITHOUT_STATUS | {"namespaces", "nodes", "resourcequotas"}
# Kinds whose annotations count as what is wanted: a change of them is a new generation.
ANNOTATIONS_COUNT = frozenset({"deployments"})
# Kinds whose annotations can be changed together with their status, which the controller of Deployments does.
STATUS_WITH_ANNOTATIONS = frozenset({"deployments"})
LONGEST_GENERATED = 58  # characters of a generateName that are kept, for a name of 63
GATES_FIRST = "Forbidden: cannot be set until all schedulingGates have been cleared"

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_GATE = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
# What the schemas of our kinds require of a spec, if there is one.
_REQUIRED = {
    "keptntasks": ("taskDefinition",),
    "keptnworkloads": ("app", "resourceReference", "version"),
    "keptnworkloadversions": ("app", "resourceReference", "version", "workloadName"),
}
_FIXED = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_FREE = frozenset({"schedulingGates", "containers", "initContainers", "activeDeadlineSeconds", "tolerations"})
_FREE_WHILE_GATED = _FREE | {"nodeSelector", "affinity"}


def is_ours(resource: Resource) -> bool:
    """Whether a kind is defined by a CRD of ours."""
    return resource.group == wellknown.GROUP


def check_name(resource: Resource, name: str) -> None:
    """Raises Invalid for a name that no object of that kind can have."""
    if not _NAME.fullmatch(name):
        why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
        raise invalid(resource, name, "metadata.name", f'Invalid value: "{name}": {why}')
    if len(name) > 253:
        raise invalid(resource, name, "metadata.name", f'Invalid value: "{name}": must be no more than 253 bytes')


def check_new(resource: Resource, body: Json) -> None:
    """Raises Invalid for an object that cannot be made."""
    name = body["metadata"]["name"]
    if resource == resources.PODS:
        spec = body["spec"]
        gates = [gate["name"] for gate in spec.get("schedulingGates") or ()]
        for at, gate in enumerate(gates):
            if not _GATE.fullmatch(gate):
                raise invalid(
                    resource, name, f"spec.schedulingGates[{at}]", f'Invalid value: "{gate}": a name must ...'
                )
            if gate in gates[:at]:
                raise invalid(resource, name, f"spec.schedulingGates[{at}]", f'Duplicate value: "{gate}"')
        if gates and spec.get("nodeName"):
            raise invalid(resource, name, "spec.nodeName", GATES_FIRST)
        if not spec.get("containers"):
            raise invalid(resource, name, "spec.containers", "Required value")
    elif resource == resources.JOBS:
        if body["spec"]["template"]["spec"].get("restartPolicy") not in ("Never", "OnFailure"):
            why = 'Required value: valid values: "OnFailure", "Never"'
            raise invalid(resource, name, "spec.template.spec.restartPolicy", why)
    else:
        _check_schema(resource, name, body)


def check_update(resource: Resource, old: Json, new: Json, subresource: str) -> None:
    """Raises Invalid for a change that an object of that kind cannot undergo, Conflict for a pod that is held."""
    was, now = old["metadata"], new["metadata"]
    if "deletionTimestamp" in was and was.get("finalizers") != now.get("finalizers"):
        late = [each for each in now.get("finalizers") or () if each not in was.get("finalizers", ())]
        if late:
            why = f"Forbidden: no new finalizers can be added if the object is being deleted, found new {late}"
            raise invalid(resource, was["name"], "metadata.finalizers", why)
    if old.get("spec") == new.get("spec"):
        return
    if resource == resources.PODS:
        _check_pod(was["name"], old["spec"], new["spec"], subresource)
    elif resource == resources.JOBS and old["spec"]["template"] != new["spec"]["template"]:
        raise invalid(resource, was["name"], "spec.template", "Invalid value: field is immutable")
    else:
        _check_schema(resource, was["name"], new)


def _check_schema(resource: Resource, name: str, body: Json) -> None:
    for field in _REQUIRED.get(resource.plural, ()):
        if "spec" in body and field not in body["spec"]:
            raise invalid(resource, name, f"spec.{field}", "Required value")


def _check_pod(name: str, was: Json, now: Json, subresource: str) -> None:
    before = [gate["name"] for gate in was.get("schedulingGates") or ()]
    for at, gate in enumerate(now.get("schedulingGates") or ()):
        if gate["name"] not in before:
            why = f"Forbidden: only deletion is allowed, but found new scheduling gate '{gate['name']}'"
            raise invalid(resources.PODS, name, f"spec.schedulingGates[{at}].name", why)
    if subresource == "binding":
        if before:
            raise conflict(resources.PODS, name, f"pod {name} has non-empty .spec.schedulingGates")
        return
    free = _FREE_WHILE_GATED if before else _FREE
    if _without(was, free) != _without(now, free) or _bare_containers(was) != _bare_containers(now):
        raise invalid(resources.PODS, name, "spec", _FIXED)


def _without(spec: Json, free: frozenset[str]) -> Json:
    return {field: value for field, value in spec.items() if field not in free}


def _bare_containers(spec: Json) -> list[dict[str, Any]]:
    """What cannot be changed of a pod's containers: all but the images."""
    both = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return [{field: value for field, value in each.items() if field != "image"} for each in both]


# By which fields objects can be selected, apart from their name and namespace.
_FIELDS = {
    "pods": {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"},
    "events": {
        *(f"involvedObject.{field}" for field in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
        *("reason", "type", "source", "reportingComponent"),
    },
    "jobs": {"status.successful"},
    "namespaces": {"status.phase"},
    "replicasets": {"status.replicas"},
    "secrets": {"type"},
}
_FIELD = re.compile(r"(?:^|,)([^=!,]+)")


def check_fields(resource: Resource, selector: str) -> None:
    """Raises ApiError (400) for fields that objects of that kind cannot be selected by."""
    for field in _FIELD.findall(selector):
        if field not in ("metadata.name", "metadata.namespace") and field not in _FIELDS.get(resource.plural, ()):
            raise bad_request(f"field label not supported: {field}")
