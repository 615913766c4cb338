import re
from collections.abc import Callable

import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.controllers import objects
from tests.simulation.controllers.shop import Shop

pytestmark = pytest.mark.looptime


def images(shop: Shop) -> list[str]:
    """By ordinal."""
    return [image for _, image in sorted(shop.pods().items())]


def below(ordinal: int) -> Callable[[Json], bool]:
    return lambda pod: bool(int(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"]) < ordinal)


async def test_pods_have_numbers_and_come_one_after_the_other(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("StatefulSet", replicas=3, serviceName="web")
    assert list(shop.pods()) == ["web-0"]
    await shop.make_ready()
    assert list(shop.pods()) == ["web-0", "web-1"]
    pod = shop.server.get(resources.PODS, "web-1", "shop")
    (revision,) = shop.all(resources.CONTROLLERREVISIONS)
    assert pod["metadata"]["labels"] == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "1",
        "controller-revision-hash": revision["metadata"]["name"],
        "statefulset.kubernetes.io/pod-name": "web-1",
    }
    assert pod["metadata"]["ownerReferences"] == [objects.reference(shop.get("StatefulSet"))]
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-1", "web")


async def test_each_template_is_kept_as_a_revision(shop: Shop) -> None:
    await shop.put("StatefulSet", replicas=1)
    await shop.put("StatefulSet", "web:2")
    first, second = sorted(shop.all(resources.CONTROLLERREVISIONS), key=lambda each: int(each["revision"]))
    assert [first["revision"], second["revision"]] == [1, 2]
    hash_ = re.fullmatch(r"web-([bcdf4-9]{1,10})", second["metadata"]["name"])
    assert hash_
    assert second["metadata"]["labels"] == {"app": "web", "controller.kubernetes.io/hash": hash_[1]}
    assert second["metadata"]["ownerReferences"] == [objects.reference(shop.get("StatefulSet"))]
    template = shop.get("StatefulSet")["spec"]["template"]
    assert second["data"] == {"spec": {"template": {**template, "$patch": "replace"}}}
    await shop.put("StatefulSet", "web:1")
    again = sorted(shop.all(resources.CONTROLLERREVISIONS), key=lambda each: int(each["revision"]))
    assert [(each["metadata"]["name"], each["revision"]) for each in again] == [
        (second["metadata"]["name"], 2),
        (first["metadata"]["name"], 3),
    ]
    assert shop.get("StatefulSet")["status"] == {
        "observedGeneration": 3,
        "replicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "currentReplicas": 1,
        "updatedReplicas": 1,
        "currentRevision": first["metadata"]["name"],
        "updateRevision": first["metadata"]["name"],
        "collisionCount": 0,
    }


async def test_an_update_goes_from_the_top_and_waits_for_each_pod(shop: Shop) -> None:
    await shop.put("StatefulSet", replicas=3)
    shop.at_work = False
    await shop.put("StatefulSet", "web:2")
    for updated in (1, 2, 3):
        assert images(shop) == ["web:1"] * (3 - updated) + ["web:2"] * updated
        status = shop.get("StatefulSet")["status"]
        assert (status["updateRevision"] != status["currentRevision"], status["updatedReplicas"]) == (True, updated)
        await shop.make_ready()
    status = shop.get("StatefulSet")["status"]
    assert status["updateRevision"] == status["currentRevision"]


async def test_a_pod_that_never_became_ready_keeps_a_newer_template_out(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("StatefulSet", replicas=2)
    await shop.put("StatefulSet", "web:2")
    await shop.settled(600)
    assert images(shop) == ["web:1"]


async def test_in_parallel_all_come_at_once_and_what_is_not_ready_is_replaced_too(shop: Shop) -> None:
    shop.at_work = False
    await shop.put("StatefulSet", replicas=3, podManagementPolicy="Parallel")
    assert images(shop) == ["web:1"] * 3
    await shop.put("StatefulSet", "web:2")
    assert images(shop) == ["web:1", "web:1", "web:2"]
    await shop.make_ready(but=below(2))
    assert images(shop) == ["web:1", "web:2", "web:2"]


async def test_below_the_partition_everything_stays_as_it_was(shop: Shop) -> None:
    await shop.put("StatefulSet", replicas=3, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {}})
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    await shop.put("StatefulSet", "web:2", updateStrategy=strategy)
    assert images(shop) == ["web:1", "web:1", "web:2"]
    await shop.server.delete(resources.PODS, "web-0", "shop", by="test")
    await shop.settled()
    assert images(shop) == ["web:1", "web:1", "web:2"]


async def test_scaling_down_takes_the_highest_one_first(shop: Shop) -> None:
    await shop.put("StatefulSet", replicas=3)
    await shop.change("StatefulSet", {"spec": {"replicas": 1}})
    assert list(shop.pods()) == ["web-0"]


async def test_on_delete_only_deleted_pods_get_the_new_template(shop: Shop) -> None:
    await shop.put("StatefulSet", replicas=2, updateStrategy={"type": "OnDelete"})
    await shop.put("StatefulSet", "web:2")
    await shop.server.delete(resources.PODS, "web-0", "shop", by="test")
    await shop.settled()
    assert images(shop) == ["web:2", "web:1"]


async def test_a_failed_pod_is_made_again(shop: Shop) -> None:
    await shop.put("StatefulSet", replicas=1)
    before = shop.server.get(resources.PODS, "web-0", "shop")["metadata"]["uid"]
    await shop.say("web-0", "Failed")
    await shop.settled()
    assert shop.server.get(resources.PODS, "web-0", "shop")["metadata"]["uid"] != before


async def test_of_old_revisions_only_the_newest_few_are_kept(shop: Shop) -> None:
    for number in range(5):
        await shop.put("StatefulSet", f"web:{number}", replicas=1, revisionHistoryLimit=2)
    assert sorted(each["revision"] for each in shop.all(resources.CONTROLLERREVISIONS)) == [3, 4, 5]
