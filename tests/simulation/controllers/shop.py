"""For the tests of the workload controllers: a cluster whose pods do what the test says."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation import clock
from tests.simulation.apiserver.server import NODES, Server
from tests.simulation.controllers import objects
from tests.simulation.controllers.base import Controller
from tests.simulation.controllers.daemonsets import DaemonSetController
from tests.simulation.controllers.deployments import DeploymentController
from tests.simulation.controllers.replicasets import ReplicaSetController
from tests.simulation.controllers.statefulsets import StatefulSetController

SHOP = "shop"
CONTROLLERS: tuple[type[Controller], ...] = (
    DeploymentController,
    ReplicaSetController,
    StatefulSetController,
    DaemonSetController,
)
KINDS = {
    "Deployment": resources.DEPLOYMENTS,
    "ReplicaSet": resources.REPLICASETS,
    "StatefulSet": resources.STATEFULSETS,
    "DaemonSet": resources.DAEMONSETS,
}


class Shop:
    """`server` with a namespace and one node. With `at_work`, every new pod is ready a moment after it was made."""

    def __init__(self, seed: int = 1) -> None:
        self.server = Server(random.Random(seed))
        self.rng = random.Random(seed)
        self.at_work = True
        self.server.subscribe(lambda change: self._begin() if change.resource == resources.PODS else None)
        self._due = False

    async def begin(self) -> None:
        for resource, name in ((resources.NAMESPACES, SHOP), (NODES, "node-1")):
            await self.server.create(resource, {"metadata": {"name": name}}, by="test")

    async def put(self, kind: str, image: str = "web:1", *, name: str = "web", **spec: Any) -> None:
        """Creates the workload, or changes its template's image and these fields of its spec."""
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}}
        if self.server.find(KINDS[kind], name, SHOP) is None:
            spec = {"selector": {"matchLabels": labels}, "template": template, **spec}
            await self.server.create(KINDS[kind], {"metadata": {"name": name}, "spec": spec}, SHOP, by="test")
        else:
            await self.change(kind, {"spec": {**spec, "template": template}}, name=name)
        await self.settled()

    async def change(self, kind: str, patch: Json, *, name: str = "web", subresource: str = "") -> None:
        await self.server.patch(KINDS[kind], name, patch, SHOP, by="test", subresource=subresource)
        await self.settled()

    async def settled(self, seconds: float = 2.0) -> None:
        await asyncio.sleep(seconds)

    def get(self, kind: str, name: str = "web") -> Json:
        return self.server.get(KINDS[kind], name, SHOP)

    def all(self, resource: Resource) -> list[Json]:
        return self.server.list(resource, SHOP)

    def replica_sets(self) -> list[Json]:
        """Oldest first."""
        return sorted(self.all(resources.REPLICASETS), key=lambda each: str(each["metadata"]["uid"]))

    def pods(self) -> dict[str, str]:
        """Image of each pod that is there to stay."""
        pods = self.all(resources.PODS)
        return {
            pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in pods if objects.is_active(pod)
        }

    def images(self) -> list[str]:
        return sorted(self.pods().values())

    def progressing(self) -> Json:
        return objects.condition(self.get("Deployment"), "Progressing") or {}

    async def say(self, pod: str, phase: str, *, ready: bool = False) -> None:
        """Writes the pod's status and puts it on a node."""
        now = clock.stamp()
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": now}
        status = {"phase": phase, "conditions": [condition]}
        node = {"nodeName": objects.node_of(self.server.get(resources.PODS, pod, SHOP)) or "node-1"}
        await self.server.patch(resources.PODS, pod, {"spec": node}, SHOP, by="scheduler", subresource="binding")
        await self.server.patch(resources.PODS, pod, {"status": status}, SHOP, by="kubelet", subresource="status")

    async def make_ready(self, *, but: Callable[[Json], bool] = lambda pod: False) -> None:
        for pod in self.all(resources.PODS):
            if objects.is_active(pod) and not objects.is_ready(pod) and not but(pod):
                await self.say(pod["metadata"]["name"], "Running", ready=True)
        await self.settled()

    def _begin(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(0.05, lambda: asyncio.ensure_future(self._work()))

    async def _work(self) -> None:
        """The kubelet: pods come up, and go when they are told to."""
        self._due = False
        for pod in self.all(resources.PODS):
            name = pod["metadata"]["name"]
            if objects.is_ending(pod):
                await self.server.delete(resources.PODS, name, SHOP, by="kubelet", grace=0)
            elif self.at_work and objects.phase(pod) == "Pending" and not pod["spec"].get("schedulingGates"):
                await self.say(name, "Running", ready=True)


@contextlib.asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[Shop]:
    """With all workload controllers running."""
    await shop.begin()
    tasks = [asyncio.ensure_future(kind(shop.server, shop.rng).run()) for kind in CONTROLLERS]
    try:
        yield shop
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results
