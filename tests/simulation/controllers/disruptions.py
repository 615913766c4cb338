"""Pods that the cluster itself ends: the condition that says so, and what the policy of a Job makes of it.

After kube-controller-manager 1.34. Of a podFailurePolicy only rules on conditions are known, with Ignore and Count.
"""

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation import clock
from tests.simulation.apiserver.server import Server
from tests.simulation.controllers import objects

# Who ends a pod → reason and message of the condition.
EVICTION_API = ("EvictionByEvictionAPI", "Eviction API: evicting")
TAINT_MANAGER = ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
POD_GC = ("DeletionByPodGC", "PodGC: node no longer exists")
BY_KUBELET = "TerminationByKubelet"  # with a message that says what the node lacks


def marked(pod: Json, reason: str, message: str) -> list[Json]:
    """The pod's conditions with the one that says that it is being ended."""
    known: list[Json] = (pod.get("status") or {}).get("conditions") or []
    now = {"type": wellknown.DISRUPTION, "status": "True", "lastTransitionTime": clock.stamp()}
    now |= {"reason": reason, "message": message}
    before = objects.condition(pod, wellknown.DISRUPTION)
    if before is None:
        return [*known, now]
    if before["status"] == "True":
        now["lastTransitionTime"] = before["lastTransitionTime"]
    return [now if each is before else each for each in known]


async def mark(server: Server, pod: Json, why: tuple[str, str], *, by: str, phase: str = "") -> None:
    """Writes the condition into the pod's status, and its phase with it if that is given. Raises NotFound."""
    status: Json = {"conditions": marked(pod, *why)} | ({"phase": phase} if phase else {})
    meta = pod["metadata"]
    change = {"metadata": {"uid": meta["uid"]}, "status": status}
    await server.patch(resources.PODS, meta["name"], change, meta["namespace"], by=by, subresource="status")


def waits_for_the_end(job: Json) -> bool:
    """Whether a pod of this Job counts, and is replaced, only once it has ended, and not when it is told to."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or "podFailurePolicy" in spec


def is_ignored(job: Json, pod: Json) -> bool:
    """Whether the Job does not count this pod as failed. The first rule that matches decides."""
    rules = (job["spec"].get("podFailurePolicy") or {}).get("rules") or ()
    return next((rule["action"] == "Ignore" for rule in rules if _matches(rule, pod)), False)


def _matches(rule: Json, pod: Json) -> bool:
    for pattern in rule["onPodConditions"]:
        found = objects.condition(pod, pattern["type"])
        if found is not None and found["status"] == pattern.get("status", "True"):
            return True
    return False
