"""A small cluster for the controllers' tests: one namespace, some controllers, pods that do as they are told."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterable

from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation import clock
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers.base import Controller
from tests.simulation.controllers.kubelet import Kubelet, Run

NAMESPACE = "shop"
SEED = 3
_DONE = Run(0.2)


class Script:
    """`plan` is what the next pods do, in order; those that come after it end well. Kept by the name's beginning."""

    def __init__(self) -> None:
        self.plan: dict[str, list[Run]] = {}

    def run(self, pod: Json) -> Run:
        for beginning, runs in self.plan.items():
            if pod["metadata"]["name"].startswith(beginning) and runs:
                return runs.pop(0)
        return _DONE


class Cluster:
    """`history` is every change there was, `kubelet` runs until the end."""

    def __init__(self, controllers: Iterable[type[Controller]]) -> None:
        rng = random.Random(SEED)
        self.server = Server(rng)
        self.script = Script()
        self.history: list[Change] = []
        self.server.subscribe(self.history.append)
        self.server.subscribe(lambda _: self._changed.set())
        self._changed = asyncio.Event()
        self.kubelet = Kubelet(self.server, rng, self.script)
        self.controllers = [make(self.server, rng) for make in controllers]

    async def create(self, resource: Resource, name: str, *, namespace: str = NAMESPACE, **body: Json) -> Json:
        body["metadata"] = {**body.get("metadata", {}), "name": name}
        return await self.server.create(resource, body, namespace, by="user")

    async def job(self, name: str, *runs: Run, pod: Json | None = None, **spec: object) -> Json:
        """A Job whose pods do `runs`, one after the other."""
        self.script.plan[f"{name}-"] = list(runs)
        template = {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "i"}], **(pod or {})},
        }
        return await self.create(resources.JOBS, name, spec={"backoffLimit": 0, **spec, "template": template})

    async def pod(self, name: str, *runs: Run, metadata: Json | None = None, **spec: object) -> Json:
        self.script.plan[name] = list(runs)
        body: Json = {"containers": [{"name": "main", "image": "i"}], **spec}
        return await self.create(resources.PODS, name, metadata=metadata or {}, spec=body)

    def find(self, resource: Resource, name: str) -> Json | None:
        return self.server.find(resource, name, NAMESPACE)

    def get(self, resource: Resource, name: str) -> Json:
        return self.server.get(resource, name, NAMESPACE)

    def pods(self) -> list[Json]:
        return self.server.list(resources.PODS, NAMESPACE)

    async def delete(self, resource: Resource, name: str, propagation: str = "Background") -> None:
        await self.server.delete(resource, name, NAMESPACE, by="user", propagation=propagation)

    async def until(self, true: Callable[[], object], within: float = 60.0) -> float:
        """Waits for a change that makes it true; when that was, in seconds of the clock."""
        async with asyncio.timeout(within):
            while not true():
                self._changed.clear()
                await self._changed.wait()
        return clock.seconds()


@contextlib.asynccontextmanager
async def cluster(*controllers: type[Controller]) -> AsyncIterator[Cluster]:
    small = Cluster(controllers)
    tasks = [asyncio.ensure_future(each.run()) for each in small.controllers]
    tasks.append(asyncio.ensure_future(small.kubelet.run()))
    await asyncio.sleep(0)
    body = {"metadata": {"name": NAMESPACE}}
    await small.server.create(resources.NAMESPACES, body, by="user")
    try:
        yield small
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


def conditions(body: Json | None) -> list[tuple[str, str]]:
    """Types and reasons."""
    assert body is not None
    return [(each["type"], each.get("reason", "")) for each in (body.get("status") or {}).get("conditions") or ()]
