import pytest

from app.cluster import errors, resources
from app.worker.gates import GateRefused, Gates
from tests.app.worker.world import World
from tests.builders import pod
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime

HELD = pod("web").held("other")
OURS = {"name": "keptn-prechecks-gate"}


async def opened(world: World) -> list[GateRefused]:
    return await Gates(world.context).open(list(world.context.caches.pods.all()))


async def test_only_our_gate_and_label_are_taken_off() -> None:
    async with World(works=False) as world:
        world.api.put(HELD.labelled(app="web").raw)
        await world.told()
        await opened(world)
        after = world.api.one(resources.PODS, "web")
        assert after["spec"]["schedulingGates"] == [{"name": "other"}]
        assert after["metadata"]["labels"] == {"keptn.sh/app": "web"}
        assert after["metadata"]["annotations"] == {"keptn.sh/scheduling-gate-removed": "true"}
        assert world.context.caches.pods.all() == []


async def test_a_gate_that_has_moved_since_is_found_again() -> None:
    async with World(works=False) as world:
        world.api.put(HELD.raw)
        await world.told()
        world.api.edit(resources.PODS, "web", {"spec": {"schedulingGates": [OURS]}})
        await opened(world)
        assert world.held() == []


async def test_an_annotation_that_has_come_since_is_kept() -> None:
    async with World(works=False) as world:
        world.api.put(HELD.raw)
        await world.told()
        world.api.edit(resources.PODS, "web", {"metadata": {"annotations": {"note": "1"}}})
        await opened(world)
        annotations = world.api.one(resources.PODS, "web")["metadata"]["annotations"]
        assert annotations == {"note": "1", "keptn.sh/scheduling-gate-removed": "true"}


async def test_a_gate_that_somebody_else_has_opened_needs_nothing() -> None:
    async with World(works=False) as world:
        world.api.put(HELD.raw)
        await world.told()
        world.api.edit(resources.PODS, "web", {"spec": {"schedulingGates": []}})
        await opened(world)
        assert "annotations" not in world.api.one(resources.PODS, "web")["metadata"]


async def test_a_pod_that_is_gone_needs_nothing() -> None:
    async with World(works=False) as world:
        world.api.put(HELD.raw)
        await world.told()
        world.api.remove(resources.PODS, "web")
        await opened(world)


async def test_a_namesake_of_a_pod_that_is_gone_stays_held() -> None:
    async with World(works=False) as world:
        world.api.put(HELD.annotated(note="1").raw)
        await world.told()
        world.api.remove(resources.PODS, "web")
        world.api.put(HELD.annotated(note="1").with_uid("another").raw)
        await opened(world)
        assert world.held() == ["web"]


async def test_one_that_is_refused_does_not_hold_up_the_others_and_is_named() -> None:
    def refuse(call: Call) -> None:
        if call.verb == "patch" and call.name == "b":
            raise errors.Forbidden(403, "Forbidden", "denied")

    async with World(works=False) as world:
        for name in ("a", "b", "c"):
            world.api.put(pod(name).held().raw)
        await world.told()
        world.api.before = refuse
        (refused,) = await opened(world)
        assert world.held() == ["b"]
        assert (refused.pod.metadata.name, refused.reason) == ("b", "denied")
        assert str(refused) == "the gate of pod shop/b cannot be removed: denied"
