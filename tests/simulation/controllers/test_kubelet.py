"""Pods, from the scheduler to their end, against what a real kubelet was seen to do."""

import asyncio

import pytest

from app.cluster.api import Json
from app.cluster.resources import CONFIGMAPS, PODS, SECRETS
from tests.simulation import clock
from tests.simulation.apiserver.server import NODES
from tests.simulation.controllers import objects
from tests.simulation.controllers.kubelet import NODE_GRACE_SECONDS, TOLERATION_SECONDS, Run
from tests.simulation.controllers.podlife import POD_GC_SECONDS
from tests.simulation.controllers.small import NAMESPACE, Cluster, cluster

pytestmark = pytest.mark.looptime

VOLUME: Json = {"volumes": [{"name": "code", "configMap": {"name": "code"}}]}
SECRET: Json = {
    "containers": [
        {"name": "main", "env": [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "k"}}}]}
    ]
}


def state(small: Cluster, name: str = "pod") -> Json:
    statuses = small.get(PODS, name)["status"].get("containerStatuses") or [{"state": {}}]
    found: Json = statuses[0]["state"]
    return found


def word(small: Cluster, name: str = "pod") -> str:
    return next((f"{key}:{value.get('reason', '')}" for key, value in state(small, name).items()), "")


def phase(small: Cluster, name: str = "pod") -> str:
    return objects.phase(small.get(PODS, name))


def disruption(small: Cluster, name: str = "pod") -> str:
    """Why the cluster ends it, "" if it does not."""
    found = objects.condition(small.get(PODS, name), "DisruptionTarget")
    return str(found["reason"]) if found else ""


def story(small: Cluster) -> list[str]:
    """Phases and states that the pod went through, each once."""
    told: list[str] = []
    for change in small.history:
        if change.resource == PODS and change.new is not None:
            status = change.new["status"]
            states = [*(status.get("containerStatuses") or [{"state": {}}])[0]["state"]]
            told.append(" ".join([status["phase"], *states]))
    return [each for each, before in zip(told, ["", *told], strict=False) if each != before]


async def test_a_pod_that_runs_for_ever_becomes_ready() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None))
        await small.until(lambda: objects.is_ready(small.get(PODS, "pod")), 2.0)
        pod = small.get(PODS, "pod")
        assert pod["spec"]["nodeName"] == "node-1"
        assert pod["status"]["startTime"]
        assert {each["type"]: each["status"] for each in pod["status"]["conditions"]} == dict.fromkeys(
            ("Initialized", "Ready", "ContainersReady", "PodScheduled"), "True"
        )
    assert story(small) == ["Pending", "Pending waiting", "Running running"]


@pytest.mark.parametrize(("code", "end", "reason"), [(0, "Succeeded", "Completed"), (3, "Failed", "Error")])
async def test_a_pod_that_ends_says_how_and_its_phase_follows(code: int, end: str, reason: str) -> None:
    async with cluster() as small:
        await small.pod("pod", Run(4.0, code, "last words"), restartPolicy="Never")
        await small.until(lambda: phase(small) == end)
        ended = state(small)["terminated"]
        assert (ended["exitCode"], ended["reason"], ended["message"]) == (code, reason, "last words")
        assert objects.seconds_of(ended["finishedAt"]) - objects.seconds_of(ended["startedAt"]) in (4.0, 5.0)
        assert not objects.is_ready(small.get(PODS, "pod"))
    expected = ["Pending", "Pending waiting", "Running running", "Running terminated", f"{end} terminated"]
    assert story(small) == expected


async def test_a_short_one_is_never_seen_running() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(0.1), restartPolicy="Never")
        await small.until(lambda: phase(small) == "Succeeded")
    assert story(small) == ["Pending", "Pending waiting", "Pending terminated", "Succeeded terminated"]


async def test_a_gated_pod_waits_for_its_gates() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None), schedulingGates=[{"name": "a/b"}])
        await asyncio.sleep(1000.0)
        pod = small.get(PODS, "pod")
        assert not pod["spec"].get("nodeName")
        assert pod["status"]["conditions"][0]["reason"] == "SchedulingGated"
        opening = [{"op": "remove", "path": "/spec/schedulingGates"}]
        await small.server.patch(PODS, "pod", opening, NAMESPACE, by="user")
        await small.until(lambda: phase(small) == "Running", 2.0)


async def test_a_missing_config_map_keeps_a_pod_from_starting() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None), **VOLUME)
        await asyncio.sleep(20.0)
        assert word(small) == "waiting:ContainerCreating"
        await small.create(CONFIGMAPS, "code")
        at = clock.seconds()
        assert await small.until(lambda: phase(small) == "Running") - at < 20.0


async def test_a_missing_secret_is_named() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None), **SECRET)
        await asyncio.sleep(20.0)
        waiting = {"reason": "CreateContainerConfigError", "message": 'secret "secret" not found'}
        assert state(small) == {"waiting": waiting}
        await small.create(SECRETS, "secret", data={"other": "eA=="})
        await asyncio.sleep(20.0)
        assert state(small)["waiting"]["message"] == "couldn't find key k in Secret shop/secret"
        change = {"data": {"k": "eA=="}}
        await small.server.patch(SECRETS, "secret", change, NAMESPACE, by="user")
        await small.until(lambda: phase(small) == "Running", 15.0)


async def test_an_image_that_cannot_be_had_is_asked_for_again_and_again() -> None:
    async with cluster() as small:
        await small.pod("pod", *[Run(None, waiting="ImagePullBackOff")] * 3, Run(None))
        await small.until(lambda: phase(small) == "Running", 100.0)
        assert 70.0 < clock.seconds() < 75.0
    reasons = [
        each["state"]["waiting"]["reason"]
        for change in small.history
        if change.resource == PODS and change.new
        for each in change.new["status"].get("containerStatuses", ())
        if "waiting" in each["state"]
    ]
    assert reasons == ["ContainerCreating", *["ErrImagePull", "ImagePullBackOff"] * 3]


async def test_a_crashing_container_is_started_again_later_and_later() -> None:
    async with cluster() as small:
        await small.pod("pod", *[Run(2.0, 4)] * 3, Run(None))
        await small.until(lambda: word(small) == "waiting:CrashLoopBackOff")
        assert phase(small) == "Running"
        await asyncio.sleep(60.0)
        (container,) = small.get(PODS, "pod")["status"]["containerStatuses"]
        assert (container["restartCount"], container["ready"]) == (3, True)
        assert container["lastState"]["terminated"]["exitCode"] == 4


@pytest.mark.parametrize(("code", "end"), [(0, "Succeeded"), (143, "Failed"), (137, "Failed")])
async def test_a_deleted_pod_ends_within_its_grace(code: int, end: str) -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None, stopped=code), terminationGracePeriodSeconds=10)
        await small.until(lambda: phase(small) == "Running")
        await small.delete(PODS, "pod")
        at = clock.seconds()
        assert phase(small) == "Running"
        await small.until(lambda: word(small).startswith("terminated"), 10.1)
        assert (clock.seconds() - at > 9.9) == (code == 137)
        assert (phase(small), state(small)["terminated"]["exitCode"]) == (end, code)
        await small.until(lambda: small.find(PODS, "pod") is None, 1.0)


async def test_a_pod_whose_containers_never_started_goes_at_once() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None), **VOLUME)
        await asyncio.sleep(5.0)
        await small.delete(PODS, "pod")
        assert word(small) == "waiting:ContainerCreating"
        await small.until(lambda: small.find(PODS, "pod") is None, 1.0)
    assert story(small)[-1] == "Failed terminated"


async def test_a_pod_deleted_without_grace_is_forgotten() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None))
        await small.until(lambda: phase(small) == "Running")
        await small.server.delete(PODS, "pod", NAMESPACE, by="user", grace=0)
        await small.pod("pod", Run(None))
        await small.until(lambda: phase(small) == "Running")


async def test_an_evicted_pod_has_failed_and_stays() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None))
        await small.until(lambda: phase(small) == "Running")
        await small.kubelet.evict(NAMESPACE, "pod")
        await asyncio.sleep(60.0)
        status = small.get(PODS, "pod")["status"]
        assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
        assert status["message"].startswith("The node was low on resource: memory.")
        assert state(small)["terminated"]["exitCode"] == 137
        assert disruption(small) == "TerminationByKubelet"
        assert objects.condition(small.get(PODS, "pod"), "Ready")


async def test_a_drained_pod_says_so_and_ends_within_its_grace() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None, stopped=137), terminationGracePeriodSeconds=10)
        await small.until(lambda: phase(small) == "Running")
        await small.kubelet.drain(NAMESPACE, "pod", by="user")
        assert objects.is_ending(small.get(PODS, "pod"))
        since = objects.condition(small.get(PODS, "pod"), "DisruptionTarget")
        await small.until(lambda: phase(small) == "Failed", 11.0)
        assert disruption(small) == "EvictionByEvictionAPI"
        assert objects.condition(small.get(PODS, "pod"), "DisruptionTarget") == since
        await small.until(lambda: small.find(PODS, "pod") is None, 1.0)


async def test_a_pod_that_has_ended_says_that_it_is_drained_too() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(0.2, 3), metadata={"finalizers": ["a/b"]}, restartPolicy="Never")
        await small.until(lambda: phase(small) == "Failed")
        await small.kubelet.drain(NAMESPACE, "pod", by="user")
        assert (disruption(small), objects.is_ending(small.get(PODS, "pod"))) == ("EvictionByEvictionAPI", True)


async def test_a_pod_without_a_node_that_is_held_by_a_finalizer_fails_after_a_while() -> None:
    async with cluster() as small:
        await small.pod("pod", Run(None), metadata={"finalizers": ["a/b"]}, schedulingGates=[{"name": "a/b"}])
        await small.delete(PODS, "pod")
        await asyncio.sleep(0.1)
        assert phase(small) == "Pending"
        await small.until(lambda: phase(small) == "Failed", POD_GC_SECONDS)
        assert disruption(small) == ""


async def test_a_pod_goes_where_its_affinity_says() -> None:
    async with cluster() as small:
        for name in ("one", "two", "three"):
            await small.server.create(NODES, {"metadata": {"name": name}}, by="user")
        field = {"key": "metadata.name", "operator": "In", "values": ["two"]}
        terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
        affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        await small.pod("pod", Run(None), affinity=affinity)
        await small.until(lambda: phase(small) == "Running")
        assert small.get(PODS, "pod")["spec"]["nodeName"] == "two"


async def test_a_lost_node_takes_its_pods_with_it_in_the_end() -> None:
    async with cluster() as small:
        for name in ("one", "two"):
            await small.server.create(NODES, {"metadata": {"name": name}}, by="user")
        for name in ("a", "b"):
            await small.pod(name, Run(None))
        await small.until(lambda: all(objects.is_ready(pod) for pod in small.pods()))
        lost, kept = sorted(("a", "b"), key=lambda name: small.get(PODS, name)["spec"]["nodeName"])
        losing = asyncio.ensure_future(small.kubelet.lose("one"))
        await asyncio.sleep(NODE_GRACE_SECONDS + 1.0)
        assert not objects.is_ready(small.get(PODS, lost))
        assert objects.is_ready(small.get(PODS, kept))
        await asyncio.sleep(TOLERATION_SECONDS)
        assert objects.is_ending(small.get(PODS, lost))
        assert disruption(small, lost) == "DeletionByTaintManager"
        await losing
        last = next(c for c in reversed(small.history) if c.resource == PODS and c.body["metadata"]["name"] == lost)
        assert objects.phase(last.body) == "Failed"
        why = objects.condition(last.body, "DisruptionTarget")
        assert why is not None
        assert why["reason"] == "DeletionByPodGC"
        assert [pod["metadata"]["name"] for pod in small.pods()] == [kept]
        await small.pod("c", Run(None))
        await small.until(lambda: phase(small, "c") == "Running")
        assert small.get(PODS, "c")["spec"]["nodeName"] == "two"


async def test_a_pod_for_which_there_is_no_node_says_so_until_there_is_one() -> None:
    async with cluster() as small:
        await small.server.create(NODES, {"metadata": {"name": "one"}}, by="user")
        losing = asyncio.ensure_future(small.kubelet.lose("one"))
        await small.pod("pod", Run(None))
        await asyncio.sleep(5.0)
        assert small.get(PODS, "pod")["status"]["conditions"][0]["reason"] == "Unschedulable"
        await small.server.create(NODES, {"metadata": {"name": "two"}}, by="user")
        await small.until(lambda: phase(small) == "Running", 2.0)
        losing.cancel()
