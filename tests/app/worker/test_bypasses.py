"""F55: gates that somebody else takes off, in whole rollouts."""

import asyncio
from typing import Any, ClassVar

import pytest

from app.api import wellknown
from app.cluster import errors, resources
from tests.app.worker.world import World, settled
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime


class TestABypass:
    """F55: somebody else takes our gate off a pod."""

    WIPED: ClassVar[dict[str, Any]] = {"spec": {"schedulingGates": []}}

    async def test_is_told_once_on_the_pod_and_its_workload(self) -> None:
        async with World() as world:
            world.kubelet.seconds = 600.0
            world.define()
            world.deploy(replicas=2, gates=["other"])
            await asyncio.sleep(5.0)
            world.api.edit(resources.PODS, "web-1-0", self.WIPED)
            await asyncio.sleep(1.0)
            (event,) = world.events("Pod")
            assert (event["involvedObject"]["name"], event["reason"]) == ("web-1-0", "SchedulingGateBypassed")
            assert (event["type"], event["count"]) == ("Warning", 1)
            assert "pod web-1-0 went without its checks having passed" in event["message"]
            assert "kubectl -n shop delete pod web-1-0" in event["message"]
            (above,) = world.events("Deployment")
            assert (above["reason"], above["message"]) == ("SchedulingGateBypassed", event["message"])
            assert world.held() == ["web-1-1"]
            pod = world.api.one(resources.PODS, "web-1-0")
            assert wellknown.LABEL not in pod["metadata"]["labels"]
            assert pod["metadata"]["annotations"]["keptn.sh/scheduling-gate-bypassed"] == "true"
            assert wellknown.GATE_REMOVED not in pod["metadata"]["annotations"]
            await world.restart()
            await world.until(world.is_open, within=700.0)
            assert [e["count"] for e in world.events("Pod")] == [1]

    async def test_is_seen_by_a_worker_that_was_away(self) -> None:
        async with World() as world:
            world.kubelet.seconds = 600.0
            world.define()
            world.deploy()
            await asyncio.sleep(5.0)
            await world.stop()
            world.api.edit(resources.PODS, "web-1-0", self.WIPED)
            await asyncio.sleep(60.0)
            await world.start()
            await asyncio.sleep(1.0)
            assert [e["reason"] for e in world.events("Pod")] == ["SchedulingGateBypassed"]
            await world.restart()
            await settled(world)
            assert [e["count"] for e in world.events("Pod")] == [1]

    async def test_of_content_that_has_passed_is_marked_and_nothing_is_said(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "patch pods":
                raise errors.Forbidden(403, "Forbidden", "denied")

        async with World() as world:
            world.define()
            world.deploy()
            world.api.before = refuse
            await asyncio.sleep(2.0)
            assert world.versions() == {"web-web-1.0": "Succeeded"}
            world.api.before = lambda call: None
            world.api.edit(resources.PODS, "web-1-0", self.WIPED)
            await settled(world)
            assert wellknown.LABEL not in world.api.one(resources.PODS, "web-1-0")["metadata"]["labels"]
            assert "SchedulingGateBypassed" not in {e["reason"] for e in world.events("Pod")}

    async def test_is_told_once_while_the_mark_is_refused(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "patch pods":
                raise errors.Forbidden(403, "Forbidden", "denied")

        async with World() as world:
            world.kubelet.seconds = 6000.0
            world.define()
            world.deploy()
            await asyncio.sleep(5.0)
            world.api.before = refuse
            world.api.edit(resources.PODS, "web-1-0", self.WIPED)
            await settled(world, 600.0)
            told = [e for e in world.events("Pod") if e["reason"] == "SchedulingGateBypassed"]
            assert [e["count"] for e in told] == [1]

    @pytest.mark.parametrize("seed", range(8))
    async def test_is_never_what_the_worker_itself_did(self, seed: int) -> None:
        async with World(seed=seed) as world:
            world.define()
            world.deploy(replicas=5)
            await world.start()
            await world.until(world.is_open)
            await settled(world)
            assert world.events("Pod") == []
            for pod in world.api.all(resources.PODS):
                assert "keptn.sh/scheduling-gate-bypassed" not in pod["metadata"].get("annotations", {})
