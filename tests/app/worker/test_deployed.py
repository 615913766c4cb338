from typing import Any

import pytest

from app.api.wellknown import DEPLOYMENT_REVISION, ROLLOUT_POD_HASH
from app.cluster import resources
from app.lifecycle.deployed import LOOK_AGAIN, Deployed
from app.lifecycle.revisions import template_digest
from app.worker import deployed
from app.worker.deployed import Rollouts
from tests.app.worker.world import World, settled
from tests.builders import SHOP, Builder, Json, daemon_set, deployment, pod, replica_set, rollout, stateful_set, version

pytestmark = pytest.mark.looptime

TEMPLATE: Json = {"spec": {"containers": [{"name": "main", "image": "web:1"}]}}
WEB = deployment("web").marked(DEPLOYMENT_REVISION, "1")
UP: Json = {"status": {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}}
OWN = replica_set("web-1").marked(DEPLOYMENT_REVISION, "1").owned_by(WEB)
VERSION = version("web-web-1.0").covers("uid-web-1")


def of(kind: str, name: str, *revisions: str) -> Any:
    """A version of what that deploys."""
    reference = {"kind": kind, "name": name, "uid": f"uid-{name}"}
    return version("v").changed({"spec": {"resourceReference": reference}}).covers(*revisions)


async def look(world: World, about: Any = VERSION) -> Deployed:
    await world.told()
    world.api.calls.clear()
    found = await Rollouts(world.context).look(about.view)
    assert found is not None
    return found


def put(world: World, *things: Builder[Any]) -> None:
    for thing in things:
        world.api.put(thing.raw)


def reads(world: World) -> list[str]:
    return [call.resource for call in world.api.calls if call.verb == "get"]


class TestDeployments:
    async def test_are_judged_by_the_caches(self) -> None:
        async with World(works=False) as world:
            put(world, WEB, OWN)
            assert (await look(world)).message == "Deployment web: 0 of 1 replicas are updated"
            put(world, WEB.changed(UP))
            assert (await look(world)).up
            assert reads(world) == []

    async def test_are_up_by_any_replica_set_that_the_version_stands_for(self) -> None:
        later = replica_set("web-2").marked(DEPLOYMENT_REVISION, "2").owned_by(WEB)
        async with World(works=False) as world:
            put(world, WEB.marked(DEPLOYMENT_REVISION, "2").changed(UP), OWN, later)
            assert (await look(world, VERSION.covers("uid-web-1", "uid-web-2"))).up

    async def test_are_up_by_the_revision_that_the_version_was_made_for(self) -> None:
        later = replica_set("web-2").marked(DEPLOYMENT_REVISION, "2").owned_by(WEB)
        async with World(works=False) as world:
            put(world, WEB.marked(DEPLOYMENT_REVISION, "2").changed(UP), later)
            assert (await look(world, VERSION.marked("keptn.sh/revision", "uid-web-2"))).up

    async def test_with_a_newer_revision_are_read_before_that_is_said(self) -> None:
        newer = replica_set("web-2").marked(DEPLOYMENT_REVISION, "2").owned_by(WEB)
        async with World(works=False) as world:
            put(world, WEB.marked(DEPLOYMENT_REVISION, "2").changed(UP), OWN, newer)
            found = await look(world)
            assert (found.current, found.gone) == (False, False)
            assert reads(world) == ["deployments"]

    async def test_that_the_caches_are_behind_with_are_not_called_superseded(self) -> None:
        newer = replica_set("web-2").marked(DEPLOYMENT_REVISION, "2").owned_by(WEB)
        async with World(works=False) as world:
            put(world, WEB.marked(DEPLOYMENT_REVISION, "2").changed(UP), OWN, newer)
            await world.told()
            world.api.stall()
            put(world, WEB.marked(DEPLOYMENT_REVISION, "3").changed(UP))  # rolled back
            found = await look(world)
            assert (found.up, found.current) == (False, True)

    async def test_that_are_not_known_yet_are_read(self) -> None:
        async with World(works=False) as world:
            await world.told()
            world.api.stall()
            put(world, WEB.changed(UP), OWN)
            assert (await look(world)).up
            assert reads(world) == ["replicasets", "deployments"]
            assert (await look(world)).up
            assert reads(world) == []

    @pytest.mark.parametrize(
        ("there", "message"),
        [
            ([], "ReplicaSet web-1 does not exist any more"),
            ([OWN.with_uid("another")], "ReplicaSet web-1 does not exist any more"),
            ([OWN], "Deployment web does not exist any more"),
            ([OWN, WEB.with_uid("another")], "Deployment web does not exist any more"),
            ([OWN, WEB.deleting()], "Deployment web is being deleted"),
        ],
    )
    async def test_that_are_gone_are_said_to_be(self, there: list[Builder[Any]], message: str) -> None:
        async with World(works=False) as world:
            put(world, *there)
            assert await look(world) == Deployed(False, False, message, gone=True)

    async def test_that_share_a_version_have_to_be_up_all(self) -> None:
        """Two of the same name for Keptn and of the same content, or one that was made again under its name."""
        other = deployment("other").marked(DEPLOYMENT_REVISION, "1")
        theirs = replica_set("other-1").marked(DEPLOYMENT_REVISION, "1").owned_by(other)
        both = VERSION.covers("uid-web-1", "uid-other-1")
        async with World(works=False) as world:
            put(world, WEB.changed(UP), OWN, other, theirs)
            assert (await look(world, both)).message == "Deployment other: 0 of 1 replicas are updated"
            put(world, other.changed(UP))
            assert (await look(world, both)).up
            put(world, other.deleting())
            assert (await look(world, both)).up


class TestReplicaSets:
    async def test_of_nobody_are_read_as_they_are_now(self) -> None:
        status: Json = {"observedGeneration": 9}
        bare = replica_set("web-1").changed({"spec": {"replicas": 1, "template": TEMPLATE}, "status": status})
        about = VERSION.covers(f"uid-web-1/{template_digest(TEMPLATE)}")
        async with World(works=False) as world:
            put(world, bare)
            assert (await look(world, about)).message == "ReplicaSet web-1: 0 of 1 replicas are available"
            world.api.edit(resources.REPLICASETS, "web-1", {"status": {"replicas": 1, "availableReplicas": 1}})
            assert (await look(world, about)).up
            world.api.edit(resources.REPLICASETS, "web-1", {"spec": {"template": {"spec": {"nodeName": "n"}}}})
            assert not (await look(world, about)).current

    async def test_of_nobody_that_go_before_they_are_read_are_gone(self) -> None:
        async with World(works=False) as world:
            put(world, replica_set("web-1"))
            await world.told()
            world.api.stall()
            world.api.remove(resources.REPLICASETS, "web-1")
            assert (await look(world)).gone


class TestRollouts:
    ROLLOUT = rollout("web").newest("5d8")
    OWN = replica_set("web-1").changed({"metadata": {"labels": {ROLLOUT_POD_HASH: "5d8"}}}).owned_by(ROLLOUT)

    async def test_are_read_as_they_are_now_and_looked_at_again_until_they_are_up(self) -> None:
        async with World(works=False) as world:
            put(world, self.ROLLOUT.status("Progressing", 1, 1), self.OWN)
            found = await look(world)
            assert (found.up, found.current, found.again) == (False, True, LOOK_AGAIN)
            put(world, self.ROLLOUT.status("Healthy", 1, 1))
            found = await look(world)
            assert (found.up, found.again) == (True, None)

    async def test_that_are_gone_are_said_to_be(self) -> None:
        async with World(works=False) as world:
            put(world, self.OWN)
            assert await look(world) == Deployed(False, False, "Rollout web does not exist any more", gone=True)


class TestStatefulSets:
    DB = stateful_set("db").changed({"spec": {"replicas": 1}})
    STATUS: Json = {"updateRevision": "db-2", "observedGeneration": 1}
    MINE = of("StatefulSet", "db", "uid-db/db-2")

    async def test_are_judged_by_the_caches(self) -> None:
        async with World(works=False) as world:
            put(world, self.DB.changed({"status": self.STATUS}))
            assert (await look(world, self.MINE)).message == "StatefulSet db: 0 of 1 replicas are updated"
            put(world, self.DB.changed({"status": self.STATUS | UP["status"]}))
            assert (await look(world, self.MINE)).up
            assert reads(world) == []

    async def test_that_the_cache_is_behind_with_are_not_called_superseded(self) -> None:
        async with World(works=False) as world:
            put(world, self.DB.changed({"status": self.STATUS | UP["status"] | {"updateRevision": "db-1"}}))
            await world.told()
            world.api.stall()
            put(world, self.DB.changed({"status": self.STATUS}))
            assert (await look(world, self.MINE)).current

    async def test_that_are_gone_are_said_to_be(self) -> None:
        async with World(works=False) as world:
            assert (await look(world, self.MINE)).message == "StatefulSet db does not exist any more"


class TestDaemonSets:
    AGENT = daemon_set("agent").changed({"spec": {"template": TEMPLATE}})
    STATUS: Json = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 1,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
    }
    MINE = of("DaemonSet", "agent", "uid-agent/7f")

    @staticmethod
    def record(world: World, hash_: str, template: Json = TEMPLATE) -> None:
        data = {"spec": {"template": template}}
        world.api.make(resources.CONTROLLERREVISIONS, f"agent-{hash_}", SHOP, data=data)

    async def test_are_up_when_their_template_is_that_of_the_revision(self) -> None:
        async with World(works=False) as world:
            put(world, self.AGENT.changed({"status": self.STATUS}))
            self.record(world, "7f")
            assert (await look(world, self.MINE)).up

    async def test_have_the_template_of_a_revision_read_once(self) -> None:
        async with World(works=False) as world:
            put(world, self.AGENT.changed({"status": self.STATUS}))
            self.record(world, "7f")
            await world.told()
            rollouts = Rollouts(world.context)
            for _ in range(3):
                await rollouts.look(self.MINE.view)
            assert reads(world).count("controllerrevisions") == 1

    async def test_with_another_template_are_about_something_else(self) -> None:
        async with World(works=False) as world:
            put(world, self.AGENT.changed({"status": self.STATUS}))
            self.record(world, "7f", {"spec": {"containers": []}})
            found = await look(world, self.MINE)
            assert (found.current, found.message) == (False, "DaemonSet agent has a newer revision")

    async def test_whose_revision_is_not_on_record_any_more_are_about_something_else(self) -> None:
        async with World(works=False) as world:
            put(world, self.AGENT.changed({"status": self.STATUS}))
            assert not (await look(world, self.MINE)).current

    async def test_as_keptn_left_them_are_judged_without_a_revision(self) -> None:
        async with World(works=False) as world:
            put(world, self.AGENT.changed({"status": self.STATUS}))
            assert (await look(world, of("DaemonSet", "agent"))).up

    async def test_what_is_remembered_has_a_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deployed, "_REMEMBERED", 1)
        async with World(works=False) as world:
            put(world, self.AGENT.changed({"status": self.STATUS}))
            self.record(world, "7f")
            self.record(world, "8a")
            await world.told()
            rollouts = Rollouts(world.context)
            for hash_ in ("7f", "8a", "8a", "7f"):
                assert (await rollouts.look(of("DaemonSet", "agent", f"uid-agent/{hash_}").view)) is not None
            assert reads(world).count("controllerrevisions") == 3


async def test_nobody_knows_of_a_kind_that_deploys_nothing() -> None:
    async with World(works=False) as world:
        assert await Rollouts(world.context).look(of("Pod", "p").view) is None


class TestAVersion:
    """Is told of its workload's progress, whatever deploys its pods."""

    @staticmethod
    def keys(name: str) -> dict[str, str]:
        return {"keptn.sh/workload": name, "keptn.sh/version": "1.0"}

    @staticmethod
    def state(world: World) -> str:
        found = world.api.all(resources.WORKLOAD_VERSIONS)
        return str((found[0].get("status") or {}).get("deploymentStatus")) if found else ""

    async def deploys(self, world: World) -> None:
        await world.until(lambda: self.state(world) == "Progressing" and world.is_open())
        await settled(world, 5.0)
        assert self.state(world) == "Progressing"

    async def ends(self, world: World, within: float = 0.1) -> None:
        assert await world.until(lambda: self.state(world) == "Succeeded") < within

    async def test_of_a_deployment_ends_its_deploy_phase_once_that_is_up(self) -> None:
        async with World() as world:
            world.deploy(checks="")
            await self.deploys(world)
            world.api.edit(resources.DEPLOYMENTS, "web", UP)
            await self.ends(world)

    async def test_whose_workload_is_not_up_in_time_says_what_was_missing(self) -> None:
        async with World() as world:
            world.deploy(checks="")
            await self.deploys(world)
            assert 290 < await world.until(lambda: self.state(world) == "Failed", 400) < 301
            (found,) = world.api.all(resources.WORKLOAD_VERSIONS)
            (ready,) = [each for each in found["status"]["conditions"] if each["type"] == "Ready"]
            assert ready["reason"] == "DeploymentTimeout"
            assert ready["message"].endswith("timeout: Deployment web: 0 of 1 replicas are updated")

    async def test_of_a_replica_set_of_nobody_ends_its_deploy_phase_once_that_is_up(self) -> None:
        template = TEMPLATE | {"metadata": {"annotations": self.keys("web")}}
        own = replica_set("web").changed({"spec": {"replicas": 1, "template": template}})
        async with World() as world:
            put(world, own, pod("web-a").held().owned_by(own).changed(template))
            await self.deploys(world)
            status: Json = {"replicas": 1, "availableReplicas": 1, "observedGeneration": 1}
            world.api.edit(resources.REPLICASETS, "web", {"status": status})
            await self.ends(world)

    @pytest.mark.parametrize(
        ("builder", "hash_", "record", "status"),
        [
            (TestStatefulSets.DB, "db-2", "db-2", TestStatefulSets.STATUS | UP["status"]),
            (TestDaemonSets.AGENT, "7f", "agent-7f", TestDaemonSets.STATUS),
        ],
        ids=["StatefulSet", "DaemonSet"],
    )
    async def test_of_a_set_ends_its_deploy_phase_once_that_is_up(
        self, builder: Builder[Any], hash_: str, record: str, status: Json
    ) -> None:
        template = TEMPLATE | {"metadata": {"annotations": self.keys(builder.name)}}
        async with World() as world:
            put(world, builder.changed({"spec": {"template": template}}))
            data = {"spec": {"template": template}}
            world.api.make(resources.CONTROLLERREVISIONS, record, SHOP, data=data)
            put(world, pod("p").held().owned_by(builder).changed(template).revision(hash_))
            await self.deploys(world)
            put(world, builder.changed({"spec": {"template": template}, "status": status}))
            await self.ends(world)

    async def test_of_a_rollout_looks_at_it_every_two_seconds_and_no_longer_than_it_has_to(self) -> None:
        template = TEMPLATE | {"metadata": {"annotations": self.keys("web")}}
        async with World() as world:
            put(world, TestRollouts.ROLLOUT, TestRollouts.OWN.changed({"spec": {"template": template}}))
            put(world, pod("web-1-a").held().owned_by(TestRollouts.OWN).changed(template))
            await self.deploys(world)
            put(world, TestRollouts.ROLLOUT.status("Healthy", 1, 1))
            await self.ends(world, LOOK_AGAIN + 0.1)
            world.api.calls.clear()
            await settled(world, 60.0)
            assert "rollouts" not in reads(world)

    async def test_of_a_rollout_is_told_by_its_replica_set(self) -> None:
        template = TEMPLATE | {"metadata": {"annotations": self.keys("web")}}
        async with World() as world:
            own = TestRollouts.OWN.changed({"spec": {"template": template}})
            put(world, TestRollouts.ROLLOUT, own, pod("web-1-a").held().owned_by(own).changed(template))
            await self.deploys(world)
            put(world, TestRollouts.ROLLOUT.status("Healthy", 1, 1), own.annotated(touched="1"))
            await self.ends(world)

    async def test_of_a_rollout_is_made_soon_after_its_controller_has_seen_its_newest_form(self) -> None:
        above = TestRollouts.ROLLOUT.marked("keptn.sh/workload", "web").marked("keptn.sh/version", "1.0")
        own = TestRollouts.OWN.changed({"spec": {"template": TEMPLATE}})
        async with World() as world:
            put(world, above.newest(""), own, pod("web-1-a").held().owned_by(own).changed(TEMPLATE))
            await settled(world, 5.0)
            assert world.held() == ["web-1-a"]
            assert world.versions() == {}
            put(world, above)
            assert await world.until(world.is_open) < 1.2
            assert list(world.versions()) == ["web-web-1.0"]
