"""When a workload was really up, by what its own controller says of it: all pods of one content, and no others."""

from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import keys
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import KINDS

_KEYS = frozenset(
    {
        keys.APP,
        keys.WORKLOAD,
        keys.VERSION,
        keys.PRE_TASKS,
        keys.PRE_EVALUATIONS,
        keys.POST_TASKS,
        keys.POST_EVALUATIONS,
    }
)
_WORKLOADS = frozenset(KINDS.values())


class UpTruth:
    def __init__(self) -> None:
        self._up: dict[tuple[str, ...], dict[str, float]] = {}  # workload → image → when it was up with it last
        self._asked: dict[tuple[str, ...], list[tuple[float, dict[str, str]]]] = {}  # the same → its keys, since when
        self._images: dict[tuple[str, ...], list[tuple[float, str]]] = {}  # workload → what it was to run, since when

    def see(self, change: Change) -> None:
        body = change.new
        if change.resource not in _WORKLOADS or body is None:
            return
        key = (change.resource.kind, body["metadata"]["namespace"], body["metadata"]["name"])
        image = str(body["spec"]["template"]["spec"]["containers"][0]["image"])
        known = self._images.setdefault(key, [])
        if not known or known[-1][1] != image:
            known.append((change.time, image))
        marks = {**(body["metadata"].get("annotations") or {})}
        marks |= body["spec"]["template"]["metadata"].get("annotations") or {}
        said = {name: value for name, value in marks.items() if name in _KEYS}
        asked = self._asked.setdefault(key, [])
        if not asked or asked[-1][1] != said:
            asked.append((change.time, said))
        if is_up(change.resource.kind, body):
            self._up.setdefault(key, {})[image] = change.time

    def was_up(self, kind: str, namespace: str, name: str, images: dict[str, None], since: float) -> bool:
        """Whether the workload was up with one of these images since then, or was so already."""
        key = (kind, namespace, name)
        now = self._images.get(key, [(0.0, "")])[-1][1]
        return any(at >= since or image == now for image, at in self._up.get(key, {}).items() if image in images)

    def wanted_other(
        self, kind: str, namespace: str, name: str, images: dict[str, None], made: float, since: float
    ) -> bool:
        """Whether something else was to run there at any time since then, or has been asked for since it was `made`."""
        if any(at > made for at, _ in self._asked.get((kind, namespace, name), [])):
            return True
        history = self._images.get((kind, namespace, name), [])
        ends = [*(at for at, _ in history[1:]), float("inf")]
        return any(image not in images and end >= since for (_, image), end in zip(history, ends, strict=True))


def is_up(kind: str, body: Json) -> bool:
    status = body.get("status") or {}
    if status.get("observedGeneration", 0) < body["metadata"]["generation"]:
        return False
    if kind == resources.DAEMONSETS.kind:
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(wanted == status.get("updatedNumberScheduled", 0) == status.get("numberAvailable", 0))
    wanted = body["spec"].get("replicas", 1)
    available, there = status.get("availableReplicas", 0), status.get("replicas", 0)
    if kind == resources.REPLICASETS.kind:
        return bool(wanted == available == there)
    # More than are wanted may still be there after a scaling down, as long as all of them are new.
    fresh = status.get("updatedReplicas", 0)
    return bool(fresh >= wanted and there == fresh and available >= wanted)
