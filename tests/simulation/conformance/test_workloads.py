"""What the controllers of workloads make of them. All pods are held by a gate of nobody's, so none ever starts."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from app.api import wellknown
from app.cluster.api import Json, PatchType, Resource
from app.cluster.resources import CONTROLLERREVISIONS, DAEMONSETS, DEPLOYMENTS, PODS, REPLICASETS, STATEFULSETS
from app.lifecycle.rollouts import PROGRESSING, TIMED_OUT, UPDATED
from tests.simulation.apiserver.server import NODES
from tests.simulation.conformance import bodies
from tests.simulation.conformance.servers import Subject

REVISION = wellknown.DEPLOYMENT_REVISION
HASH = "[bcdf4-9]{1,10}"
RANDOM = "[bcdfghjklmnpqrstvwxz2456789]{5}"


def workload(resource: Resource, **spec: Any) -> Json:
    labels = {"app": "web"}
    pod = {"containers": [bodies.CONTAINER], "schedulingGates": [{"name": bodies.GATE}]}
    template = {"metadata": {"labels": labels, "annotations": {"v": "1"}}, "spec": pod}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": "web", "annotations": {"note": "hello"}},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def newer(version: str) -> Json:
    return {"spec": {"template": {"metadata": {"annotations": {"v": version}}}}}


class Look:
    """At the namespace of a test."""

    def __init__(self, server: Subject, resource: Resource) -> None:
        self._server = server
        self._resource = resource

    async def all(self, resource: Resource) -> list[Json]:
        """What there is and is not being deleted; oldest revisions first."""
        items: list[Json] = (await self._server.api.list_page(resource, self._server.namespace))["items"]
        there = [item for item in items if "deletionTimestamp" not in item["metadata"]]
        return sorted(there, key=lambda item: int(item["metadata"].get("annotations", {}).get(REVISION, 0)))

    async def workload(self) -> Json:
        return await self._server.api.get(self._resource, "web", self._server.namespace)

    async def create(self, **spec: Any) -> None:
        await self._server.api.create(self._resource, workload(self._resource, **spec), self._server.namespace)

    async def patch(self, patch: Json) -> None:
        await self._server.api.patch(self._resource, "web", patch, self._server.namespace)

    async def pods(self, **versions: int) -> list[Json]:
        """The pods, as soon as there are so many of each version and the status tells of the newest template."""

        async def found() -> list[Json]:
            pods = await self.all(PODS)
            counts = Counter(f"v{pod['metadata']['annotations']['v']}" for pod in pods)
            body = await self.workload()
            seen = body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"]
            return pods if seen and counts == Counter(versions) else []

        return await self._server.until(found)

    async def stays(self, fact: Callable[[], Awaitable[object]]) -> object:
        """What `fact` says now, and still says when the controllers have had time to change it."""
        before = await fact()
        await asyncio.sleep(1)
        assert await fact() == before
        return before


def owner(body: Json) -> list[Json]:
    return [
        {
            "apiVersion": body["apiVersion"],
            "kind": body["kind"],
            "name": body["metadata"]["name"],
            "uid": body["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def marks(body: Json) -> dict[str, str]:
    found: dict[str, str] = body["metadata"]["annotations"]
    return found


def counts(body: Json) -> dict[str, int]:
    return {key: value for key, value in body["status"].items() if isinstance(value, int) and value}


async def test_a_deployment_makes_a_replica_set_and_that_pods(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)
    await look.create(replicas=2)
    pods = await look.pods(v1=2)
    deployment = await look.workload()
    (replica_set,) = await look.all(REPLICASETS)
    name = replica_set["metadata"]["name"]
    assert re.fullmatch(f"web-{HASH}", name)
    labels = {"app": "web", "pod-template-hash": name.removeprefix("web-")}
    assert replica_set["metadata"]["labels"] == labels
    assert replica_set["metadata"]["ownerReferences"] == owner(deployment)
    assert replica_set["spec"]["selector"] == {"matchLabels": labels}
    assert replica_set["spec"]["template"]["metadata"] == {"labels": labels, "annotations": {"v": "1"}}
    assert marks(replica_set) == {
        "note": "hello",
        REVISION: "1",
        "deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3",
    }
    for pod in pods:
        assert re.fullmatch(f"{name}-{RANDOM}", pod["metadata"]["name"])
        assert pod["metadata"]["generateName"] == f"{name}-"
        assert pod["metadata"]["labels"] == labels
        assert pod["metadata"]["annotations"] == {"v": "1"}
        assert pod["metadata"]["ownerReferences"] == owner(
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", **replica_set}
        )

    async def counted() -> bool:
        body = await look.workload()
        expected = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "unavailableReplicas": 2}
        return counts(body) == expected and (await progressing(look))["reason"] == UPDATED

    await server.until(counted)
    said = (await look.workload())["status"]["conditions"]
    assert {each["type"]: (each["status"], each["reason"], each["message"]) for each in said} == {
        "Available": ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
        "Progressing": ("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'),
    }
    (replica_set,) = await look.all(REPLICASETS)
    assert replica_set["status"] == {"replicas": 2, "fullyLabeledReplicas": 2, "observedGeneration": 1}


async def test_a_rolling_update_makes_one_pod_of_four_and_waits_for_it(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)
    await look.create(replicas=3)
    await look.pods(v1=3)
    await look.patch(newer("2"))
    await look.pods(v1=3, v2=1)

    async def sizes() -> list[int]:
        return [each["spec"]["replicas"] for each in await look.all(REPLICASETS)]

    assert await look.stays(sizes) == [3, 1]


async def test_going_back_renumbers_the_old_replica_set(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)
    await look.create(replicas=0)

    async def numbers() -> list[tuple[str, str]]:
        sets = await look.all(REPLICASETS)
        return [(marks(each)[REVISION], marks(each).get(f"{REVISION}-history", "")) for each in sets]

    async def is_numbered(number: str) -> bool:
        return marks(await look.workload()).get(REVISION) == number

    for version, number in (("1", "1"), ("2", "2"), ("1", "3")):
        await look.patch(newer(version))
        await server.until(lambda number=number: is_numbered(number))  # type: ignore[misc]
    assert await numbers() == [("2", ""), ("3", "1")]


async def test_the_number_of_a_new_replica_set_is_told_before_its_generation_is_seen(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)
    await look.create(replicas=1)
    await look.pods(v1=1)
    since = (await look.workload())["metadata"]["resourceVersion"]
    await look.patch(newer("2"))
    told: list[tuple[str, str, int]] = []
    watch = server.api.watch(DEPLOYMENTS, server.namespace, resource_version=since, timeout_seconds=10)
    async with contextlib.aclosing(watch) as events:  # type: ignore[type-var]
        async for event in events:
            body = event["object"]
            said = next(each["reason"] for each in body["status"]["conditions"] if each["type"] == PROGRESSING)
            told.append((marks(body)[REVISION], said, body["status"]["observedGeneration"]))
            if told[-1][2] == 2:
                break
    assert next(each for each in told if each[0] == "2") == ("2", "NewReplicaSetCreated", 1)


async def test_recreate_first_ends_all_old_pods(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)
    await look.create(replicas=2, strategy={"type": "Recreate"})
    await look.pods(v1=2)
    await look.patch(newer("2"))
    await look.pods(v2=2)


async def progressing(look: Look) -> Json:
    conditions = (await look.workload()).get("status", {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == PROGRESSING), {"reason": "", "message": ""})


def updated(condition: Json) -> datetime:
    return datetime.fromisoformat(condition["lastUpdateTime"])


async def write(server: Subject, status: str, reason: str, message: str, at: str) -> None:
    condition = {"type": PROGRESSING, "status": status, "reason": reason, "message": message}
    times = {"lastUpdateTime": at, "lastTransitionTime": at}
    patch = {"status": {"conditions": [condition | times]}}
    await server.api.patch(
        DEPLOYMENTS, "web", patch, server.namespace, patch_type=PatchType.STRATEGIC, subresource="status"
    )


async def test_what_we_write_about_progress_is_kept_until_there_is_some(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)

    async def said() -> tuple[str, str, str]:
        condition = await progressing(look)
        return condition.get("status", ""), condition["reason"], condition["message"]

    async def comes(status: str, reason: str, end: str) -> bool:
        found = await said()
        return found[:2] == (status, reason) and found[2].endswith(end)

    await look.create(replicas=1)
    await server.until(lambda: comes("True", UPDATED, "is progressing."))
    now = (await progressing(look))["lastUpdateTime"]
    for status, reason, message in (("True", UPDATED, "checks are running"), ("False", TIMED_OUT, "a check failed")):
        await write(server, status, reason, message, now)
        await look.patch({"metadata": {"labels": {"touched": status}}})
        assert await look.stays(said) == (status, reason, message)
    await look.patch({"spec": {"replicas": 2}})
    await server.until(lambda: comes("True", UPDATED, "is progressing."))
    await write(server, "False", TIMED_OUT, "a check failed", now)
    await look.patch(newer("2"))
    await look.pods(v1=2, v2=1)
    await server.until(lambda: comes("True", UPDATED, "is progressing."))


async def test_the_deadline_counts_from_what_we_write(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)
    await look.create(replicas=1, progressDeadlineSeconds=4)
    await look.pods(v1=1)

    async def has_begun() -> bool:
        return bool((await progressing(look))["reason"] == UPDATED)

    async def has_failed() -> bool:
        return bool((await progressing(look))["reason"] == TIMED_OUT)

    await server.until(has_begun)
    began = updated(await progressing(look))
    await asyncio.sleep(2.5)
    await write(server, "True", UPDATED, "checks are running", f"{began + timedelta(seconds=3):%Y-%m-%dT%H:%M:%SZ}")
    await asyncio.sleep(1.7)
    await look.patch({"metadata": {"labels": {"touched": "yes"}}})  # after the first deadline, before the second
    await asyncio.sleep(0.3)
    assert (await progressing(look))["message"] == "checks are running"
    await server.until(has_failed)
    condition = await progressing(look)
    assert condition["message"].endswith("has timed out progressing.")
    assert timedelta(seconds=7) <= updated(condition) - began <= timedelta(seconds=10)
    await look.patch({"spec": {"progressDeadlineSeconds": 600}})
    await asyncio.sleep(1)
    assert await has_failed()


async def test_while_paused_it_says_so_and_makes_nothing(server: Subject) -> None:
    look = Look(server, DEPLOYMENTS)
    await look.create(replicas=1, paused=True)

    async def is_paused() -> bool:
        return bool((await progressing(look))["reason"] == "DeploymentPaused")

    await server.until(is_paused)
    assert await look.all(REPLICASETS) == []
    await look.patch({"spec": {"paused": False}})
    await look.pods(v1=1)


async def test_a_replica_set_of_nobody_replaces_its_pods(server: Subject) -> None:
    look = Look(server, REPLICASETS)
    await look.create(replicas=2)
    pods = await look.pods(v1=2)
    for pod in pods:
        assert re.fullmatch(f"web-{RANDOM}", pod["metadata"]["name"])
        assert pod["metadata"]["ownerReferences"] == owner(await look.workload())
    await look.patch(newer("2"))
    await server.api.delete(PODS, pods[0]["metadata"]["name"], server.namespace)
    await look.pods(v1=1, v2=1)


async def revisions(look: Look) -> list[Json]:
    found = [each for each in await look.all(CONTROLLERREVISIONS) if each["metadata"]["name"].startswith("web-")]
    return sorted(found, key=lambda each: int(each["revision"]))


async def check_revisions(look: Look, label: str) -> list[str]:
    """Their names, oldest first; the newest one is that of the workload's template."""
    body = await look.workload()
    found = await revisions(look)
    for each in found:
        hash_ = re.fullmatch(f"web-({HASH})", each["metadata"]["name"])
        assert hash_
        assert each["metadata"]["labels"] == {"app": "web", label: hash_[1]}
        assert each["metadata"]["ownerReferences"] == owner(body)
        assert marks(each)["note"] == "hello"
    template = body["spec"]["template"]
    assert without_defaults(found[-1]["data"]) == without_defaults(
        {"spec": {"template": template | {"$patch": "replace"}}}
    )
    return [each["metadata"]["name"] for each in found]


def without_defaults(data: Json) -> Json:
    """A field that is null on the one side is not there on the other."""
    template = data["spec"]["template"]
    metadata = {key: value for key, value in template["metadata"].items() if value is not None}
    return {"spec": {"template": {**template, "metadata": metadata}}}


async def test_a_stateful_set_makes_the_first_pod_and_waits_for_it(server: Subject) -> None:
    look = Look(server, STATEFULSETS)
    await look.create(replicas=2, serviceName="web")
    (pod,) = await look.pods(v1=1)
    (revision,) = await check_revisions(look, "controller.kubernetes.io/hash")
    assert pod["metadata"]["name"] == "web-0"
    assert pod["metadata"]["labels"] == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": "web-0",
    }
    assert pod["metadata"]["ownerReferences"] == owner(await look.workload())
    await look.patch(newer("2"))
    await look.pods(v1=1)

    async def facts() -> object:
        (pod,) = await look.all(PODS)
        return marks(pod)["v"], (await look.workload())["status"]

    _, newest = await check_revisions(look, "controller.kubernetes.io/hash")
    assert await look.stays(facts) == (
        "1",  # it never became ready, so nobody replaces it
        {
            "observedGeneration": 2,
            "replicas": 1,
            "availableReplicas": 0,
            "currentReplicas": 1,
            "currentRevision": revision,
            "updateRevision": newest,
            "collisionCount": 0,
        },
    )
    await look.patch(newer("1"))
    await look.pods(v1=1)
    assert await check_revisions(look, "controller.kubernetes.io/hash") == [newest, revision]
    assert [each["revision"] for each in await revisions(look)] == [2, 3]


async def test_a_parallel_stateful_set_replaces_its_highest_pod_and_waits(server: Subject) -> None:
    look = Look(server, STATEFULSETS)
    await look.create(replicas=3, serviceName="web", podManagementPolicy="Parallel")
    await look.pods(v1=3)
    await look.patch(newer("2"))

    async def versions() -> dict[str, str]:
        return {pod["metadata"]["name"]: marks(pod)["v"] for pod in await look.all(PODS)}

    await look.pods(v1=2, v2=1)
    assert await look.stays(versions) == {"web-0": "1", "web-1": "1", "web-2": "2"}


async def test_a_daemon_set_makes_a_pod_for_each_node_and_replaces_what_is_not_ready(server: Subject) -> None:
    look = Look(server, DAEMONSETS)
    if not server.is_real:
        await server.api.create(NODES, {"metadata": {"name": "node-1"}})
    nodes = [node["metadata"]["name"] for node in (await server.api.list_page(NODES))["items"]]
    await look.create()
    before = await look.pods(v1=len(nodes))
    await look.patch(newer("2"))
    after = await look.pods(v2=len(nodes))
    names = await check_revisions(look, "controller-revision-hash")
    for pods, name, generation in ((before, names[0], "1"), (after, names[1], "2")):
        for pod in pods:
            assert re.fullmatch(f"web-{RANDOM}", pod["metadata"]["name"])
            assert pod["metadata"]["generateName"] == "web-"
            assert pod["metadata"]["ownerReferences"] == owner(await look.workload())
            assert pod["metadata"]["labels"] == {
                "app": "web",
                "controller-revision-hash": name.removeprefix("web-"),
                "pod-template-generation": generation,
            }
        places = [pod["spec"]["affinity"]["nodeAffinity"] for pod in pods]
        fields = [{"key": "metadata.name", "operator": "In", "values": [node]} for node in nodes]
        terms = [{"nodeSelectorTerms": [{"matchFields": [field]}]} for field in fields]
        assert sorted(places, key=str) == [
            {"requiredDuringSchedulingIgnoredDuringExecution": term} for term in sorted(terms, key=str)
        ]

    async def counted() -> bool:
        number = len(nodes)
        return counts(await look.workload()) == {
            "observedGeneration": 2,
            "desiredNumberScheduled": number,
            "currentNumberScheduled": number,
            "updatedNumberScheduled": number,
            "numberUnavailable": number,
        }

    await server.until(counted)
