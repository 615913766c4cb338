"""What depends on what is gone."""

import asyncio
import random

import pytest

from app.cluster.api import Json
from app.cluster.resources import CONFIGMAPS, NAMESPACES, PODS, SECRETS, TASKS, WORKLOADS
from tests.simulation.controllers.garbage import FOREGROUND, ORPHAN, GarbageCollector
from tests.simulation.controllers.kubelet import Run
from tests.simulation.controllers.small import Cluster, cluster

pytestmark = pytest.mark.looptime

SOON = 3.0


def owned_by(*owners: Json, **more: object) -> Json:
    references = [
        {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
        | {field: owner["metadata"][field] for field in ("name", "uid")}
        | more
        for owner in owners
    ]
    return {"ownerReferences": references}


def there(small: Cluster) -> list[str]:
    kinds = (CONFIGMAPS, SECRETS, PODS, WORKLOADS, TASKS)
    return [body["metadata"]["name"] for kind in kinds for body in small.server.list(kind)]


async def test_a_chain_of_owners_is_collected_to_its_end() -> None:
    async with cluster(GarbageCollector) as small:
        first = await small.create(WORKLOADS, "first")
        second = await small.create(TASKS, "second", metadata=owned_by(first))
        await small.create(CONFIGMAPS, "third", metadata=owned_by(second))
        await small.create(CONFIGMAPS, "other")
        await asyncio.sleep(SOON)
        assert there(small) == ["other", "third", "first", "second"]
        await small.delete(WORKLOADS, "first")
        assert "second" in there(small), "dependants of a background deletion go later"
        await asyncio.sleep(SOON)
        assert there(small) == ["other"]


async def test_a_pod_that_is_collected_ends_gracefully() -> None:
    async with cluster(GarbageCollector) as small:
        owner = await small.create(CONFIGMAPS, "owner")
        await small.pod("pod", Run(None, stopped=137), metadata=owned_by(owner), terminationGracePeriodSeconds=20)
        await small.until(lambda: small.get(PODS, "pod")["status"]["phase"] == "Running")
        await small.delete(CONFIGMAPS, "owner")
        await asyncio.sleep(SOON)
        assert small.get(PODS, "pod")["metadata"]["deletionTimestamp"]
        await small.until(lambda: small.find(PODS, "pod") is None)


async def test_one_of_two_owners_is_enough_to_live() -> None:
    async with cluster(GarbageCollector) as small:
        first, second = await small.create(CONFIGMAPS, "first"), await small.create(CONFIGMAPS, "second")
        await small.create(SECRETS, "child", metadata=owned_by(first, second))
        await small.delete(CONFIGMAPS, "first")
        await asyncio.sleep(SOON)
        references = small.get(SECRETS, "child")["metadata"]["ownerReferences"]
        assert [each["name"] for each in references] == ["second"]
        await small.delete(CONFIGMAPS, "second")
        await asyncio.sleep(SOON)
        assert there(small) == []


@pytest.mark.parametrize("change", [{"uid": "another"}, {"name": "another"}, {"kind": "Secret"}])
async def test_an_owner_that_never_was_is_as_one_that_is_gone(change: Json) -> None:
    async with cluster(GarbageCollector) as small:
        owner = await small.create(CONFIGMAPS, "owner")
        await small.create(SECRETS, "child", metadata=owned_by(owner, **change))
        await asyncio.sleep(SOON)
        assert there(small) == ["owner"]


async def test_an_owner_in_another_namespace_does_not_count() -> None:
    async with cluster(GarbageCollector) as small:
        owner = await small.create(CONFIGMAPS, "owner")
        await small.server.create(NAMESPACES, {"metadata": {"name": "far"}}, by="user")
        await small.create(SECRETS, "child", namespace="far", metadata=owned_by(owner))
        await asyncio.sleep(SOON)
        assert there(small) == ["owner"]


async def test_in_the_foreground_the_owner_goes_last() -> None:
    async with cluster(GarbageCollector) as small:
        owner = await small.create(CONFIGMAPS, "owner")
        child = await small.create(SECRETS, "child", metadata=owned_by(owner, blockOwnerDeletion=True))
        await small.create(TASKS, "grandchild", metadata=owned_by(child, blockOwnerDeletion=True))
        await small.delete(CONFIGMAPS, "owner", propagation="Foreground")
        assert small.get(CONFIGMAPS, "owner")["metadata"]["finalizers"] == [FOREGROUND]
        await asyncio.sleep(2 * SOON)
        assert there(small) == []
        gone = [change.body["metadata"]["name"] for change in small.history if change.new is None]
        assert gone == ["grandchild", "child", "owner"]


async def test_orphans_stay() -> None:
    async with cluster(GarbageCollector) as small:
        owner = await small.create(CONFIGMAPS, "owner")
        await small.create(SECRETS, "child", metadata=owned_by(owner))
        await small.delete(CONFIGMAPS, "owner", propagation="Orphan")
        assert small.get(CONFIGMAPS, "owner")["metadata"]["finalizers"] == [ORPHAN]
        await asyncio.sleep(SOON)
        assert there(small) == ["child"]
        assert not small.get(SECRETS, "child")["metadata"].get("ownerReferences")


async def test_what_was_garbage_before_it_began_is_collected() -> None:
    async with cluster() as small:
        owner = await small.create(CONFIGMAPS, "owner")
        await small.create(SECRETS, "child", metadata=owned_by(owner))
        await small.delete(CONFIGMAPS, "owner")
        collector = asyncio.ensure_future(GarbageCollector(small.server, random.Random(1)).run())
        await asyncio.sleep(SOON)
        collector.cancel()
        assert there(small) == []
