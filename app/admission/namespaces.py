"""A namespace's opt-in annotation, mirrored into a label, since a webhook's selectors see labels only."""

from app.admission.review import Json, Request, Response, allowed, patched
from app.api import wellknown

_PATH = "/metadata/labels"
_LABEL = wellknown.LABEL.replace("/", "~1")


async def mirror(request: Request) -> Response:
    """Sets the label if the annotation says exactly ``enabled``, and takes it away otherwise."""
    body = request.object
    if request.operation not in ("CREATE", "UPDATE") or request.subresource or body is None:
        return allowed()
    metadata = body.get("metadata") or {}
    labels = metadata.get("labels") or {}
    annotations = metadata.get("annotations") or {}
    if annotations.get(wellknown.NAMESPACE_OPT_IN) == wellknown.NAMESPACE_OPT_IN_VALUE:
        return patched(_set(labels))
    return patched([{"op": "remove", "path": f"{_PATH}/{_LABEL}"}] if wellknown.LABEL in labels else [])


def _set(labels: dict[str, str]) -> list[Json]:
    if labels.get(wellknown.LABEL) == wellknown.LABEL_NAMESPACE:
        return []
    if not labels:
        return [{"op": "add", "path": _PATH, "value": {wellknown.LABEL: wellknown.LABEL_NAMESPACE}}]
    return [{"op": "add", "path": f"{_PATH}/{_LABEL}", "value": wellknown.LABEL_NAMESPACE}]
