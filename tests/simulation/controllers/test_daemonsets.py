import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.server import NODES
from tests.simulation.controllers import objects
from tests.simulation.controllers.shop import Shop

pytestmark = pytest.mark.looptime


async def add_node(shop: Shop, name: str) -> None:
    await shop.server.create(NODES, {"metadata": {"name": name}}, by="test")
    await shop.settled()


def nodes(shop: Shop) -> list[str]:
    """That pods are to run on."""

    def node(pod: Json) -> str:
        required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        ((field,),) = (term["matchFields"] for term in required["nodeSelectorTerms"])
        assert (field["key"], field["operator"]) == ("metadata.name", "In")
        (name,) = field["values"]
        return str(name)

    return sorted(map(node, shop.all(resources.PODS)))


async def test_there_is_one_pod_on_each_node(shop: Shop) -> None:
    await shop.put("DaemonSet")
    assert nodes(shop) == ["node-1"]
    await add_node(shop, "node-2")
    assert nodes(shop) == ["node-1", "node-2"]
    (revision,) = shop.all(resources.CONTROLLERREVISIONS)
    hash_ = revision["metadata"]["name"].removeprefix("web-")
    assert revision["metadata"]["labels"] == {"app": "web", "controller-revision-hash": hash_}
    assert revision["data"]["spec"]["template"]["$patch"] == "replace"
    for pod in shop.all(resources.PODS):
        meta = pod["metadata"]
        assert meta["labels"] == {"app": "web", "controller-revision-hash": hash_, "pod-template-generation": "1"}
        assert meta["generateName"] == "web-"
        assert meta["ownerReferences"] == [objects.reference(shop.get("DaemonSet"))]
    assert shop.get("DaemonSet")["status"] == {
        "observedGeneration": 1,
        "desiredNumberScheduled": 2,
        "currentNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberMisscheduled": 0,
        "numberReady": 2,
        "numberAvailable": 2,
    }


async def test_an_update_replaces_one_pod_at_a_time(shop: Shop) -> None:
    for name in ("node-2", "node-3"):
        await add_node(shop, name)
    await shop.put("DaemonSet")
    shop.at_work = False
    await shop.put("DaemonSet", "web:2")
    for updated in (1, 2, 3):
        assert shop.images() == ["web:1"] * (3 - updated) + ["web:2"] * updated
        await shop.make_ready()
    assert {pod["metadata"]["labels"]["pod-template-generation"] for pod in shop.all(resources.PODS)} == {"2"}


async def test_old_pods_that_are_not_ready_are_all_replaced_at_once(shop: Shop) -> None:
    for name in ("node-2", "node-3"):
        await add_node(shop, name)
    shop.at_work = False
    await shop.put("DaemonSet")
    await shop.put("DaemonSet", "web:2")
    assert shop.images() == ["web:2"] * 3


async def test_on_delete_only_deleted_pods_get_the_new_template(shop: Shop) -> None:
    await shop.put("DaemonSet", updateStrategy={"type": "OnDelete"})
    await shop.put("DaemonSet", "web:2")
    (pod,) = shop.pods()
    assert shop.images() == ["web:1"]
    await shop.server.delete(resources.PODS, pod, "shop", by="test")
    await shop.settled()
    assert shop.images() == ["web:2"]


async def test_a_failed_pod_is_deleted_and_made_again(shop: Shop) -> None:
    await shop.put("DaemonSet")
    (pod,) = shop.pods()
    await shop.say(pod, "Failed")
    await shop.settled()
    (another,) = (body["metadata"]["name"] for body in shop.all(resources.PODS))
    assert another != pod


async def test_of_two_pods_on_a_node_the_older_one_stays(shop: Shop) -> None:
    await shop.put("DaemonSet")
    (pod,) = shop.all(resources.PODS)
    kept = {key: pod["metadata"][key] for key in ("labels", "ownerReferences")}
    second = {"metadata": {"name": "second", **kept}, "spec": pod["spec"]}
    await shop.server.create(resources.PODS, second, "shop", by="test")
    await shop.settled()
    assert list(shop.pods()) == [pod["metadata"]["name"]]
