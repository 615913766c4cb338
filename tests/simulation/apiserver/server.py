"""An API server in memory: requests, and what becomes of them.

Controllers, the kubelet and users of the simulation call it directly; the code under test reaches it through a
``client.Client``, which puts a network in between. All answers are the stored objects themselves: never change them.
"""

import copy
import random
from collections.abc import Callable

from app.cluster import errors, resources, selector
from app.cluster.api import Json, PatchType, Resource
from tests.simulation import clock
from tests.simulation.apiserver import rules
from tests.simulation.apiserver.admission import Asked, Policy, Webhook, mutated, refuse_ending
from tests.simulation.apiserver.patches import patched
from tests.simulation.apiserver.store import Change, Key, Store
from tests.simulation.apiserver.watching import Select, View, Watch

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)

Bodies = list[Json]

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_TRIES = 5


class Server:
    def __init__(self, rng: random.Random) -> None:
        self.webhooks: list[Webhook] = []
        self.policies: list[Policy] = []
        self.store = Store()
        self._rng = rng
        self._watches: dict[str, dict[Watch, None]] = {}
        self._reviews = 0

    # Reading

    def get(self, resource: Resource, name: str, namespace: str = "") -> Json:
        """Raises NotFound."""
        body = self.store.find(resource, _key(resource, name, namespace))
        if body is None:
            raise errors.NotFound(404, "NotFound", f'{resource.plural} "{name}" not found')
        return body

    def find(self, resource: Resource, name: str, namespace: str = "") -> Json | None:
        return self.store.find(resource, _key(resource, name, namespace))

    def list(self, resource: Resource, namespace: str = "") -> Bodies:
        """In order of namespace and name."""
        return [body for key, body in self.store.all(resource) if namespace in ("", key[0])]

    def owned(self, uid: str) -> Bodies:
        """Objects with an ownerReference to that uid."""
        return [body for _, body in self.store.owned(uid)]

    def page(
        self, resource: Resource, namespace: str, select: Select, view: View, limit: int, continue_token: str
    ) -> Json:
        """One page of a list, as the server's List object; items carry no kind. Raises Gone."""
        after, _, version = continue_token.partition("@")
        if continue_token and int(version) < self.store.compacted:
            raise errors.Gone(410, "Expired", "The provided continue parameter is too old")
        found = [
            (key, body)
            for key, body in self.store.all(resource)
            if namespace in ("", key[0]) and "/".join(key) > after and select(body)
        ]
        metadata = {"resourceVersion": version or str(self.store.version)}
        if limit and len(found) > limit:
            metadata["continue"] = f"{'/'.join(found[limit - 1][0])}@{metadata['resourceVersion']}"
            found = found[:limit]
        items = [{k: v for k, v in view(body).items() if k not in ("kind", "apiVersion")} for _, body in found]
        return {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": metadata,
            "items": items,
        }

    def watch(
        self,
        resource: Resource,
        version: int,
        select: Select,
        view: View,
        *,
        seconds: float,
        delay: Callable[[], float] = lambda: 0.0,
    ) -> Watch:
        """Raises Gone. `unwatch` must follow."""
        watch = Watch(self.store, resource, version, select, view, seconds=seconds, delay=delay)
        self._watches.setdefault(resource.plural, {})[watch] = None
        return watch

    def unwatch(self, watch: Watch) -> None:
        watch.close()
        self._watches[watch.resource.plural].pop(watch, None)

    def watches(self) -> tuple[Watch, ...]:
        return tuple(watch for watches in self._watches.values() for watch in watches)

    def compact(self) -> None:
        """Forgets the past: watches go on, new ones cannot begin before now."""
        self.store.compact()

    def subscribe(self, handler: Callable[[Change], None]) -> None:
        """Calls `handler` at once after each change."""
        self.store.subscribe(handler)

    # Writing

    async def create(
        self, resource: Resource, body: Json, namespace: str = "", *, by: str, dry_run: bool = False
    ) -> Json:
        namespace = (namespace or body["metadata"].get("namespace", "")) if resource.namespaced else ""
        metadata = dict(body["metadata"])
        if not metadata.get("name"):
            start = metadata["generateName"][: rules.LONGEST_GENERATED]
            metadata["name"] = start + "".join(self._rng.choices(_ALPHABET, k=5))
        name = metadata["name"]
        key = _key(resource, name, namespace)
        rules.check_name(resource, name)
        new = {**copy.deepcopy(body), "apiVersion": resource.api_version, "kind": resource.kind}
        if resource.plural not in rules.WITHOUT_STATUS:
            new.pop("status", None)
        new["metadata"] = {k: v for k, v in metadata.items() if k not in ("uid", "resourceVersion")}
        if resource.namespaced:
            new["metadata"]["namespace"] = namespace
        asked = Asked("CREATE", resource, namespace, name, None, new, by, dry_run)
        home = self._home(asked)
        refuse_ending(asked, home)
        if self.webhooks:
            new = await mutated(self.webhooks, asked, home, self._review_uid())
            asked = Asked("CREATE", resource, namespace, name, None, new, by, dry_run)
            refuse_ending(asked, self._home(asked))
        if self.store.find(resource, key) is not None:
            raise errors.AlreadyExists(409, "AlreadyExists", f'{resource.plural} "{name}" already exists')
        new = rules.default(resource, new)
        rules.check_new(resource, new)
        for policy in self.policies:
            policy(asked)
        version = self.store.version + 1
        new["metadata"] |= {"uid": f"{version:08d}-0000-4000-8000-000000000000", "creationTimestamp": clock.stamp()}
        if resource.plural not in rules.WITHOUT_GENERATION:
            new["metadata"]["generation"] = 1
        new["metadata"]["resourceVersion"] = str(version)
        if not dry_run:
            self._put(resource, key, new, by=by, verb="create")
        return new

    async def update(
        self,
        resource: Resource,
        name: str,
        namespace: str,
        change: Callable[[Json], None],
        *,
        by: str,
        subresource: str = "",
    ) -> Json:
        """Lets `change` alter a copy in place and stores that. Raises NotFound, Conflict, Invalid, Forbidden."""

        def apply(current: Json) -> Json:
            changed = copy.deepcopy(current)
            change(changed)
            return changed

        return await self._write(resource, name, namespace, apply, by=by, verb="update", subresource=subresource)

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Json | Bodies,
        namespace: str = "",
        *,
        by: str,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        kind = PatchType.JSON if isinstance(body, list) else patch_type
        return await self._write(
            resource,
            name,
            namespace,
            lambda current: patched(current, body, kind),
            by=by,
            verb="patch",
            subresource=subresource,
            dry_run=dry_run,
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        by: str,
        propagation: str = "Background",
        uid: str = "",
        grace: float | None = None,
    ) -> None:
        old = self.get(resource, name, namespace)
        if uid not in ("", old["metadata"]["uid"]):
            message = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['metadata']['uid']}"
            raise errors.Conflict(409, "Conflict", message)
        key = _key(resource, name, namespace)
        finalizers = list(old["metadata"].get("finalizers") or ())
        finalizer = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(propagation)
        if finalizer and finalizer not in finalizers:
            finalizers.append(finalizer)
        seconds = _grace(resource, old, grace)
        if not finalizers and not seconds and not (resource == resources.NAMESPACES and grace != 0):
            self.store.next_version()
            self._put(resource, key, None, by=by, verb="delete", drawn=True)
            return
        metadata = {**old["metadata"], "deletionTimestamp": old["metadata"].get("deletionTimestamp") or clock.stamp()}
        metadata |= {"finalizers": finalizers} if finalizers else {}
        if resource == resources.PODS:
            known = old["metadata"].get("deletionGracePeriodSeconds")
            metadata["deletionGracePeriodSeconds"] = seconds if known is None else min(known, seconds)
        new = {**old, "metadata": metadata}
        if resource == resources.NAMESPACES:
            new["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
        if old != new:
            new["metadata"]["resourceVersion"] = str(self.store.version + 1)
            self._put(resource, key, new, by=by, verb="delete")

    # Inside

    async def _write(
        self,
        resource: Resource,
        name: str,
        namespace: str,
        apply: Callable[[Json], Json],
        *,
        by: str,
        verb: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        key = _key(resource, name, namespace)
        for _ in range(_TRIES):
            old = self.get(resource, name, namespace)
            new = self._merged(resource, old, apply(old), subresource)
            asked = Asked("UPDATE", resource, namespace, name, old, new, by, dry_run)
            home = self._home(asked)
            if not subresource and any(webhook.applies(asked, home) for webhook in self.webhooks):
                new = await mutated(self.webhooks, asked, home, self._review_uid())
                if self.store.find(resource, key) is not old:
                    continue  # it has changed meanwhile: the change is made again to what it is now
                asked = Asked("UPDATE", resource, namespace, name, old, new, by, dry_run)
            rules.check_update(resource, old, new)
            for policy in self.policies:
                policy(asked)
            if dry_run or old == new:
                return new
            self._finish(resource, key, old, new, by=by, verb=verb)
            return new
        raise errors.Conflict(409, "Conflict", f'{resource.plural} "{name}" changes too fast')

    def _merged(self, resource: Resource, old: Json, new: Json, subresource: str) -> Json:
        """What a request may change of an object. Raises Conflict if it names another uid or resourceVersion."""
        for field in ("resourceVersion", "uid"):
            if new["metadata"].get(field) != old["metadata"][field]:
                what = f'Operation cannot be fulfilled on {resource.plural} "{old["metadata"]["name"]}"'
                raise errors.Conflict(409, "Conflict", f"{what}: the object has been modified")
        if subresource == "status":
            metadata = dict(old["metadata"])
            if resource.plural in rules.STATUS_WITH_ANNOTATIONS and "annotations" in new["metadata"]:
                metadata["annotations"] = new["metadata"]["annotations"]
            return {**old, "metadata": metadata, **({"status": new["status"]} if "status" in new else {})}
        if resource.plural not in rules.WITHOUT_STATUS:
            new = {k: v for k, v in new.items() if k != "status"} | (
                {"status": old["status"]} if "status" in old else {}
            )
        fixed = ("creationTimestamp", "generation", "deletionTimestamp")
        metadata = {**new["metadata"], **{k: old["metadata"][k] for k in fixed if k in old["metadata"]}}
        return {**new, "metadata": metadata}

    def _finish(self, resource: Resource, key: Key, old: Json, new: Json, *, by: str, verb: str) -> None:
        meta = new["metadata"]
        ended = "deletionTimestamp" in meta and not meta.get("finalizers")
        graceful = meta.get("deletionGracePeriodSeconds", 0) > 0 or _has_spec_finalizers(new)
        if ended and not graceful:
            self.store.next_version()
            self._put(resource, key, None, by=by, verb=verb, drawn=True)
            return
        if resource.plural not in rules.WITHOUT_GENERATION and _content(old) != _content(new):
            meta["generation"] = old["metadata"].get("generation", 0) + 1
        meta["resourceVersion"] = str(self.store.version + 1)
        self._put(resource, key, new, by=by, verb=verb)

    def _put(self, resource: Resource, key: Key, new: Json | None, *, by: str, verb: str, drawn: bool = False) -> None:
        if not drawn:
            self.store.next_version()
        change = self.store.put(resource, key, new, by=by, verb=verb)
        for watch in list(self._watches.get(resource.plural, ())):
            watch.feed(change)

    def _home(self, asked: Asked) -> Json | None:
        """The namespace that a request is about."""
        name = asked.namespace if asked.resource.namespaced else asked.name
        return self.store.find(resources.NAMESPACES, ("", name))

    def _review_uid(self) -> str:
        self._reviews += 1
        return f"review-{self._reviews}"


def selected(namespace: str, labels: str, fields: str) -> Select:
    """What a list or watch with these selectors shows."""

    def select(body: Json) -> bool:
        meta = body["metadata"]
        return (
            namespace in ("", meta.get("namespace"))
            and (not labels or selector.labels_match(labels, meta.get("labels") or {}))
            and (not fields or selector.fields_match(fields, body))
        )

    return select


def whole(body: Json) -> Json:
    return body


def metadata_of(body: Json) -> Json:
    """The object as a PartialObjectMetadata."""
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": body["metadata"]}


def _key(resource: Resource, name: str, namespace: str) -> Key:
    return namespace if resource.namespaced else "", name


def _grace(resource: Resource, body: Json, asked: float | None) -> float:
    if resource != resources.PODS:
        return 0
    spec, phase = body["spec"], (body.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    return float(spec.get("terminationGracePeriodSeconds", rules.DEFAULT_GRACE_SECONDS)) if asked is None else asked


def _has_spec_finalizers(body: Json) -> bool:
    return body["kind"] == "Namespace" and bool((body.get("spec") or {}).get("finalizers"))


def _content(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}
