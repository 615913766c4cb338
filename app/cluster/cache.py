"""What a watch has told, in whatever order it told it.

Changes reach a cache three ways: as watch events, as answers to our own writes, and as whole lists. The first two
race, and a list may be older than both. So nothing is believed for coming last: the resourceVersion decides, and what
has gone leaves its version behind (a tombstone), so that a late answer or a repeated event cannot bring it back. The
end state is the same for every order.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

log = logging.getLogger(__name__)

Key = tuple[str, str]


class Metadata(Protocol):
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def resource_version(self) -> str: ...


class HasMetadata(Protocol):
    """What a cached object must have, as the views in ``app.api`` do."""

    @property
    def metadata(self) -> Any: ...


T = TypeVar("T", bound=HasMetadata)
Change = tuple[T | None, T | None]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which object at which moment."""

    key: Key
    uid: str
    version: int

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Of a raw object. Raises KeyError when it has no name."""
        metadata = body["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        return cls(key, metadata.get("uid", ""), number(metadata.get("resourceVersion", "")))


def number(resource_version: str) -> int:
    """A resourceVersion as the number that it is on every Kubernetes API server; 0 when there is none."""
    return int(resource_version) if resource_version.isdigit() else 0


class Cache(Generic[T]):
    """Objects by namespace and name, and by the values that each of ``indexes`` gives for them.

    Methods that change something return what changed as ``(old, new)``, None standing for "not there".
    """

    def __init__(self, indexes: Mapping[str, Callable[[T], Iterable[str]]], tombstones: int = 4096) -> None:
        self._items: dict[Key, T] = {}
        self._index_of = dict(indexes)
        # Insertion order instead of a set's, so that the same history always gives the same order.
        self._indexed: dict[str, dict[str, dict[Key, None]]] = {name: {} for name in indexes}
        self._tombstones: OrderedDict[str, int] = OrderedDict()
        self._limit = tombstones

    def get(self, namespace: str, name: str) -> T | None:
        return self._items.get((namespace, name))

    def all(self) -> list[T]:
        return list(self._items.values())

    def by_index(self, index: str, value: str) -> list[T]:
        """Raises KeyError for an index that was never declared."""
        return [self._items[key] for key in self._indexed[index].get(value, ())]

    def is_news(self, stamp: Stamp) -> bool:
        """Whether that is later than all that is known of the object."""
        if stamp.version <= self._tombstones.get(stamp.uid, -1):
            return False
        current = self._items.get(stamp.key)
        return current is None or stamp.version > number(current.metadata.resource_version)

    def put(self, stamp: Stamp, item: T) -> list[Change[T]]:
        """The object as it is now; nothing happens when that is no news."""
        if not self.is_news(stamp):
            return []
        current = self._items.get(stamp.key)
        if current is not None and current.metadata.uid != stamp.uid:
            # Deleted and created again, and nobody told us in between.
            self._bury(current.metadata.uid, stamp.version)
            self._set(stamp.key, item)
            return [(current, None), (None, item)]
        self._set(stamp.key, item)
        return [(current, item)]

    def remove(self, stamp: Stamp) -> list[Change[T]]:
        """The object is gone, or of no interest, as of ``stamp.version``."""
        self._bury(stamp.uid, stamp.version)
        current = self._items.get(stamp.key)
        if current is None or number(current.metadata.resource_version) > stamp.version:
            return []
        self._set(stamp.key, None)
        return [(current, None)]

    def replace(self, listed: Sequence[tuple[Stamp, T | None]], version: int) -> list[Change[T]]:
        """All that there is as of ``version``. What the list does not have, or has as None, is removed."""
        changes: list[Change[T]] = []
        present = {stamp.key for stamp, item in listed if item is not None}
        for key, item in list(self._items.items()):
            if key not in present:
                changes += self.remove(Stamp(key, item.metadata.uid, version))
        for stamp, new in listed:
            changes += self.remove(stamp) if new is None else self.put(stamp, new)
        return changes

    def reset(self, listed: Sequence[tuple[Stamp, T | None]]) -> list[Change[T]]:
        """As ``replace``, for a cluster whose history has gone back: versions known so far mean nothing any more."""
        old, self._items = self._items, {}
        self._indexed = {name: {} for name in self._index_of}
        self._tombstones.clear()
        new = {stamp.key: item for stamp, item in listed if item is not None}
        for key, item in new.items():
            self._set(key, item)
        gone: list[Change[T]] = [(item, None) for key, item in old.items() if key not in new]
        return gone + [(old.get(key), item) for key, item in new.items()]

    def _set(self, key: Key, item: T | None) -> None:
        old = self._items.pop(key, None) if item is None else self._items.get(key)
        for name, index in self._indexed.items():
            for value in self._values(name, old):
                keys = index.get(value, {})
                keys.pop(key, None)
                if not keys:
                    index.pop(value, None)
            for value in self._values(name, item):
                index.setdefault(value, {})[key] = None
        if item is not None:
            self._items[key] = item

    def _values(self, index: str, item: T | None) -> Iterable[str]:
        try:
            return () if item is None else tuple(self._index_of[index](item))
        except Exception as error:
            # One object that an index cannot read must not cost us all the others.
            log.warning("an index cannot read an object", extra={"index": index, "error": type(error).__name__})
            return ()

    def _bury(self, uid: str, version: int) -> None:
        self._tombstones[uid] = max(version, self._tombstones.pop(uid, 0))
        if len(self._tombstones) > self._limit:
            self._tombstones.popitem(last=False)
