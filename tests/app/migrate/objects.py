"""What Keptn v2 leaves behind, as the API server gives it (keptn-behaviour 1, 3 and 7)."""

from typing import Any

from app.api import wellknown
from app.migrate.cluster import Cluster, Held
from tests.builders import Json, deployment, pod, replica_set, version

SERVED = {"keptntaskdefinitions": ("v1", "v1beta1"), "keptnapps": ("v1", "v1alpha3")}
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"


def crd(plural: str, *, group: str = wellknown.GROUP, stored: tuple[str, ...] = ("v1",), **annotations: str) -> Json:
    versions = [{"name": name, "served": True} for name in SERVED.get(plural, ("v1",))]
    keys = {f"meta.helm.sh/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {
        "kind": "CustomResourceDefinition",
        "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": {"name": f"{plural}.{group}", "annotations": keys},
        "spec": {"versions": versions},
        "status": {"storedVersions": list(stored)},
    }


def crds(*items: Json) -> dict[str, Json]:
    return {item["metadata"]["name"]: item for item in items}


def operator(part: str, image: str, namespace: str = "keptn-system") -> Json:
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": part, "namespace": namespace, "labels": {"control-plane": part}},
        "spec": {"template": {"spec": {"containers": [{"name": part, "image": image}]}}},
    }


def webhook(*hooks: str, policy: str = "Fail", namespaces: list[Json] | None = None) -> Json:
    client = {"service": {"namespace": "keptn-system", "name": "lifecycle-webhook-service"}}
    return {
        "kind": "MutatingWebhookConfiguration",
        "apiVersion": "admissionregistration.k8s.io/v1",
        "metadata": {"name": "lifecycle-mutating-webhook-configuration"},
        "webhooks": [
            {
                "name": name,
                "clientConfig": client,
                "failurePolicy": policy,
                "namespaceSelector": {"matchExpressions": namespaces or []},
            }
            for name in hooks
        ],
    }


def custom(kind: str, name: str, namespace: str = "shop", *, api: str = wellknown.API_VERSION, **fields: Any) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace, "uid": name}, **fields}


KEYS = {"keptn.sh/workload": "web", "keptn.sh/version": "1.0", "keptn.sh/pre-deployment-tasks": "check"}
OWNER = replica_set("web-1").owned_by(deployment("web")).created(EARLY)
# Made by Keptn when the first pod of web-1 came.
VERSION = version("web-web-1.0").checks("check").created(LATE)


def held(name: str = "web-1-a", *, labelled: bool = False, made: str = EARLY) -> Held:
    """A pod of ReplicaSet web-1 with the gate; Keptn writes the keys onto the pod."""
    gated = pod(name).gated(wellknown.GATE).owned_by(OWNER).changed({"metadata": {"annotations": KEYS}})
    if labelled:
        gated = gated.changed({"metadata": {"labels": {wellknown.LABEL: wellknown.LABEL_HELD}}})
    return Held(gated.raw, OWNER.raw, deployment("web").raw, made)


def cluster(**parts: Any) -> Cluster:
    return Cluster(installation="keptn-system", **parts)
