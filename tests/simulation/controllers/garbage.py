"""The garbage collector: what depends on objects that are gone goes too.

After kube-controller-manager 1.34. An owner is looked for by its uid; one in another namespace is as good as none.
"""

import asyncio
from collections.abc import Iterable, Iterator

from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation.apiserver.server import NODES
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import objects
from tests.simulation.controllers.base import Controller, Key

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"

_RESOURCES = {
    (each.api_version, each.kind): each for each in (*vars(resources).values(), NODES) if isinstance(each, Resource)
}


class GarbageCollector(Controller):
    """Its keys are the uids of what may have to go."""

    name = "generic-garbage-collector"
    resource = resources.JOBS
    watches = ()
    pause = (0.005, 0.3)

    async def run(self) -> None:
        asyncio.get_running_loop().call_soon(self._survey)
        await super().run()

    def _survey(self) -> None:
        """All that is there when it starts may be garbage."""
        for _, body in self.server.store.everything():
            meta = body["metadata"]
            if meta.get("ownerReferences") or meta.get("finalizers"):
                self.soon(("", meta["uid"]))

    def keys(self, change: Change) -> Iterable[Key]:
        return (("", uid) for uid in dict.fromkeys(self._concerned(change)))

    def _concerned(self, change: Change) -> Iterator[str]:
        old, new = change.old, change.new
        if new is None:
            assert old is not None
            for dependant in self.server.owned(old["metadata"]["uid"]):
                yield dependant["metadata"]["uid"]
            yield from self._waiting_owners(old)
            return
        meta = new["metadata"]
        was = old["metadata"] if old else {}
        if "deletionTimestamp" in meta and meta.get("finalizers") and was.get("finalizers") != meta["finalizers"]:
            yield meta["uid"]
        owners = meta.get("ownerReferences")
        if owners == was.get("ownerReferences"):
            return
        if any(self._state(new, owner) == "dangling" for owner in owners or ()):
            yield meta["uid"]
        if old is not None:
            yield from self._waiting_owners(old)

    def _waiting_owners(self, body: Json) -> Iterator[str]:
        for owner in body["metadata"].get("ownerReferences") or ():
            if self._state(body, owner) == "waiting":
                yield owner["uid"]

    def _state(self, body: Json, reference: Json) -> str:
        """Of an owner: solid, dangling (gone, or never there), or waiting for its dependants to go."""
        owner = self.server.store.by_uid(reference["uid"])
        if owner is None or (owner["kind"], owner["metadata"]["name"]) != (reference["kind"], reference["name"]):
            return "dangling"
        meta = owner["metadata"]
        if meta.get("namespace", "") not in ("", body["metadata"].get("namespace", "")):
            return "dangling"
        return "waiting" if "deletionTimestamp" in meta and FOREGROUND in meta.get("finalizers", ()) else "solid"

    async def reconcile(self, namespace: str, name: str) -> None:
        body = self.server.store.by_uid(name)
        if body is None:
            return
        meta = body["metadata"]
        if "deletionTimestamp" not in meta:
            await self._collect(body)
        elif ORPHAN in meta.get("finalizers", ()):
            for dependant in self.server.owned(name):
                await self._disown(dependant, [name])
            await self._finish(body, ORPHAN)
        elif FOREGROUND in meta.get("finalizers", ()):
            await self._go_on(body)

    async def _go_on(self, body: Json) -> None:
        """A deletion in the foreground: the object goes when nothing is left that blocks it."""
        uid = body["metadata"]["uid"]
        dependants = self.server.owned(uid)
        if not any(_blocks(dependant, uid) for dependant in dependants):
            await self._finish(body, FOREGROUND)
            return
        for dependant in dependants:
            if not objects.is_ending(dependant):
                self.soon(("", dependant["metadata"]["uid"]))

    async def _collect(self, body: Json) -> None:
        meta = body["metadata"]
        owners = meta.get("ownerReferences") or ()
        states = {owner["uid"]: self._state(body, owner) for owner in owners}
        lost = [uid for uid, state in states.items() if state != "solid"]
        if not lost:
            return
        if len(lost) < len(states):
            await self._disown(body, lost)
            return
        foreground = "waiting" in states.values() and self.server.owned(meta["uid"])
        await self.server.delete(
            _resource(body),
            meta["name"],
            meta.get("namespace", ""),
            by=self.name,
            propagation="Foreground" if foreground else "Background",
            uid=meta["uid"],
        )

    async def _disown(self, body: Json, uids: list[str]) -> None:
        kept = [owner for owner in body["metadata"]["ownerReferences"] if owner["uid"] not in uids]
        await self._change(body, {"ownerReferences": kept or None})

    async def _finish(self, body: Json, finalizer: str) -> None:
        kept = [each for each in body["metadata"]["finalizers"] if each != finalizer]
        await self._change(body, {"finalizers": kept or None})

    async def _change(self, body: Json, metadata: Json) -> None:
        meta = body["metadata"]
        change = {"metadata": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"], **metadata}}
        await self.server.patch(_resource(body), meta["name"], change, meta.get("namespace", ""), by=self.name)


def _resource(body: Json) -> Resource:
    return _RESOURCES[body["apiVersion"], body["kind"]]


def _blocks(dependant: Json, uid: str) -> bool:
    owners = dependant["metadata"]["ownerReferences"]
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in owners)
