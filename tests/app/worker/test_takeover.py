import asyncio
from typing import Any

import pytest

from app.api import wellknown
from app.api.meta import OwnerReference
from app.cluster import errors, resources
from app.cluster.api import Resource
from app.cluster.controller import Done
from app.lifecycle.identity import Identity
from app.lifecycle.revisions import Wanted, content_digest, template_digest
from app.worker.takeover import Takeover
from tests.app.worker.world import World, settled
from tests.builders import SHOP, Builder, Json, TaskBuilder, job, pod, replica_set, stateful_set, task, version
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime

ASKED = Identity("web", "web", True, "1.0", ("check",), (), (), (), {})
WANTED = Wanted("web-web-1.0", "content", "revision")


async def swept(world: World) -> int:
    """Takes over; how many writes that were."""
    await world.told()
    before = len(world.api.writes())
    assert await Takeover(world.context)("") == Done()
    return len(world.api.writes()) - before


def labels(world: World, resource: Resource, name: str) -> Json:
    found: Json = world.api.one(resource, name)["metadata"].get("labels") or {}
    return found


async def test_pods_that_keptn_holds_get_our_label_and_no_others() -> None:
    async with World(works=False) as world:
        web = pod("held").owned_by(replica_set("web-1")).phase("Pending")
        world.api.put(web.gated(wellknown.GATE).raw)
        world.api.put(pod("other").phase("Pending").gated("kueue").raw)
        world.api.put(pod("ours").phase("Pending").held().raw)
        world.api.put(pod("runs").running().raw)
        assert await swept(world) == 1
        assert labels(world, resources.PODS, "held") == {wellknown.LABEL: wellknown.LABEL_HELD}
        assert labels(world, resources.PODS, "other") == {}
        assert await swept(world) == 0


async def test_a_job_that_runs_is_watched_from_now_on() -> None:
    async with World(works=False) as world:
        running = task("pre-check-34567").status("Progressing", jobName="pre-check-34567-12345")
        world.api.put(running.raw)
        world.api.put(job("pre-check-34567-12345").owned_by(running).raw)
        assert await swept(world) == 1
        await world.told()
        assert world.context.caches.jobs.get(SHOP, "pre-check-34567-12345") is not None
        assert await swept(world) == 0


@pytest.mark.parametrize("owner", [None, task("pre-check-99999")])
async def test_a_job_that_is_gone_or_somebody_elses_is_left_alone(owner: TaskBuilder | None) -> None:
    async with World(works=False) as world:
        world.api.put(task("pre-check-34567").status("Progressing", jobName="pre-check-34567-12345").raw)
        if owner is not None:
            world.api.put(job("pre-check-34567-12345").owned_by(owner).raw)
        assert await swept(world) == 0


async def test_what_may_not_be_changed_is_passed_over_and_the_rest_taken_over() -> None:
    async with World(works=False) as world:
        for name in ("a", "b"):
            world.api.put(pod(name).phase("Pending").gated(wellknown.GATE).raw)

        def refuse(call: Call) -> None:
            if call.is_write and call.name == "a":
                raise errors.Forbidden(403, "Forbidden", "a policy")

        world.api.before = refuse
        assert await Takeover(world.context)("") == Done()
        assert (labels(world, resources.PODS, "a"), labels(world, resources.PODS, "b")) == (
            {},
            {wellknown.LABEL: wellknown.LABEL_HELD},
        )


async def adopted(world: World, kind: str, name: str, hash_: str = "", *, wanted: Wanted = WANTED) -> tuple[Json, int]:
    """What adoption for a pod of that owner leaves of the version's annotations, and how many writes it took."""
    owner = next(each for each in world.api.all(resources.WORKLOAD_VERSIONS))["spec"]["resourceReference"]
    await world.told()
    known = world.context.caches.versions.all()
    before = len(world.api.writes())
    reference = OwnerReference(api_version="apps/v1", kind=kind, name=name, uid=owner["uid"])
    result = await Takeover(world.context).adopted(list(known), ASKED, wanted, reference, hash_)
    assert [each.metadata.name for each in result] == [each.metadata.name for each in known]
    stored = world.api.one(resources.WORKLOAD_VERSIONS, "web-web-1.0")["metadata"].get("annotations") or {}
    assert result[0].metadata.annotations == stored
    return stored, len(world.api.writes()) - before


async def passed_for(world: World, owner: Builder[Any], revision: Builder[Any] | None, *, later: bool) -> str:
    """Puts the owner and Keptn's version that passed for it; returns the owner's uid.

    `later` has the revision (the owner itself if None) made when the version was there already: then Keptn put it under
    the same version.
    """
    keptns = version("web-web-1.0").checks("check").passed()
    if later:
        world.api.put(keptns.raw)
        await asyncio.sleep(2)
    uid: str = world.api.put(owner.raw)["metadata"]["uid"]
    if revision is not None:
        body = revision.owned_by(owner.with_uid(uid)).raw
        world.api.put(body | {"kind": "ControllerRevision", "data": {}})
    await asyncio.sleep(2)
    if not later:
        world.api.put(keptns.raw)
    reference = {"kind": owner.KIND, "name": owner.name, "uid": uid}
    world.api.edit(resources.WORKLOAD_VERSIONS, "web-web-1.0", {"spec": {"resourceReference": reference}})
    return uid


@pytest.mark.parametrize("later", [False, True])
async def test_keptns_verdict_counts_for_the_replica_set_that_it_was_given_on(later: bool) -> None:
    async with World(works=False) as world:
        await passed_for(world, replica_set("web-1"), None, later=later)
        marks = {wellknown.CONTENT: "content", wellknown.REVISION: "revision"}
        assert await adopted(world, "ReplicaSet", "web-1") == (({}, 0) if later else (marks, 1))


@pytest.mark.parametrize("later", [False, True])
async def test_of_a_stateful_set_the_pods_own_revision_counts(later: bool) -> None:
    async with World(works=False) as world:
        await passed_for(world, stateful_set("db"), replica_set("db-abc"), later=later)
        assert (await adopted(world, "StatefulSet", "db", "db-gone"))[1] == 0
        assert (await adopted(world, "StatefulSet", "db", "db-abc"))[1] == (0 if later else 1)


@pytest.mark.parametrize(("image", "taken"), [("web:1", 1), ("web:2", 0)])
async def test_a_restart_under_keptn_made_no_other_content(image: str, taken: int) -> None:
    async with World(works=False) as world:
        for number, each in enumerate(("web:1", image), start=1):
            body = world.deploy(revision=number, image=each, checks="check")
            if number == 1:
                world.api.put(version("web-web-1.0").checks("check").passed().raw)
            await asyncio.sleep(2)
        reference = {"kind": "ReplicaSet", "name": "web-2", "uid": body["metadata"]["uid"]}
        world.api.edit(resources.WORKLOAD_VERSIONS, "web-web-1.0", {"spec": {"resourceReference": reference}})
        wanted = Wanted("web-web-1.0", content_digest(template_digest(body["spec"]["template"]), ASKED), "revision")
        assert (await adopted(world, "ReplicaSet", "web-2", wanted=wanted))[1] == taken


@pytest.mark.parametrize("content", ["other", "content"])
async def test_where_keptn_never_was_or_a_verdict_is_there_nothing_is_read(content: str) -> None:
    async with World(works=False) as world:
        world.api.put(version("web-web-1.0").checks("check").content(content).raw)
        if content == WANTED.content:
            world.api.put(version("web-web-0.9").checks("check").raw)
        await world.told()
        before = world.api.count()["get"]
        known = world.context.caches.versions.all()
        owner = OwnerReference(api_version="apps/v1", kind="ReplicaSet", name="web-1", uid="uid-web-1")
        assert await Takeover(world.context).adopted(list(known), ASKED, WANTED, owner, "") == list(known)
        assert (world.api.count()["get"], world.api.writes()) == (before, [])


async def test_whoever_leads_next_looks_once() -> None:
    async with World() as world:
        await settled(world)
        world.api.put(pod("held").owned_by(replica_set("web-1")).phase("Pending").gated(wellknown.GATE).raw)
        await settled(world)
        assert labels(world, resources.PODS, "held") == {}
        await world.restart()
        await settled(world, 1.0)
        assert labels(world, resources.PODS, "held") == {wellknown.LABEL: wellknown.LABEL_HELD}
