import pytest

from app.api import wellknown
from app.api.workload import WorkloadVersion
from app.cluster import errors, resources
from app.cluster.controller import After
from app.lifecycle.advance import child_name
from app.lifecycle.phases import WORKLOAD_PRE_TASKS
from app.worker.links import Link, Links, RevisionKey
from app.worker.workloadversions import WorkloadVersionReconciler
from tests.app.worker.world import INSTALLATION, ONCE, World, settled
from tests.builders import SHOP, stateful_set, task, version
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime

VERSION = version("web-web-1.0").checks("check").changed({"spec": {"metadata": {"stage": "dev"}}})


async def step(world: World, links: Links) -> None:
    await world.told()
    await WorkloadVersionReconciler(world.context, links, lambda version: None)((SHOP, VERSION.name))


def waiting() -> Links:
    links = Links()
    key = RevisionKey(SHOP, "ReplicaSet", "web-1", "uid-web-1", "")
    links.assign(key, Link((SHOP, VERSION.name), VERSION.uid, "uid-web-1", "Deployment", VERSION.view))
    return links


def made(world: World) -> WorkloadVersion:
    return WorkloadVersion.model_validate(world.api.one(resources.WORKLOAD_VERSIONS, VERSION.name))


async def test_a_version_that_nobody_waits_for_does_not_start() -> None:
    async with World(works=False) as world:
        world.define()
        world.api.put(VERSION.raw)
        await step(world, Links())
        assert world.api.writes() == []


async def test_a_definition_of_the_installation_will_do() -> None:
    async with World(works=False) as world:
        world.define(namespace=INSTALLATION)
        world.api.put(VERSION.raw)
        await step(world, waiting())
        assert world.task()["spec"]["taskDefinition"] == "check"
        assert world.task()["metadata"]["namespace"] == SHOP


async def test_a_task_that_the_cache_has_not_heard_of_is_adopted() -> None:
    async with World(works=False) as world:
        world.define()
        world.api.put(VERSION.raw)
        await world.told()
        name = child_name(VERSION.view, WORKLOAD_PRE_TASKS, "check")
        world.api.put(task(name).owned_by(VERSION).status("Succeeded").raw)
        await WorkloadVersionReconciler(world.context, waiting(), lambda version: None)((SHOP, VERSION.name))
        await step(world, waiting())
        assert len(world.tasks()) == 1
        assert made(world).status.pre_deployment_status == "Succeeded"


async def test_a_task_of_somebody_else_in_its_place_is_no_verdict() -> None:
    async with World(works=False) as world:
        world.define()
        world.api.put(VERSION.raw)
        await world.told()
        await step(world, waiting())
        taken = world.task()["metadata"]["name"]
        world.api.remove(resources.TASKS, taken)
        world.api.put(task(taken).status("Succeeded").raw)
        with pytest.raises(errors.Conflict, match="delete it"):
            await step(world, waiting())
        assert made(world).status.pre_deployment_status != "Succeeded"


async def test_its_beginning_and_end_are_told_as_keptn_tells_them() -> None:
    async with World() as world:
        world.define()
        world.deploy()
        await world.until(world.is_open)
        await settled(world)
        events = {event["reason"]: event for event in world.events("KeptnWorkloadVersion")}
        assert set(events) == {
            "WorkloadPreDeployTasksStarted",
            "WorkloadPreDeployTasksFinished",
            "WorkloadPreDeployEvaluationsStarted",
            "WorkloadPreDeployEvaluationsFinished",
            "WorkloadDeployStarted",
            "ReconcileTaskStatusChanged",
        }
        assert events["WorkloadPreDeployTasksFinished"]["message"] == (
            "Workload Pre-Deployment Tasks: has finished / Namespace: shop, Name: web-web-1.0, Version: 1.0"
        )
        assert {event["count"] for event in events.values()} == {1}


async def test_that_its_app_has_failed_is_told_once() -> None:
    async with World() as world:
        world.define("bad", **ONCE)
        world.kubelet.exit_codes["bad"] = [1]
        meta = {"name": "web", "namespace": SHOP}
        spec = {"preDeploymentTasks": ["bad"]}
        world.api.put({"kind": "KeptnAppContext", "apiVersion": wellknown.API_VERSION, "metadata": meta, "spec": spec})
        world.define()
        world.deploy()
        await settled(world)
        assert world.held()
        told = [e for e in world.events("KeptnWorkloadVersion") if e["reason"] == "AppPreDeployEvaluationsFailed"]
        (event,) = told
        assert (event["type"], event["count"]) == ("Warning", 1)
        assert event["message"].startswith("App Pre-Deployment Evaluations: app has failed / Namespace: shop")


async def test_a_definition_that_no_task_can_be_made_of_is_told_of_and_waited_for() -> None:
    async with World() as world:
        world.define(container={"name": "check", "image": "check:1"}, timeout="soon")
        world.deploy()
        await settled(world)
        (event,) = [e for e in world.events("KeptnWorkloadVersion") if e["reason"] == "CreateTaskFailed"]
        assert "KeptnTaskDefinition check cannot run as it is: 'soon' is not a duration" in event["message"]
        assert await settled(world, 3600.0) <= 1
        world.define()
        await world.until(world.is_open)


async def test_a_task_that_the_api_server_refuses_is_not_sent_again_and_again() -> None:
    def refuse(call: Call) -> None:
        if str(call) == "create keptntasks":
            raise errors.Invalid(422, "Invalid", "spec.timeout: no")

    async with World() as world:
        world.define()
        world.api.before = refuse
        world.deploy()
        await settled(world, 3600.0)
        assert len([call for call in world.api.writes() if str(call) == "create keptntasks"]) <= 12
        assert "check could not be made" in world.progressing()["message"]


@pytest.mark.parametrize("ours", [False, True])
async def test_the_time_in_which_nobody_was_there_for_keptns_deployment_does_not_count(ours: bool) -> None:
    said = {"type": "Ready", "status": "False", "lastTransitionTime": "2025-06-01T10:00:00Z", "reason": "Progressing"}
    deploys = VERSION.passed().status(
        status="Progressing",
        deploymentStatus="Progressing",
        currentPhase="WorkloadDeploy",
        deploymentStartTime="2025-06-01T10:00:00Z",
        conditions=[said | {"message": ""}] if ours else [],
    )
    async with World(works=False) as world:
        world.api.put(deploys.raw)
        await world.told()
        reconcile = WorkloadVersionReconciler(world.context, Links(), lambda version: None)
        outcome = await reconcile((SHOP, VERSION.name))
        if ours:
            assert made(world).status.deployment_status == "Failed"
            return
        assert isinstance(outcome, After)
        assert outcome.seconds == pytest.approx(300, abs=1)
        await settled(world, 301)
        await reconcile((SHOP, VERSION.name))
        assert made(world).status.deployment_status == "Failed"


async def test_the_first_word_about_keptns_deployment_takes_its_clock_over() -> None:
    deploys = VERSION.passed().status(
        status="Progressing",
        deploymentStatus="Progressing",
        currentPhase="WorkloadDeploy",
        deploymentStartTime="2025-06-01T10:00:00Z",
    )
    async with World(works=False) as world:
        world.api.put(deploys.raw)
        await step(world, waiting())
        status = made(world).status
        assert status.revisions == ("uid-web-1",)
        assert status.conditions
        assert status.deployment_start_time == world.context.stamp()
        await step(world, waiting())
        assert made(world).status.deployment_status == "Progressing"


@pytest.mark.parametrize("lists", ["db-c", "db-a"])
async def test_a_restart_in_the_middle_takes_nothing_over_before_its_pods_say_what_they_are(lists: str) -> None:
    """`kubectl rollout restart` gives a StatefulSet a new revision, whose first pod may take its time to be made."""
    db = {"kind": "StatefulSet", "name": "db", "uid": "uid-db"}
    deploys = VERSION.covers("uid-db/db-b").passed().changed({"spec": {"resourceReference": db}})
    other = version("web-web-0.9").covers(f"uid-db/{lists}").status(currentPhase="Completed", status="Succeeded")
    async with World(works=False) as world:
        seen = {"observedGeneration": 1, "updateRevision": "db-c"}
        world.api.put(stateful_set("db").changed({"metadata": {"generation": 1}, "status": seen}).raw)
        world.api.put(deploys.status(deploymentStartTime=world.context.stamp()).raw)
        world.api.put(other.raw)
        await step(world, Links())
        assert (made(world).status.status == "Failed") is (lists == "db-c")
