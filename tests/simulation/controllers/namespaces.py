"""Empties namespaces that are being deleted, as the namespace controller of 1.34 does: pods first, then all else."""

from collections.abc import Iterable

from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation import clock
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import objects
from tests.simulation.controllers.base import Controller, Key

GRACE_SECONDS = 5.0  # after which it begins
FINALIZER_SECONDS = 15  # that it gives whoever must take a finalizer off


class NamespaceController(Controller):
    name = "namespace-controller"
    resource = resources.NAMESPACES
    watches = (resources.NAMESPACES,)

    def keys(self, change: Change) -> Iterable[Key]:
        if change.new is not None and objects.is_ending(change.new):
            self.after(GRACE_SECONDS, ("", change.new["metadata"]["name"]))
        return ()

    async def reconcile(self, namespace: str, name: str) -> None:
        body = self.server.find(resources.NAMESPACES, name)
        if body is None or not objects.is_ending(body) or not body["spec"].get("finalizers"):
            return
        left = await self._emptied(resources.PODS, name)
        if not left:
            others = self._others(name)
            self.rng.shuffle(others)
            for resource in others:
                left += await self._emptied(resource, name)
        if left:
            self.after(_patience(body, left), (namespace, name))
            return

        def finalize(namespace: Json) -> None:
            namespace["spec"]["finalizers"] = []

        await self.server.update(resources.NAMESPACES, name, "", finalize, by=self.name, subresource="finalize")

    def _others(self, namespace: str) -> list[Resource]:
        found = {
            resource.plural: resource
            for resource, body in self.server.store.everything()
            if body["metadata"].get("namespace") == namespace
        }
        return list(found.values())

    async def _emptied(self, resource: Resource, namespace: str) -> list[Json]:
        """Deletes all of a kind. What is still there."""
        for body in self.server.list(resource, namespace):
            meta = body["metadata"]
            if not objects.is_ending(body):
                await self.server.delete(resource, meta["name"], namespace, by=self.name, uid=meta["uid"])
        return self.server.list(resource, namespace)


def _patience(namespace: Json, left: list[Json]) -> float:
    """Seconds until the next look, from how long pods may take to end."""
    estimate: float = FINALIZER_SECONDS
    if not any(body["metadata"].get("finalizers") for body in left):
        estimate = max(body["metadata"].get("deletionGracePeriodSeconds", 0) for body in left)
        if clock.seconds() - objects.seconds_of(namespace["metadata"]["deletionTimestamp"]) >= estimate:
            return 1.0
    return estimate / 2 + 1
