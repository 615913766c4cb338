"""Workloads name an app; whether anybody wrote it or not, it is there, and says what is deployed."""

import asyncio
from typing import Any

import pytest

from app.api import wellknown
from app.api.app import AppSpec, WorkloadRef
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import discovery
from app.lifecycle.apps import digest
from app.worker.discovery import DiscoveryReconciler
from app.worker.settling import Settling
from tests.app.worker.world import ONCE, World, settled
from tests.builders import app, workload

pytestmark = pytest.mark.looptime


def the_app(world: World, name: str = "shop") -> Json:
    return world.api.one(resources.APPS, name)


def listed(world: World, name: str = "shop") -> dict[str, str]:
    return {ref["name"]: ref["version"] for ref in the_app(world, name)["spec"]["workloads"]}


def is_there(world: World, name: str = "shop") -> bool:
    return any(each["metadata"]["name"] == name for each in world.api.all(resources.APPS))


async def test_a_workload_without_an_app_stands_for_itself() -> None:
    async with World() as world:
        world.deploy("waiter", "", version="0.4")
        await world.until(lambda: bool(world.app_versions()))
        body = the_app(world, "waiter")
        assert body["spec"] == {"version": "0.4", "revision": 1, "workloads": [{"name": "waiter", "version": "0.4"}]}
        assert body["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "keptn"}
        assert body["metadata"]["annotations"]["keptn.sh/app-type"] == "single-service"
        assert list(world.app_versions()) == ["waiter-0.4-6b86b273"]


async def test_workloads_of_one_app_are_listed_together() -> None:
    async with World() as world:
        world.deploy("pay", "", version="2.0", app="shop")
        await asyncio.sleep(0.4)
        world.deploy("cart", "", version="1.0", app="shop")
        await world.until(lambda: is_there(world))
        body = the_app(world)
        assert body["spec"]["workloads"] == [{"name": "cart", "version": "1.0"}, {"name": "pay", "version": "2.0"}]
        parts = [workload("shop-cart").view, workload("shop-pay").changed({"spec": {"version": "2.0"}}).view]
        assert body["spec"]["version"] == discovery.version(parts)
        assert "keptn.sh/app-type" not in body["metadata"]["annotations"]
        await world.until(world.is_open)
        assert len(world.app_versions()) == 1


async def test_one_that_comes_later_is_added_at_the_end() -> None:
    async with World() as world:
        world.deploy("pay", "", version="2.0", app="shop")
        await world.until(lambda: is_there(world))
        first = the_app(world)["spec"]["version"]
        world.deploy("cart", "", version="1.0", app="shop")
        await world.until(lambda: len(listed(world)) == 2)
        assert first == "2.0"
        assert list(listed(world)) == ["pay", "cart"]
        await world.until(world.is_open)


async def test_a_new_version_of_a_workload_is_a_new_version_of_its_app() -> None:
    async with World() as world:
        world.deploy("web", "", version="1.0")
        await world.until(world.is_open)
        world.is_up("web")
        await world.until(lambda: world.app_versions() == {"web-1.0-6b86b273": "Succeeded"})
        world.deploy("web", "", version="1.1", image="web:2", revision=2)
        await world.until(lambda: "web-1.1-d4735e3a" in world.app_versions())
        await settled(world, 1.0)
        assert listed(world, "web") == {"web": "1.1"}
        made = world.api.one(resources.APP_VERSIONS, "web-1.1-d4735e3a")
        assert made["spec"]["previousVersion"] == "1.0"
        assert world.app_versions()["web-1.0-6b86b273"] == "Succeeded"


async def test_what_somebody_wrote_is_never_touched() -> None:
    async with World() as world:
        written = app("shop").version("7").lists(cart="0.9").raw
        world.api.put(written)
        world.deploy("cart", "", version="1.0", app="shop")
        await settled(world)
        assert the_app(world)["spec"] == written["spec"]
        assert world.held() == ["cart-1-0"]
        world.api.edit(resources.APPS, "shop", {"spec": {"workloads": [{"name": "cart", "version": "1.0"}]}})
        await world.until(world.is_open)


async def test_an_app_that_a_person_has_written_over_ours_is_theirs_from_then_on() -> None:
    async with World() as world:
        world.deploy("cart", "", version="1.0", app="shop")
        await world.until(lambda: is_there(world))
        theirs = {"version": "2024-05", "workloads": [{"name": "cart", "version": "1.0"}]}
        world.api.edit(resources.APPS, "shop", {"spec": theirs})
        await world.until(world.is_open)
        world.deploy("cart", "", version="1.1", image="cart:2", revision=2, app="shop")
        await settled(world)
        assert the_app(world)["spec"] == {**theirs, "revision": 1}


async def test_new_content_of_the_same_version_has_the_app_checked_again() -> None:
    async with World() as world:
        world.define("before-all")
        world.api.make(resources.APP_CONTEXTS, "shop", "shop", spec={"preDeploymentTasks": ["before-all"]})
        world.deploy("cart", "", version="1.0", app="shop")
        await world.until(world.is_open)
        world.is_up("cart")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        await asyncio.sleep(5)
        world.deploy("cart", "", version="1.0", image="cart:2", revision=2, app="shop")
        await world.until(lambda: len(world.app_versions()) == 2)
        assert world.held() == ["cart-2-0"]
        await world.until(world.is_open)
        assert world.kubelet.started["before-all"] == 2
        assert the_app(world)["spec"]["revision"] == 2
        assert world.app_versions()["shop-1.0-6b86b273"] == "Deprecated"
        await settled(world, 60.0)
        assert world.kubelet.started["before-all"] == 2


async def test_an_app_that_failed_does_not_keep_the_next_version_from_going() -> None:
    async with World() as world:
        world.define("before-all", **ONCE)
        world.kubelet.exit_codes["before-all"] = [1]
        world.api.make(resources.APP_CONTEXTS, "shop", "shop", spec={"preDeploymentTasks": ["before-all"]})
        world.deploy("cart", "", version="1.0", app="shop")
        await world.until(lambda: "Failed" in world.app_versions().values())
        await settled(world, 600)
        assert world.held() == ["cart-1-0"]
        world.deploy("cart", "", version="1.1", image="cart:2", revision=2, app="shop")
        await world.until(lambda: world.is_open("cart-2-0"))
        assert world.app_versions()["shop-1.0-6b86b273"] == "Failed"


async def test_an_apps_name_is_written_in_lower_case() -> None:
    async with World() as world:
        world.define("before-all")
        world.api.make(resources.APP_CONTEXTS, "my-shop", "shop", spec={"preDeploymentTasks": ["before-all"]})
        world.deploy("Cart", "", version="1.0-RC1", app="My_Shop")
        await world.until(world.is_open)
        assert listed(world, "my-shop") == {"cart": "1.0-rc1"}
        assert list(world.app_versions()) == ["my-shop-1.0-rc1-6b86b273"]
        assert world.kubelet.started == {"before-all": 1}


async def test_a_restart_of_what_has_passed_is_no_new_content() -> None:
    async with World() as world:
        world.deploy("cart", "", version="1.0", app="shop")
        await world.until(world.is_open)
        world.is_up("cart")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        await asyncio.sleep(5)
        world.deploy("cart", "", version="1.0", revision=2, app="shop")
        await world.until(world.is_open, within=1.0)
        await settled(world)
        assert len(world.app_versions()) == 1


async def test_a_workload_that_is_deleted_is_no_reason_to_check_its_app_again() -> None:
    async with World() as world:
        world.define("before-all")
        world.api.make(resources.APP_CONTEXTS, "shop", "shop", spec={"preDeploymentTasks": ["before-all"]})
        world.deploy("cart", "", version="1.0", app="shop")
        world.deploy("pay", "", version="2.0", app="shop")
        await world.until(world.is_open)
        world.is_up("cart", "pay")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        world.api.remove(resources.WORKLOADS, "shop-pay")
        await settled(world)
        assert list(listed(world)) == ["cart", "pay"]
        assert world.kubelet.started["before-all"] == 1


async def test_an_app_that_waits_for_a_workload_that_is_deleted_goes_on_without_it() -> None:
    async with World() as world:
        world.deploy("cart", "", version="1.0", app="shop")
        world.deploy("pay", "", version="2.0", app="shop")
        await world.until(world.is_open)
        world.is_up("cart")
        await settled(world, 5)
        world.api.remove(resources.WORKLOADS, "shop-pay")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        assert list(listed(world)) == ["cart"]


class TestRequests:
    """KeptnAppCreationRequest: Holdfast makes none, but one that is there has its answer."""

    async def test_one_of_a_single_service_is_answered_and_deleted(self) -> None:
        async with World() as world:
            marks = {"annotations": {wellknown.APP_TYPE: wellknown.SINGLE_SERVICE}}
            world.api.put(workload("web-web").raw)
            world.api.make(resources.APP_CREATION_REQUESTS, "web", "shop", metadata=marks, spec={"appName": "web"})
            await world.until(lambda: not world.api.all(resources.APP_CREATION_REQUESTS))
            assert listed(world, "web") == {"web": "1.0"}

    async def test_an_app_without_workloads_is_not_made(self) -> None:
        async with World() as world:
            world.api.make(resources.APP_CREATION_REQUESTS, "web", "shop", spec={"appName": "web"})
            await world.until(lambda: not world.api.all(resources.APP_CREATION_REQUESTS))
            await settled(world)
            assert world.api.all(resources.APPS) == []

    async def test_one_for_what_somebody_wrote_is_deleted(self) -> None:
        async with World() as world:
            world.api.put(app("web").lists(web="3").raw)
            world.api.put(workload("web-web").raw)
            world.api.make(resources.APP_CREATION_REQUESTS, "web", "shop", spec={"appName": "web"})
            await world.until(lambda: not world.api.all(resources.APP_CREATION_REQUESTS))
            await settled(world)
            assert listed(world, "web") == {"web": "3"}


async def test_a_deleted_app_is_made_again() -> None:
    async with World() as world:
        world.deploy("cart", "", version="1.0", app="shop")
        await world.until(lambda: is_there(world))
        world.api.remove(resources.APPS, "shop")
        await world.until(lambda: is_there(world))
        await world.until(world.is_open)
        assert list(world.app_versions()) == ["shop-1.0-6b86b273"]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_the_order_of_arrival_the_end_is_the_same(seed: int) -> None:
    """Three workloads and their context within half a second, with delays that differ."""
    steps: list[Any] = [
        lambda world: world.deploy("cart", "own", version="1.0", app="shop"),
        lambda world: world.deploy("pay", "", version="2.0", app="shop"),
        lambda world: world.deploy("web", "own", version="3.0", app="shop"),
        lambda world: world.api.make(
            resources.APP_CONTEXTS,
            "shop",
            "shop",
            spec={"preDeploymentTasks": ["first"], "postDeploymentTasks": ["last"], "metadata": {"team": "a"}},
        ),
    ]
    async with World(seed=seed) as world:
        for name in ("own", "first", "last"):
            world.define(name)
        for number in range(4):
            steps[(seed + number * (1 if seed % 2 else 3)) % 4](world)
            await asyncio.sleep(0.02 * (seed % 7))
        if seed % 3 == 0:
            await asyncio.sleep(0.2)
            await world.restart()
        await world.until(world.is_open)
        world.is_up("cart", "pay", "web")
        await world.until(lambda: "Succeeded" in world.app_versions().values())
        assert listed(world) == {"cart": "1.0", "pay": "2.0", "web": "3.0"}
        assert list(world.app_versions().values()).count("Succeeded") == 1
        assert set(world.app_versions().values()) <= {"Succeeded", "Failed", "Deprecated"}  # all others have ended
        assert world.kubelet.started == {"own": 2, "first": 1, "last": 1}
        assert await settled(world, 600.0) == 0


class TestAnotherWorkersWords:
    """Two workers can both take themselves for the leader for a while, and the news of one of them can be late."""

    @staticmethod
    def told(world: World, said: str, known: str) -> DiscoveryReconciler:
        """A KeptnApp of ours says version `said` of web, and of its KeptnWorkload `known` is known."""
        spec = AppSpec(version=said, revision=1, workloads=(WorkloadRef(name="web", version=said),))
        world.api.put(discovery.made("web", "shop", spec, single_service=True) | {"status": {}})
        world.api.put(workload("web-web").changed({"spec": {"app": "web", "version": known}}).raw)
        return DiscoveryReconciler(world.context, Settling(lambda *_: True, lambda: 30.0))

    async def test_are_not_undone_for_late_news(self) -> None:
        async with World(works=False) as world:
            reconcile = self.told(world, "2.0", known="1.0")
            await world.told()
            world.api.stall()
            world.api.edit(resources.WORKLOADS, "web-web", {"spec": {"version": "2.0"}})
            await reconcile(("shop", "web"))
            assert listed(world, "web") == {"web": "2.0"}
            assert world.api.writes() == []

    async def test_do_not_lose_a_workload_that_is_not_known_here_yet(self) -> None:
        async with World(works=False) as world:
            reconcile = self.told(world, "2.0", known="2.0")
            refs = [{"name": "web", "version": "2.0"}, {"name": "new", "version": "1.0"}]
            world.api.edit(resources.APPS, "web", {"spec": {"workloads": refs}})
            mark = {"keptn.sh/discovered": digest(AppSpec.model_validate(the_app(world, "web")["spec"]))}
            world.api.edit(resources.APPS, "web", {"metadata": {"annotations": mark}})
            await world.told()
            world.api.stall()
            world.api.put(workload("web-new").changed({"spec": {"app": "web", "version": "1.0"}}).raw)
            await reconcile(("shop", "web"))
            assert listed(world, "web") == {"web": "2.0", "new": "1.0"}

    async def test_are_changed_for_what_is_really_new_and_our_own_without_another_look(self) -> None:
        async with World(works=False) as world:
            reconcile = self.told(world, "1.0", known="2.0")
            await world.told()
            await reconcile(("shop", "web"))
            assert listed(world, "web") == {"web": "2.0"}
            world.api.edit(resources.WORKLOADS, "web-web", {"spec": {"version": "3.0"}})
            await world.told()
            await reconcile(("shop", "web"))
            assert listed(world, "web") == {"web": "3.0"}
            assert [call.name for call in world.api.calls if call.verb == "get"] == ["web-web"]
