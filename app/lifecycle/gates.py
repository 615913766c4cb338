"""Our scheduling gate on a pod, as JSON patches (RFC 6902) that touch nothing else.

Other controllers' gates, labels and annotations stay as they are, byte for byte.
"""

from typing import Any

from app.api import wellknown
from app.api.core import Pod

Json = dict[str, Any]

_GATES = "/spec/schedulingGates"
_LABELS = "/metadata/labels"
_ANNOTATIONS = "/metadata/annotations"


def is_held(pod: Pod) -> bool:
    """Whether our gate is on the pod."""
    return any(gate.name == wellknown.GATE for gate in pod.spec.scheduling_gates)


def hold(raw_pod: Json) -> list[Json]:
    """The patch that puts our gate and the worker's label on a pod as it was sent; [] if both are there.

    Raises TypeError if `raw_pod` has no object as ``spec`` or ``metadata``, so is no pod.
    """
    spec, metadata = raw_pod.get("spec"), raw_pod.get("metadata")
    if not isinstance(spec, dict) or not isinstance(metadata, dict):
        raise TypeError("a pod has a spec and metadata")
    patch: list[Json] = []
    gates = spec.get("schedulingGates")
    gate = {"name": wellknown.GATE}
    if not gates:
        patch.append(_add(_GATES, [gate]))
    elif not any(g.get("name") == wellknown.GATE for g in gates):
        patch.append(_add(f"{_GATES}/-", gate))
    labels = metadata.get("labels")
    if not labels:
        patch.append(_add(_LABELS, {wellknown.LABEL: wellknown.LABEL_HELD}))
    elif labels.get(wellknown.LABEL) != wellknown.LABEL_HELD:
        patch.append(_add(f"{_LABELS}/{_escaped(wellknown.LABEL)}", wellknown.LABEL_HELD))
    return patch


def release(pod: Pod) -> list[Json]:
    """The patch that takes our gate and label off a pod and leaves the trace annotation; [] if it is not held.

    It fails as a whole (422) if the pod's gates are not those of `pod` any more, or if another pod has its name by now,
    as a StatefulSet's next revision may. JSON Patch cannot say "add this to the
    annotations, whether or not there are any", so a pod without any is patched only if it is still the same
    resourceVersion: else an annotation that somebody added meanwhile would be lost.
    """
    index = next((i for i, gate in enumerate(pod.spec.scheduling_gates) if gate.name == wellknown.GATE), None)
    if index is None:
        return []
    meta = pod.metadata
    path = f"{_GATES}/{index}"
    patch: list[Json] = [{"op": "test", "path": path, "value": {"name": wellknown.GATE}}]
    if meta.uid:
        patch.append({"op": "test", "path": "/metadata/uid", "value": meta.uid})
    if not meta.annotations and meta.resource_version:
        patch.append({"op": "test", "path": "/metadata/resourceVersion", "value": meta.resource_version})
    patch.append({"op": "remove", "path": path})
    if wellknown.LABEL in meta.labels:
        patch.append({"op": "remove", "path": f"{_LABELS}/{_escaped(wellknown.LABEL)}"})
    if meta.annotations:
        patch.append(_add(f"{_ANNOTATIONS}/{_escaped(wellknown.GATE_REMOVED)}", "true"))
    else:
        patch.append(_add(_ANNOTATIONS, {wellknown.GATE_REMOVED: "true"}))
    return patch


def is_bypassed(pod: Pod) -> bool:
    """Whether somebody else has taken our gate off the pod: our own release takes the label off in the same patch."""
    return pod.metadata.labels.get(wellknown.LABEL) == wellknown.LABEL_HELD and not is_held(pod)


def mark(pod: Pod) -> list[Json]:
    """The patch that takes our label off a bypassed pod and leaves an annotation that says so; [] if it is not one.

    Guarded as `release` is: it fails as a whole (422) if the pod is another by now or its label is gone.
    """
    if not is_bypassed(pod):
        return []
    meta = pod.metadata
    path = f"{_LABELS}/{_escaped(wellknown.LABEL)}"
    patch: list[Json] = [{"op": "test", "path": path, "value": wellknown.LABEL_HELD}]
    if meta.uid:
        patch.append({"op": "test", "path": "/metadata/uid", "value": meta.uid})
    if not meta.annotations and meta.resource_version:
        patch.append({"op": "test", "path": "/metadata/resourceVersion", "value": meta.resource_version})
    patch.append({"op": "remove", "path": path})
    if meta.annotations:
        patch.append(_add(f"{_ANNOTATIONS}/{_escaped(wellknown.GATE_BYPASSED)}", "true"))
    else:
        patch.append(_add(_ANNOTATIONS, {wellknown.GATE_BYPASSED: "true"}))
    return patch


def _add(path: str, value: object) -> Json:
    return {"op": "add", "path": path, "value": value}


def _escaped(key: str) -> str:
    """A key as one token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
