"""Keeps as many pods as a ReplicaSet asks for."""

import math
from typing import Any

from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import ApiError
from tests.simulation import clock
from tests.simulation.controllers import objects
from tests.simulation.controllers.base import Controller, in_batches

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
FAILURE = "ReplicaFailure"


class ReplicaSetController(Controller):
    name = "replicaset-controller"
    resource = resources.REPLICASETS
    watches = (resources.REPLICASETS, resources.PODS)

    async def reconcile(self, namespace: str, name: str) -> None:
        replica_set = self.server.find(resources.REPLICASETS, name, namespace)
        if replica_set is None or objects.is_ending(replica_set):
            return
        pods = self._pods(replica_set)
        missing = replica_set["spec"]["replicas"] - len(pods)
        failure: ApiError | None = None
        try:
            if missing > 0:
                pod = objects.pod_from(replica_set["spec"]["template"], replica_set)
                await in_batches(missing, lambda _: self._create(pod, namespace))
            elif missing < 0:
                for pod in sorted(pods, key=_first_to_go)[:-missing]:
                    await objects.delete_pod(self.server, pod, by=self.name)
        except ApiError as error:
            failure = error
        await self._tell(replica_set, "FailedCreate" if missing > 0 else "FailedDelete", failure)
        if failure is not None:
            raise failure

    async def _create(self, pod: Json, namespace: str) -> Json:
        return await self.server.create(resources.PODS, pod, namespace, by=self.name)

    def _pods(self, replica_set: Json) -> list[Json]:
        return [pod for pod in objects.controlled(self.server, replica_set, "Pod") if objects.is_active(pod)]

    async def _tell(self, was: Json, reason: str, failure: ApiError | None) -> None:
        """Writes the status. The generation seen is that of `was`, what the work went by; the pods are today's."""
        meta = was["metadata"]
        now = self.server.find(resources.REPLICASETS, meta["name"], meta["namespace"])
        if now is None or now["metadata"]["uid"] != meta["uid"]:
            return
        pods = self._pods(now)
        min_ready = was["spec"].get("minReadySeconds", 0)
        ready = sum(1 for pod in pods if objects.is_ready(pod))
        available = sum(1 for pod in pods if objects.is_available(pod, min_ready))
        status: Json = {"replicas": len(pods), "observedGeneration": meta["generation"]}
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": available}
        status |= objects.without_zeros(counts)
        if failure is not None:
            known = objects.condition(now, FAILURE)
            status["conditions"] = [known or _condition(reason, str(failure.message))]
        await objects.write_status(self.server, resources.REPLICASETS, now, status, by=self.name)
        if available < ready:
            youngest = min(age for pod in pods if 0 <= (age := objects.ready_age(pod)) < min_ready)
            self.after(min_ready - youngest, (meta["namespace"], meta["name"]))


def _condition(reason: str, message: str) -> Json:
    return {
        "type": FAILURE,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": clock.stamp(),
    }


def _first_to_go(pod: Json) -> Any:
    """Sorts pods as a scale-down takes them: those that do least come first, among equals the youngest.

    As in Kubernetes, ages count as equal unless one is twice the other or so, and then the uid decides. It also asks
    how many of the pods share a node, and for restarts and the cost that an annotation gives, which nothing here sets.
    """
    age = clock.seconds() - objects.seconds_of(pod["metadata"]["creationTimestamp"])
    return (
        bool(pod["spec"].get("nodeName")),
        _PHASES.get(objects.phase(pod), 0),
        objects.is_ready(pod),
        _magnitude(objects.ready_age(pod)),
        _magnitude(age),
        pod["metadata"]["uid"],
    )


def _magnitude(seconds: float) -> int:
    return math.floor(math.log2(seconds)) if seconds > 0 else -100
