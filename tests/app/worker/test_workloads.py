"""A KeptnWorkload says what the newest revision of its workload asks for, whatever order the news comes in."""

import asyncio

import pytest

from app.cluster import resources
from tests.app.worker.world import ONCE, World, settled
from tests.builders import deployment, replica_set

pytestmark = pytest.mark.looptime


def says(world: World) -> tuple[str, str]:
    body = world.api.one(resources.WORKLOADS, "web-web")
    return body["spec"]["version"], (body.get("status") or {}).get("currentVersion", "")


def failing(world: World) -> None:
    """From here on the check of whatever is deployed fails, so that its pods stay held."""
    world.define(**ONCE)
    world.kubelet.exit_codes["check"] = [1] * 9


async def test_the_number_of_a_revision_counts_where_two_are_of_one_second() -> None:
    """By name alone, web-9 would be the later one."""
    async with World() as world:
        failing(world)
        world.deploy(revision=9, version="9.0", image="web:9")
        world.deploy(revision=10, version="10.0", image="web:10")
        await settled(world)
        assert says(world)[0] == "10.0"
        assert [ref["version"] for ref in world.api.one(resources.APPS, "web")["spec"]["workloads"]] == ["10.0"]


async def test_a_pod_of_an_old_revision_that_is_made_again_changes_nothing() -> None:
    async with World() as world:
        failing(world)
        world.deploy(version="1.0")
        await asyncio.sleep(3)
        world.deploy(revision=2, version="2.0", image="web:2")
        await asyncio.sleep(3)
        world.api.remove(resources.PODS, "web-1-0")
        world.scale_up("web-1", "web-1-1")
        await settled(world)
        assert says(world) == ("2.0", "2.0")


async def test_an_old_revision_that_goes_does_not_become_the_current_one() -> None:
    async with World() as world:
        failing(world)
        world.deploy(version="1.0")
        await asyncio.sleep(3)
        world.define("good")
        world.deploy(checks="good", revision=2, version="2.0", image="web:2")
        await world.until(lambda: world.held() == ["web-1-0"])
        await settled(world, 3)
        assert says(world) == ("2.0", "2.0")
        world.api.remove(resources.PODS, "web-1-0")
        await settled(world, 10)
        assert says(world) == ("2.0", "2.0")


async def test_a_deployment_that_has_no_numbers_goes_by_the_age_of_its_pods() -> None:
    async with World() as world:
        failing(world)
        for revision, version in ((1, "1.0"), (2, "2.0")):
            world.deploy(revision=revision, version=version, image=f"web:{revision}")
            bare = {"metadata": {"annotations": {"deployment.kubernetes.io/revision": ""}}}
            world.api.edit(resources.REPLICASETS, f"web-{revision}", bare)
            await asyncio.sleep(3)
        await settled(world)
        assert says(world)[0] == "2.0"


async def test_the_youngest_that_is_held_speaks_as_long_as_nobody_knows_what_the_newest_asks_for() -> None:
    """A StatefulSet replaces no pod that is stuck, so its newest revision may never have one."""
    async with World() as world:
        failing(world)
        above = deployment("web").marked("deployment.kubernetes.io/revision", "3")
        world.api.put(replica_set("web-3").marked("deployment.kubernetes.io/revision", "3").owned_by(above).raw)
        world.deploy(version="1.0")
        await asyncio.sleep(3)
        world.deploy(revision=2, version="2.0", image="web:2")
        await settled(world)
        assert says(world)[0] == "2.0"
