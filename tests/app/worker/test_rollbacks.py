"""A workload that goes back to what has passed is not held, and its app says so all the same."""

import asyncio

import pytest

from app.api.wellknown import DEPLOYMENT_REVISION
from app.cluster import resources
from tests.app.worker.world import ONCE, World, settled
from tests.builders import deployment, pod, replica_set, stateful_set

pytestmark = pytest.mark.looptime


def number(world: World, name: str, revision: int) -> None:
    """As the Deployment's controller does it when a ReplicaSet is its newest once more."""
    marks = {"metadata": {"annotations": {DEPLOYMENT_REVISION: str(revision)}}}
    world.api.edit(resources.REPLICASETS, name, marks)
    world.api.edit(resources.DEPLOYMENTS, name.rpartition("-")[0], marks)


def says(world: World, name: str = "web-web") -> tuple[str, str]:
    body = world.api.one(resources.WORKLOADS, name)
    return body["spec"]["version"], body["status"]["currentVersion"]


def listed(world: World, name: str = "web") -> list[str]:
    return [ref["version"] for ref in world.api.one(resources.APPS, name)["spec"]["workloads"]]


async def test_its_app_goes_back_with_it() -> None:
    async with World() as world:
        world.define()
        world.deploy(version="1.0")
        await world.until(world.is_open)
        world.is_up("web")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        world.deploy(version="1.1", image="web:2", revision=2)
        await world.until(world.is_open)
        await world.until(lambda: list(world.app_versions().values()).count("Succeeded") == 2)
        assert says(world) == ("1.1", "1.1")
        number(world, "web-1", 3)
        older, newer, back = "web-1.0-6b86b273", "web-1.1-d4735e3a", "web-1.0-4e074085"
        await world.until(lambda: world.app_versions() == {older: "Deprecated", newer: "Succeeded", back: "Succeeded"})
        assert says(world) == ("1.0", "1.0")
        assert listed(world) == ["1.0"]
        assert world.api.one(resources.WORKLOADS, "web-web")["spec"]["resourceReference"]["name"] == "web-1"
        assert world.kubelet.started == {"check": 2}
        assert await settled(world) == 0


async def test_one_that_failed_does_not_fail_its_app_once_it_is_gone() -> None:
    async with World() as world:
        world.define("good")
        world.define("bad", **ONCE)
        world.kubelet.exit_codes["bad"] = [1]
        world.deploy("cart", "good", version="1.0", app="shop")
        world.deploy("pay", "", version="2.0", app="shop")
        await world.until(world.is_open)
        world.is_up("cart", "pay")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        world.deploy("cart", "bad", version="1.1", image="cart:2", revision=2, app="shop")
        await world.until(lambda: "Failed" in world.app_versions().values())
        number(world, "cart-1", 3)
        await settled(world, 5)
        assert says(world, "shop-cart")[0] == "1.1"  # what is held says what is deployed
        world.api.remove(resources.PODS, "cart-2-0")
        await world.until(lambda: sorted(world.app_versions().values()) == ["Deprecated", "Failed", "Succeeded"])
        assert listed(world, "shop") == ["1.0", "2.0"]
        world.deploy("pay", "", version="2.1", image="pay:2", revision=2, app="shop")
        await world.until(lambda: list(world.app_versions().values()).count("Succeeded") == 2)
        assert listed(world, "shop") == ["1.0", "2.1"]


async def test_nothing_is_done_for_what_only_restarts_or_is_seen_again() -> None:
    async with World() as world:
        world.deploy(checks="", version="1.0")
        await world.until(world.is_open)
        world.is_up("web")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        await settled(world)
        await world.restart()
        assert await settled(world) == 0


async def test_two_workloads_of_one_name_do_not_take_it_from_each_other() -> None:
    """As a canary beside what it is to replace may have it: who was deployed last has the KeptnWorkload."""
    async with World() as world:
        world.deploy(checks="", version="1.0")
        await world.until(world.is_open)
        world.is_up("web")
        await settled(world)
        above = deployment("canary").marked(DEPLOYMENT_REVISION, "1")
        keys = {"keptn.sh/workload": "web", "keptn.sh/version": "1.1"}
        template = {"metadata": {"annotations": keys}, "spec": {"containers": [{"name": "main", "image": "web:2"}]}}
        own = replica_set("canary-1").owned_by(above).marked(DEPLOYMENT_REVISION, "1")
        for each in (above, own.changed({"spec": {"template": template}})):
            world.api.put(each.raw)
        world.scale_up("canary-1", "canary-1-0")
        await world.until(world.is_open)
        world.is_up("canary")
        await settled(world)
        assert says(world) == ("1.1", "1.1")
        await world.restart()
        assert await settled(world) == 0
        assert says(world) == ("1.1", "1.1")


async def test_a_stateful_set_goes_back_too() -> None:
    keys = {"keptn.sh/workload": "db", "keptn.sh/version": "1.0"}

    def roll(world: World, revision: str, version: str) -> None:
        marks = keys | {"keptn.sh/version": version}
        record = {"kind": "ControllerRevision", "apiVersion": "apps/v1"}
        record["metadata"] = {"name": revision, "namespace": "shop"}  # type: ignore[assignment]
        template = {
            "metadata": {"annotations": marks},
            "spec": {"containers": [{"name": "main", "image": f"db:{version}"}]},
        }
        world.api.put(record | {"data": {"spec": {"template": template}}})
        seen = {"observedGeneration": 1, "updateRevision": revision}
        above = stateful_set("db").changed({"metadata": {"generation": 1}, "status": seen})
        world.api.put(above.raw)
        held = pod("db-0").held().image(f"db:{version}").revision(revision).owned_by(above)
        world.api.put(held.changed({"metadata": {"annotations": marks, "uid": ""}}).raw)

    async with World() as world:
        roll(world, "db-a", "1.0")
        await world.until(world.is_open)
        await asyncio.sleep(5)
        world.api.remove(resources.PODS, "db-0")
        roll(world, "db-b", "1.1")
        await world.until(world.is_open)
        assert says(world, "db-db") == ("1.1", "1.1")
        await asyncio.sleep(5)
        world.api.edit(resources.STATEFULSETS, "db", {"status": {"updateRevision": "db-a"}})
        await world.until(lambda: says(world, "db-db") == ("1.0", "1.0"))
