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
from tests.simulation.apiserver import defaults, lists, refusals, rules, writing
from tests.simulation.apiserver.admission import Asked, Policy, Webhook, mutated, refuse_ending
from tests.simulation.apiserver.patches import patched
from tests.simulation.apiserver.store import Change, Key, Store
from tests.simulation.apiserver.watching import Select, View, Watch

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)

Bodies = list[Json]

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
            raise refusals.not_found(resource, name)
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
        """One page of a list, as the server's List object. Raises Gone."""
        return lists.page(self.store, resource, namespace, select, view, limit, continue_token)

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
        """`unwatch` must follow."""
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
        new = writing.new_object(resource, body, namespace, self._rng)
        namespace, name = new["metadata"].get("namespace", ""), new["metadata"]["name"]
        key = _key(resource, name, namespace)
        asked = Asked("CREATE", resource, namespace, name, None, new, by, dry_run)
        home = self._home(asked)
        refuse_ending(asked, home)
        if self.webhooks:
            new = await mutated(self.webhooks, asked, home, self._review_uid())
            asked = Asked("CREATE", resource, namespace, name, None, new, by, dry_run)
            refuse_ending(asked, self._home(asked))
        version = self.store.version + 1
        new["metadata"] |= {"uid": f"{version:08d}-0000-4000-8000-000000000000", "creationTimestamp": clock.stamp()}
        if resource.plural not in rules.WITHOUT_GENERATION:
            new["metadata"]["generation"] = 1
        defaults.fill(resource.plural, new)
        rules.check_new(resource, new)
        for policy in self.policies:
            policy(asked)
        if self.store.find(resource, key) is not None:
            raise refusals.already_exists(resource, name)
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
        if kind is PatchType.STRATEGIC and rules.is_ours(resource):
            raise errors.ApiError(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
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
            why = f"the UID in the precondition ({uid}) does not match the UID in record ({old['metadata']['uid']})"
            raise refusals.conflict(resource, name, why)
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
        metadata = {**old["metadata"], **({"finalizers": finalizers} if finalizers else {})}
        known = metadata.get("deletionGracePeriodSeconds", 0)
        if "deletionTimestamp" not in metadata or seconds < known:
            if "deletionTimestamp" not in metadata and "generation" in metadata:
                metadata["generation"] += 1
            metadata["deletionTimestamp"] = clock.stamp(seconds)
            if resource != resources.NAMESPACES:
                metadata["deletionGracePeriodSeconds"] = seconds
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
            new = writing.merged(resource, old, apply(old), subresource)
            asked = Asked("UPDATE", resource, namespace, name, old, new, by, dry_run)
            home = self._home(asked)
            if not subresource and any(webhook.applies(asked, home) for webhook in self.webhooks):
                new = await mutated(self.webhooks, asked, home, self._review_uid())
                if self.store.find(resource, key) is not old:
                    continue  # it has changed meanwhile: the change is made again to what it is now
                asked = Asked("UPDATE", resource, namespace, name, old, new, by, dry_run)
            rules.check_update(resource, old, new, subresource)
            for policy in self.policies:
                policy(asked)
            if dry_run or old == new:
                return new
            self._finish(resource, key, old, new, subresource, by=by, verb=verb)
            return new
        raise refusals.conflict(resource, name)

    def _finish(
        self, resource: Resource, key: Key, old: Json, new: Json, subresource: str, *, by: str, verb: str
    ) -> None:
        meta = new["metadata"]
        ended = "deletionTimestamp" in meta and not meta.get("finalizers")
        graceful = meta.get("deletionGracePeriodSeconds", 0) > 0 or _has_spec_finalizers(new)
        if ended and not graceful:
            self.store.next_version()
            self._put(resource, key, None, by=by, verb=verb, drawn=True)
            return
        if "generation" in meta and writing.is_wanted_anew(resource, subresource, old, new):
            meta["generation"] += 1
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
    kind, api_version = lists.PARTIAL
    return {"apiVersion": api_version, "kind": kind, "metadata": body["metadata"]}


def _key(resource: Resource, name: str, namespace: str) -> Key:
    return namespace if resource.namespaced else "", name


def _grace(resource: Resource, body: Json, asked: float | None) -> float:
    if resource != resources.PODS:
        return 0
    spec, phase = body["spec"], (body.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    return float(spec.get("terminationGracePeriodSeconds", defaults.GRACE_SECONDS)) if asked is None else asked


def _has_spec_finalizers(body: Json) -> bool:
    return body["kind"] == "Namespace" and bool((body.get("spec") or {}).get("finalizers"))
