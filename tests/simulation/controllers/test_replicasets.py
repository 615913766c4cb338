import asyncio
from itertools import pairwise

import pytest

from app.cluster import errors, resources
from tests.simulation import clock
from tests.simulation.apiserver.admission import Asked
from tests.simulation.controllers import objects
from tests.simulation.controllers.shop import Shop

pytestmark = pytest.mark.looptime


async def test_one_of_nobody_makes_its_pods(shop: Shop) -> None:
    await shop.put("ReplicaSet", replicas=2)
    replica_set = shop.get("ReplicaSet")
    assert replica_set["status"] == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "observedGeneration": 1,
    }
    for pod in shop.all(resources.PODS):
        assert pod["metadata"]["ownerReferences"] == [objects.reference(replica_set)]
        assert pod["metadata"]["generateName"] == "web-"


async def test_a_changed_template_is_for_new_pods_only(shop: Shop) -> None:
    await shop.put("ReplicaSet", replicas=1)
    await shop.put("ReplicaSet", "web:2", replicas=2)
    assert shop.images() == ["web:1", "web:2"]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
async def test_a_pod_that_has_ended_or_is_deleted_is_replaced(shop: Shop, phase: str) -> None:
    await shop.put("ReplicaSet", replicas=2)
    first, second = shop.pods()
    await shop.say(first, phase)
    await shop.server.delete(resources.PODS, second, "shop", by="test")
    await shop.settled()
    assert len(shop.pods()) == 2
    assert not {first, second} & set(shop.pods())


async def test_pods_that_do_least_go_first(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("ReplicaSet", replicas=4)
    pending, unready, ready, old = shop.pods()
    await shop.say(old, "Running", ready=True)
    await shop.settled(1000)
    await shop.say(ready, "Running", ready=True)
    await shop.say(unready, "Running")
    await shop.settled(10)
    for left in ({unready, ready, old}, {ready, old}, {old}):
        await shop.change("ReplicaSet", {"spec": {"replicas": len(left)}})
        assert set(shop.pods()) == left, pending


async def test_what_is_refused_is_asked_for_one_at_a_time_later_and_later(shop: Shop) -> None:
    asked_at: list[float] = []

    def refuse(asked: Asked) -> None:
        if asked.resource == resources.PODS:
            asked_at.append(clock.seconds())
            raise errors.Forbidden(403, "Forbidden", "exceeded quota")

    shop.server.policies.append(refuse)
    await shop.put("ReplicaSet", replicas=10)
    await shop.settled(20)
    waits = [later - earlier for earlier, later in pairwise(asked_at)]
    assert len(asked_at) < 16
    assert waits[-1] > 5
    (failure,) = shop.get("ReplicaSet")["status"]["conditions"]
    assert (failure["type"], failure["reason"], failure["message"]) == (
        "ReplicaFailure",
        "FailedCreate",
        "exceeded quota",
    )


async def test_in_a_namespace_that_ends_it_gives_up(shop: Shop) -> None:
    tries: list[str] = []

    def refuse(asked: Asked) -> None:
        if asked.resource == resources.PODS:
            tries.append(asked.name)
            details = {"causes": [{"reason": "NamespaceTerminating"}]}
            raise errors.Forbidden(403, "Forbidden", "is being terminated", details)

    shop.server.policies.append(refuse)
    await shop.put("ReplicaSet", replicas=1)
    await shop.settled(100)
    assert len(tries) < 4


async def test_a_pod_counts_as_available_when_it_has_been_ready_for_long_enough(shop: Shop) -> None:
    await shop.put("ReplicaSet", replicas=1, minReadySeconds=30)
    await asyncio.sleep(20)
    assert "availableReplicas" not in shop.get("ReplicaSet")["status"]
    await asyncio.sleep(15)
    assert shop.get("ReplicaSet")["status"]["availableReplicas"] == 1
