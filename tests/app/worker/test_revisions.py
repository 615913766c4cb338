"""What the whole rollouts of test_wiring do not show: other owners, others' objects, and gates put on in doubt."""

import asyncio

import pytest

from app.cluster import resources
from tests.app.worker.world import ONCE, World, settled
from tests.builders import Json, PodBuilder, daemon_set, deployment, pod, replica_set, stateful_set, version, workload

pytestmark = pytest.mark.looptime

RETRY: Json = {"metadata": {"annotations": {"keptn.sh/retry": "1"}}}
KEYS = {"workload": "web", "version": "1.0", "pre_deployment_tasks": "check"}


def template(image: str = "web:1", **keys: str) -> Json:
    annotations = pod("x").annotated(**keys).raw["metadata"].get("annotations", {})
    return {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "main", "image": image}]}}


def bare(image: str = "web:1") -> Json:
    return replica_set("web").changed({"spec": {"template": template(image, **KEYS)}}).raw


def of_bare(name: str, image: str = "web:1") -> PodBuilder:
    return pod(name).image(image).held().annotated(**KEYS).owned_by(replica_set("web"))


class TestAReplicaSetOfNobody:
    async def test_is_checked_and_let_go(self) -> None:
        async with World() as world:
            world.define()
            world.api.put(bare())
            world.api.put(of_bare("web-a").raw)
            await world.until(world.is_open)
            (made,) = world.api.all(resources.WORKLOAD_VERSIONS)
            (revision,) = made["status"]["revisions"]
            assert revision.startswith("uid-web/")
            assert made["spec"]["resourceReference"] == {"uid": "uid-web", "kind": "ReplicaSet", "name": "web"}

    async def test_that_was_edited_does_not_let_its_old_pods_go_on_the_new_templates_pass(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.api.put(bare())
            world.api.put(of_bare("web-old").raw)
            await world.until(lambda: list(world.versions().values()) == ["Failed"])
            world.api.put(bare("web:2"))
            world.api.put(of_bare("web-new", "web:2").raw)
            await world.until(lambda: world.is_open("web-new"))
            await settled(world)
            assert world.held() == ["web-old"]
            assert any(event["reason"] == "PodOutdated" for event in world.events("Pod"))

    async def test_gets_another_try_by_its_own_annotation(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.api.put(bare())
            world.api.put(of_bare("web-a").raw)
            await settled(world)
            assert list(world.versions().values()) == ["Failed"]
            world.api.edit(resources.REPLICASETS, "web", RETRY)
            await world.until(world.is_open, within=2.0)


async def test_a_daemon_set_gets_another_try_by_its_own_annotation() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.kubelet.exit_codes["check"] = [1]
        world.api.put(daemon_set("agent").raw)
        meta = {"name": "agent-7d", "namespace": "shop"}
        record = {"kind": "ControllerRevision", "apiVersion": "apps/v1", "metadata": meta}
        world.api.put(record | {"data": {"spec": {"template": template(**KEYS)}}})
        world.api.put(pod("agent-x").held().annotated(**KEYS).revision("7d").owned_by(daemon_set("agent")).raw)
        await settled(world)
        assert list(world.versions().values()) == ["Failed"]
        world.api.edit(resources.DAEMONSETS, "agent", RETRY)
        await world.until(world.is_open, within=2.0)


class TestAStatefulSet:
    async def test_gets_another_try_by_its_own_annotation(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            self.put(world, "db-r1")
            self.scale(world, "db-0", "db-r1")
            await settled(world)
            assert list(world.versions().values()) == ["Failed"]
            world.api.edit(resources.STATEFULSETS, "db", RETRY)
            await world.until(world.is_open, within=2.0)

    async def test_is_checked_once_for_all_pods_of_a_revision(self) -> None:
        async with World() as world:
            world.define()
            self.put(world, "db-r1")
            self.scale(world, "db-0", "db-r1")
            await world.until(world.is_open)
            self.scale(world, "db-1", "db-r1")
            await world.until(world.is_open, within=0.1)
            assert world.kubelet.started["check"] == 1
            (made,) = world.api.all(resources.WORKLOAD_VERSIONS)
            assert made["status"]["revisions"] == ["uid-db/db-r1"]

    async def test_is_checked_again_for_its_next_revision(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [0, 1]
            self.put(world, "db-r1")
            self.scale(world, "db-0", "db-r1")
            await world.until(world.is_open)
            self.put(world, "db-r2", "db:2")
            self.scale(world, "db-1", "db-r2", "db:2")
            await world.until(lambda: sorted(world.versions().values()) == ["Failed", "Succeeded"])
            await settled(world)
            assert world.held() == ["db-1"]
            (event,) = world.events("StatefulSet")
            assert "delete the held pod" in event["message"]

    def put(self, world: World, revision: str, image: str = "db:1") -> None:
        now: Json = {"metadata": {"generation": 1}, "status": {"updateRevision": revision, "observedGeneration": 1}}
        world.api.put(stateful_set("db").annotated(**KEYS).changed(now).raw)
        meta = {"name": revision, "namespace": "shop"}
        record = {"kind": "ControllerRevision", "apiVersion": "apps/v1", "metadata": meta}
        world.api.put(record | {"data": {"spec": {"template": template(image)}}})
        world.api.edit(
            resources.STATEFULSETS, "db", {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}
        )

    def scale(self, world: World, name: str, revision: str, image: str = "db:1") -> None:
        world.api.put(pod(name).image(image).held().revision(revision).owned_by(stateful_set("db")).raw)


class TestAGateThatWasPutOnInDoubt:
    async def test_is_opened_when_nobody_asked_for_checks(self) -> None:
        async with World() as world:
            world.api.put(deployment("web").raw)
            own = replica_set("web-1").owned_by(deployment("web"))
            world.api.put(own.changed({"spec": {"template": template()}}).raw)
            world.api.put(pod("web-1-0").held().owned_by(own).raw)
            await world.until(world.is_open)
            assert world.api.all(resources.WORKLOADS) == []

    async def test_stays_on_while_its_owner_cannot_be_found(self) -> None:
        async with World() as world:
            own = replica_set("web-1").owned_by(deployment("web"))
            world.api.put(pod("web-1-0").held().owned_by(own).raw)
            assert await settled(world) == 0
            assert world.held() == ["web-1-0"]

    async def test_is_not_opened_by_a_word_that_is_out_of_date(self) -> None:
        async with World(works=False) as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.api.put(deployment("web").marked("deployment.kubernetes.io/revision", "1").raw)
            await world.told()
            # The worker's cache still has the Deployment without any keys when it looks at the pod.
            keys = {"metadata": {"annotations": pod("x").annotated(**KEYS).raw["metadata"]["annotations"]}}
            world.api.edit(resources.DEPLOYMENTS, "web", keys)
            own = replica_set("web-1").owned_by(deployment("web")).marked("deployment.kubernetes.io/revision", "1")
            world.api.put(own.changed({"spec": {"template": template()}}).raw)
            world.api.put(pod("web-1-0").held().owned_by(own).raw)
            work = asyncio.create_task(world.wiring.run())
            await settled(world, 1.0)
            work.cancel()
            assert world.held() == ["web-1-0"]
            assert list(world.versions()) == ["web-web-1.0"]


class TestWhatOthersMade:
    async def test_a_version_of_keptns_under_that_name_is_no_pass(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.api.put(version("web-web-1.0").passed().raw)
            world.deploy()
            await world.until(lambda: world.progressing()["status"] == "False")
            assert len(world.versions()) == 2

    async def test_a_workload_of_keptns_is_taken_over(self) -> None:
        async with World() as world:
            world.define()
            world.deploy()
            await world.until(world.is_open)
            old = {"app": "old", "version": "0.1", "postDeploymentTasks": ["gone"]}
            meta = {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "x"}]}
            world.api.edit(resources.WORKLOADS, "web-web", {"spec": old, "metadata": meta})
            world.deploy(revision=2, version="2.0", image="web:2")
            await world.until(world.is_open)
            taken = world.api.one(resources.WORKLOADS, "web-web")
            assert (taken["spec"]["app"], taken["spec"]["version"]) == ("web", "2.0")
            assert "postDeploymentTasks" not in taken["spec"]
            assert [owner["name"] for owner in taken["metadata"]["ownerReferences"]] == ["web"]

    async def test_a_version_in_the_way_is_not_taken_for_ours_for_ever(self) -> None:
        async with World() as world:
            world.define(**ONCE)
            world.kubelet.exit_codes["check"] = [1]
            world.deploy()
            await world.until(lambda: world.progressing()["status"] == "False")
            # Somebody marks the failed version as other content: there is no name left that is free.
            mark = {"metadata": {"annotations": {"keptn.sh/content": "other"}}}
            world.api.edit(resources.WORKLOAD_VERSIONS, "web-web-1.0", mark)
            await world.until(world.is_open)
            assert len(world.versions()) == 2


async def test_the_version_before_is_named() -> None:
    async with World() as world:
        world.define()
        world.deploy()
        await world.until(world.is_open)
        world.deploy(revision=2, version="2.0", image="web:2")
        await world.until(world.is_open)
        await settled(world)
        second = world.api.one(resources.WORKLOAD_VERSIONS, "web-web-2.0")
        assert second["spec"]["previousVersion"] == "1.0"
        assert world.api.one(resources.WORKLOADS, "web-web")["status"] == {"currentVersion": "2.0"}


async def test_an_old_revision_does_not_take_the_workload_back() -> None:
    async with World() as world:
        world.define(**ONCE)
        world.kubelet.exit_codes["check"] = [1, 1]
        world.deploy()
        await world.until(lambda: world.progressing()["status"] == "False")
        await asyncio.sleep(2)
        world.deploy(revision=2, version="2.0", image="web:2")
        await settled(world)
        world.api.edit(resources.REPLICASETS, "web-1", {"metadata": {"annotations": {"keptn.sh/note": "x"}}})
        await settled(world)
        workload = world.api.one(resources.WORKLOADS, "web-web")
        assert workload["spec"]["version"] == "2.0"
        assert workload["status"]["currentVersion"] == "2.0"


async def test_nothing_is_made_under_a_workload_that_is_being_deleted() -> None:
    """As after `kubectl delete --cascade=foreground` and an apply: it would go with it, and be made again for ever."""
    async with World() as world:
        world.define()
        world.api.put(workload("web-web").deleting().raw)
        world.deploy()
        await settled(world)
        assert not world.versions()
        assert world.held() == ["web-1-0"]
        world.api.remove(resources.WORKLOADS, "web-web")
        await world.until(world.is_open, within=70.0)
