"""The two kinds of Keptn's metrics operator that evaluations read, with as much of a schema as they need."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.e2e.kube.client import Kube, Refused
from tests.e2e.kube.resources import KINDS, Json

GROUP = "metrics.keptn.sh"


@contextlib.contextmanager
def installed(kube: Kube) -> Iterator[None]:
    """With both kinds in the cluster, and no operator that works on them."""
    kinds = ("KeptnMetric", "KeptnMetricsProvider")
    for kind in kinds:
        with contextlib.suppress(Refused):  # of an earlier run that was broken off
            kube.create(_crd(kind))
        kube.until_one("CustomResourceDefinition", "", _name(kind), _is_served, "it is served")
    try:
        yield
    finally:
        for kind in kinds:
            kube.delete("CustomResourceDefinition", "", _name(kind))
            kube.until("CustomResourceDefinition", "", _is_gone, "it is gone", fields=f"metadata.name={_name(kind)}")


def metric(kube: Kube, namespace: str, name: str, *, status: Json | None = None, **spec: Any) -> None:
    body: Json = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "KeptnMetric",
        "metadata": {"name": name},
        "spec": {"provider": {"name": "prom"}, "query": "vector(0)", "fetchIntervalSeconds": 10} | spec,
    }
    kube.create(body, namespace)
    if status:
        kube.patch("KeptnMetric", namespace, name, {"status": status}, subresource="status")


def provider(name: str, url: str, **spec: Any) -> Json:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "KeptnMetricsProvider",
        "metadata": {"name": name},
        "spec": {"type": "prometheus", "targetServer": url} | spec,
    }


def _name(kind: str) -> str:
    return f"{KINDS[kind].plural}.{GROUP}"


def _is_gone(found: list[Json]) -> bool:
    return not found


def _is_served(crd: Json) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _crd(kind: str) -> Json:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    plural = KINDS[kind].plural
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": _name(kind)},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
