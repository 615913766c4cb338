"""A KeptnConfig is read live, from one place, and says itself what of it does not count."""

import logging
from typing import Any

import pytest

from app.cluster import resources
from app.cluster.api import Json
from app.worker.configs import Changes
from tests.app.worker.world import INSTALLATION, World, settled
from tests.builders import SHOP

pytestmark = pytest.mark.looptime


def config(name: str = "keptn", namespace: str = INSTALLATION, **spec: Any) -> Json:
    meta = {"name": name, "namespace": namespace}
    return {"kind": "KeptnConfig", "apiVersion": "options.keptn.sh/v1alpha1", "metadata": meta, "spec": spec}


def lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Those that people's scripts wait for."""
    return [record for record in caplog.records if "reconciling Keptn Config" in record.getMessage()]


async def test_what_it_says_counts_at_once_and_the_defaults_are_back_when_it_is_gone() -> None:
    async with World() as world:
        assert world.context.config().observability_seconds == 300
        world.api.put(config(observabilityTimeout="1m"))
        await world.told()
        assert world.context.config().observability_seconds == 60
        world.api.edit(resources.CONFIGS, "keptn", {"spec": {"observabilityTimeout": "2m"}}, INSTALLATION)
        await world.told()
        assert world.context.config().observability_seconds == 120
        world.api.remove(resources.CONFIGS, "keptn", INSTALLATION)
        await world.told()
        assert world.context.config().observability_seconds == 300


async def test_each_one_that_is_seen_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with World() as world:
        world.api.put(config())
        await settled(world)
        assert len(lines(caplog)) == 1
        world.api.edit(resources.CONFIGS, "keptn", {"spec": {"blockDeployment": False}}, INSTALLATION)
        await settled(world)
        assert len(lines(caplog)) == 2
        world.api.put(config("elsewhere", SHOP))
        world.api.remove(resources.CONFIGS, "keptn", INSTALLATION)
        await settled(world)
        assert len(lines(caplog)) == 2
        assert [(line.config, line.read) for line in lines(caplog)] == [("keptn", True)] * 2


async def test_a_value_that_makes_no_sense_is_told_of_once_on_the_object() -> None:
    async with World() as world:
        world.api.put(config(observabilityTimeout="soon"))
        await settled(world)
        world.api.edit(resources.CONFIGS, "keptn", {"spec": {"blockDeployment": False}}, INSTALLATION)
        await settled(world)
        (event,) = world.events("KeptnConfig")
        assert (event["type"], event["reason"], event["count"]) == ("Warning", "ConfigNotRead", 1)
        assert event["involvedObject"]["apiVersion"] == "options.keptn.sh/v1alpha1"
        assert "'soon'" in event["message"]
        assert event["source"]["component"] == "keptnconfig-controller"
        assert not world.context.config().blocking, "the rest of it counts"
        world.api.edit(resources.CONFIGS, "keptn", {"spec": {"observabilityTimeout": "later"}}, INSTALLATION)
        await settled(world)
        assert len(world.events("KeptnConfig")) == 2


async def test_one_in_another_namespace_changes_nothing_and_is_told_so() -> None:
    async with World() as world:
        world.api.put(config(namespace=SHOP, blockDeployment=False))
        await settled(world)
        assert world.context.config().blocking
        (event,) = world.events("KeptnConfig")
        assert event["metadata"]["namespace"] == SHOP
        assert f"only one in namespace {INSTALLATION}" in event["message"]


async def test_a_second_one_is_told_so_and_takes_over_when_the_first_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with World() as world:
        world.api.put(config("b", observabilityTimeout="1m"))
        await settled(world)
        world.api.put(config("c", observabilityTimeout="2m"))
        await settled(world)
        assert world.context.config().observability_seconds == 60
        (event,) = world.events("KeptnConfig")
        assert event["involvedObject"]["name"] == "c"
        assert "b is older" in event["message"]
        caplog.clear()
        world.api.remove(resources.CONFIGS, "b", INSTALLATION)
        await settled(world)
        assert world.context.config().observability_seconds == 120
        assert [(line.config, line.read) for line in lines(caplog)] == [("c", True)]


async def test_only_a_change_that_matters_has_anything_looked_at_again() -> None:
    looked: list[tuple[str, str]] = []
    woken: list[str] = []
    async with World(works=False) as world:
        changes = Changes(world.context, looked.append, woken.append)
        world.context.caches.configs.subscribe(changes.config)
        world.context.caches.namespaces.subscribe(changes.namespace)
        world.api.put(config())
        await world.told()
        assert (looked, woken) == ([(INSTALLATION, "keptn")], []), "it says what counts anyway"
        world.api.edit(resources.CONFIGS, "keptn", {"spec": {"blockDeployment": False}}, INSTALLATION)
        await world.told()
        assert woken == [""]
        world.api.put(config(namespace=SHOP, blockDeployment=True))
        await world.told()
        assert looked[-1] == (SHOP, "keptn")
        assert woken == [""]
        world.api.remove(resources.CONFIGS, "keptn", INSTALLATION)
        await world.told()
        assert woken == ["", ""]
        for annotations in ({"team": "x"}, {"keptn.sh/check-policy": "warn"}, {"keptn.sh/check-policy": "observe"}):
            world.api.edit(resources.NAMESPACES, SHOP, {"metadata": {"annotations": annotations}}, "")
            await world.told()
        assert woken == ["", "", SHOP, SHOP]
