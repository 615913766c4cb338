"""Keeps the numbered pods of a StatefulSet: one after the other, or all at once, and the newest template from the top.

Kept from Kubernetes: with OrderedReady, a pod that never became ready is not replaced for a newer template.
"""

from dataclasses import dataclass

from app.api.wellknown import CONTROLLER_REVISION_HASH
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import ApiError
from tests.simulation.controllers import objects
from tests.simulation.controllers.base import Controller, in_batches
from tests.simulation.controllers.histories import History, template_of

_HASH = "controller.kubernetes.io/hash"
_POD_NAME = "statefulset.kubernetes.io/pod-name"
_POD_INDEX = "apps.kubernetes.io/pod-index"


@dataclass(frozen=True)
class _Revisions:
    current: Json
    update: Json

    @property
    def names(self) -> tuple[str, str]:
        return self.current["metadata"]["name"], self.update["metadata"]["name"]


class StatefulSetController(Controller):
    name = "statefulset-controller"
    resource = resources.STATEFULSETS
    watches = (resources.STATEFULSETS, resources.PODS)

    async def reconcile(self, namespace: str, name: str) -> None:
        found = self.server.find(resources.STATEFULSETS, name, namespace)
        if found is None or objects.is_ending(found):
            return
        history = History(self.server, found, _HASH, self.name)
        update = await history.newest()
        status: Json = found.get("status") or {}
        current = next(
            (each for each in history.all() if each["metadata"]["name"] == status.get("currentRevision")), update
        )
        revisions = _Revisions(current, update)
        failure: ApiError | None = None
        try:
            await self._step(found, revisions)
        except ApiError as error:
            failure = error
        await self._tell(found, revisions)
        if failure is not None:
            raise failure
        pods = objects.controlled(self.server, found, "Pod")
        await history.truncate(frozenset((*revisions.names, *map(_revision, pods))))

    async def _step(self, found: Json, revisions: _Revisions) -> None:
        """What can be done now: missing pods made, pods that are too many deleted, an old one deleted."""
        spec = found["spec"]
        in_order = spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        min_ready = spec.get("minReadySeconds", 0)
        pods = {_ordinal(pod): pod for pod in objects.controlled(self.server, found, "Pod")}
        start = (spec.get("ordinals") or {}).get("start", 0)
        wanted = range(start, start + spec["replicas"])
        there = {ordinal: pods.get(ordinal) for ordinal in wanted}
        if in_order:
            for ordinal, pod in there.items():
                if not await self._keep(found, revisions, ordinal, pod) or not _works(pod, min_ready):
                    return
        else:
            numbers = list(there)
            await in_batches(len(numbers), lambda at: self._keep(found, revisions, numbers[at], there[numbers[at]]))
        condemned = sorted((ordinal for ordinal in pods if ordinal not in wanted), reverse=True)
        if condemned:
            first_bad = min((each for each in condemned if not _works(pods[each], min_ready)), default=None)
            for ordinal in condemned:
                pod = pods[ordinal]
                if in_order and (objects.is_ending(pod) or not _works(pod, min_ready)) and ordinal != first_bad:
                    return
                if not objects.is_ending(pod):
                    await objects.delete_pod(self.server, pod, by=self.name)
                if in_order:
                    return
        await self._update(spec, list(there.values()), revisions.names[1])

    async def _keep(self, found: Json, revisions: _Revisions, ordinal: int, pod: Json | None) -> bool:
        """Makes a missing pod, deletes one that has ended. Whether it was there and can stay."""
        if pod is None:
            await self._create(found, revisions, ordinal)
            return False
        if objects.phase(pod) in objects.ENDED:
            if not objects.is_ending(pod):
                await objects.delete_pod(self.server, pod, by=self.name)
            return False
        return True

    async def _update(self, spec: Json, replicas: list[Json | None], update: str) -> None:
        """Deletes the highest pod that has an older template, once those above it work."""
        strategy = spec.get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") == "OnDelete":
            return
        lowest = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for pod in reversed(replicas[lowest:]):
            if pod is not None and _revision(pod) != update and not objects.is_ending(pod):
                await objects.delete_pod(self.server, pod, by=self.name)
                return
            if not _works(pod, spec.get("minReadySeconds", 0)):
                return

    async def _create(self, found: Json, revisions: _Revisions, ordinal: int) -> None:
        revision = revisions.current if self._is_held_back(found, ordinal) else revisions.update
        name = f"{found['metadata']['name']}-{ordinal}"
        labels = {
            CONTROLLER_REVISION_HASH: revision["metadata"]["name"],
            _POD_NAME: name,
            _POD_INDEX: str(ordinal),
        }
        pod = objects.pod_from(template_of(revision), found, labels)
        pod["metadata"]["name"] = name
        pod["spec"] = {**pod["spec"], "hostname": name}
        if found["spec"].get("serviceName"):
            pod["spec"]["subdomain"] = found["spec"]["serviceName"]
        await self.server.create(resources.PODS, pod, found["metadata"]["namespace"], by=self.name)

    @staticmethod
    def _is_held_back(found: Json, ordinal: int) -> bool:
        """Whether a new pod is to have the template from before: it is below the partition of a rolling update."""
        strategy = found["spec"].get("updateStrategy") or {}
        start: int = (found["spec"].get("ordinals") or {}).get("start", 0)
        partition: int = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        return strategy.get("type", "RollingUpdate") == "RollingUpdate" and ordinal < start + partition

    async def _tell(self, was: Json, revisions: _Revisions) -> None:
        meta = was["metadata"]
        now = self.server.find(resources.STATEFULSETS, meta["name"], meta["namespace"])
        if now is None or now["metadata"]["uid"] != meta["uid"]:
            return
        spec = was["spec"]
        pods = objects.controlled(self.server, now, "Pod")
        staying = [pod for pod in pods if not objects.is_ending(pod)]
        current, update = revisions.names
        ready = [pod for pod in pods if _runs(pod)]
        counts = {
            "readyReplicas": len(ready),
            "currentReplicas": sum(1 for pod in staying if _revision(pod) == current),
            "updatedReplicas": sum(1 for pod in staying if _revision(pod) == update),
        }
        rolling = (spec.get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
        if rolling and counts["updatedReplicas"] == len(ready) == len(pods) == spec["replicas"]:
            current = update
            counts["currentReplicas"] = counts["updatedReplicas"]
        min_ready = spec.get("minReadySeconds", 0)
        available = [pod for pod in ready if objects.is_available(pod, min_ready)]
        status: Json = {
            "observedGeneration": meta["generation"],
            "replicas": len(pods),
            "availableReplicas": len(available),
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": 0,
        }
        status |= objects.without_zeros(counts)
        await objects.write_status(self.server, resources.STATEFULSETS, now, status, by=self.name)
        if len(available) < len(ready):
            self.after(min_ready, (meta["namespace"], meta["name"]))


def _ordinal(pod: Json) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _revision(pod: Json) -> str:
    return str(pod["metadata"].get("labels", {}).get(CONTROLLER_REVISION_HASH, ""))


def _runs(pod: Json) -> bool:
    return objects.phase(pod) == "Running" and objects.is_ready(pod)


def _works(pod: Json | None, min_ready_seconds: int) -> bool:
    """Whether it is there to stay, runs, and has been ready for long enough."""
    if pod is None or objects.is_ending(pod):
        return False
    return _runs(pod) and objects.is_available(pod, min_ready_seconds)
