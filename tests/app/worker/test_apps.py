"""Every generation of a KeptnApp has its version, which follows its context; older ones come to an end."""

import asyncio
from typing import Any

import pytest

from app.cluster import errors, resources
from app.cluster.api import Json
from tests.app.worker.world import World, settled
from tests.builders import app, app_version
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime

FIRST, SECOND, THIRD = "shop-1.0-6b86b273", "shop-1.0-d4735e3a", "shop-1.1-4e074085"


def context(world: World, **spec: Any) -> None:
    world.api.make(resources.APP_CONTEXTS, "shop", "shop", spec=spec)


def made(world: World, name: str = FIRST) -> Json:
    return world.api.one(resources.APP_VERSIONS, name)


def lists(world: World, name: str = FIRST) -> Json:
    return {key: value for key, value in made(world, name)["spec"].items() if key.startswith(("pre", "post", "meta"))}


def written(world: World, generation_version: str = "1.0") -> None:
    world.api.put(app("shop").version(generation_version).lists(cart="1.0").raw)


async def test_a_version_is_made_of_the_app_and_its_context() -> None:
    async with World() as world:
        context(world, preDeploymentTasks=["db"], metadata={"team": "a"})
        written(world)
        await world.until(lambda: FIRST in world.app_versions())
        assert lists(world) == {"preDeploymentTasks": ["db"], "metadata": {"team": "a"}}
        await settled(world)
        assert world.api.one(resources.APPS, "shop")["status"] == {"currentVersion": "1.0"}


async def test_a_context_that_comes_just_after_counts() -> None:
    async with World() as world:
        world.define("db")
        world.deploy("cart", "", version="1.0", app="shop")
        written(world)
        await asyncio.sleep(0.8)
        assert world.held()
        context(world, preDeploymentTasks=["db"])
        await world.until(world.is_open)
        assert world.kubelet.started == {"db": 1}


async def test_an_edit_reaches_what_has_not_begun() -> None:
    async with World() as world:
        world.kubelet.seconds = 10
        for name in ("db", "late", "mail"):
            world.define(name)
        context(world, preDeploymentTasks=["db"], metadata={"team": "a"})
        world.deploy("cart", "", version="1.0", app="shop")
        written(world)
        await world.until(lambda: world.kubelet.started["db"] == 1)
        context(world, preDeploymentTasks=["late"], postDeploymentTasks=["mail"], metadata={"team": "b"})
        await asyncio.sleep(1)
        assert lists(world) == {
            "preDeploymentTasks": ["db"],
            "postDeploymentTasks": ["mail"],
            "metadata": {"team": "a"},
        }
        await world.until(world.is_open)
        world.is_up("cart")
        await world.until(lambda: world.app_versions() == {FIRST: "Succeeded"})
        assert world.kubelet.started == {"db": 1, "mail": 1}


async def test_a_name_that_was_misspelt_can_be_mended_while_it_is_waited_for() -> None:
    async with World() as world:
        world.define("db")
        context(world, preDeploymentTasks=["bd"])
        world.deploy("cart", "", version="1.0", app="shop")
        written(world)
        await settled(world)
        assert made(world)["status"]["currentPhase"] == "AppPreDeployTasks"
        context(world, preDeploymentTasks=["db"])
        await world.until(world.is_open)


async def test_a_new_revision_runs_all_of_it_again_and_deprecates_the_older_one() -> None:
    async with World() as world:
        world.define("db")
        context(world, preDeploymentTasks=["db"])
        world.deploy("cart", "", version="1.0", app="shop")
        written(world)
        await world.until(world.is_open)
        world.is_up("cart")
        await world.until(lambda: world.app_versions() == {FIRST: "Succeeded"})
        world.api.edit(resources.APPS, "shop", {"spec": {"revision": 2}})
        await world.until(lambda: world.app_versions() == {FIRST: "Deprecated", SECOND: "Succeeded"})
        assert world.kubelet.started == {"db": 2}
        old = made(world)["status"]
        assert old["currentPhase"] == "Completed"
        assert {value for key, value in old.items() if key.endswith("Status") and isinstance(value, str)} == {
            "Deprecated"
        }
        assert "previousVersion" not in made(world, SECOND)["spec"]


async def test_a_failed_app_is_tried_again_by_its_revision() -> None:
    async with World() as world:
        world.define("db", container={"name": "db", "image": "db:1"}, retries=0)
        world.kubelet.exit_codes["db"] = [1]
        context(world, preDeploymentTasks=["db"])
        world.deploy("cart", "", version="1.0", app="shop")
        written(world)
        await world.until(lambda: world.app_versions() == {FIRST: "Failed"})
        await settled(world, 600)
        assert world.held() == ["cart-1-0"]
        world.api.edit(resources.APPS, "shop", {"spec": {"revision": 2}})
        await world.until(world.is_open)


async def test_another_version_takes_over_from_one_that_runs() -> None:
    async with World() as world:
        world.kubelet.seconds = 60
        world.define("db")
        context(world, preDeploymentTasks=["db"])
        world.deploy("cart", "", version="1.0", app="shop")
        written(world)
        await world.until(lambda: world.kubelet.started["db"] == 1)
        world.api.edit(resources.APPS, "shop", {"spec": {"revision": 2}})
        world.api.edit(resources.APPS, "shop", {"spec": {"version": "1.1"}})
        await world.until(lambda: THIRD in world.app_versions())
        await settled(world, 5)
        old = made(world)["status"]
        assert (old["status"], old["preDeploymentStatus"], old["currentPhase"]) == (
            "Failed",
            "Deprecated",
            "AppPreDeployTasks",
        )
        assert old["endTime"]
        (ready,) = [each for each in old["conditions"] if each["type"] == "Ready"]
        assert (ready["status"], ready["reason"]) == ("False", "Superseded")
        assert THIRD in ready["message"]
        assert made(world, THIRD)["spec"]["previousVersion"] == "1.0"
        events = {
            event["reason"] for event in world.events("KeptnAppVersion") if event["involvedObject"]["name"] == FIRST
        }
        assert "Superseded" in events


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("number", range(1, 5))
async def test_a_crash_anywhere_in_between_is_made_good(number: int, done: bool) -> None:
    async with World() as world:
        world.define("db")
        context(world, preDeploymentTasks=["db"])
        written(world)
        await world.until(lambda: "Progressing" in world.app_versions().values())
        world.deploy("cart", "", version="1.0", app="shop")
        await settled(world, 5)
        world.crash_at_write(number, done=done)
        world.api.edit(resources.APPS, "shop", {"spec": {"revision": 2}})
        await asyncio.wait_for(world.crashed.wait(), 60)
        await world.recover()
        world.is_up("cart")
        await world.until(lambda: world.app_versions() == {FIRST: "Deprecated", SECOND: "Succeeded"})
        assert world.api.one(resources.APPS, "shop")["status"]["currentVersion"] == "1.0"
        assert world.kubelet.started == {"db": 2}


async def test_one_that_the_api_server_refuses_is_told_on_the_app() -> None:
    def refuse(call: Call) -> None:
        if str(call) == "create keptnappversions":
            raise errors.Invalid(422, "Invalid", "spec.version: too long")

    async with World() as world:
        world.api.before = refuse
        written(world)
        await settled(world, 600)
        assert [str(call) for call in world.api.writes()] == ["create keptnappversions"]
        (event,) = world.events("KeptnApp")
        assert event["reason"] == "CreateAppVersionFailed"
        assert "too long" in event["message"]


async def test_the_version_of_an_app_that_was_deleted_is_waited_for_until_it_is_gone() -> None:
    async with World() as world:
        left = {
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "KeptnApp", "name": "shop", "uid": "x", "controller": True}
            ]
        }
        world.api.make(resources.APP_VERSIONS, FIRST, "shop", metadata=left, spec={"appName": "shop", "version": "1.0"})
        written(world)
        await asyncio.sleep(5)
        assert made(world)["metadata"]["ownerReferences"][0]["uid"] == "x"
        world.api.remove(resources.APP_VERSIONS, FIRST)
        await world.until(lambda: FIRST in world.app_versions())
        assert made(world)["metadata"]["ownerReferences"][0]["uid"] == "uid-shop"


async def test_lists_on_an_app_of_an_old_version_count_and_a_context_before_them() -> None:
    async with World() as world:
        old = app("shop").lists(cart="1.0")
        old = old.marked("conversion.keptn.sh/spec.preDeploymentTasks", '["old"]')
        old = old.marked("conversion.keptn.sh/spec.postDeploymentTasks", '["mail"]')
        context(world, preDeploymentTasks=["db"])
        world.api.put(old.raw)
        await world.until(lambda: FIRST in world.app_versions())
        assert lists(world) == {"preDeploymentTasks": ["db"], "postDeploymentTasks": ["mail"]}
        await settled(world)
        (event,) = [event for event in world.events("KeptnApp") if event["reason"] == "ListsIgnored"]
        assert "preDeploymentTasks" in event["message"]


async def test_a_version_that_was_seen_before_its_app_begins_once_that_is_seen() -> None:
    """A new leader may hear of what its predecessor made before it hears of what that was made for."""
    async with World() as world:
        world.define("db")
        newer = app("shop").version("1.0", generation=2).lists(cart="1.0")
        written(world)
        await world.until(lambda: FIRST in world.app_versions())
        world.api.put(app_version(newer).changed({"spec": {"preDeploymentTasks": ["db"]}}).raw)
        await settled(world)
        assert world.kubelet.started == {}
        world.api.edit(resources.APPS, "shop", {"spec": {"revision": 2}})
        await world.until(lambda: world.kubelet.started == {"db": 1})


async def test_a_definition_that_its_version_cannot_find_is_named_wherever_one_looks() -> None:
    async with World() as world:
        context(world, preDeploymentTasks=["db"])
        written(world)
        world.deploy("cart", "", version="1.0", app="shop")
        await settled(world)
        assert world.held()
        lacks = "there is no KeptnTaskDefinition db in its namespace or Holdfast's"
        ready = next(each for each in made(world)["status"]["conditions"] if each["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "DefinitionNotFound")
        assert lacks in ready["message"]
        (event,) = world.events("Pod")
        assert lacks in event["message"]
        world.define("db")
        await world.until(world.is_open)
        conditions = {each["reason"] for each in made(world)["status"]["conditions"]}
        assert "DefinitionNotFound" not in conditions
