"""What goes on without the worker: pods of what has passed are replaced, and start at once (F46)."""

from collections.abc import Callable

from app.cluster import errors, resources
from app.cluster.api import Json
from tests.simulation.acts.users import USER
from tests.simulation.apiserver.server import Server
from tests.simulation.manifests import SHOP, controller_of, held_by_us
from tests.simulation.rules.records import revision_of
from tests.simulation.rules.truth import Truth


class Unattended:
    """For the time when all workers are gone. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, server: Server, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self._server = server
        self._truth = truth
        self._finding = finding
        self._replaced: dict[str, str] = {}  # revision → the pod that was deleted
        self._before: set[str] = set()  # pods (uid) that were there

    async def replace(self) -> None:
        """Deletes one pod of each revision that has passed; whoever owns them makes others. Then call ``check``."""
        for pod in self._server.list(resources.PODS, SHOP):
            self._before.add(pod["metadata"]["uid"])
            meta, revision = pod["metadata"], revision_of(pod)
            runs = (pod.get("status") or {}).get("phase") == "Running" and "deletionTimestamp" not in meta
            if runs and revision not in self._replaced and self._is_covered(pod):
                self._replaced[revision] = meta["name"]
        for name in self._replaced.values():
            try:
                await self._server.delete(resources.PODS, name, SHOP, by=USER, grace=0)
            except errors.NotFound:
                continue

    def check(self) -> None:
        """The pods that took their places."""
        for pod in self._server.list(resources.PODS, SHOP):
            replaced = self._replaced.get(revision_of(pod))
            if replaced and held_by_us(pod) and pod["metadata"]["uid"] not in self._before:
                name = pod["metadata"]["name"]
                self._finding("I3", f"pod {name}, in place of {replaced}, waits for a worker although all has passed")

    def _is_covered(self, pod: Json) -> bool:
        asked = controller_of(pod) and self._truth.asked_of(pod)
        return bool(asked) and self._truth.covers(revision_of(pod), there=True)
