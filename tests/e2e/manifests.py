"""The objects that the tests apply, as small as they can be."""

from collections.abc import Mapping
from typing import Any

from app.api.wellknown import API_VERSION
from tests.e2e.kube.resources import Json

APP_IMAGE = "busybox:1.36"
# A check that ends as soon as it is told to, as a shell that is a container's first process would not.
ENDLESS = "trap 'exit 143' TERM; sleep 300 & wait $!"
RESTRICTED: Json = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESTRICTED_CONTAINER: Json = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def keys(workload: str, tasks: str = "", version: str = "1.0", **more: str) -> dict[str, str]:
    """The annotations that make a pod a workload's: `more` are further `keptn.sh/` keys, `_` standing for `-`."""
    wanted = {"workload": workload, "version": version, "pre-deployment-tasks": tasks}
    wanted |= {key.replace("_", "-"): value for key, value in more.items()}
    return {f"keptn.sh/{key}": value for key, value in wanted.items() if value}


def template(name: str, annotations: Mapping[str, str], pod: Json | None = None, image: str = APP_IMAGE) -> Json:
    """A pod that sleeps, and is gone at once when it is deleted. `pod` is merged into its spec."""
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "1000000"]}
    spec: Json = {
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    return {
        "metadata": {"labels": {"app": name}, "annotations": dict(annotations)},
        "spec": spec | (pod or {}),
    }


def workload(
    kind: str,
    name: str,
    pod_annotations: Mapping[str, str],
    *,
    annotations: Mapping[str, str] | None = None,
    pod: Json | None = None,
    image: str = APP_IMAGE,
    **spec: Any,
) -> Json:
    """A Deployment, StatefulSet, DaemonSet or ReplicaSet; `annotations` are its own, `spec` is merged into its spec."""
    wanted: Json = {"selector": {"matchLabels": {"app": name}}, "template": template(name, pod_annotations, pod, image)}
    if kind == "StatefulSet":
        wanted["serviceName"] = name
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "annotations": dict(annotations or {})},
        "spec": wanted | spec,
    }


def deployment(name: str, tasks: str = "", version: str = "1.0", **options: Any) -> Json:
    """A Deployment whose workload is called as it is, with these checks before it."""
    return workload("Deployment", name, keys(name, tasks, version), **options)


def definition(name: str, runner: str, body: Json, **spec: Any) -> Json:
    """A KeptnTaskDefinition. A failure is a failure at once, unless `spec` says otherwise."""
    return {
        "apiVersion": API_VERSION,
        "kind": "KeptnTaskDefinition",
        "metadata": {"name": name},
        "spec": {runner: body, "retries": 0, "timeout": "1m"} | spec,
    }


def deno(name: str, code: str, *, parameters: Mapping[str, str] | None = None, secret: str = "", **spec: Any) -> Json:
    return definition(name, "deno", {"inline": {"code": code}} | inputs(parameters, secret), **spec)


def python(name: str, code: str, *, parameters: Mapping[str, str] | None = None, secret: str = "", **spec: Any) -> Json:
    return definition(name, "python", {"inline": {"code": code}} | inputs(parameters, secret), **spec)


def container(name: str, script: str, *, of: Json | None = None, **spec: Any) -> Json:
    """A check by a shell script in a container; `of` is merged into that container."""
    body = {
        "name": "check",
        "image": APP_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
    }
    return definition(name, "container", body | (of or {}), **spec)


def inputs(parameters: Mapping[str, str] | None = None, secret: str = "") -> Json:
    return ({"parameters": {"map": dict(parameters)}} if parameters else {}) | (
        {"secureParameters": {"secret": secret}} if secret else {}
    )


def app(name: str, version: str, **workloads: str) -> Json:
    """A KeptnApp that a person writes, with the version of each of its workloads."""
    refs = [{"name": workload, "version": number} for workload, number in workloads.items()]
    return {
        "apiVersion": API_VERSION,
        "kind": "KeptnApp",
        "metadata": {"name": name},
        "spec": {"version": version, "workloads": refs},
    }


def app_context(name: str, **spec: Any) -> Json:
    return {"apiVersion": API_VERSION, "kind": "KeptnAppContext", "metadata": {"name": name}, "spec": spec}


def task(name: str, definition: str, **spec: Any) -> Json:
    """A KeptnTask that a person makes."""
    return {
        "apiVersion": API_VERSION,
        "kind": "KeptnTask",
        "metadata": {"name": name},
        "spec": {"taskDefinition": definition, "retries": 0, "timeout": "1m"} | spec,
    }


def config_map(name: str, data: Mapping[str, str]) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}


def secret(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
