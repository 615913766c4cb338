"""An API server in memory, behind the same protocol as the real one.

Faithful where Holdfast depends on it: uids, resourceVersions and generations; preconditions; the status as a part of
its own; patches; label and field selectors with their transitions; lists in pages; watches with bookmarks that end in
time; objects that go with their owners. Every call takes `latency` seconds there and back on the loop's clock, so calls
that are under way together do interleave.

Users, controllers and the kubelet of a test act through ``put``, ``edit`` and ``remove``, which are not calls.
"""

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.cluster import errors, resources, selector
from app.cluster.api import Json, PatchType, Resource
from tests.builders import merged
from tests.simulation.apiserver.patches import patched

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BOOKMARKS = 60.0
_TICK = 1e-4  # a timer may fire this much before its time
WRITES = frozenset({"create", "patch", "delete"})

Key = tuple[str, str, str]  # plural, namespace, name

_ALL = {r.kind: r for r in vars(resources).values() if isinstance(r, Resource)}
_WITHOUT_STATUS = frozenset({"configmaps", "events", "leases", "secrets", "controllerrevisions"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as an audit log would have it."""

    verb: str
    resource: str
    namespace: str
    name: str
    subresource: str = ""

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{'/' + self.subresource if self.subresource else ''}"


@dataclass(frozen=True, slots=True)
class _Event:
    version: int
    plural: str
    old: Json | None
    new: Json | None


class FakeApi:
    def __init__(self, latency: float = 0.001, rng: random.Random | None = None) -> None:
        self.calls: list[Call] = []
        self.before: Callable[[Call], None] = lambda call: None  # may raise: the request is refused
        self.after: Callable[[Call], None] = lambda call: None  # may raise: it was done, but its answer is lost
        self.frozen = False  # no request is answered any more, as for a process that has died
        self._latency = latency
        self._rng = rng  # with one, each delay is up to twenty times that long, and no two kinds are told in step
        self._objects: dict[Key, Json] = {}
        self._history: list[_Event] = []
        self._version = 0
        self._compacted = 0
        self._changed = asyncio.Event()

    # What happens in the cluster without us

    def put(self, body: Json) -> Json:
        """An object as it is, status included; one of that name is replaced. Its uid is kept if it has one."""
        key = self._key(_ALL[body["kind"]], body["metadata"]["name"], body["metadata"].get("namespace", ""))
        return self._store(key, body)

    def edit(self, resource: Resource, name: str, change: Json, namespace: str = "shop") -> Json:
        """Lays `change` over an object; lists are replaced."""
        return self.put(merged(self.one(resource, name, namespace), change))

    def remove(self, resource: Resource, name: str, namespace: str = "shop") -> None:
        """Deletes an object and all that belongs to it alone."""
        key = self._key(resource, name, namespace)
        gone = self._objects.pop(key)
        self._version += 1
        self._record(key, gone, None)
        uid = gone["metadata"]["uid"]
        for other in list(self._objects.values()):
            owners = {owner["uid"] for owner in other["metadata"].get("ownerReferences") or ()}
            alive = {each["metadata"]["uid"] for each in self._objects.values()}
            if uid in owners and not owners & alive:
                self.remove(_ALL[other["kind"]], other["metadata"]["name"], other["metadata"].get("namespace", ""))

    def one(self, resource: Resource, name: str, namespace: str = "shop") -> Json:
        """Raises NotFound if there is no such object."""
        return copy.deepcopy(self._find(self._key(resource, name, namespace)))

    def all(self, resource: Resource) -> list[Json]:
        """In order of their names."""
        return [copy.deepcopy(body) for key, body in sorted(self._objects.items()) if key[0] == resource.plural]

    def compact(self) -> None:
        """Every version up to now is too old for a watch."""
        self._compacted = self._version
        self._history.clear()
        self._wake()

    def writes(self, *, events: bool = False) -> list[Call]:
        return [call for call in self.calls if call.is_write and (events or call.resource != "events")]

    @property
    def changed(self) -> asyncio.Event:
        """Set when something changes; a new one takes its place then."""
        return self._changed

    # The protocol

    async def get(self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False) -> Json:
        return await self._call(
            Call("get", resource.plural, namespace, name),
            lambda: _view(self._find(self._key(resource, name, namespace)), metadata_only),
        )

    async def list_page(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        continue_token: str = "",
        metadata_only: bool = False,
        resource_version: str = "",
    ) -> Json:
        def page() -> Json:
            after, _, version = continue_token.partition("@")
            if continue_token and int(version) < self._compacted:
                raise errors.Gone(410, "Expired", "the provided continue parameter is too old")
            found = [
                ("/".join(key), _view(body, metadata_only))
                for key, body in sorted(self._objects.items())
                if key[0] == resource.plural
                and "/".join(key) > after
                and _selected(body, namespace, label_selector, field_selector)
            ]
            metadata = {"resourceVersion": version or str(self._version)}
            if len(found) > limit:
                metadata["continue"] = f"{found[limit - 1][0]}@{metadata['resourceVersion']}"
            items = [{k: v for k, v in body.items() if k not in ("kind", "apiVersion")} for _, body in found[:limit]]
            return {"metadata": metadata, "items": items}

        return await self._call(Call("list", resource.plural, namespace, ""), page)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int,
        metadata_only: bool = False,
    ) -> AsyncIterator[Json]:
        position = int(resource_version)
        await self._call(Call("watch", resource.plural, namespace, ""), lambda: self._not_compacted(position))
        loop = asyncio.get_running_loop()
        end, bookmark = loop.time() + timeout_seconds, loop.time() + BOOKMARKS
        while loop.time() + _TICK < end:
            changed = self._changed
            self._not_compacted(position)
            for event in [event for event in self._history if event.version > position]:
                position = event.version
                if event.plural != resource.plural:
                    continue
                was = event.old is not None and _selected(event.old, namespace, label_selector, field_selector)
                now = event.new is not None and _selected(event.new, namespace, label_selector, field_selector)
                kind = {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get((was, now))
                if kind is not None:
                    await self._delay()
                    body = copy.deepcopy(event.new or event.old or {})
                    body["metadata"]["resourceVersion"] = str(event.version)
                    yield {"type": kind, "object": _view(body, metadata_only)}
            if loop.time() + _TICK >= bookmark:
                bookmark += BOOKMARKS
                yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(position)}}}
            if changed is self._changed:
                try:
                    async with asyncio.timeout_at(min(end, bookmark)):
                        await changed.wait()
                except TimeoutError:
                    pass

    async def create(self, resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        name = body["metadata"]["name"]
        key = self._key(resource, name, namespace)

        def effect() -> Json:
            if key in self._objects:
                raise errors.AlreadyExists(409, "AlreadyExists", f'{resource.plural} "{name}" already exists')
            new = copy.deepcopy(body) | {"apiVersion": resource.api_version, "kind": resource.kind}
            if resource.plural not in _WITHOUT_STATUS:
                new.pop("status", None)
            new["metadata"] |= {"namespace": namespace} if resource.namespaced else {}
            return new if dry_run else self._store(key, new)

        return await self._call(Call("create", resource.plural, namespace, name), effect)

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Json | list[Json],
        namespace: str = "",
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "holdfast",
        force: bool = False,
    ) -> Json:
        key = self._key(resource, name, namespace)

        def effect() -> Json:
            old = self._find(key)
            new = patched(copy.deepcopy(old), body, PatchType.JSON if isinstance(body, list) else patch_type)
            for field in ("resourceVersion", "uid"):
                if new["metadata"].get(field) != old["metadata"][field]:
                    raise errors.Conflict(409, "Conflict", f"{resource.plural} {name} has been modified")
            if subresource == "status":
                new = {**old, **({"status": new["status"]} if "status" in new else {})}
            elif resource.plural not in _WITHOUT_STATUS:
                new.pop("status", None)
                new |= {"status": old["status"]} if "status" in old else {}
            return new if dry_run else self._store(key, new)

        return await self._call(Call("patch", resource.plural, namespace, name, subresource), effect)

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, propagation: str = "Background", uid: str = ""
    ) -> Json:
        def effect() -> Json:
            old = self._find(self._key(resource, name, namespace))
            if uid not in ("", old["metadata"]["uid"]):
                raise errors.Conflict(409, "Conflict", f"the uid of {resource.plural} {name} differs")
            self.remove(resource, name, namespace)
            return {"kind": "Status", "status": "Success"}

        return await self._call(Call("delete", resource.plural, namespace, name), effect)

    # Inside

    async def _call(self, call: Call, effect: Callable[[], Json]) -> Json:
        await self._delay()
        await self._unless_frozen()
        self.calls.append(call)
        self.before(call)
        result = copy.deepcopy(effect())
        self.after(call)
        await self._delay()
        await self._unless_frozen()
        return result

    async def _delay(self) -> None:
        await asyncio.sleep(self._latency / 2 * (self._rng.uniform(0, 40) if self._rng else 1))

    async def _unless_frozen(self) -> None:
        if self.frozen:
            await asyncio.get_running_loop().create_future()

    def _store(self, key: Key, body: Json) -> Json:
        body = copy.deepcopy(body)
        meta = body["metadata"]
        old = self._objects.get(key)
        if old is not None and _same(old, body):
            return old
        self._version += 1
        if old is None:
            meta |= {"uid": meta.get("uid") or f"{key[0]}-{self._version}", "creationTimestamp": self._stamp()}
            meta.setdefault("generation", 1)
        else:
            meta |= {"uid": meta.get("uid") or old["metadata"]["uid"]}
            meta["creationTimestamp"] = old["metadata"]["creationTimestamp"]
            meta["generation"] = old["metadata"]["generation"] + (_content(old) != _content(body))
        meta["resourceVersion"] = str(self._version)
        self._objects[key] = body
        self._record(key, old, body)
        return body

    def _record(self, key: Key, old: Json | None, new: Json | None) -> None:
        self._history.append(_Event(self._version, key[0], copy.deepcopy(old), copy.deepcopy(new)))
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _find(self, key: Key) -> Json:
        if key not in self._objects:
            raise errors.NotFound(404, "NotFound", f'{key[0]} "{key[2]}" not found')
        return self._objects[key]

    def _not_compacted(self, position: int) -> Json:
        if position < self._compacted:
            raise errors.Gone(410, "Expired", "too old resource version")
        return {}

    @staticmethod
    def _key(resource: Resource, name: str, namespace: str) -> Key:
        return resource.plural, namespace if resource.namespaced else "", name

    @staticmethod
    def _stamp() -> str:
        moment = EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _selected(body: Json, namespace: str, labels: str, fields: str) -> bool:
    meta = body["metadata"]
    return (
        namespace in ("", meta.get("namespace"))
        and selector.labels_match(labels, meta.get("labels") or {})
        and selector.fields_match(fields, body)
    )


def _view(body: Json, metadata_only: bool) -> Json:
    if not metadata_only:
        return copy.deepcopy(body)
    metadata = copy.deepcopy(body["metadata"])
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata}


def _content(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}


def _same(old: Json, new: Json) -> bool:
    volatile = ("resourceVersion", "generation", "creationTimestamp")

    def bare(body: Json) -> Json:
        return {**body, "metadata": {k: v for k, v in body["metadata"].items() if k not in volatile}}

    return bare(old) == bare(new)
