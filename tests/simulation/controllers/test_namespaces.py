"""How a namespace ends."""

import asyncio

import pytest

from app.cluster import errors
from app.cluster.resources import CONFIGMAPS, JOBS, NAMESPACES, PODS
from tests.simulation.controllers.garbage import GarbageCollector
from tests.simulation.controllers.jobs import JobController
from tests.simulation.controllers.kubelet import Run
from tests.simulation.controllers.namespaces import GRACE_SECONDS, NamespaceController
from tests.simulation.controllers.small import NAMESPACE, Cluster, cluster

pytestmark = pytest.mark.looptime


async def end(small: Cluster) -> None:
    await small.server.delete(NAMESPACES, NAMESPACE, by="user")


def is_gone(small: Cluster) -> bool:
    return small.server.find(NAMESPACES, NAMESPACE) is None


async def test_an_empty_one_is_gone_after_a_few_seconds() -> None:
    async with cluster(NamespaceController) as small:
        await end(small)
        await asyncio.sleep(GRACE_SECONDS - 0.1)
        assert small.server.get(NAMESPACES, NAMESPACE)["status"]["phase"] == "Terminating"
        await small.until(lambda: is_gone(small), 1.0)


async def test_pods_go_first_and_gracefully() -> None:
    async with cluster(NamespaceController) as small:
        await small.create(CONFIGMAPS, "map")
        await small.pod("pod", Run(None, stopped=137), terminationGracePeriodSeconds=10)
        await small.pod("gated", schedulingGates=[{"name": "a/b"}])
        await small.until(lambda: small.get(PODS, "pod")["status"]["phase"] == "Running")
        await end(small)
        await asyncio.sleep(GRACE_SECONDS + 1.0)
        assert [pod["metadata"]["name"] for pod in small.pods()] == ["pod"]
        assert small.find(CONFIGMAPS, "map") is not None
        await small.until(lambda: is_gone(small))
        assert small.find(CONFIGMAPS, "map") is None
        assert not small.pods()


async def test_nothing_new_can_be_made_meanwhile() -> None:
    async with cluster(NamespaceController) as small:
        await end(small)
        with pytest.raises(errors.Forbidden) as caught:
            await small.create(CONFIGMAPS, "map")
        assert caught.value.namespace_terminating


async def test_a_job_at_work_does_not_hold_it_up() -> None:
    async with cluster(NamespaceController, JobController, GarbageCollector) as small:
        await small.job("job", Run(None), pod={"terminationGracePeriodSeconds": 2})
        await small.until(lambda: small.get(JOBS, "job").get("status", {}).get("ready"))
        await end(small)
        await small.until(lambda: is_gone(small))
        assert not small.pods()
        assert small.find(JOBS, "job") is None


async def test_a_finalizer_holds_it_until_it_is_taken_off() -> None:
    async with cluster(NamespaceController) as small:
        await small.create(CONFIGMAPS, "map", metadata={"finalizers": ["example.com/mine"]})
        await end(small)
        await asyncio.sleep(60.0)
        assert not is_gone(small)
        change = {"metadata": {"finalizers": None}}
        await small.server.patch(CONFIGMAPS, "map", change, NAMESPACE, by="user")
        await small.until(lambda: is_gone(small))
