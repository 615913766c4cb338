"""Which node a pod goes to, and what it needs that is not there."""

from collections.abc import Sequence
from typing import Any

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.server import NODES, Server
from tests.simulation.controllers import objects

ONLY_NODE = "node-1"  # of a cluster in whose store no Node was put


def node_for(server: Server, pod: Json, lost: Sequence[str], turn: int) -> str:
    """The node for a pod, "" if there is none. `turn` goes round those that are equally good."""
    names = [node["metadata"]["name"] for node in server.list(NODES) if not objects.is_ending(node)] or [ONLY_NODE]
    wanted = _wanted(pod)
    fit = [name for name in names if name not in lost and (not wanted or name in wanted)]
    return fit[turn % len(fit)] if fit else ""


def missing_mount(server: Server, pod: Json) -> str:
    """What the kubelet says of a volume's ConfigMap or Secret that is not there; "" if all are."""
    for volume in pod["spec"].get("volumes") or ():
        for field, key in (("configMap", "name"), ("secret", "secretName")):
            source = volume.get(field)
            if source and not source.get("optional") and (what := _missing(server, pod, field, source[key])):
                return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {what}'
    return ""


def missing_variable(server: Server, pod: Json) -> str:
    """What the kubelet says of an environment variable's ConfigMap or Secret, or its key, that is not there."""
    for container in pod["spec"]["containers"]:
        for entry in container.get("env") or ():
            source: dict[str, Any] = entry.get("valueFrom") or {}
            for field, kind in (("configMapKeyRef", "configMap"), ("secretKeyRef", "secret")):
                reference = source.get(field)
                if not reference or reference.get("optional"):
                    continue
                if what := _missing(server, pod, kind, reference["name"], reference["key"]):
                    return what
        for entry in container.get("envFrom") or ():
            for field, kind in (("configMapRef", "configMap"), ("secretRef", "secret")):
                reference = entry.get(field)
                if not reference or reference.get("optional"):
                    continue
                if what := _missing(server, pod, kind, reference["name"]):
                    return what
    return ""


def _missing(server: Server, pod: Json, kind: str, name: str, key: str = "") -> str:
    resource = resources.CONFIGMAPS if kind == "configMap" else resources.SECRETS
    namespace = pod["metadata"]["namespace"]
    body = server.find(resource, name, namespace)
    if body is None:
        return f'{resource.kind.lower()} "{name}" not found'
    if key and key not in {**(body.get("data") or {}), **(body.get("stringData") or {})}:
        return f"couldn't find key {key} in {resource.kind} {namespace}/{name}"
    return ""


def _wanted(pod: Json) -> list[str]:
    """The nodes that a pod's node affinity names, as a DaemonSet's pods do."""
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return [
        name
        for term in required.get("nodeSelectorTerms") or ()
        for field in term.get("matchFields") or ()
        if field["key"] == "metadata.name"
        for name in field["values"]
    ]
