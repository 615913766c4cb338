"""Deletes Jobs that are over some time after their end, as the TTL-after-finished controller does."""

from collections.abc import Iterable

from app.cluster import resources
from tests.simulation import clock
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import objects
from tests.simulation.controllers.base import Controller, Key
from tests.simulation.controllers.jobs import INSTANT, finished_at


class TtlController(Controller):
    name = "ttl-after-finished-controller"
    resource = resources.JOBS
    watches = (resources.JOBS,)

    def keys(self, change: Change) -> Iterable[Key]:
        job = change.new
        if job is None or objects.is_ending(job) or finished_at(job) is None:
            return ()
        return super().keys(change)

    async def reconcile(self, namespace: str, name: str) -> None:
        job = self.server.find(resources.JOBS, name, namespace)
        if job is None or objects.is_ending(job):
            return
        seconds, finished = job["spec"].get("ttlSecondsAfterFinished"), finished_at(job)
        if seconds is None or finished is None:
            return
        left = objects.seconds_of(finished) + seconds - clock.seconds()
        if left > INSTANT:
            self.after(left, (namespace, name))
            return
        # In the foreground: the Job itself stays until its pods are gone.
        uid = job["metadata"]["uid"]
        await self.server.delete(resources.JOBS, name, namespace, by=self.name, propagation="Foreground", uid=uid)
