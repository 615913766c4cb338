"""Rolls things out and waits for what must happen, one after the other or many at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from app.api.core import Deployment, Job, Pod
from app.cluster import resources
from app.cluster.api import Api
from app.cluster.errors import NotFound
from bench.following import follow, running
from bench.manifests import deployment
from bench.stopwatch import Stopwatch, Times

# Until what is left of a rollout after its pod has gone has been collected, and no longer takes the next one's time.
_QUIET_SECONDS = 1.0


class Rollouts:
    """Rollouts in one namespace. A step that takes longer than `patience` seconds is a TimeoutError."""

    def __init__(self, api: Api, namespace: str, stopwatch: Stopwatch, patience: float = 90.0) -> None:
        self._api = api
        self._namespace = namespace
        self._stopwatch = stopwatch
        self._patience = patience

    async def run(self, names: Sequence[str], *, check: str = "", app: str = "") -> list[Times]:
        """All of `names` at once: each until its pod is ready. Then takes them away again."""
        return await self._run(names, lambda times: times.ready is not None, check, app)

    async def run_failing(self, name: str, check: str) -> Times:
        """One whose check fails, until its rollout has."""
        return (await self._run([name], lambda times: times.rollout_failed is not None, check, ""))[0]

    async def _run(self, names: Sequence[str], done: Callable[[Times], bool], check: str, app: str) -> list[Times]:
        times = [self._stopwatch[name] for name in names]  # from here on the stopwatch knows the names
        bodies = [deployment(name, check=check, app=app) for name in names]
        async with asyncio.timeout(self._patience):
            await asyncio.gather(*(self._api.create(resources.DEPLOYMENTS, body, self._namespace) for body in bodies))
            await self._stopwatch.wait(lambda: all(done(one) for one in times))
        async with asyncio.timeout(self._patience):
            await asyncio.gather(*(self._api.delete(resources.DEPLOYMENTS, name, self._namespace) for name in names))
            await self._stopwatch.wait(lambda: all(one.gone is not None for one in times))
        await asyncio.sleep(_QUIET_SECONDS)
        return times


@contextlib.asynccontextmanager
async def timed(api: Api, namespace: str) -> AsyncIterator[Stopwatch]:
    """A stopwatch on the pods, Jobs and Deployments of a namespace. Enters once its watches stand."""
    stopwatch = Stopwatch()
    async with running(
        [
            follow(api, namespace, resources.PODS, Pod, stopwatch.pod),
            follow(api, namespace, resources.JOBS, Job, stopwatch.job),
            follow(api, namespace, resources.DEPLOYMENTS, Deployment, stopwatch.deployment),
        ]
    ):
        yield stopwatch


async def remove(api: Api, namespaces: Sequence[str], seconds: float = 90.0) -> None:
    """Deletes these namespaces and waits until they are gone. Raises TimeoutError if one will not go."""
    for name in namespaces:
        with contextlib.suppress(NotFound):
            await api.delete(resources.NAMESPACES, name)
    async with asyncio.timeout(seconds):
        for name in namespaces:
            with contextlib.suppress(NotFound):
                while True:
                    await api.get(resources.NAMESPACES, name, metadata_only=True)
                    await asyncio.sleep(0.5)
