"""What a request makes of an object: what it may set, and what is the server's to set."""

import copy
import random

from app.cluster import errors, resources
from app.cluster.api import Json, Resource
from tests.simulation.apiserver import refusals, rules

# Left out when there is nothing in it.
_OMITTED = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})
# What no request can change of an object.
_FIXED = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def new_object(resource: Resource, body: Json, namespace: str, rng: random.Random) -> Json:
    """A copy of `body` with its kind, name and namespace. Raises Invalid for a name that none can be, or ApiError."""
    new = {**copy.deepcopy(body), "apiVersion": resource.api_version, "kind": resource.kind}
    metadata = new["metadata"] = {k: v for k, v in new["metadata"].items() if k != "uid"}
    if resource.plural not in rules.WITHOUT_STATUS:
        new.pop("status", None)
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif namespace and metadata.setdefault("namespace", namespace) != namespace:
        message = "the namespace of the provided object does not match the namespace sent on the request"
        raise refusals.bad_request(message)
    if metadata.pop("resourceVersion", ""):
        message = "resourceVersion should not be set on objects to be created"
        raise errors.Unavailable(500, "HTTP500", message)
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            why = "Required value: name or generateName is required"
            raise refusals.invalid(resource, "", "metadata.name", why)
        start = metadata["generateName"][: rules.LONGEST_GENERATED]
        metadata["name"] = start + "".join(rng.choices(_ALPHABET, k=5))
    rules.check_name(resource, metadata["name"])
    return new


def merged(resource: Resource, old: Json, new: Json, subresource: str) -> Json:
    """What a request may change of an object. Raises Conflict for another resourceVersion, Invalid for a uid."""
    was, now = old["metadata"], new["metadata"]
    if now.get("name") != was["name"]:
        message = f"the name of the object ({now.get('name')}) does not match the name on the URL ({was['name']})"
        raise refusals.bad_request(message)
    if (now.get("resourceVersion") or was["resourceVersion"]) != was["resourceVersion"]:
        raise refusals.conflict(resource, was["name"])
    if (now.get("uid") or was["uid"]) != was["uid"] and not (subresource == "status" and rules.is_ours(resource)):
        why = f'Invalid value: "{now["uid"]}": field is immutable'
        raise refusals.invalid(resource, was["name"], "metadata.uid", why)
    if subresource == "status":
        metadata = dict(was)
        if resource.plural in rules.STATUS_WITH_ANNOTATIONS and "annotations" in now:
            metadata["annotations"] = now["annotations"]
        rest = {field: value for field, value in old.items() if field != "status"}
        return {**rest, "metadata": metadata, **({"status": new["status"]} if "status" in new else {})}
    if resource.plural not in rules.WITHOUT_STATUS:
        new = {k: v for k, v in new.items() if k != "status"} | ({"status": old["status"]} if "status" in old else {})
    metadata = {k: v for k, v in now.items() if v or k not in _OMITTED} | {k: was[k] for k in _FIXED if k in was}
    new = {**new, "metadata": metadata}
    if resource == resources.PODS and not new["spec"].get("schedulingGates", True):
        new["spec"] = {k: v for k, v in new["spec"].items() if k != "schedulingGates"}
    return new


def is_wanted_anew(resource: Resource, subresource: str, old: Json, new: Json) -> bool:
    """Whether a change makes a new generation."""
    if subresource == "status":
        return False
    if resource.plural in rules.ANNOTATIONS_COUNT:
        was, now = old["metadata"].get("annotations") or {}, new["metadata"].get("annotations") or {}
        return was != now or _content(old) != _content(new)
    return _content(old) != _content(new)


def _content(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}
