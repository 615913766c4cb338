from typing import Any

import pytest

from app.api.core import Pod
from app.api.wellknown import ROLLOUT_POD_HASH
from app.cluster import errors, resources
from app.lifecycle.identity import owner_of
from app.lifecycle.revisions import template_digest
from app.worker.parents import Age, Parents, Source
from tests.app.worker.world import World
from tests.builders import Builder, Json, daemon_set, deployment, pod, replica_set, rollout, stateful_set
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime

TEMPLATE: Json = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
KEYS = {"workload": "web"}
ABOVE = deployment("web").marked("deployment.kubernetes.io/revision", "1")
OWN = replica_set("web-1").owned_by(ABOVE).marked("deployment.kubernetes.io/revision", "1")
FULL = OWN.changed({"spec": {"template": TEMPLATE}})
PLAIN = pod("p").held().owned_by(OWN).view


async def source(world: World, of: Pod = PLAIN, revision: str = "", parents: Parents | None = None) -> Source | None:
    await world.told()
    owner = owner_of(of)
    assert owner is not None
    return await (parents or Parents(world.context)).source(of, owner, revision)


def reads(world: World) -> list[str]:
    return [call.resource for call in world.api.calls if call.verb == "get"]


def put(world: World, *things: Builder[Any]) -> None:
    for thing in things:
        world.api.put(thing.raw)


class TestReplicaSets:
    async def test_of_a_deployment_are_that_deployments(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE.annotated(**KEYS), FULL)
            found = await source(world)
            assert found is not None
            assert (found.kind, found.parent.metadata.name, found.managed_replica_set) == ("Deployment", "web", True)
            assert found.keys == found.parent
            assert found.template.digest == template_digest(TEMPLATE)
            assert [container.image for container in found.template.containers] == ["web:1"]
            assert found.age is Age.CURRENT

    async def test_have_their_template_read_once(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE, FULL)
            parents = Parents(world.context)
            for _ in range(3):
                await source(world, parents=parents)
            assert reads(world).count("replicasets") == 1

    async def test_whose_pods_have_keys_of_their_own_need_no_read_of_the_deployment(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE, FULL)
            found = await source(world, pod("p").annotated(**KEYS).owned_by(OWN).view)
            assert found is not None
            assert found.age is Age.CURRENT
            assert reads(world) == ["replicasets"]

    async def test_whose_keys_are_on_the_deployment_have_it_read_live(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE, FULL)
            await world.told()
            world.api.edit(resources.DEPLOYMENTS, "web", {"metadata": {"annotations": {"keptn.sh/workload": "new"}}})
            owner = owner_of(PLAIN)
            assert owner is not None
            found = await Parents(world.context).source(PLAIN, owner, "")
            assert found is not None
            assert found.parent.metadata.annotations["keptn.sh/workload"] == "new"

    async def test_are_old_once_the_deployment_has_a_newer_one(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE.marked("deployment.kubernetes.io/revision", "2"), FULL)
            found = await source(world)
            assert found is not None
            assert found.age is Age.OLD

    async def test_wait_for_their_controller_to_have_seen_a_change(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE.changed({"metadata": {"generation": 2}}), FULL)
            found = await source(world)
            assert found is not None
            assert found.age is Age.UNSETTLED

    async def test_of_nobody_are_their_own_parents_and_read_each_time(self) -> None:
        async with World(works=False) as world:
            put(world, replica_set("web-1").changed({"spec": {"template": TEMPLATE}}))
            parents = Parents(world.context)
            first = await source(world, parents=parents)
            world.api.edit(resources.REPLICASETS, "web-1", {"spec": {"template": {"spec": {"nodeName": "n"}}}})
            second = await source(world, parents=parents)
            assert first is not None
            assert second is not None
            assert (first.kind, first.keys, first.managed_replica_set) == ("ReplicaSet", None, False)
            assert first.template.digest != second.template.digest

    async def test_of_another_tool_have_its_retry_on_themselves(self) -> None:
        async with World(works=False) as world:
            put(world, FULL.annotated(retry="1").changed({"metadata": {"ownerReferences": [_above("CloneSet")]}}))
            found = await source(world)
            assert found is not None
            assert (found.kind, found.managed_replica_set, found.keys) == ("ReplicaSet", True, None)
            assert found.parent.metadata.annotations["keptn.sh/retry"] == "1"


ROLLOUT = rollout("web").annotated(**KEYS, retry="1").newest("5d8")
ROLLED = FULL.owned_by(ROLLOUT).changed({"metadata": {"labels": {ROLLOUT_POD_HASH: "5d8"}}})
OF_ROLLOUT = pod("p").held().owned_by(ROLLED)


class TestRollouts:
    async def test_have_their_keys_and_their_retry_on_themselves(self) -> None:
        async with World(works=False) as world:
            put(world, ROLLOUT, ROLLED)
            found = await source(world)
            assert found is not None
            assert (found.kind, found.api_version) == ("Rollout", "argoproj.io/v1alpha1")
            assert found.keys == found.parent
            assert found.parent.metadata.annotations["keptn.sh/retry"] == "1"
            assert found.managed_replica_set
            assert found.age is Age.CURRENT

    @pytest.mark.parametrize(
        ("changed", "age"),
        [
            (ROLLOUT.newest("7f9"), Age.OLD),
            (ROLLOUT.newest(""), Age.UNSETTLED),
            (ROLLOUT.observed("0"), Age.UNSETTLED),
            (ROLLOUT.observed("6b7c9"), Age.CURRENT),  # a digest, in Argo's first versions
        ],
        ids=["another hash", "no hash", "a newer form", "a digest"],
    )
    async def test_say_which_of_their_revisions_is_the_newest(self, changed: Builder[Any], age: Age) -> None:
        async with World(works=False) as world:
            put(world, changed, ROLLED)
            found = await source(world)
            assert found is not None
            assert found.age is age

    async def test_do_not_matter_for_pods_with_keys_of_their_own_but_for_their_retry(self) -> None:
        async with World(works=False) as world:
            put(world, ROLLOUT.newest("7f9"), ROLLED)
            found = await source(world, OF_ROLLOUT.annotated(**KEYS).view)
            assert found is not None
            assert (found.kind, found.age) == ("Rollout", Age.CURRENT)
            assert found.parent.metadata.annotations["keptn.sh/retry"] == "1"

    @pytest.mark.parametrize("there", [[], [ROLLOUT.with_uid("another")]], ids=["gone", "another by now"])
    async def test_that_are_gone_leave_their_pods_to_the_garbage_collector(self, there: list[Builder[Any]]) -> None:
        async with World(works=False) as world:
            put(world, *there, ROLLED)
            assert await source(world) is None

    async def test_need_not_be_a_kind_of_the_cluster(self) -> None:
        def without(call: Call) -> None:
            if call.resource == "rollouts":
                raise errors.from_status(404, {})

        async with World(works=False) as world:
            put(world, ROLLED)
            world.api.before = without
            found = await source(world)
            assert found is not None
            assert (found.kind, found.managed_replica_set, found.keys) == ("ReplicaSet", True, None)


def _above(kind: str) -> Json:
    return {"apiVersion": "apps.other/v1", "kind": kind, "name": "r", "uid": "r", "controller": True}


class TestSets:
    @pytest.mark.parametrize(
        ("builder", "revision", "record"),
        [(stateful_set("db"), "db-7d", "db-7d"), (daemon_set("db"), "7d", "db-7d")],
        ids=["StatefulSet", "DaemonSet"],
    )
    async def test_have_the_template_of_each_revision_on_record(
        self,
        builder: Builder[Any],
        revision: str,
        record: str,
    ) -> None:
        async with World(works=False) as world:
            put(world, builder.annotated(**KEYS))
            meta = {"name": record, "namespace": "shop"}
            kind = {"kind": "ControllerRevision", "apiVersion": "apps/v1", "metadata": meta}
            world.api.put(kind | {"data": {"spec": {"template": {"$patch": "replace", **TEMPLATE}}}})
            held = pod("db-0").held().owned_by(builder).revision(revision).view
            parents = Parents(world.context)
            for _ in range(2):
                found = await source(world, held, revision, parents)
                assert found is not None
            assert found is not None
            assert (found.kind, found.parent.metadata.name) == (builder.KIND, "db")
            assert found.keys == found.parent
            assert found.template.digest == template_digest(TEMPLATE)
            assert reads(world).count("controllerrevisions") == 1

    @pytest.mark.parametrize(
        ("status", "age"),
        [
            ({"observedGeneration": 1, "updateRevision": "db-7d"}, Age.CURRENT),
            ({"observedGeneration": 1, "updateRevision": "db-8e"}, Age.OLD),
            ({"observedGeneration": 0, "updateRevision": "db-7d"}, Age.UNSETTLED),
        ],
    )
    async def test_say_which_revision_is_their_newest(self, status: Json, age: Age) -> None:
        async with World(works=False) as world:
            put(world, stateful_set("db").changed({"metadata": {"generation": 1}, "status": status}))
            meta = {"name": "db-7d", "namespace": "shop"}
            kind = {"kind": "ControllerRevision", "apiVersion": "apps/v1", "metadata": meta}
            world.api.put(kind | {"data": {"spec": {"template": TEMPLATE}}})
            held = pod("db-0").held().owned_by(stateful_set("db")).revision("db-7d").view
            found = await source(world, held, "db-7d")
            assert found is not None
            assert found.age is age


class TestOwnersThatAreGone:
    async def test_have_no_source(self) -> None:
        async with World(works=False) as world:
            assert await source(world) is None
            put(world, FULL)
            assert await source(world) is None

    async def test_are_not_mistaken_for_their_namesakes(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE, FULL.with_uid("another"))
            assert await source(world) is None
        async with World(works=False) as world:
            put(world, ABOVE.with_uid("another"), FULL)
            assert await source(world) is None
            assert await source(world, pod("p").annotated(**KEYS).owned_by(OWN).view) is None

    async def test_of_a_kind_that_deploys_nothing_itself_have_no_source(self) -> None:
        async with World(works=False) as world:
            put(world, ABOVE)
            assert await source(world, pod("p").owned_by(ABOVE).view) is None
