"""What the tests make, as small as a real API server takes it."""

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource

GATE = "example.com/gate"  # somebody else's
CONTAINER: Json = {"name": "main", "image": "main:1"}


def _of(resource: Resource, name: str, metadata: Json, **rest: object) -> Json:
    about = {"apiVersion": resource.api_version, "kind": resource.kind}
    return {**about, "metadata": {"name": name, **metadata}, **rest}


def config_map(name: str, **metadata: object) -> Json:
    return _of(resources.CONFIGMAPS, name, metadata, data={"a": "1"})


def pod(name: str, *gates: str, **metadata: object) -> Json:
    held = {"schedulingGates": [{"name": gate} for gate in gates]} if gates else {}
    return _of(resources.PODS, name, metadata, spec={"containers": [CONTAINER], **held})


def deployment(name: str, **metadata: object) -> Json:
    """One without pods, and so quickly done with."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [CONTAINER]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return _of(resources.DEPLOYMENTS, name, metadata, spec=spec)


def job(name: str, **metadata: object) -> Json:
    """One that makes no pods."""
    template = {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}
    return _of(resources.JOBS, name, metadata, spec={"suspend": True, "template": template})


def workload(name: str, **metadata: object) -> Json:
    """Of our own kinds the one that no worker looks at by itself."""
    reference = {"uid": "some-uid", "kind": "ReplicaSet", "name": "web"}
    return _of(
        resources.WORKLOADS, name, metadata, spec={"app": "shop", "version": "1", "resourceReference": reference}
    )


def task(name: str, spec: Json) -> Json:
    return _of(resources.TASKS, name, {}, spec=spec)


def lease(name: str, holder: str) -> Json:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000001Z"}
    return _of(resources.LEASES, name, {}, spec=spec)


def gates(body: Json) -> list[str]:
    return [gate["name"] for gate in body["spec"].get("schedulingGates") or ()]


def release(index: int, gate: str) -> list[Json]:
    """The heart of the worker's patch that opens a gate."""
    path = f"/spec/schedulingGates/{index}"
    return [{"op": "test", "path": path, "value": {"name": gate}}, {"op": "remove", "path": path}]


OURS = wellknown.GATE
