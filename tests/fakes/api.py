"""The simulation's API server, as tests of single parts take it: one object with the cluster and the client in it.

What it answers is the business of ``tests.simulation.apiserver``, which is held against a real server. Every call takes
`latency` seconds there and back on the loop's clock, so calls that are under way together do interleave.

Users, controllers and the kubelet of a test act through ``put``, ``make``, ``edit`` and ``remove``, which are not
calls: they store what they are given, and no rule of the server asks whether it may be so.
"""

import asyncio
import copy
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from app.cluster import errors, resources
from app.cluster.api import Json, Resource
from tests.builders import merged
from tests.simulation import clock
from tests.simulation.apiserver import rules, writing
from tests.simulation.apiserver.admission import Asked
from tests.simulation.apiserver.client import Call, Client, Fate, Network
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Key

__all__ = ["Call", "FakeApi"]

_ALL = {each.kind: each for each in vars(resources).values() if isinstance(each, Resource)}
_SERVERS = ("resourceVersion", "generation", "creationTimestamp")  # of an object's metadata: nobody else sets these


class _Cluster(Server):
    """A server with a garbage collector that takes no time, and all namespaces that anybody speaks of."""

    def store_as_it_is(self, resource: Resource, key: Key, body: Json | None) -> None:
        self._put(resource, key, body, by="somebody", verb="delete" if body is None else "update")

    def _put(self, resource: Resource, key: Key, new: Json | None, *, by: str, verb: str, drawn: bool = False) -> None:
        old = self.store.find(resource, key)
        super()._put(resource, key, new, by=by, verb=verb, drawn=drawn)
        if old is None or new is not None:
            return
        for kind, body in self.store.owned(old["metadata"]["uid"]):
            meta = body["metadata"]
            place = _key(kind, meta["name"], meta.get("namespace", ""))
            is_there = self.store.find(kind, place) is body  # it may have gone with another that is listed here
            if is_there and all(self.store.by_uid(owner["uid"]) is None for owner in meta["ownerReferences"]):
                self.store_as_it_is(kind, place, None)

    def _home(self, asked: Asked) -> Json | None:
        return super()._home(asked) or {"metadata": {"name": asked.namespace}}


class FakeApi(Client):
    """With an `rng`, each delay is up to twenty times as long, and no two watches are told in step."""

    def __init__(self, latency: float = 0.001, rng: random.Random | None = None) -> None:
        self.server = _Cluster(random.Random(0))
        span = (0.0, 20 * latency) if rng else (latency / 2, latency / 2)
        super().__init__(self.server, "holdfast", rng or random.Random(0), Network(span))
        self.calls: list[Call] = []
        self.before: Callable[[Call], None] = lambda call: None  # may raise: the request is refused
        self.after: Callable[[Call], None] = lambda call: None  # may raise: it was done, but its answer is lost
        self._changed = asyncio.Event()
        self.server.subscribe(lambda change: self._wake())

    # What happens in the cluster without us

    def put(self, body: Json) -> Json:
        """An object as it is, status included; one of that name is replaced. Its uid is kept if it has one."""
        resource, meta = _ALL[body["kind"]], body["metadata"]
        key = _key(resource, meta["name"], meta.get("namespace", ""))
        old, version = self.server.store.find(resource, key), self.server.store.version + 1
        was = old["metadata"] if old else {"creationTimestamp": clock.stamp(), "generation": meta.get("generation", 1)}
        uid = meta.get("uid") or was.get("uid") or f"{resource.plural}-{version}"
        new = copy.deepcopy({**body, "metadata": {k: v for k, v in meta.items() if k not in _SERVERS} | {"uid": uid}})
        meta = new["metadata"] = new["metadata"] | {name: was[name] for name in _SERVERS if name in was}
        if new == old:
            return new
        # Changes of annotations do not count: a Deployment's are its controller's here, which writes them with status.
        if old is not None and "generation" in meta:
            meta["generation"] += writing.is_wanted_anew(resource, "", old, {**new, "metadata": was})
        elif resource.plural in rules.WITHOUT_GENERATION:
            meta.pop("generation", None)
        meta["resourceVersion"] = str(version)
        self.server.store_as_it_is(resource, key, new)
        return new

    def make(self, resource: Resource, name: str, namespace: str = "", **fields: Any) -> Json:
        """As ``put``: of an object with that name and these fields, `metadata` among them."""
        metadata = {**fields.pop("metadata", {}), "name": name} | ({"namespace": namespace} if namespace else {})
        return self.put({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields})

    def edit(self, resource: Resource, name: str, change: Json, namespace: str = "shop") -> Json:
        """Lays `change` over an object; lists are replaced."""
        return self.put(merged(self.one(resource, name, namespace), change))

    def remove(self, resource: Resource, name: str, namespace: str = "shop") -> None:
        """Deletes an object and all that belongs to it alone. Raises NotFound."""
        self.one(resource, name, namespace)
        self.server.store_as_it_is(resource, _key(resource, name, namespace), None)

    def one(self, resource: Resource, name: str, namespace: str = "shop") -> Json:
        """Raises NotFound if there is no such object."""
        return copy.deepcopy(self.server.get(resource, name, namespace))

    def all(self, resource: Resource) -> list[Json]:
        """In order of their namespaces and names."""
        return copy.deepcopy(self.server.list(resource))

    def compact(self) -> None:
        """Every version up to now is too old for a watch to begin at."""
        self.server.compact()

    def cut(self) -> None:
        """Breaks all open watches, as a network would."""
        for watch in self.server.watches():
            watch.cut(errors.Unavailable(0, "ConnectionFailed", "cut"))

    def stall(self) -> None:
        """All open watches say nothing any more, and do not end."""
        for watch in self.server.watches():
            watch.silent = True

    # What was asked

    def writes(self, *, events: bool = False) -> list[Call]:
        return [call for call in self.calls if call.is_write and (events or call.resource != "events")]

    def count(self) -> Counter[str]:
        """Calls by verb."""
        return Counter(call.verb for call in self.calls)

    @property
    def changed(self) -> asyncio.Event:
        """Set when something changes; a new one takes its place then."""
        return self._changed

    async def _carried(self, call: Call, fate: Fate, effect: Callable[[], Coroutine[Any, Any, Json]]) -> Json:
        async def noted() -> Json:
            await self._unless_dead()
            self.calls.append(call)
            self.before(call)
            result = copy.deepcopy(await effect())
            self.after(call)
            return result

        return await super()._carried(call, fate, noted)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _key(resource: Resource, name: str, namespace: str) -> Key:
    return namespace if resource.namespaced else "", name
