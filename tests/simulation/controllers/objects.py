"""What the workload controllers read from objects and write into them, in common."""

import hashlib
import math
from datetime import datetime
from typing import Any

import orjson

from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation import clock
from tests.simulation.apiserver.server import Server

_HASH_LETTERS = dict(zip("0123456789", "456789bcdf", strict=True))
ENDED = ("Succeeded", "Failed")


def hash_of(template: Json) -> str:
    """What names end with that stand for a pod template: up to ten of the characters that Kubernetes uses there."""
    digest = hashlib.blake2b(orjson.dumps(template, option=orjson.OPT_SORT_KEYS), digest_size=4).digest()
    return "".join(_HASH_LETTERS[digit] for digit in str(int.from_bytes(digest)))


def reference(owner: Json) -> Json:
    """An ownerReference to the controller of an object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controlled(server: Server, owner: Json, kind: str) -> list[Json]:
    """Objects of a kind that `owner` controls, oldest first."""
    uid = owner["metadata"]["uid"]
    return [body for body in server.owned(uid) if body["kind"] == kind and _controller(body) == uid]


def _controller(body: Json) -> str:
    return next((str(owner["uid"]) for owner in body["metadata"]["ownerReferences"] if owner.get("controller")), "")


def is_ending(body: Json) -> bool:
    return "deletionTimestamp" in body["metadata"]


def seconds_of(stamp: str) -> float:
    """A time as the API writes it, in seconds of the simulation's clock."""
    return (datetime.fromisoformat(stamp) - clock.EPOCH).total_seconds()


def phase(pod: Json) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def is_active(pod: Json) -> bool:
    return not is_ending(pod) and phase(pod) not in ENDED


def condition(body: Json, type_: str) -> Json | None:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == type_), None)


def is_ready(pod: Json) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready["status"] == "True"


def ready_age(pod: Json) -> float:
    """For how many seconds the pod has been ready, less than 0 if it is not."""
    ready = condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return -1.0
    return clock.seconds() - seconds_of(ready["lastTransitionTime"])


def is_available(pod: Json, min_ready_seconds: int) -> bool:
    """Ready, and for long enough."""
    return is_ready(pod) and (not min_ready_seconds or ready_age(pod) >= min_ready_seconds)


def pod_from(template: Json, owner: Json, labels: dict[str, str] | None = None) -> Json:
    """A pod of `owner`, not yet named."""
    source: Json = template.get("metadata") or {}
    metadata: Json = {
        "generateName": f"{owner['metadata']['name']}-",
        "labels": {**(source.get("labels") or {}), **(labels or {})},
        "ownerReferences": [reference(owner)],
    }
    if source.get("annotations"):
        metadata["annotations"] = source["annotations"]
    if source.get("finalizers"):
        metadata["finalizers"] = source["finalizers"]
    return {"metadata": metadata, "spec": template["spec"]}


def node_of(pod: Json) -> str:
    """The node that a pod runs on, or is to run on; "" if that is open."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or ()
    for term in terms:
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In":
                return str(field["values"][0])
    return ""


async def write_status(
    server: Server, resource: Resource, body: Json, status: Json, *, by: str, annotations: dict[str, str] | None = None
) -> None:
    """Puts `status` in the place of what `body` has, if it differs. Conflict if it is not as it was read any more.

    With a Deployment's status its annotations can be changed in the same write, and its controller does so.
    """
    old: Json = body.get("status") or {}
    if old == status and not annotations:
        return
    meta = body["metadata"]
    change: Json = {
        "metadata": {"resourceVersion": meta["resourceVersion"]},
        "status": {**dict.fromkeys(old), **status},
    }
    if annotations:
        change["metadata"]["annotations"] = annotations
    await server.patch(resource, meta["name"], change, meta["namespace"], by=by, subresource="status")


async def delete_pod(server: Server, pod: Json, *, by: str) -> None:
    """Raises no error if it is gone already."""
    meta = pod["metadata"]
    if server.find(resources.PODS, meta["name"], meta["namespace"]) is not None:
        await server.delete(resources.PODS, meta["name"], meta["namespace"], by=by, uid=meta["uid"])


def without_zeros(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def scaled(value: Any, total: int, *, up: bool) -> int:
    """A number, or a share like "25%" of `total`, rounded."""
    if isinstance(value, str):
        share = int(value.removesuffix("%")) * total / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value)
