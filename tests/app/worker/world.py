"""A cluster in memory with a worker in it, for whole rollouts on the loop's own clock."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from app import settings
from app.api import wellknown
from app.cluster import errors, resources
from app.cluster.api import Json
from app.cluster.events import EventRecorder
from app.cluster.queue import WorkQueue
from app.worker import caches
from app.worker.context import Context
from app.worker.wiring import Wiring
from tests.builders import SHOP, definition, deployment, pod, replica_set
from tests.fakes.api import Call, FakeApi
from tests.fakes.kubelet import Kubelet
from tests.simulation.clock import now, seconds

INSTALLATION = "keptn-system"
SETTINGS = settings.from_environment({"POD_NAMESPACE": INSTALLATION, "POD_NAME": "worker-1"})


class World:
    """Without `works`, the worker's caches are kept but nothing reconciles and no Job runs: for tests of one part.

    With a `seed`, the cluster answers and tells with delays that differ, so that everything comes in another order.
    """

    def __init__(self, *, works: bool = True, seed: int | None = None) -> None:
        self.api = FakeApi(rng=None if seed is None else random.Random(seed))
        self.kubelet = Kubelet(self.api)
        self.crashed = asyncio.Event()
        self.context: Context
        self.wiring: Wiring
        self._works = works
        self._worker: list[asyncio.Task[None]] = []
        self._events: list[EventRecorder] = []
        self._cluster: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self.api.put({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": SHOP}})
        self._cluster = [asyncio.create_task(self.kubelet.run())] if self._works else []
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        await _end(self._cluster)

    # The worker

    async def start(self) -> None:
        """A new worker process, which knows nothing but the cluster. One that runs already goes on beside it."""
        rng = random.Random(1)
        known = caches.build(self.api, rng)
        events = EventRecorder(self.api, component="worker", instance="worker-1", now=now)
        self._events.append(events)
        self.context = Context(self.api, known, SETTINGS, events, now)
        self.wiring = Wiring(self.context, lambda: WorkQueue(rng))
        self._worker += [asyncio.create_task(informer.run()) for informer in known.all()]
        for informer in known.all():
            await informer.synced()
        if self._works:
            self._worker.append(asyncio.create_task(self.wiring.run()))

    async def stop(self) -> None:
        for events in self._events:
            await events.aclose(0)
        await _end(self._worker)
        self._events, self._worker = [], []

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def crash_at_write(self, number: int, *, done: bool) -> None:
        """From its `number`-th write on (events apart), the API hears the worker no more.

        `done` says whether that one was done.
        """
        left = number

        def count(call: Call) -> None:
            nonlocal left
            counts = call.is_write and call.resource != "events"
            left -= counts
            if counts and left == 0:
                self.api.dead = True
                self.crashed.set()
                raise errors.Unavailable(0, "ConnectionFailed", "crash")

        if done:
            self.api.after = count
        else:
            self.api.before = count

    async def recover(self) -> None:
        """A new worker after a crash."""
        await self.stop()
        self.api.before = self.api.after = lambda call: None
        self.api.dead = False
        await self.start()

    # The user

    async def told(self) -> None:
        """Lets the caches hear of what has happened."""
        await asyncio.sleep(0.1)

    def define(self, name: str = "check", namespace: str = SHOP, **spec: Any) -> None:
        self.api.put(definition(name, namespace).spec(**(spec or _CONTAINER)).raw)

    def deploy(
        self,
        name: str = "web",
        checks: str = "check",
        *,
        version: str = "1.0",
        image: str = "web:1",
        revision: int = 1,
        replicas: int = 1,
        keys_on_workload: bool = False,
        gates: Sequence[str] = (),
        app: str = "",
        marks: dict[str, str] | None = None,
    ) -> Json:
        """A Deployment, its ReplicaSet of this revision and that one's held pods. Returns the ReplicaSet.

        `marks` are more annotations beside the keys.
        """
        keys = (
            {
                wellknown.WORKLOAD: name,
                wellknown.VERSION: version,
                "keptn.sh/pre-deployment-tasks": checks,
            }
            | ({wellknown.APP: app} if app else {})
            | (marks or {})
        )
        numbered = {wellknown.DEPLOYMENT_REVISION: str(revision)}
        above = deployment(name)
        there = [body for body in self.api.all(resources.DEPLOYMENTS) if body["metadata"]["name"] == name]
        on_workload = {"metadata": {"annotations": numbered | (keys if keys_on_workload else {})}}
        if there:
            self.api.edit(resources.DEPLOYMENTS, name, on_workload | {"status": above.raw["status"]})
        else:
            self.api.put(above.changed(on_workload).raw)
        template = {
            "metadata": {"labels": {"app": name}, "annotations": {} if keys_on_workload else keys},
            "spec": {"containers": [{"name": "main", "image": image}]},
        }
        own = replica_set(f"{name}-{revision}").owned_by(above)
        body = self.api.put(own.changed({"metadata": {"annotations": numbered}, "spec": {"template": template}}).raw)
        for number in range(replicas):
            self.scale_up(f"{name}-{revision}", f"{name}-{revision}-{number}", gates=gates)
        return body

    def is_up(self, *names: str) -> None:
        """All that these Deployments ask for is there."""
        numbers = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
        for name in names:
            self.api.edit(resources.DEPLOYMENTS, name, {"status": numbers})

    def scale_up(self, replica_set_name: str, pod_name: str, *, gates: Sequence[str] = ()) -> None:
        """One more pod of a ReplicaSet, held as admission does it."""
        owner = self.api.one(resources.REPLICASETS, replica_set_name)
        above = replica_set(replica_set_name).with_uid(owner["metadata"]["uid"])
        template = owner["spec"]["template"]
        made = pod(pod_name).held(*gates).owned_by(above).changed({"metadata": template["metadata"]})
        self.api.put(made.changed({"spec": template["spec"], "metadata": {"uid": ""}}).raw)

    # The observer

    async def until(self, condition: Callable[[], bool], within: float = 60.0) -> float:
        """Waits until that holds; returns the seconds it took."""
        start = seconds()
        async with asyncio.timeout(within):
            while not condition():
                await self.api.changed.wait()
        return seconds() - start

    def held(self) -> list[str]:
        return [
            each["metadata"]["name"]
            for each in self.api.all(resources.PODS)
            if {"name": wellknown.GATE} in each["spec"].get("schedulingGates", [])
        ]

    def is_open(self, *names: str) -> bool:
        return not self.held() if not names else not set(names) & set(self.held())

    def versions(self) -> dict[str, str]:
        """State of the checks of each KeptnWorkloadVersion."""
        return {
            each["metadata"]["name"]: (each.get("status") or {}).get("preDeploymentStatus", "")
            for each in self.api.all(resources.WORKLOAD_VERSIONS)
        }

    def app_versions(self) -> dict[str, str]:
        """State of each KeptnAppVersion."""
        return {
            each["metadata"]["name"]: (each.get("status") or {}).get("status", "")
            for each in self.api.all(resources.APP_VERSIONS)
        }

    def tasks(self) -> list[Json]:
        return self.api.all(resources.TASKS)

    def task(self) -> Json:
        (only,) = self.tasks()
        return only

    def progressing(self, name: str = "web") -> Json:
        """The Deployment's condition."""
        (condition,) = self.api.one(resources.DEPLOYMENTS, name)["status"]["conditions"]
        result: Json = condition
        return result

    def events(self, kind: str) -> list[Json]:
        return [each for each in self.api.all(resources.EVENTS) if each["involvedObject"]["kind"] == kind]


async def settled(world: World, seconds: float = 30.0) -> int:
    """Lets that much time pass; how many writes there were in it."""
    before = len(world.api.writes())
    await asyncio.sleep(seconds)
    return len(world.api.writes()) - before


_CONTAINER = {"container": {"name": "check", "image": "check:1"}}
ONCE: dict[str, Any] = _CONTAINER | {"retries": 0}


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
