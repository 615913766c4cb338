"""Who is told why pods are held, and how often."""

import asyncio

import pytest

from app.cluster import errors, resources
from tests.app.worker.world import ONCE, World, settled
from tests.builders import SHOP
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime


async def failed(world: World, replicas: int = 1) -> None:
    world.define(**ONCE)
    world.kubelet.exit_codes["check"] = [1]
    world.deploy(replicas=replicas)
    await world.until(lambda: world.progressing()["status"] == "False")


class TestEvents:
    async def test_tell_each_pod_and_the_workload_once(self) -> None:
        async with World() as world:
            await failed(world, replicas=3)
            await settled(world, 600.0)
            told = [event["involvedObject"]["name"] for event in world.events("Pod")]
            assert sorted(told) == ["web-1-0", "web-1-1", "web-1-2"]
            (event,) = world.events("Deployment")
            assert (event["reason"], event["type"], event["count"]) == ("WorkloadPreDeployTasksFailed", "Warning", 1)

    async def test_tell_a_pod_that_comes_later(self) -> None:
        async with World() as world:
            await failed(world)
            world.scale_up("web-1", "web-1-late")
            await settled(world)
            assert [event["involvedObject"]["name"] for event in world.events("Pod")] == ["web-1-0", "web-1-late"]
            assert [event["count"] for event in world.events("Deployment")] == [1]

    async def test_are_not_needed_for_a_definition_that_is_a_moment_late(self) -> None:
        async with World() as world:
            world.deploy()
            await asyncio.sleep(1.5)
            world.define()
            await world.until(world.is_open)
            await settled(world)
            assert world.events("Pod") == world.events("Deployment") == []

    async def test_name_the_definition_that_stays_away(self) -> None:
        async with World() as world:
            world.deploy()
            await settled(world, 10.0)
            (event,) = world.events("Pod")
            assert event["reason"] == "WorkloadPreDeployTasksWaiting"
            assert "no KeptnTaskDefinition check" in event["message"]

    async def test_do_not_tell_of_a_check_that_just_runs(self) -> None:
        async with World() as world:
            world.kubelet.seconds = 200.0
            world.define()
            world.deploy()
            await world.until(world.is_open, within=300.0)
            assert world.events("Pod") == world.events("Deployment") == []

    async def test_are_not_many_for_an_image_that_cannot_be_pulled(self) -> None:
        async with World() as world:
            world.kubelet.seconds = 1000.0
            world.define()
            world.deploy()
            await world.until(lambda: world.kubelet.started["check"] == 1)
            (name,) = [
                p["metadata"]["name"] for p in world.api.all(resources.PODS) if p["metadata"]["name"] != "web-1-0"
            ]
            for turn in range(20):
                reason = ("ErrImagePull", "ImagePullBackOff")[turn % 2]
                waiting = {"reason": reason, "message": f"{reason}: image not found"}
                statuses = [{"name": "check", "state": {"waiting": waiting}}]
                world.api.edit(resources.PODS, name, {"status": {"phase": "Pending", "containerStatuses": statuses}})
                await asyncio.sleep(20)
            (event,) = world.events("Pod")
            assert "cannot start: ErrImagePull: ErrImagePull: image not found" in event["message"]
            assert event["count"] == 1
            assert len([call for call in world.api.writes() if call.resource == "keptntasks"]) <= 4


def recreate(world: World) -> None:
    change = {"spec": {"strategy": {"type": "Recreate"}}, "status": {"observedGeneration": 2}}
    world.api.edit(resources.DEPLOYMENTS, "web", change)


class TestAStrategyThatEndsTheOldPodsFirst:
    async def test_is_spoken_of_once_for_each_revision(self) -> None:
        async with World() as world:
            world.define()
            world.deploy()
            recreate(world)
            world.scale_up("web-1", "web-1-late")
            await world.until(world.is_open)
            await settled(world)
            (event,) = world.events("Deployment")
            assert (event["reason"], event["type"], event["count"]) == ("OldPodsEndBeforeChecks", "Warning", 1)
            world.deploy(image="web:2", version="2.0", revision=2)
            recreate(world)
            await world.until(world.is_open)
            await settled(world)
            assert [event["count"] for event in world.events("Deployment")] == [2]

    async def test_is_nothing_to_speak_of_where_no_check_holds_the_pods(self) -> None:
        async with World() as world:
            world.deploy(checks="")
            recreate(world)
            await world.until(world.is_open)
            await settled(world)
            assert world.events("Deployment") == []


class TestTheCondition:
    async def test_is_left_alone_by_an_older_replica_set(self) -> None:
        async with World() as world:
            await failed(world)
            world.deploy(revision=2, version="2.0", image="web:2")
            fine = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "fine"}
            world.api.edit(resources.DEPLOYMENTS, "web", {"status": {"conditions": [fine]}})
            await world.until(lambda: world.is_open("web-2-0"))
            world.api.edit(resources.REPLICASETS, "web-1", {"metadata": {"annotations": {"keptn.sh/note": "x"}}})
            await settled(world)
            assert world.held() == ["web-1-0"]
            assert world.progressing()["message"] == "fine"

    async def test_is_not_written_before_the_controller_has_seen_the_newest_template(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.deploy()
            await world.until(lambda: world.kubelet.started["check"] == 1)
            world.api.edit(resources.DEPLOYMENTS, "web", {"spec": {"template": {"new": True}}})
            await settled(world)
            assert world.progressing()["status"] == "True"
            world.api.edit(resources.DEPLOYMENTS, "web", {"status": {"observedGeneration": 2}})
            await world.until(lambda: world.progressing()["status"] == "False", within=1.0)

    async def test_is_not_written_over_what_the_controller_wrote_meanwhile(self) -> None:
        async with World() as world:
            refused: list[errors.Conflict] = []

            def interfere(call: Call) -> None:
                if str(call) == "patch deployments/status" and not refused:
                    refused.append(errors.Conflict(409, "", ""))
                    # A newer ReplicaSet has come between the worker's look and its write.
                    newer = {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "2"}}}
                    world.api.edit(resources.DEPLOYMENTS, "web", newer)

            world.api.before = interfere
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.deploy()
            await world.until(lambda: bool(refused))
            await settled(world)
            assert world.progressing()["status"] == "True"

    async def test_of_a_workload_that_is_no_deployment_does_not_exist(self) -> None:
        async with World() as world:
            await failed(world)
            world.api.remove(resources.DEPLOYMENTS, "web")
            assert await settled(world) == 0


async def test_a_new_worker_does_not_tell_everything_again() -> None:
    async with World() as world:
        await failed(world)
        await settled(world)
        before = [event["metadata"]["name"] for event in world.api.all(resources.EVENTS)]
        await world.restart()
        assert await settled(world) == 0
        assert [event["metadata"]["name"] for event in world.api.all(resources.EVENTS)] == before
        assert {event["metadata"]["namespace"] for event in world.events("Pod")} == {SHOP}


async def test_somebody_who_keeps_writing_other_words_is_not_answered_at_once() -> None:
    async with World() as world:
        world.kubelet.seconds = 100.0
        world.define()
        world.deploy()
        await asyncio.sleep(10.0)
        before = len(world.api.writes())
        for _ in range(1000):
            if "is running" in world.progressing()["message"]:
                condition = world.progressing() | {"message": "mine"}
                world.api.edit(resources.DEPLOYMENTS, "web", {"status": {"conditions": [condition]}})
            await asyncio.sleep(0.01)
        assert len(world.api.writes()) - before <= 6
