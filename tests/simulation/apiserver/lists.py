"""Pages of lists. All pages of one list show the moment of its first."""

from app.cluster import errors
from app.cluster.api import Json, Resource
from tests.simulation.apiserver.rules import is_ours
from tests.simulation.apiserver.store import Key, Store
from tests.simulation.apiserver.watching import Select, View

TOO_OLD = "The provided continue parameter is too old to display a consistent list result"
PARTIAL = ("PartialObjectMetadata", "meta.k8s.io/v1")


def page(
    store: Store, resource: Resource, namespace: str, select: Select, view: View, limit: int, continue_token: str
) -> Json:
    """One page, as the server's List object. Raises Gone for a token from before a compaction."""
    after, _, version = continue_token.partition("@")
    objects = _at(store, resource, int(version)) if continue_token else store.all(resource)
    found = [
        (key, body)
        for key, body in objects
        if namespace in ("", key[0]) and (not after or "/".join(key) > after) and select(body)
    ]
    metadata = {"resourceVersion": version or str(store.version)}
    if limit and len(found) > limit:
        metadata["continue"] = f"{'/'.join(found[limit - 1][0])}@{metadata['resourceVersion']}"
        found = found[:limit]
    items = [view(body) for _, body in found]
    kind, api_version = resource.kind, resource.api_version
    if view({"metadata": {}}).get("kind") == PARTIAL[0]:
        kind, api_version = PARTIAL
    elif not is_ours(resource):  # items of custom kinds say what they are, others do not
        items = [{k: v for k, v in body.items() if k not in ("kind", "apiVersion")} for body in items]
    return {"kind": f"{kind}List", "apiVersion": api_version, "metadata": metadata, "items": items}


def _at(store: Store, resource: Resource, version: int) -> list[tuple[Key, Json]]:
    if version < store.compacted:
        raise errors.Gone(410, "Expired", TOO_OLD)
    objects = dict(store.all(resource))
    for change in reversed(store.history(resource)):
        if change.version <= version:
            break
        meta = change.body["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        if change.old is None:
            objects.pop(key, None)
        else:
            objects[key] = change.old
    return sorted(objects.items())
