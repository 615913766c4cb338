"""Requests and objects as the API server would send them."""

import asyncio
import contextlib
import copy
import random
from collections.abc import AsyncIterator
from typing import Any

import jsonpatch
import orjson

from app.admission import review
from app.admission.cache import Caches
from app.admission.parents import Parents
from app.admission.pods import PodGate
from app.cluster import resources
from tests.fakes.api import FakeApi

Json = dict[str, Any]

SHOP = "shop"
INSTALLATION = "keptn-system"
WORKLOAD = {"keptn.sh/workload": "cart", "keptn.sh/version": "1.0"}


def owner(kind: str, name: str, uid: str) -> Json:
    group = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": group, "kind": kind, "name": name, "uid": uid, "controller": True, "blockOwnerDeletion": True}


def pod(*owners: Json, annotations: Json | None = None, labels: Json | None = None, **spec: Any) -> Json:
    metadata: Json = {"generateName": "cart-5d8-", "namespace": SHOP}
    for field, content in (("annotations", annotations), ("labels", labels), ("ownerReferences", list(owners))):
        if content:
            metadata[field] = content
    containers = [{"name": "main", "image": "shop:2.0", "futureField": {"kept": True}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}


def envelope(thing: Json | None, *, operation: str = "CREATE", **more: Any) -> Json:
    kind = (thing or {}).get("kind", "Pod")
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "operation": operation,
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": {"group": "", "version": "v1", "resource": f"{kind.lower()}s"},
            "namespace": SHOP,
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["a", "b"]},
            "object": thing,
            "oldObject": None,
            "dryRun": False,
            **more,
        },
    }


def request(thing: Json | None, *, operation: str = "CREATE", **more: Any) -> review.Request:
    return review.decode(orjson.dumps(envelope(thing, operation=operation, **more)))


def applied(thing: Json, response: review.Response) -> Json:
    """What the API server makes of an answer."""
    assert response.is_allowed
    result: Json = jsonpatch.apply_patch(copy.deepcopy(thing), list(response.patch))
    return result


def gates_of(thing: Json) -> list[str]:
    return [gate["name"] for gate in thing["spec"].get("schedulingGates") or ()]


class Cluster(FakeApi):
    """The API server in memory, with what a test of admission puts there."""

    def deployment(self, name: str = "cart", **annotations: str) -> Json:
        return self.make(resources.DEPLOYMENTS, name, SHOP, metadata={"annotations": _keys(annotations)})

    def rollout(self, name: str = "cart", **annotations: str) -> Json:
        return self.make(resources.ROLLOUTS, name, SHOP, metadata={"annotations": _keys(annotations)})

    def replica_set(self, name: str = "cart-5d8", above: Json | None = None, image: str = "shop:2.0") -> Json:
        owners = [owner("Deployment", above["metadata"]["name"], above["metadata"]["uid"])] if above else []
        spec = {"template": {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"image": image}]}}}
        return self.make(resources.REPLICASETS, name, SHOP, metadata={"ownerReferences": owners}, spec=spec)

    def stateful_set(self, name: str = "db", **annotations: str) -> Json:
        return self.make(resources.STATEFULSETS, name, SHOP, metadata={"annotations": _keys(annotations)})

    def daemon_set(self, name: str = "agent", **annotations: str) -> Json:
        return self.make(resources.DAEMONSETS, name, SHOP, metadata={"annotations": _keys(annotations)})

    def workload_version(
        self, *revisions: str, workload: str = "cart-cart", state: str = "Succeeded", namespace: str = SHOP
    ) -> Json:
        status = {
            "preDeploymentStatus": state,
            "preDeploymentEvaluationStatus": "Succeeded",
            "deploymentStatus": "Progressing",
            "revisions": list(revisions),
        }
        spec = {"workloadName": workload, "app": "cart", "version": "1.0"}
        return self.make(resources.WORKLOAD_VERSIONS, f"{workload}-1.0", namespace, spec=spec, status=status)

    def definition(self, name: str, namespace: str = SHOP) -> Json:
        return self.make(resources.TASK_DEFINITIONS, name, namespace)


def _keys(annotations: dict[str, str]) -> dict[str, str]:
    return {f"keptn.sh/{key.replace('_', '-')}": value for key, value in annotations.items()}


def ref(kind: str, thing: Json) -> Json:
    return owner(kind, thing["metadata"]["name"], thing["metadata"]["uid"])


@contextlib.asynccontextmanager
async def running(
    cluster: Cluster, *, filled: bool = True, read_seconds: float = 0.05
) -> AsyncIterator[tuple[PodGate, Caches]]:
    """The handler of pods on caches that follow `cluster`, or on empty ones."""
    caches = Caches.build(cluster, random.Random(1))
    task = asyncio.create_task(caches.run()) if filled else None
    try:
        if filled:
            await caches.synced()
        cluster.calls.clear()
        gate = PodGate(Parents(cluster, caches, read_seconds=read_seconds), caches, INSTALLATION, answer_seconds=0.2)
        yield gate, caches
    finally:
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def reads(cluster: Cluster) -> list[tuple[str, str]]:
    """Live reads of single objects since the caches were full."""
    return [(call.resource, call.name) for call in cluster.calls if call.verb == "get"]
