"""All that can finish has finished, of the workloads themselves: pods that nothing holds run, and there are enough."""

from collections.abc import Iterator

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle.explain import PREFIX
from tests.simulation.apiserver.server import Server
from tests.simulation.controllers import objects
from tests.simulation.manifests import BROKEN, KINDS, controller_of, held_by_us

_DONE = ("Succeeded", "Failed")


class Arrivals:
    def __init__(self, server: Server) -> None:
        self._server = server

    def missing(self) -> list[str]:
        """A sentence for each pod that could run and does not, and each workload that could be complete and is not."""
        pods = [pod for pod in self._server.list(resources.PODS) if "deletionTimestamp" not in pod["metadata"]]
        waiting = {self._workload_of(pod) for pod in pods if pod["spec"].get("schedulingGates")}
        broken = {self._workload_of(pod) for pod in pods if _is_broken(pod)}
        return [*self._idle(pods), *self._incomplete(waiting | broken)]

    def _idle(self, pods: list[Json]) -> Iterator[str]:
        for pod in pods:
            meta = pod["metadata"]
            if controller_of(pod).get("kind") not in KINDS or pod["spec"].get("schedulingGates"):
                if (meta.get("labels") or {}).get(wellknown.LABEL) == wellknown.LABEL_HELD and not held_by_us(pod):
                    yield f"somebody has taken the gate off pod {meta['name']}, and it is not marked"
                continue
            if (meta.get("labels") or {}).get(wellknown.LABEL):
                yield f"somebody has taken the gate off pod {meta['name']}, and it is not marked"
            elif objects.phase(pod) not in _DONE and not objects.is_ready(pod) and not _is_broken(pod):
                yield f"nothing holds pod {meta['name']}, and it does not run"

    def _incomplete(self, waiting: set[str]) -> Iterator[str]:
        for kind, resource in KINDS.items():
            for body in self._server.list(resource):
                meta = body["metadata"]
                if controller_of(body) or "deletionTimestamp" in meta or meta["uid"] in waiting:
                    continue
                home = self._server.find(resources.NAMESPACES, meta["namespace"])
                if home is None or "deletionTimestamp" in home["metadata"]:
                    continue
                if not _is_complete(kind, body):
                    yield f"{kind} {meta['name']} has no held pod, and is not complete"
                elif kind == "Deployment" and _blamed(body):
                    yield f"Deployment {meta['name']} is complete, and says that a check of it has failed"

    def _workload_of(self, pod: Json) -> str:
        """The uid of the workload that a person wrote."""
        owner = controller_of(pod)
        above = self._server.store.by_uid(owner.get("uid", "")) if owner else None
        return str((controller_of(above) if above else {}).get("uid") or owner.get("uid", ""))


def _is_broken(pod: Json) -> bool:
    """Whether it never gets ready, whatever anybody does."""
    return BROKEN in pod["spec"]["containers"][0]["image"]


def _is_complete(kind: str, body: Json) -> bool:
    status = body.get("status") or {}
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        fresh, ready = status.get("updatedNumberScheduled", 0), status.get("numberReady", 0)
    else:
        wanted = body["spec"].get("replicas", 1)
        ready = status.get("readyReplicas", 0)
        fresh = wanted if kind == "ReplicaSet" else status.get("updatedReplicas", 0)
    current = status.get("observedGeneration", 0) >= body["metadata"]["generation"]
    return bool(current and fresh == wanted and ready == wanted)


def _blamed(deployment: Json) -> bool:
    found = objects.condition(deployment, "Progressing")
    return found is not None and found["status"] == "False" and str(found.get("message", "")).startswith(PREFIX)
