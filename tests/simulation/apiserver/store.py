"""What etcd holds: the objects as they are now, and every change that led there, until it is compacted.

Objects are shared with whoever reads them and are never mutated: a write puts another in its place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.cluster.api import Json, Resource
from tests.simulation import clock

Key = tuple[str, str]  # namespace ("" for a kind without), name


@dataclass(frozen=True, slots=True)
class Change:
    """One write that changed something.

    `version` is the resourceVersion after it, `by` who did it, `time` in seconds of the loop's clock. `old` is None for
    an object that was created, `new` for one that is gone.
    """

    version: int
    resource: Resource
    old: Json | None
    new: Json | None
    by: str
    verb: str
    time: float

    @property
    def body(self) -> Json:
        """The object, or what it was last."""
        body = self.new or self.old
        assert body is not None
        return body


class Store:
    def __init__(self) -> None:
        self.version = 0
        self.compacted = 0
        self._objects: dict[str, dict[Key, Json]] = {}
        self._resources: dict[str, Resource] = {}
        self._history: dict[str, list[Change]] = {}
        self._owned: dict[str, dict[tuple[str, Key], None]] = {}  # owner's uid → what names it
        self._uids: dict[str, tuple[Resource, Key]] = {}
        self._handlers: list[Callable[[Change], None]] = []

    def find(self, resource: Resource, key: Key) -> Json | None:
        return self._objects.get(resource.plural, {}).get(key)

    def all(self, resource: Resource) -> list[tuple[Key, Json]]:
        """In order of namespace and name."""
        return sorted(self._objects.get(resource.plural, {}).items())

    def everything(self) -> Iterator[tuple[Resource, Json]]:
        for plural, objects in self._objects.items():
            for body in list(objects.values()):
                yield self._resources[plural], body

    def owned(self, uid: str) -> list[tuple[Resource, Json]]:
        """Objects with an ownerReference to that uid, in the order in which they came."""
        return [(self._resources[plural], self._objects[plural][key]) for plural, key in self._owned.get(uid, {})]

    def by_uid(self, uid: str) -> Json | None:
        place = self._uids.get(uid)
        return self.find(*place) if place else None

    def history(self, resource: Resource) -> list[Change]:
        """Changes since the last compaction, oldest first; the list goes on growing."""
        return self._history.setdefault(resource.plural, [])

    def compact(self) -> None:
        """All that is past is forgotten: no watch can begin before now."""
        self.compacted = self.version
        for changes in self._history.values():
            changes.clear()

    def subscribe(self, handler: Callable[[Change], None]) -> None:
        self._handlers.append(handler)

    def next_version(self) -> int:
        self.version += 1
        return self.version

    def put(self, resource: Resource, key: Key, new: Json | None, *, by: str, verb: str) -> Change:
        """Stores `new`, or removes the object, under the version that was drawn last."""
        self._resources[resource.plural] = resource
        objects = self._objects.setdefault(resource.plural, {})
        old = objects.get(key)
        if new is None:
            objects.pop(key, None)
        else:
            objects[key] = new
        self._index(resource, key, old, new)
        change = Change(self.version, resource, old, new, by, verb, clock.seconds())
        self.history(resource).append(change)
        for handler in self._handlers:
            handler(change)
        return change

    def _index(self, resource: Resource, key: Key, old: Json | None, new: Json | None) -> None:
        before = _owners(old)
        after = _owners(new)
        entry = (resource.plural, key)
        for uid in before:
            if uid not in after:
                dependants = self._owned[uid]
                del dependants[entry]
                if not dependants:
                    del self._owned[uid]
        for uid in after:
            self._owned.setdefault(uid, {})[entry] = None
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"]):
            self._uids.pop(old["metadata"]["uid"], None)
        if new is not None:
            self._uids[new["metadata"]["uid"]] = (resource, key)


def _owners(body: Json | None) -> dict[str, None]:
    if body is None:
        return {}
    return {owner["uid"]: None for owner in body["metadata"].get("ownerReferences") or ()}
