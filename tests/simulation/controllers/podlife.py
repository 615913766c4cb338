"""One pod, from the scheduler to its end. Times are those of a real kubelet with its images at hand."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import Conflict, NotFound
from tests.simulation import clock
from tests.simulation.apiserver.server import Server
from tests.simulation.controllers import disruptions, nodes, objects, podstatus

NAME = "kubelet"
SCHEDULER = "default-scheduler"
POD_GC = "pod-garbage-collector"
PROBE_SECONDS = 1.0  # between a container's end and the pod's
FIRST_PULL_SECONDS = 10.0  # between two tries to get an image, doubled each time
FIRST_CRASH_SECONDS = 10.0  # before the second restart of a container, doubled each time
LAST_BACKOFF_SECONDS = 300.0
RETRY_SECONDS = (0.5, 12.0)  # until it looks again at a container that it could not configure
SHORT_SECONDS = 0.5  # what runs for less is never seen running
FIRST_MOUNT_SECONDS = 0.5  # between two tries to mount a volume, doubled each time
LAST_MOUNT_SECONDS = 122.0
POD_GC_SECONDS = 20.0  # between two rounds of the collector of pods that nobody else ends
INSTANT = 1e-6  # less than that a loop may not tell apart
_PULLING = ("ErrImagePull", "ImagePullBackOff")


@dataclass(frozen=True, slots=True)
class Run:
    """What a pod's containers do once they start: end after `seconds`, or run and be ready for ever (None).

    `said` is their termination message. `waiting` is why they cannot start, "ImagePullBackOff" for example: then it
    is asked again later. `stopped` is the exit code when they are told to end, 137 for those that have to be killed,
    None for one of several by chance.
    """

    seconds: float | None
    exit_code: int = 0
    said: str = ""
    waiting: str = ""
    stopped: int | None = None


class Behaviour(Protocol):
    def run(self, pod: Json) -> Run:
        """Asked each time that the containers of `pod` are about to start."""
        ...


class _Stopped(Exception):
    """The pod is being deleted, or its node or the kubelet wants it to end."""


class PodLife:
    """`choose` gives the node for a pod, "" if there is none now."""

    def __init__(
        self, server: Server, rng: random.Random, behaviour: Behaviour, pod: Json, choose: Callable[[Json], str]
    ) -> None:
        meta = pod["metadata"]
        self.namespace: str = meta["namespace"]
        self.name: str = meta["name"]
        self.uid: str = meta["uid"]
        self.cut_off = False  # its node is lost: nobody hears of it any more
        self.needs = False  # waits for a ConfigMap, a Secret or a node
        self._server = server
        self._rng = rng
        self._behaviour = behaviour
        self._choose = choose
        self._wake: asyncio.Future[None] | None = None
        self._evicted = ""
        self._state: Json = podstatus.waiting("ContainerCreating")
        self._started: str | None = None  # when its containers did
        self._last: Json | None = None
        self._restarts = 0
        self._stopped: int | None = None

    def poke(self) -> None:
        """Something has happened that may matter to it."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def evict(self, message: str) -> None:
        self._evicted = message
        self.poke()

    async def live(self) -> None:
        """Until the pod has ended or is gone."""
        try:
            await self._bound()
            await self._ran()
        except _Stopped:
            with contextlib.suppress(NotFound, Conflict):
                await self._stop()
        except (NotFound, Conflict):
            return  # deleted without grace, or another is there by that name

    async def _bound(self) -> None:
        while not (pod := self._pod())["spec"].get("nodeName"):
            if pod["spec"].get("schedulingGates"):
                await self._nap(None)
                continue
            await self._nap(self._rng.uniform(0.002, 0.1))
            if self._pod()["spec"].get("schedulingGates") or self._pod()["spec"].get("nodeName"):
                continue
            if node := self._choose(self._pod()):
                change: Json = {"metadata": {"uid": self.uid}, "spec": {"nodeName": node}}
                await self._server.patch(
                    resources.PODS, self.name, change, self.namespace, by=SCHEDULER, subresource="binding"
                )
                continue
            await self._write(podstatus.unschedulable(self._pod(), "0/1 nodes are available"), by=SCHEDULER)
            self.needs = True
            await self._nap(None)
            self.needs = False

    async def _ran(self) -> None:
        await self._nap(self._rng.uniform(0.002, 0.05))
        await self._say("Pending", podstatus.waiting("ContainerCreating"))
        await self._mounted()
        await self._nap(self._rng.uniform(0.1, 0.8))
        policy = self._pod()["spec"].get("restartPolicy", "Always")
        while True:
            run = await self._startable()
            await self._containers(run)
            if policy == "Never" or (policy == "OnFailure" and not run.exit_code):
                await self._nap(PROBE_SECONDS + self._rng.uniform(0.0, 0.15))
                await self._say("Failed" if run.exit_code else "Succeeded", self._state)
                return
            await self._restart()

    async def _mounted(self) -> None:
        """Waits for what its volumes need, which is looked for at longer and longer intervals."""
        tries = 0
        while nodes.missing_mount(self._server, self._pod()):
            self.needs = True
            began = clock.seconds()
            await self._nap(None)
            waited, pause = clock.seconds() - began, 0.0
            while pause < waited:
                pause += min(FIRST_MOUNT_SECONDS * 2**tries, LAST_MOUNT_SECONDS)
                tries = min(tries + 1, 10)
            self.needs = False
            await self._nap(pause - waited)

    async def _startable(self) -> Run:
        """What the containers do, once they can start."""
        tries = 0
        while True:
            if message := nodes.missing_variable(self._server, self._pod()):
                await self._say(self._phase(), podstatus.waiting("CreateContainerConfigError", message))
                self.needs = True
                await self._nap(None)
                self.needs = False
                await self._nap(self._rng.uniform(*RETRY_SECONDS))
                continue
            try:
                run = self._behaviour.run(self._pod())
            except NotFound:  # what was mounted has been deleted since
                await self._nap(PROBE_SECONDS)
                await self._mounted()
                continue
            if not run.waiting:
                return run
            pause = min(FIRST_PULL_SECONDS * 2 ** min(tries, 10), LAST_BACKOFF_SECONDS)
            tries += 1
            await self._cannot_start(run, pause)

    async def _cannot_start(self, run: Run, pause: float) -> None:
        if run.waiting not in _PULLING:
            await self._say(self._phase(), podstatus.waiting(run.waiting, run.said))
            await self._nap(pause)
            return
        image = self._pod()["spec"]["containers"][0].get("image", "")
        failure = run.said or f'failed to resolve reference "{image}": not found'
        await self._say(self._phase(), podstatus.waiting("ErrImagePull", failure))
        seen = min(pause, self._rng.uniform(1.0, 14.0))
        await self._nap(seen)
        message = f'Back-off pulling image "{image}": ErrImagePull: {failure}'
        await self._say(self._phase(), podstatus.waiting("ImagePullBackOff", message))
        await self._nap(pause - seen)

    async def _containers(self, run: Run) -> None:
        """Runs them to their end. The pod's phase changes later."""
        self._started, self._stopped = clock.stamp(), run.stopped
        if run.seconds is None or run.seconds > SHORT_SECONDS:
            await self._say("Running", podstatus.running(self._started))
        else:
            self._state = podstatus.running(self._started)
        while run.seconds is None:
            await self._nap(None)
        await self._nap(run.seconds)
        await self._say(self._phase(), podstatus.terminated(run.exit_code, run.said, self._started))

    async def _restart(self) -> None:
        self._last, self._restarts = self._state, self._restarts + 1
        if self._restarts == 1:
            await self._nap(PROBE_SECONDS)
            return
        pause = min(FIRST_CRASH_SECONDS * 2 ** min(self._restarts - 2, 10), LAST_BACKOFF_SECONDS)
        message = f"back-off {pause:g}s restarting failed container"
        await self._say("Running", podstatus.waiting("CrashLoopBackOff", message))
        await self._nap(pause)

    async def _stop(self) -> None:
        """Ends the containers within the grace that is left, and then the pod."""
        try:
            if not self._pod(any_state=True)["spec"].get("nodeName"):
                await self._collected()
                return
            await self._end_containers()
            ended = self._state["terminated"]["exitCode"]
            if self._evicted:
                words = {"reason": "Evicted", "message": self._evicted}
                await self._say("Failed", self._state, (disruptions.BY_KUBELET, self._evicted), **words)
            else:
                await self._say("Failed" if ended else "Succeeded", self._state)
            if objects.is_ending(self._pod(any_state=True)):
                await asyncio.sleep(self._rng.uniform(0.1, 0.9))
                await self._delete()
        except NotFound:
            return

    async def _collected(self) -> None:
        """It is on no node, and a finalizer holds it: after a while it counts as failed, so that its Job can go on."""
        await asyncio.sleep(self._rng.uniform(0.0, POD_GC_SECONDS))
        self._pod(any_state=True)
        await self._patch({"phase": "Failed"}, by=POD_GC)
        await self._delete(by=POD_GC)

    async def _end_containers(self) -> None:
        """Some heed SIGTERM and exit with 0 or say that it ended them, others are killed when their time is up."""
        if "terminated" in self._state:
            return
        code = podstatus.KILLED
        if "running" in self._state and not self._evicted:
            code = self._rng.choice((0, 143, podstatus.KILLED)) if self._stopped is None else self._stopped
            grace = float(self._pod(any_state=True)["metadata"].get("deletionGracePeriodSeconds", 0))
            await asyncio.sleep(grace if code == podstatus.KILLED else min(grace, self._rng.uniform(0.05, 2.0)))
        self._pod(any_state=True)
        self._state = podstatus.terminated(code, "", self._started)

    async def _delete(self, by: str = NAME) -> None:
        await self._server.delete(resources.PODS, self.name, self.namespace, by=by, uid=self.uid, grace=0)

    def _phase(self) -> str:
        return objects.phase(self._pod())

    def _pod(self, *, any_state: bool = False) -> Json:
        """The pod as it is. Raises NotFound if it is gone, and _Stopped if it has to end, unless that is expected."""
        pod = self._server.get(resources.PODS, self.name, self.namespace)
        if pod["metadata"]["uid"] != self.uid or self.cut_off:
            raise NotFound(404, "NotFound", f'pods "{self.name}" not found')
        if not any_state and (self._evicted or objects.is_ending(pod)):
            raise _Stopped
        return pod

    async def _say(self, phase: str, state: Json, disruption: tuple[str, str] | None = None, **more: str) -> None:
        self._state = state
        pod = self._server.get(resources.PODS, self.name, self.namespace)
        status = podstatus.status(pod, phase, state, restarts=self._restarts, last=self._last, **more)
        if disruption is not None:
            status["conditions"] = disruptions.marked({"status": status}, *disruption)
        await self._write(status)

    async def _write(self, status: Json, by: str = NAME) -> None:
        pod = self._server.get(resources.PODS, self.name, self.namespace)
        if pod["metadata"]["uid"] != self.uid or self.cut_off:
            raise NotFound(404, "NotFound", f'pods "{self.name}" not found')
        await self._patch({**dict.fromkeys(pod.get("status") or {}), **status}, by=by)

    async def _patch(self, status: Json, *, by: str) -> None:
        change = {"status": status}
        await self._server.patch(resources.PODS, self.name, change, self.namespace, by=by, subresource="status")

    async def _nap(self, seconds: float | None) -> None:
        """Waits so long, or until it is poked (None). Raises as `_pod` does."""
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.time() + seconds
        while True:
            self._pod()
            if end is not None and loop.time() >= end - INSTANT:
                return
            self._wake = loop.create_future()
            timer = None if end is None else loop.call_at(end, self.poke)
            try:
                await self._wake
            finally:
                self._wake = None
                if timer is not None:
                    timer.cancel()
            if end is None:
                self._pod()
                return
