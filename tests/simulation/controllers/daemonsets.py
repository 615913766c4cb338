"""Keeps one pod of a DaemonSet on each node, and replaces old ones when its template changes."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.api.wellknown import CONTROLLER_REVISION_HASH
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import ApiError
from tests.simulation.apiserver.server import NODES
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import objects
from tests.simulation.controllers.base import Controller, Key, in_batches
from tests.simulation.controllers.histories import History

_GENERATION = "pod-template-generation"


@dataclass(frozen=True)
class _Set:
    """A DaemonSet, the revision of its template, and its pods by the name of their node, oldest first."""

    body: Json
    revision: Json
    pods: dict[str, list[Json]]

    @property
    def hash(self) -> str:
        return str(self.revision["metadata"]["labels"][CONTROLLER_REVISION_HASH])

    @property
    def min_ready(self) -> int:
        return int(self.body["spec"].get("minReadySeconds", 0))

    def is_updated(self, pod: Json) -> bool:
        return bool(_hash(pod) == self.hash)

    def is_available(self, pod: Json) -> bool:
        return objects.is_available(pod, self.min_ready)


class DaemonSetController(Controller):
    name = "daemonset-controller"
    resource = resources.DAEMONSETS
    watches = (resources.DAEMONSETS, resources.PODS, NODES)

    def keys(self, change: Change) -> Iterable[Key]:
        if change.resource != NODES:
            yield from super().keys(change)
        elif change.old is None or change.new is None:
            for body in self.server.list(resources.DAEMONSETS):
                yield body["metadata"]["namespace"], body["metadata"]["name"]

    async def reconcile(self, namespace: str, name: str) -> None:
        found = self.server.find(resources.DAEMONSETS, name, namespace)
        if found is None or objects.is_ending(found):
            return
        history = History(self.server, found, CONTROLLER_REVISION_HASH, self.name)
        revision = await history.newest()
        nodes = [node["metadata"]["name"] for node in self.server.list(NODES)]
        ours = _Set(found, revision, self._pods(found))
        failure: ApiError | None = None
        try:
            if not await self._place(ours, nodes):
                await self._roll(ours, nodes)
                in_use = (_hash(pod) for pods in ours.pods.values() for pod in pods)
                current = revision["metadata"]["name"]
                await history.truncate(frozenset((current, *(f"{name}-{hash_}" for hash_ in in_use))))
        except ApiError as error:
            failure = error
        await self._tell(ours, nodes)
        if failure is not None:
            raise failure

    def _pods(self, found: Json) -> dict[str, list[Json]]:
        result: dict[str, list[Json]] = {}
        for pod in objects.controlled(self.server, found, "Pod"):
            if not (objects.is_ending(pod) and objects.phase(pod) in objects.ENDED):
                result.setdefault(objects.node_of(pod), []).append(pod)
        return result

    async def _place(self, ours: _Set, nodes: list[str]) -> bool:
        """Pods where there are none, none that have ended, one on each node. Whether there was something to do."""
        missing = [node for node in nodes if node not in ours.pods]
        too_many: list[Json] = []
        for node, pods in ours.pods.items():
            staying = [pod for pod in pods if not objects.is_ending(pod)]
            ended = [pod for pod in staying if objects.phase(pod) in objects.ENDED]
            running = [pod for pod in staying if objects.phase(pod) not in objects.ENDED]
            if node in nodes:
                too_many += [*ended, *running[1:]]
            else:
                too_many += [pod for pod in staying if not pod["spec"].get("nodeName")]
        if missing:
            await in_batches(len(missing), lambda number: self._create(ours, missing[number]))
        for pod in too_many:
            await objects.delete_pod(self.server, pod, by=self.name)
        return bool(missing or too_many)

    async def _create(self, ours: _Set, node: str) -> Json:
        labels = {CONTROLLER_REVISION_HASH: ours.hash, _GENERATION: str(ours.revision["revision"])}
        pod = objects.pod_from(ours.body["spec"]["template"], ours.body, labels)
        pod["spec"] = {**pod["spec"], "affinity": _only_on(pod["spec"].get("affinity") or {}, node)}
        return await self.server.create(resources.PODS, pod, ours.body["metadata"]["namespace"], by=self.name)

    async def _roll(self, ours: _Set, nodes: list[str]) -> None:
        """Deletes old pods: all that are not available, and as many others as may be missing at a time."""
        strategy = ours.body["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") == "OnDelete":
            return
        most = objects.scaled((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(nodes), up=True)
        unavailable = 0
        broken: list[Json] = []
        candidates: list[Json] = []
        for node in nodes:
            pods = [pod for pod in ours.pods.get(node, ()) if not objects.is_ending(pod)]
            if len(pods) != 1 or not ours.is_available(pods[0]):
                unavailable += 1
                broken += [pod for pod in pods if not ours.is_updated(pod)]
            elif not ours.is_updated(pods[0]):
                candidates.append(pods[0])
        for pod in [*broken, *candidates[: max(0, most - unavailable)]]:
            await objects.delete_pod(self.server, pod, by=self.name)

    async def _tell(self, was: _Set, nodes: list[str]) -> None:
        meta = was.body["metadata"]
        body = self.server.find(resources.DAEMONSETS, meta["name"], meta["namespace"])
        if body is None or body["metadata"]["uid"] != meta["uid"]:
            return
        now = _Set(was.body, was.revision, self._pods(body))
        first = [now.pods[node][0] for node in nodes if node in now.pods]
        ready = [pod for pod in first if objects.is_ready(pod)]
        available = sum(map(now.is_available, ready))
        counts = {
            "updatedNumberScheduled": sum(map(now.is_updated, first)),
            "numberAvailable": available,
            "numberUnavailable": len(nodes) - available,
        }
        status: Json = {
            "observedGeneration": meta["generation"],
            "desiredNumberScheduled": len(nodes),
            "currentNumberScheduled": len(first),
            "numberMisscheduled": sum(1 for node in now.pods if node not in nodes),
            "numberReady": len(ready),
        }
        status |= objects.without_zeros(counts)
        await objects.write_status(self.server, resources.DAEMONSETS, body, status, by=self.name)
        if available < len(ready):
            self.after(now.min_ready, (meta["namespace"], meta["name"]))


def _hash(pod: Json) -> str:
    return str((pod["metadata"].get("labels") or {}).get(CONTROLLER_REVISION_HASH, ""))


def _only_on(affinity: Json, node: str) -> Json:
    """The affinity with that node as the only one a pod can be on."""
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    of_nodes = {**(affinity.get("nodeAffinity") or {}), "requiredDuringSchedulingIgnoredDuringExecution": required}
    return {**affinity, "nodeAffinity": of_nodes}
