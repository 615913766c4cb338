"""Opening the gate: on each pod of a revision, by one patch that touches nothing else."""

import asyncio

from app.api.core import Pod
from app.cluster import resources
from app.cluster.api import PatchType
from app.cluster.errors import Conflict, Forbidden, Invalid, NotFound
from app.lifecycle import gates
from app.telemetry.metrics import GATES_OPENED
from app.worker.context import Context, together

_AT_ONCE = 20
_TRIES = 3


class GateRefused(Exception):
    """Somebody (a policy, another webhook) does not let us take the gate off this pod; `reason` are its words."""

    def __init__(self, pod: Pod, reason: str) -> None:
        super().__init__(f"the gate of pod {pod.metadata.namespace}/{pod.metadata.name} cannot be removed: {reason}")
        self.pod = pod
        self.reason = reason


class Gates:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def open(self, pods: list[Pod]) -> list[GateRefused]:
        """Opens ours on all of them. Returns those that were refused; raises any other error, after all were tried."""
        refused: list[GateRefused] = []
        await together([self._open(pod, refused) for pod in pods])
        return sorted(refused, key=lambda each: each.pod.metadata.name)

    async def _open(self, pod: Pod, refused: list[GateRefused]) -> None:
        async with self._at_once:
            for _ in range(_TRIES):
                operations = gates.release(pod)
                if not operations:
                    return
                meta = pod.metadata
                try:
                    body = await self._context.api.patch(
                        resources.PODS, meta.name, operations, meta.namespace, patch_type=PatchType.JSON
                    )
                except NotFound:
                    return
                except (Invalid, Forbidden) as error:
                    # Either the pod has changed since it was seen, or somebody does not let us.
                    pod = await self._again(pod)
                    if pod.metadata.resource_version == meta.resource_version:
                        refused.append(GateRefused(pod, error.message))
                        return
                else:
                    self._context.caches.pods.observe(body)
                    self._context.counts[GATES_OPENED] += 1
                    return
        raise Conflict(409, "Conflict", f"pod {meta.namespace}/{meta.name} changes too fast to open its gate")

    async def _again(self, pod: Pod) -> Pod:
        """The pod as it is now; one without a gate if it is gone."""
        try:
            raw = await self._context.api.get(resources.PODS, pod.metadata.name, pod.metadata.namespace)
        except NotFound:
            return Pod()
        self._context.caches.pods.observe(raw)
        return Pod.model_validate(raw) if raw["metadata"]["uid"] == pod.metadata.uid else Pod()
