"""The shop's YAML, as a person would apply it, and what it asks for."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Api, Json, PatchType
from app.cluster.errors import NotFound

FOLDER = Path(__file__).resolve().parent.parent / "shop"
NAMESPACE = "shop"
APP = "shop"
# The workload whose check fails on purpose and holds it, and the one whose failing check only warns.
FAILING = "checkout"
WARNED = "recommendations"
NAME_LABEL = "app.kubernetes.io/name"

_KINDS = {
    resource.kind: resource
    for resource in (
        resources.NAMESPACES,
        resources.CONFIGMAPS,
        resources.SERVICES,
        resources.TASK_DEFINITIONS,
        resources.EVALUATION_DEFINITIONS,
        resources.APP_CONTEXTS,
        resources.DEPLOYMENTS,
        resources.STATEFULSETS,
        resources.DAEMONSETS,
    )
}
_RUNNERS = ("deno", "python", "container")
_PRE, _POST = "keptn.sh/pre-deployment-tasks", "keptn.sh/post-deployment-tasks"


@dataclass(frozen=True, slots=True)
class Expected:
    """One workload of the shop, and its checks before its pods go and after it is up ("" for none).

    `pods` is how many must become ready, None if the nodes decide. `app` is "" for one that names no application.
    """

    kind: str
    name: str
    definition: str
    runner: str
    pods: int | None
    app: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedApp:
    """The application: its checks before and after all of its workloads, and its evaluation at the end."""

    name: str
    definition: str
    after: str
    evaluation: str


def documents(folder: Path = FOLDER) -> list[Json]:
    """All objects in the order in which `kubectl apply -f` takes them: files by name, then as written."""
    found: list[Json] = []
    for file in sorted(folder.glob("*.yaml")):
        found += [document for document in yaml.safe_load_all(file.read_text()) if document]
    return found


def expected(objects: Iterable[Json]) -> list[Expected]:
    """The workloads among `objects` that ask for a check, each with the one before and the one after, if any."""
    objects = list(objects)
    runners = {
        body["metadata"]["name"]: next(runner for runner in _RUNNERS if runner in body["spec"])
        for body in objects
        if body["kind"] == resources.TASK_DEFINITIONS.kind
    }
    workloads = []
    for body in objects:
        if body["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
            keys = body["spec"]["template"]["metadata"].get("annotations") or {}
            if _PRE not in keys:
                continue
            asked, app = keys[_PRE], keys.get(wellknown.APP, "")
            replicas = None if body["kind"] == "DaemonSet" else body["spec"].get("replicas", 1)
            name = body["metadata"]["name"]
            workloads.append(Expected(body["kind"], name, asked, runners[asked], replicas, app, keys.get(_POST, "")))
    return workloads


def expected_app(objects: Iterable[Json]) -> ExpectedApp:
    """The one application among `objects`."""
    (context,) = (body for body in objects if body["kind"] == resources.APP_CONTEXTS.kind)
    spec = context["spec"]
    (before,), (after,) = spec["preDeploymentTasks"], spec["postDeploymentTasks"]
    (evaluation,) = spec["postDeploymentEvaluations"]
    return ExpectedApp(context["metadata"]["name"], before, after, evaluation)


def images_of(objects: list[Json], registry: str) -> list[Json]:
    """The same objects, with the images that `make install REGISTRY=…` has pushed there taken from there."""
    if not registry:
        return objects
    tag = os.environ.get("TAG", "dev")
    for body in objects:
        if body["kind"] == resources.DEPLOYMENTS.kind:
            for container in body["spec"]["template"]["spec"]["containers"]:
                name = container["image"].removeprefix("holdfast/").partition(":")[0]
                if container["image"].startswith("holdfast/"):
                    container["image"] = f"{registry}/{name}:{tag}"
    return objects


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
