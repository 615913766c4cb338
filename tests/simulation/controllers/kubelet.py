"""The scheduler, the kubelets of all nodes, and what becomes of pods when a node is lost."""

import asyncio
import random
from collections import deque

from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import NotFound
from tests.simulation.apiserver.server import NODES, Server
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import disruptions, nodes, objects
from tests.simulation.controllers.podlife import NAME, POD_GC, POD_GC_SECONDS, Behaviour, PodLife, Run

__all__ = ["Behaviour", "Kubelet", "Run"]

# A node that is not heard of: after so long its pods are not ready, after so long again they are deleted.
NODE_GRACE_SECONDS = 40.0
TOLERATION_SECONDS = 300.0
# A machine that is gone for good is taken off the list of nodes then; its pods wait for so long in case it comes back.
QUARANTINE_SECONDS = 40.0

_NODE_LOW = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 40Mi. "
TAINT_MANAGER = "taint-eviction-controller"
Key = tuple[str, str]


class Kubelet:
    """Runs pods on the Nodes in the store, on "node-1" where there are none.

    `behaviour` says what containers do when they start.
    """

    def __init__(self, server: Server, rng: random.Random, behaviour: Behaviour) -> None:
        self._server = server
        self._rng = rng
        self._behaviour = behaviour
        self._lives: dict[Key, PodLife] = {}
        self._fresh: deque[Json] = deque()
        self._lost: dict[str, None] = {}
        self._turn = 0
        self._running = False
        self._wake: asyncio.Event = asyncio.Event()
        server.subscribe(self._heard)

    async def run(self) -> None:
        """Until cancelled. Begins with all pods that have not ended."""
        self._running = True
        for pod in self._server.list(resources.PODS):
            self._meet(pod)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    while self._fresh:
                        group.create_task(self._live(self._fresh.popleft()))
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            self._running = False
            self._lives.clear()
            self._fresh.clear()

    async def evict(self, namespace: str, name: str) -> None:
        """Ends a pod as a kubelet does that is short of memory. Nothing happens to one that does not run here."""
        life = self._lives.get((namespace, name))
        pod = self._server.find(resources.PODS, name, namespace)
        if life is not None and pod is not None and pod["spec"].get("nodeName"):
            life.evict(_NODE_LOW)

    async def drain(self, namespace: str, name: str, *, by: str) -> None:
        """Asks a pod to leave its node, as `kubectl drain` does by the eviction API. Raises NotFound.

        No PodDisruptionBudget is asked. A pod that has ended, or is just being deleted, gets the condition too.
        """
        pod = self._server.get(resources.PODS, name, namespace)
        await disruptions.mark(self._server, pod, disruptions.EVICTION_API, by=by)
        await self._server.delete(resources.PODS, name, namespace, by=by, uid=pod["metadata"]["uid"])

    async def lose(self, node: str) -> None:
        """The node is gone, and its pods run no more, or nobody knows. Takes the time until the last is deleted."""
        self._lost[node] = None
        for key, _ in self._on(node):
            if (life := self._lives.get(key)) is not None:
                life.cut_off = True
                life.poke()
        await asyncio.sleep(NODE_GRACE_SECONDS)
        for (namespace, name), pod in self._on(node):
            if objects.is_ready(pod):
                await self._not_ready(namespace, name, pod)
        await asyncio.sleep(TOLERATION_SECONDS)
        for (namespace, name), pod in self._on(node):
            if not objects.is_ending(pod):
                await disruptions.mark(self._server, pod, disruptions.TAINT_MANAGER, by=TAINT_MANAGER)
                await self._server.delete(resources.PODS, name, namespace, by=TAINT_MANAGER)
        if self._server.find(NODES, node) is not None:
            await self._server.delete(NODES, node, by="cloud-node-lifecycle-controller")
        await asyncio.sleep(QUARANTINE_SECONDS + POD_GC_SECONDS)
        for (namespace, name), pod in self._on(node):
            await self._collect(namespace, name, pod)

    async def _live(self, pod: Json) -> None:
        life = PodLife(self._server, self._rng, self._behaviour, pod, self._choose)
        key = (life.namespace, life.name)
        self._lives[key] = life
        try:
            await life.live()
        finally:
            if self._lives.get(key) is life:
                del self._lives[key]

    def _heard(self, change: Change) -> None:
        """Tells the pods' lives, and leaves new ones to `run`: a change is heard in the context of who made it."""
        if not self._running:
            return
        plural = change.resource.plural
        if plural == "pods":
            self._heard_of_pod(change)
        elif plural in ("configmaps", "secrets", "nodes") and change.new is not None:
            if plural == "nodes" and change.old is None:
                self._lost.pop(change.new["metadata"]["name"], None)
            for life in self._lives.values():
                if life.needs:
                    life.poke()

    def _heard_of_pod(self, change: Change) -> None:
        old, new = change.old, change.new
        meta = change.body["metadata"]
        if old is None:
            self._meet(change.body)
            return
        if change.by == NAME and new is not None:
            return
        life = self._lives.get((meta["namespace"], meta["name"]))
        if life is not None and (new is None or objects.is_ending(new) or old["spec"] is not new["spec"]):
            life.poke()

    def _meet(self, pod: Json) -> None:
        if objects.phase(pod) not in objects.ENDED:
            self._fresh.append(pod)
            self._wake.set()

    def _choose(self, pod: Json) -> str:
        self._turn += 1
        return nodes.node_for(self._server, pod, list(self._lost), self._turn)

    def _on(self, node: str) -> list[tuple[Key, Json]]:
        pods = self._server.list(resources.PODS)
        return [
            ((pod["metadata"]["namespace"], pod["metadata"]["name"]), pod)
            for pod in pods
            if pod["spec"].get("nodeName") == node and objects.phase(pod) not in objects.ENDED
        ]

    async def _not_ready(self, namespace: str, name: str, pod: Json) -> None:
        conditions = [
            {**each, "status": "False", "reason": "NodeNotReady"} if each["type"] == "Ready" else each
            for each in pod["status"]["conditions"]
        ]
        change = {"status": {"conditions": conditions}}
        await self._server.patch(resources.PODS, name, change, namespace, by="node-controller", subresource="status")

    async def _collect(self, namespace: str, name: str, pod: Json) -> None:
        await disruptions.mark(self._server, pod, disruptions.POD_GC, by=POD_GC, phase="Failed")
        uid = pod["metadata"]["uid"]
        try:
            await self._server.delete(resources.PODS, name, namespace, by=POD_GC, uid=uid, grace=0)
        except NotFound:
            return  # its finalizer went, and the pod with it
