import pytest

from app.cluster import resources
from app.lifecycle.revisions import template_digest
from app.worker.caches import (
    BY_APP,
    BY_CONFIG_MAP,
    BY_DEFINITION,
    BY_OWNER,
    BY_PARENT,
    BY_REVISION,
    BY_UID,
    BY_WORKLOAD,
    GOING_OF_APP,
    HELD_OF_OWNER,
    HELD_OF_REVISION,
    UNFINISHED,
)
from app.worker.links import revision_key_of
from tests.app.worker.world import INSTALLATION, World
from tests.builders import (
    SHOP,
    Json,
    app,
    app_version,
    daemon_set,
    definition,
    deployment,
    job,
    pod,
    replica_set,
    task,
    version,
)

pytestmark = pytest.mark.looptime

ABOVE = deployment("web")
OWN = replica_set("web-1").owned_by(ABOVE)


async def test_only_pods_that_are_held_or_run_checks_are_kept() -> None:
    async with World(works=False) as world:
        for each in (pod("held").held(), pod("check").of_task(), pod("other").labelled(holdfast_other="held")):
            world.api.put(each.raw)
        await world.told()
        assert {each.metadata.name for each in world.context.caches.pods.all()} == {"held", "check"}


async def test_only_jobs_of_ours_are_kept() -> None:
    async with World(works=False) as world:
        world.api.put(job("ours").labelled(holdfast="task").raw)
        world.api.put(job("theirs").raw)
        await world.told()
        assert [each.metadata.name for each in world.context.caches.jobs.all()] == ["ours"]


async def test_a_pod_is_found_by_whoever_deploys_it_even_if_that_does_not_say_that_it_controls_it() -> None:
    async with World(works=False) as world:
        world.api.put(pod("a").held().owned_by(OWN).raw)
        world.api.put(pod("b").held().owned_by(OWN, controller=False).raw)
        world.api.put(pod("c").of_task().owned_by(job("j")).raw)
        await world.told()
        pods = world.context.caches.pods
        assert {each.metadata.name for each in pods.by_index(BY_OWNER, OWN.uid)} == {"a", "b"}
        assert [each.metadata.name for each in pods.by_index(BY_OWNER, "uid-j")] == ["c"]


async def test_pods_that_we_hold_are_found_without_a_look_at_the_others() -> None:
    async with World(works=False) as world:
        mine = pod("mine").held().owned_by(OWN).raw
        world.api.put(mine)
        world.api.put(pod("gone").held().owned_by(OWN).deleting().raw)
        world.api.put(pod("open").labelled(holdfast="held").owned_by(OWN).raw)
        world.api.put(pod("check").of_task().owned_by(job("j")).raw)
        await world.told()
        pods = world.context.caches.pods
        (found,) = pods.by_index(HELD_OF_OWNER, OWN.uid)
        key = revision_key_of(found)
        assert found.metadata.name == "mine"
        assert key is not None
        assert pods.by_index(HELD_OF_REVISION, key.value) == [found]
        world.api.edit(resources.PODS, "mine", {"spec": {"schedulingGates": None}})
        await world.told()
        assert pods.by_index(HELD_OF_OWNER, OWN.uid) == pods.by_index(HELD_OF_REVISION, key.value) == []


async def test_objects_are_found_by_what_they_are_about() -> None:
    async with World(works=False) as world:
        made = version("web-web-1.0").checks("a", "b").covers("r1", "r2")
        world.api.put(made.raw)
        world.api.put(task("t").spec(taskDefinition="a").owned_by(made).raw)
        world.api.put(definition("child").spec(deno={"functionRef": {"name": "base"}}).raw)
        world.api.put(definition("mapped").spec(python={"configMapRef": {"name": "m"}}).raw)
        world.api.put(OWN.raw)
        await world.told()
        caches = world.context.caches
        for index, value in (
            (BY_WORKLOAD, "shop/web-web"),
            (BY_DEFINITION, "a"),
            (BY_DEFINITION, "b"),
            (BY_REVISION, "r2"),
        ):
            assert [each.metadata.name for each in caches.versions.by_index(index, value)] == ["web-web-1.0"]
        assert [each.metadata.name for each in caches.tasks.by_index(BY_OWNER, made.uid)] == ["t"]
        assert [each.metadata.name for each in caches.tasks.by_index(BY_DEFINITION, "a")] == ["t"]
        assert [each.metadata.name for each in caches.definitions.by_index(BY_PARENT, "base")] == ["child"]
        assert [each.metadata.name for each in caches.definitions.by_index(BY_CONFIG_MAP, "m")] == ["mapped"]
        assert [each.metadata.name for each in caches.replica_sets.by_index(BY_OWNER, ABOVE.uid)] == ["web-1"]
        assert [each.metadata.name for each in caches.replica_sets.by_index(BY_UID, OWN.uid)] == ["web-1"]


async def test_a_version_is_found_by_all_that_deploy_its_pods_until_it_has_ended() -> None:
    async with World(works=False) as world:
        made = version("v").marked("keptn.sh/revision", "r3").covers("r1", "r2/hash")
        for state, owners in (
            (made, ["r1", "r2", "r3", "uid-web-1"]),
            (made.status(deploymentStatus="Progressing"), ["r1", "r2", "r3", "uid-web-1"]),
            (made.status(status="Succeeded"), []),
            (made.status(status="Failed"), []),
        ):
            world.api.put(state.raw)
            await world.told()
            find = world.context.caches.versions.by_index
            assert [uid for uid in ("r1", "r2", "r3", "uid-web-1", "r4") if find(UNFINISHED, uid)] == owners


@pytest.mark.parametrize(
    ("state", "goes"),
    [("Pending", True), ("Progressing", True), ("Succeeded", False), ("Failed", False), ("Deprecated", False)],
)
async def test_an_app_finds_what_of_it_has_not_ended(state: str, goes: bool) -> None:
    async with World(works=False) as world:
        world.api.put(version("v").status(status=state).raw)
        world.api.put(app_version(app("web")).status(status=state).raw)
        await world.told()
        caches = world.context.caches
        for cache in (caches.versions, caches.app_versions):
            assert len(cache.by_index(BY_APP, "shop/web")) == 1
            assert bool(cache.by_index(GOING_OF_APP, "shop/web")) is goes


async def test_labels_and_annotations_of_others_are_not_kept() -> None:
    async with World(works=False) as world:
        marks = {
            "keptn.sh/retry": "1",
            "deployment.kubernetes.io/revision": "2",
            "kubectl.kubernetes.io/last-applied-configuration": "x" * 1000,
        }
        labels = {"rollouts-pod-template-hash": "5d8", "team": "shop"}
        world.api.put(ABOVE.changed({"metadata": {"annotations": marks, "labels": labels}}).raw)
        await world.told()
        kept = world.context.caches.deployments.get(SHOP, "web")
        assert kept is not None
        assert set(kept.metadata.annotations) == {"keptn.sh/retry", "deployment.kubernetes.io/revision"}
        assert set(kept.metadata.labels) == {"rollouts-pod-template-hash"}


async def test_of_a_daemon_sets_template_only_the_digest_is_kept() -> None:
    template: Json = {"spec": {"containers": [{"name": "main", "image": "agent:1"}]}}
    async with World(works=False) as world:
        world.api.put(daemon_set("agent").changed({"spec": {"template": template}}).raw)
        await world.told()
        kept = world.context.caches.daemon_sets.get(SHOP, "agent")
        assert kept is not None
        assert kept.template == template_digest(template)
        assert "agent:1" not in str(kept)


async def test_a_definition_is_first_looked_for_at_home() -> None:
    async with World(works=False) as world:
        world.define("both", SHOP)
        world.define("both", INSTALLATION)
        world.define("shared", INSTALLATION)
        await world.told()
        find = world.context.caches.definition
        both, shared = find(SHOP, "both", INSTALLATION), find(SHOP, "shared", INSTALLATION)
        assert both is not None
        assert shared is not None
        assert (both.metadata.namespace, shared.metadata.namespace) == (SHOP, INSTALLATION)
        assert find(SHOP, "neither", INSTALLATION) is None


@pytest.mark.parametrize(
    ("hard", "computes"),
    [
        ({"limits.cpu": "4"}, True),
        ({"requests.memory": "1Gi"}, True),
        ({"memory": "1Gi"}, True),
        ({"pods": "10", "count/jobs.batch": "5"}, False),
        (None, False),
    ],
)
async def test_a_quota_matters_if_it_counts_cpu_or_memory(hard: Json | None, computes: bool) -> None:
    async with World(works=False) as world:
        meta = {"name": "q", "namespace": SHOP}
        world.api.put({"kind": "ResourceQuota", "apiVersion": "v1", "metadata": meta, "spec": {"hard": hard}})
        await world.told()
        (kept,) = world.context.caches.quotas.all()
        assert kept.computes is computes


async def test_only_the_job_controllers_complaints_are_kept() -> None:
    async with World(works=False) as world:
        for name, kind, reason in (
            ("a", "Job", "FailedCreate"),
            ("b", "Job", "Completed"),
            ("c", "Pod", "FailedCreate"),
        ):
            about = {"kind": kind, "uid": "u"}
            meta = {"name": name, "namespace": SHOP}
            body = {"kind": "Event", "apiVersion": "v1", "metadata": meta, "involvedObject": about, "reason": reason}
            world.api.put(body | {"message": f"about {name}"})
        await world.told()
        (kept,) = world.context.caches.complaints.by_index(BY_OWNER, "u")
        assert kept.message == "about a"
        assert world.context.caches.complaints.resource == resources.EVENTS
