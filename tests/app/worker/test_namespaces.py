import pytest

from app.cluster import resources
from tests.app.worker.world import World, settled
from tests.builders import Json

pytestmark = pytest.mark.looptime

OPTED_IN = {"keptn.sh/lifecycle-toolkit": "enabled"}


async def mirrored(annotations: Json, labels: Json, *, deleting: bool = False) -> tuple[Json, int]:
    """The labels that a namespace ends with, and what that cost in writes."""
    async with World() as world:
        meta: Json = {"name": "old", "annotations": annotations, "labels": {"team": "x", **labels}}
        if deleting:
            meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        world.api.put({"kind": "Namespace", "apiVersion": "v1", "metadata": meta})
        writes = await settled(world)
        result: Json = world.api.one(resources.NAMESPACES, "old", "")["metadata"]["labels"]
        return result, writes


@pytest.mark.parametrize(
    ("annotations", "labels", "after", "writes"),
    [
        (OPTED_IN, {}, {"keptn.sh/holdfast": "enabled"}, 1),
        (OPTED_IN, {"keptn.sh/holdfast": "enabled"}, {"keptn.sh/holdfast": "enabled"}, 0),
        (OPTED_IN, {"keptn.sh/holdfast": "wrong"}, {"keptn.sh/holdfast": "enabled"}, 1),
        ({}, {"keptn.sh/holdfast": "enabled"}, {}, 1),
        ({"keptn.sh/lifecycle-toolkit": "disabled"}, {"keptn.sh/holdfast": "enabled"}, {}, 1),
        ({}, {"keptn.sh/lifecycle-toolkit": "enabled"}, {"keptn.sh/lifecycle-toolkit": "enabled"}, 0),
    ],
)
async def test_the_annotation_is_mirrored_into_the_label(
    annotations: Json, labels: Json, after: Json, writes: int
) -> None:
    assert await mirrored(annotations, labels) == ({"team": "x", **after}, writes)


async def test_a_namespace_that_is_being_deleted_is_left_alone() -> None:
    assert await mirrored(OPTED_IN, {}, deleting=True) == ({"team": "x"}, 0)


async def test_a_change_of_mind_is_followed() -> None:
    async with World() as world:
        world.api.put({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "new"}})
        await settled(world)
        world.api.edit(resources.NAMESPACES, "new", {"metadata": {"annotations": OPTED_IN}}, "")
        assert await settled(world, 1.0) == 1
        assert world.api.one(resources.NAMESPACES, "new", "")["metadata"]["labels"] == {"keptn.sh/holdfast": "enabled"}


async def test_a_check_policy_that_is_none_is_told_of_once_until_it_changes() -> None:
    async with World() as world:
        meta = {"name": "new", "annotations": {"keptn.sh/check-policy": "wran"}}
        world.api.put({"kind": "Namespace", "apiVersion": "v1", "metadata": meta})
        await settled(world)
        world.api.edit(resources.NAMESPACES, "new", {"metadata": {"labels": {"team": "x"}}}, "")
        await settled(world)
        (event,) = world.events("Namespace")
        assert (event["type"], event["reason"], event["count"]) == ("Warning", "UnknownCheckPolicy", 1)
        assert "'wran'" in event["message"]
        assert "enforce, warn and observe" in event["message"]
        for policy, events in (("warn", 1), ("obsreve", 2)):
            change = {"metadata": {"annotations": {"keptn.sh/check-policy": policy}}}
            world.api.edit(resources.NAMESPACES, "new", change, "")
            await settled(world)
            assert len(world.events("Namespace")) == events
