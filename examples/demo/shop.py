"""The shop's YAML, as a person would apply it, and what it asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Api, Json, PatchType, Resource
from app.cluster.errors import NotFound

FOLDER = Path(__file__).resolve().parent.parent / "shop"
NAMESPACE = "shop"
# The workload whose check fails on purpose.
FAILING = "checkout"
NAME_LABEL = "app.kubernetes.io/name"

_SERVICES = Resource("", "v1", "services", "Service")
_KINDS = {
    resource.kind: resource
    for resource in (
        resources.NAMESPACES,
        resources.TASK_DEFINITIONS,
        resources.DEPLOYMENTS,
        resources.STATEFULSETS,
        resources.DAEMONSETS,
        _SERVICES,
    )
}
_RUNNERS = ("deno", "python", "container")


@dataclass(frozen=True, slots=True)
class Expected:
    """One workload of the shop and its check. `pods` is how many must become ready, None if the nodes decide."""

    kind: str
    name: str
    definition: str
    runner: str
    pods: int | None


def documents(folder: Path = FOLDER) -> list[Json]:
    """All objects in the order in which `kubectl apply -f` takes them: files by name, then as written."""
    found: list[Json] = []
    for file in sorted(folder.glob("*.yaml")):
        found += [document for document in yaml.safe_load_all(file.read_text()) if document]
    return found


def expected(objects: Iterable[Json]) -> list[Expected]:
    """The workloads among `objects`, each with the one check that its pods ask for."""
    objects = list(objects)
    runners = {
        body["metadata"]["name"]: next(runner for runner in _RUNNERS if runner in body["spec"])
        for body in objects
        if body["kind"] == resources.TASK_DEFINITIONS.kind
    }
    workloads = []
    for body in objects:
        if body["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
            asked = body["spec"]["template"]["metadata"]["annotations"]["keptn.sh/pre-deployment-tasks"]
            replicas = None if body["kind"] == "DaemonSet" else body["spec"].get("replicas", 1)
            workloads.append(Expected(body["kind"], body["metadata"]["name"], asked, runners[asked], replicas))
    return workloads


async def apply(api: Api, objects: Iterable[Json]) -> None:
    """Server-side apply, one object after the other, as `kubectl apply --server-side -f` does it."""
    for body in objects:
        metadata = body["metadata"]
        await api.patch(
            _KINDS[body["kind"]],
            metadata["name"],
            body,
            metadata.get("namespace", ""),
            patch_type=PatchType.APPLY,
            field_manager="holdfast-demo",
            force=True,
        )


async def exists(api: Api) -> bool:
    """Whether a shop of an earlier run is there, if only on its way out."""
    try:
        await api.get(resources.NAMESPACES, NAMESPACE, metadata_only=True)
    except NotFound:
        return False
    return True


async def installed(api: Api) -> str:
    """What is missing of Holdfast in this cluster, in words; "" if it is there and ready."""
    try:
        await api.get(resources.CRDS, f"keptntaskdefinitions.{wellknown.GROUP}", metadata_only=True)
    except NotFound:
        return "its custom resource definitions are not there"
    for name in ("lifecycle-operator", "lifecycle-operator-webhook"):
        page = await api.list_page(resources.DEPLOYMENTS, field_selector=f"metadata.name={name}")
        items = page.get("items") or []
        if not items:
            return f"there is no Deployment {name}"
        if not any((item.get("status") or {}).get("readyReplicas") for item in items):
            return f"Deployment {name} has no ready pod"
    return ""
