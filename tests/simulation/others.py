"""Others that touch the same pods: an injector, the controllers of other gates, and the policy that comes with us."""

import asyncio
import base64
import random

import orjson

from app.api import wellknown
from app.cluster import resources
from tests.simulation.acts.users import BREAK_GLASS
from tests.simulation.apiserver.admission import Policy
from tests.simulation.apiserver.policies import gate_removal
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change

INJECTED = "other.example.com/budget"


async def inject(review: bytes) -> bytes:
    """Another mutating webhook: it adds a gate and a label of its own to each pod."""
    request = orjson.loads(review)["request"]
    pod = request["object"]
    gates = [*(pod["spec"].get("schedulingGates") or ()), {"name": INJECTED}]
    labels = {**(pod["metadata"].get("labels") or {}), "example.com/injected": "yes"}
    patch = [
        {"op": "add", "path": "/spec/schedulingGates", "value": gates},
        {"op": "add", "path": "/metadata/labels", "value": labels},
    ]
    answer = {"uid": request["uid"], "allowed": True, "patch": base64.b64encode(orjson.dumps(patch)).decode()}
    return orjson.dumps({"response": answer})


class ForeignGates:
    """The controllers of all gates but ours: they take theirs off sooner or later."""

    def __init__(self, server: Server, rng: random.Random) -> None:
        self._server = server
        self._rng = rng
        self._pods: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        server.subscribe(self._seen)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                namespace, name = await self._pods.get()
                group.create_task(self._open(namespace, name))

    def _seen(self, change: Change) -> None:
        if change.resource == resources.PODS and change.old is None and change.new is not None:
            gates = change.new["spec"].get("schedulingGates") or ()
            if any(gate["name"] != wellknown.GATE for gate in gates):
                self._pods.put_nowait((change.new["metadata"]["namespace"], change.new["metadata"]["name"]))

    async def _open(self, namespace: str, name: str) -> None:
        await asyncio.sleep(self._rng.uniform(0.0, self._rng.choice((2.0, 15.0))))
        pod = self._server.find(resources.PODS, name, namespace)
        if pod is None:
            return
        ours = [gate for gate in pod["spec"].get("schedulingGates") or () if gate["name"] == wellknown.GATE]
        change = {"spec": {"schedulingGates": ours or None}}
        await self._server.patch(resources.PODS, name, change, namespace, by="gate-controller")


# The chart's ValidatingAdmissionPolicy: nobody but the worker and the break-glass group opens our gate.
only_we_open: Policy = gate_removal(lambda by: by.startswith("worker") or by == BREAK_GLASS)
