"""An API server in memory, small and scriptable: enough truth for informers, leases, events and certificates.

It keeps resourceVersions, history for watches, compaction, preconditions, and selectors with their transitions. Tests
steer it by ``before`` and ``after`` (called around each request, may raise), ``calls``, ``compact``, ``cut`` and
``stalled``.
"""

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.cluster import errors, selector
from app.cluster.api import Json, PatchType, Resource

Hook = Callable[[str, Resource, str], None]


def _nothing(verb: str, resource: Resource, name: str) -> None:
    pass


class FakeApi:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Json] = {}
        self.version = 100
        self.history: list[tuple[int, str, Json | None, Json]] = []
        self.compacted = 0
        self.calls: list[tuple[str, str, str]] = []
        self.before: Hook = _nothing
        self.after: Hook = _nothing
        self.page = 0
        self.stalled = False
        self.bookmarks = True
        self._changed = asyncio.Event()
        self._generation = 0

    # For tests

    def count(self) -> Counter[str]:
        return Counter(verb for verb, _, _ in self.calls)

    def put(self, resource: Resource, name: str, namespace: str = "", **more: Any) -> Json:
        """Creates or replaces, as somebody else would."""
        key = (resource.plural, namespace, name)
        old = self.objects.get(key)
        metadata = more.pop("metadata", {})
        uid = old["metadata"]["uid"] if old else f"uid-{self.version + 1}"
        body = {"metadata": {"uid": uid, **metadata, "name": name, "namespace": namespace}, **more}
        return self._store(key, body)

    def drop(self, resource: Resource, name: str, namespace: str = "") -> Json:
        key = (resource.plural, namespace, name)
        old = self.objects.pop(key)
        return self._record(key, old, copy.deepcopy(old), gone=True)

    def compact(self) -> None:
        """All versions up to now are too old for a watch."""
        self.compacted = self.version

    def cut(self) -> None:
        """Breaks all open watches, as a network would."""
        self._generation += 1
        self._wake()

    # The Api

    async def get(self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False) -> Json:
        with _Call(self, "get", resource, name):
            return copy.deepcopy(self._find(resource, name, namespace))

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
        with _Call(self, "list", resource, continue_token):
            if continue_token and int(continue_token.split("/")[1]) < self.compacted:
                raise errors.Gone(410, "Expired", "the continue token is too old")
            start = int(continue_token.split("/")[0]) if continue_token else 0
            version = continue_token.split("/")[1] if continue_token else str(self.version)
            items = [
                copy.deepcopy(body)
                for key, body in sorted(self.objects.items())
                if key[0] == resource.plural and _selected(body, namespace, label_selector, field_selector)
            ]
            end = start + (self.page or limit)
            metadata = {"resourceVersion": version}
            if end < len(items):
                metadata["continue"] = f"{end}/{version}"
            return {"metadata": metadata, "items": items[start:end]}

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
        with _Call(self, "watch", resource, resource_version):
            pass
        loop = asyncio.get_running_loop()
        end, bookmark = loop.time() + timeout_seconds, loop.time() + 60
        position, generation = int(resource_version), self._generation
        if position < self.compacted:
            raise errors.Gone(410, "Expired", "too old resource version")
        while True:
            changed = self._changed
            if self.stalled:
                await changed.wait()
                continue
            if generation != self._generation:
                raise errors.Unavailable(0, "ConnectionFailed", "cut")
            for version, plural, old, new in list(self.history):
                if version > position and plural == resource.plural:
                    position = version
                    was = old is not None and _selected(old, namespace, label_selector, field_selector)
                    now = "gone" not in new and _selected(new, namespace, label_selector, field_selector)
                    kind = {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get((was, now))
                    if kind:
                        yield {"type": kind, "object": {k: v for k, v in copy.deepcopy(new).items() if k != "gone"}}
            if loop.time() >= end:
                return
            if self.bookmarks and loop.time() >= bookmark:
                bookmark += 60
                position = self.version
                yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(position)}}}
            until = min(end, bookmark) if self.bookmarks else end
            try:
                async with asyncio.timeout_at(until):
                    await changed.wait()
            except TimeoutError:
                pass

    async def create(self, resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        name = body["metadata"]["name"]
        with _Call(self, "create", resource, name):
            key = (resource.plural, namespace, name)
            if key in self.objects:
                raise errors.AlreadyExists(409, "AlreadyExists", "exists")
            body = copy.deepcopy(body)
            body["metadata"] |= {"namespace": namespace, "uid": f"uid-{self.version + 1}"}
            return self._store(key, body)

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
        with _Call(self, "patch", resource, name):
            current = self._find(resource, name, namespace)
            if isinstance(body, list):
                new = _json_patched(current, body)
            else:
                wanted = (body.get("metadata") or {}).get("resourceVersion")
                if wanted is not None and wanted != current["metadata"]["resourceVersion"]:
                    raise errors.Conflict(409, "Conflict", "the object has been modified")
                new = _merged(current, body)
            return self._store((resource.plural, namespace, name), new)

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, propagation: str = "Background", uid: str = ""
    ) -> Json:
        with _Call(self, "delete", resource, name):
            if uid not in ("", self._find(resource, name, namespace)["metadata"]["uid"]):
                raise errors.Conflict(409, "Conflict", "the uid differs")
            return self.drop(resource, name, namespace)

    def _find(self, resource: Resource, name: str, namespace: str) -> Json:
        try:
            return self.objects[resource.plural, namespace, name]
        except KeyError:
            raise errors.NotFound(404, "NotFound", f"{resource.plural} {name} not found") from None

    def _store(self, key: tuple[str, str, str], body: Json) -> Json:
        old = self.objects.get(key)
        unchanged = old is not None and {**old, "metadata": {**old["metadata"], "resourceVersion": ""}} == {
            **body,
            "metadata": {**body["metadata"], "resourceVersion": ""},
        }
        if old is not None and unchanged:
            return copy.deepcopy(old)
        self.objects[key] = body
        return self._record(key, old, body)

    def _record(self, key: tuple[str, str, str], old: Json | None, new: Json, *, gone: bool = False) -> Json:
        self.version += 1
        old = copy.deepcopy(old)
        new["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, key[0], old, copy.deepcopy(new) | ({"gone": True} if gone else {})))
        self._wake()
        return copy.deepcopy(new)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class _Call:
    """Notes a call and runs the hooks; ``after`` runs when it succeeded, so that its answer can be lost."""

    def __init__(self, api: FakeApi, verb: str, resource: Resource, name: str) -> None:
        self.api, self.about = api, (verb, resource, name)

    def __enter__(self) -> None:
        verb, resource, name = self.about
        self.api.calls.append((verb, resource.plural, name))
        self.api.before(*self.about)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.api.after(*self.about)


def _selected(body: Json, namespace: str, labels: str, fields: str) -> bool:
    metadata = body["metadata"]
    return (
        namespace in ("", metadata["namespace"])
        and selector.labels_match(labels, metadata.get("labels") or {})
        and selector.fields_match(fields, body)
    )


def _merged(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = copy.deepcopy(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _json_patched(current: Json, operations: list[Json]) -> Json:
    import jsonpatch

    try:
        patched: Json = jsonpatch.apply_patch(current, operations)
    except jsonpatch.JsonPatchTestFailed as error:
        raise errors.Invalid(422, "Invalid", "the test of a patch failed") from error
    except jsonpatch.JsonPatchException as error:
        raise errors.Invalid(422, "Invalid", "the patch does not apply") from error
    return patched
