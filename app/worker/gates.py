"""Opening the gate: on each pod of a revision, by one patch that touches nothing else."""

import asyncio

from app.api.core import Pod
from app.cluster import resources
from app.cluster.api import PatchType
from app.cluster.errors import Conflict, Forbidden, Invalid, NotFound
from app.lifecycle import gates
from app.lifecycle.explain import PREFIX
from app.worker.context import Context, together

_AT_ONCE = 20
_TRIES = 3


class Gates:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def open(self, pods: list[Pod]) -> None:
        """Opens ours on all of them. Raises the first error there was, after all have been tried."""
        await together([self._open(pod) for pod in pods])

    async def _open(self, pod: Pod) -> None:
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
                        message = f"{PREFIX}all checks have passed, but the gate cannot be removed: {error.message}"
                        self._context.event("Pod", pod, "SchedulingGateNotRemoved", message, warning=True)
                        raise
                else:
                    self._context.caches.pods.observe(body)
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
