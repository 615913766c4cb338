import asyncio
from typing import Any, ClassVar

import pytest

from app.api.task import Task
from app.cluster import errors, resources
from app.cluster.controller import After, Done, Outcome
from app.lifecycle.names import job_name
from app.worker.tasks import TaskReconciler, policy
from tests.app.worker.world import INSTALLATION, SETTINGS, World, settled
from tests.builders import SHOP, Builder, Json, app, app_version, definition, job, pod, task, version
from tests.fakes.api import Call
from tests.simulation.apiserver.client import FINE, Fate

pytestmark = pytest.mark.looptime

TASK = task("pre-check-1").spec(retries=2)
KEY = (SHOP, TASK.name)
JOB = job_name(TASK.name, TASK.uid, 1)


async def reconciled(world: World) -> Outcome:
    await world.told()
    return await TaskReconciler(world.context)(KEY)


async def started(world: World) -> Json:
    """The Job of the task, once its status names it."""
    world.define()
    world.api.put(TASK.raw)
    for _ in range(2):
        assert await reconciled(world) == Done()
    return world.api.one(resources.JOBS, JOB)


async def waited(world: World) -> tuple[str, str]:
    """Reason and message of a task that cannot start."""
    world.api.put(TASK.raw)
    assert await reconciled(world) == Done()
    status = world.task()["status"]
    return status["reason"], status["message"]


class TestTheJob:
    async def test_is_made_and_then_named_in_the_status(self) -> None:
        async with World(works=False) as world:
            await started(world)
            status = world.task()["status"]
            assert (status["jobName"], status["runs"], status["status"]) == (JOB, 1, "Progressing")
            assert len(world.api.writes()) == 2

    async def test_that_is_there_already_is_adopted(self) -> None:
        async with World(works=False) as world:
            await started(world)
            world.api.edit(resources.TASKS, TASK.name, {"status": {"status": "Pending", "jobName": "", "runs": 0}})
            await world.restart()
            assert await reconciled(world) == Done()
            assert world.task()["status"]["jobName"] == JOB
            assert len(world.api.all(resources.JOBS)) == 1

    async def test_that_the_cache_does_not_know_yet_is_adopted(self) -> None:
        async with World(works=False) as world:
            world.define()
            world.api.put(TASK.raw)
            await world.told()
            made = job(JOB).owned_by(TASK).labelled(holdfast="task").raw
            hidden = world.api.put(made)
            assert await TaskReconciler(world.context)(KEY) == Done()
            assert await reconciled(world) == Done()
            assert world.api.one(resources.JOBS, JOB)["metadata"]["uid"] == hidden["metadata"]["uid"]
            assert world.task()["status"]["jobName"] == JOB

    async def test_of_somebody_else_under_its_name_is_not_taken_for_it(self) -> None:
        async with World(works=False) as world:
            world.define()
            world.api.put(TASK.raw)
            world.api.put(job(JOB).owned_by(TASK.with_uid("another")).labelled(holdfast="task").says("Complete").raw)
            await world.told()
            with pytest.raises(errors.Conflict, match="exists and is not of KeptnTask"):
                await TaskReconciler(world.context)(KEY)
            assert "status" not in world.task()

    async def test_is_not_made_for_a_task_whose_verdict_the_cache_has_not_heard_of(self) -> None:
        async with World(works=False) as world:
            world.define()
            world.api.put(TASK.raw)
            await world.told()
            world.api.edit(resources.TASKS, TASK.name, {"status": {"status": "Succeeded", "jobName": JOB, "runs": 1}})
            assert await TaskReconciler(world.context)(KEY) == Done()
            assert world.api.writes() == []

    @pytest.mark.parametrize("change", [{"status": "Succeeded"}, {"status": "Progressing", "runs": 1}, None])
    async def test_is_not_made_when_another_has_gone_on_while_the_script_was_written(self, change: Json | None) -> None:
        async with World(works=False) as world:
            world.define(deno={"inline": {"code": "1"}})
            world.api.put(TASK.raw)
            await world.told()
            world.api.network.fate = lambda call: Fate(late=5.0) if str(call) == "create configmaps" else FINE
            slow = asyncio.create_task(TaskReconciler(world.context)(KEY))
            await asyncio.sleep(1.0)
            if change is None:
                world.api.remove(resources.TASKS, TASK.name)
            else:
                world.api.edit(resources.TASKS, TASK.name, {"status": change})
            assert await slow == Done()
            assert len(world.api.all(resources.CONFIGMAPS)) == 1
            assert not world.api.all(resources.JOBS)

    async def test_is_not_made_for_a_task_that_is_gone(self) -> None:
        async with World(works=False) as world:
            world.define()
            world.api.put(TASK.raw)
            await world.told()
            world.api.remove(resources.TASKS, TASK.name)
            assert await TaskReconciler(world.context)(KEY) == Done()
            assert await reconciled(world) == Done()
            assert world.api.writes() == []

    async def test_is_not_run_again_because_a_cache_does_not_know_it(self) -> None:
        async with World(works=False) as world:
            await started(world)
            unseen = {"metadata": {"labels": {"keptn.sh/holdfast": "moved"}}}
            world.api.edit(resources.JOBS, JOB, unseen)
            assert await reconciled(world) == Done()
            assert len(world.api.all(resources.JOBS)) == 1

    async def test_that_is_being_deleted_in_mid_run_is_followed_by_another(self) -> None:
        async with World(works=False) as world:
            await started(world)
            world.api.edit(resources.JOBS, JOB, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
            for _ in range(2):
                assert await reconciled(world) == Done()
            assert world.task()["status"]["jobName"] == f"{JOB}-2"
            assert world.api.one(resources.JOBS, f"{JOB}-2")["spec"]["backoffLimit"] == 1

    async def test_that_is_being_deleted_after_its_end_still_counts(self) -> None:
        async with World(works=False) as world:
            await started(world)
            ended = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
            deleting = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
            world.api.edit(resources.JOBS, JOB, ended | deleting)
            assert await reconciled(world) == Done()
            assert world.task()["status"]["status"] == "Succeeded"


class TestATaskThatCannotStart:
    async def test_names_the_definition_that_is_missing(self) -> None:
        async with World(works=False) as world:
            reason, message = await waited(world)
            assert reason == "TaskDefinitionNotFound"
            assert f"no KeptnTaskDefinition check in namespace {SHOP} or {INSTALLATION}; create it" in message

    async def test_names_the_function_that_is_missing(self) -> None:
        async with World(works=False) as world:
            world.define(deno={"functionRef": {"name": "base"}})
            reason, message = await waited(world)
            assert (reason, "builds on base" in message) == ("FunctionNotFound", True)

    async def test_says_so_once(self) -> None:
        async with World(works=False) as world:
            await waited(world)
            for _ in range(3):
                assert await reconciled(world) == Done()
            assert len(world.api.writes()) == 1
            (event,) = world.events("KeptnTask")
            assert event["count"] == 1

    @pytest.mark.parametrize("status", [400, 403, 413])
    async def test_for_a_policy_tries_again_after_a_while(self, status: int) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "create jobs":
                raise errors.from_status(status, {"reason": "Denied", "message": "policy x says no"})

        async with World(works=False) as world:
            world.define()
            world.api.put(TASK.raw)
            world.api.before = refuse
            assert await reconciled(world) == After(5.0)
            said = world.task()["status"]
            assert (said["reason"], said["message"]) == ("JobForbidden", "policy x says no")
            assert "jobName" not in said

    async def test_for_a_quota_on_config_maps_says_so_too(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "create configmaps":
                raise errors.Forbidden(403, "Forbidden", "exceeded quota: count/configmaps")

        async with World(works=False) as world:
            world.define(deno={"inline": {"code": "1"}})
            world.api.put(TASK.raw)
            world.api.before = refuse
            assert await reconciled(world) == After(5.0)
            assert world.task()["status"]["message"] == "exceeded quota: count/configmaps"

    async def test_because_no_pod_of_its_job_may_be_made_has_the_job_controllers_words(self) -> None:
        async with World() as world:
            world.kubelet.full = True
            world.define()
            world.api.put(TASK.raw)
            await settled(world)
            (made,) = world.api.all(resources.JOBS)
            about = {"kind": "Job", "name": JOB, "namespace": SHOP, "uid": made["metadata"]["uid"]}
            meta = {"name": "complaint", "namespace": SHOP}
            said = 'Error creating: pods "x" is forbidden: exceeded quota: compute'
            body = {"kind": "Event", "apiVersion": "v1", "metadata": meta, "involvedObject": about}
            world.api.put(body | {"reason": "FailedCreate", "message": said})
            await world.until(lambda: world.task().get("status", {}).get("reason") == "FailedCreate", within=1.0)
            assert world.task()["status"]["message"] == "Error creating: pod is forbidden: exceeded quota: compute"


async def test_a_pod_whose_script_was_deleted_meanwhile_says_so_until_it_is_back() -> None:
    async with World() as world:
        world.kubelet.full = True
        world.define(deno={"configMapRef": {"name": "script"}})
        script = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "script", "namespace": SHOP}}
        world.api.put(script | {"data": {"code": "1"}})
        world.api.put(TASK.raw)
        await world.until(lambda: bool(world.api.all(resources.JOBS)))
        (made,) = world.api.all(resources.JOBS)
        stuck = pod("p").of_task().owned_by(job(JOB).with_uid(made["metadata"]["uid"])).waiting("ContainerCreating")
        world.api.put(stuck.changed({"spec": made["spec"]["template"]["spec"]}).raw)
        await settled(world)
        assert not world.task()["status"].get("reason")
        world.api.remove(resources.CONFIGMAPS, "script")
        await world.until(lambda: world.task()["status"].get("reason") == "FailedMount", within=1.0)
        world.api.put(script | {"data": {"code": "1"}})
        await world.until(lambda: world.task()["status"].get("reason") == "", within=1.0)


async def test_what_a_check_printed_that_was_stopped_is_added_to_its_verdict() -> None:
    async with World(works=False) as world:
        made = await started(world)
        late = {"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded", "message": "late"}
        world.api.edit(resources.JOBS, JOB, {"status": {"conditions": [late]}})
        assert await reconciled(world) == Done()
        verdict = world.task()["status"]
        assert (verdict["status"], verdict["reason"], verdict["attempts"]) == ("Failed", "DeadlineExceeded", [])
        owner = job(JOB).with_uid(made["metadata"]["uid"])
        world.api.put(pod("p").of_task().owned_by(owner).ended(143, "waiting for db").deleting().raw)
        assert await reconciled(world) == Done()
        after = world.task()["status"]
        assert [attempt["lastLines"] for attempt in after["attempts"]] == ["waiting for db"]
        assert after | {"attempts": []} == verdict
        assert verdict["conditions"][-1]["type"] == "Stalled"
        writes = len(world.api.writes())
        assert await reconciled(world) == Done()
        assert len(world.api.writes()) == writes


class TestATaskThatNobodyWaitsFor:
    """Its version was overtaken by a newer one: it ends, and so does its Job."""

    OLD = version("web-web-1.0").covers("r")
    NEW = version("web-web-2.0").created("2026-01-01T00:00:30Z")
    APP = app_version(app("shop").version("1", 1)).created("2026-01-01T00:00:10Z")
    SUPERSEDED: ClassVar[Json] = {"status": {"status": "Failed", "deploymentStatus": "Deprecated"}}

    async def overtaken(self, world: World, owner: Builder[Any], *others: Builder[Any]) -> None:
        """The task runs, and then its version ends."""
        world.define()
        world.api.put(TASK.owned_by(owner).raw)
        for each in (owner, *others):
            world.api.put(each.raw)
        for _ in range(2):
            assert await reconciled(world) == Done()
        assert len(world.api.all(resources.JOBS)) == 1
        world.api.put(owner.changed(self.SUPERSEDED).raw)

    async def test_ends_and_so_does_its_job(self) -> None:
        async with World(works=False) as world:
            await self.overtaken(world, self.OLD, self.NEW)
            assert await reconciled(world) == Done()
            status = world.task()["status"]
            assert (status["status"], status["reason"]) == ("Failed", "Superseded")
            assert "KeptnWorkloadVersion web-web-1.0 was superseded by web-web-2.0" in status["message"]
            assert not world.api.all(resources.JOBS)
            writes = len(world.api.writes())
            assert await reconciled(world) == Done()
            assert len(world.api.writes()) == writes

    async def test_of_an_app_ends_too(self) -> None:
        async with World(works=False) as world:
            newer = app_version(app("shop").version("2", 2)).created("2026-01-01T00:00:20Z")
            await self.overtaken(world, self.APP, newer, app_version(app("shop").version("0", 3)))
            assert await reconciled(world) == Done()
            words = f"KeptnAppVersion {self.APP.name} was superseded by {newer.name};"
            assert world.task()["status"]["message"].startswith(words)

    async def test_has_its_job_deleted_after_a_restart_in_between(self) -> None:
        async with World(works=False) as world:
            await self.overtaken(world, self.OLD)

            def refuse(call: Call) -> None:
                if str(call) == "delete jobs":
                    raise errors.Unavailable(503, "Unavailable", "the connection broke")

            world.api.before = refuse
            with pytest.raises(errors.Unavailable):
                await reconciled(world)
            assert world.task()["status"]["reason"] == "Superseded"
            world.api.before = lambda call: None
            await world.restart()
            assert await reconciled(world) == Done()
            assert not world.api.all(resources.JOBS)

    async def test_has_a_job_deleted_that_it_never_spoke_of(self) -> None:
        async with World(works=False) as world:
            await self.overtaken(world, self.OLD)
            world.api.edit(resources.TASKS, TASK.name, {"status": {"status": "Failed", "reason": "Superseded"}})
            world.api.edit(resources.TASKS, TASK.name, {"status": {"jobName": "", "runs": 0}})
            assert await reconciled(world) == Done()
            assert not world.api.all(resources.JOBS)

    async def test_keeps_a_verdict_that_is_there(self) -> None:
        async with World(works=False) as world:
            await self.overtaken(world, self.OLD)
            complete = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
            world.api.edit(resources.JOBS, JOB, complete)
            for _ in range(2):
                assert await reconciled(world) == Done()
            assert world.task()["status"]["status"] == "Succeeded"
            assert len(world.api.all(resources.JOBS)) == 1

    async def test_starts_no_job(self) -> None:
        async with World(works=False) as world:
            world.define()
            world.api.put(self.OLD.changed(self.SUPERSEDED).raw)
            world.api.put(TASK.owned_by(self.OLD).raw)
            assert await reconciled(world) == Done()
            assert world.task()["status"]["reason"] == "Superseded"
            assert not world.api.all(resources.JOBS)

    @pytest.mark.parametrize(
        "owner", [OLD.with_uid("another").changed(SUPERSEDED), OLD.failed(), OLD.passed(), None], ids=lambda _: ""
    )
    async def test_is_no_other(self, owner: Builder[Any] | None) -> None:
        async with World(works=False) as world:
            world.define()
            if owner is not None:
                world.api.put(owner.raw)
            world.api.put(TASK.owned_by(self.OLD).raw)
            for _ in range(2):
                assert await reconciled(world) == Done()
            assert len(world.api.all(resources.JOBS)) == 1
            assert world.task()["status"]["status"] == "Progressing"


async def test_other_code_in_a_later_attempt_is_an_event_and_told_once() -> None:
    async with World(works=False) as world:
        owner = job(JOB).with_uid((await started(world))["metadata"]["uid"])
        for name, code in (("p-1", "sha256:0123456789abcdef"), ("p-2", "sha256:fedcba9876543210")):
            world.api.put(pod(name).of_task().owned_by(owner).ended(1).ran(code).raw)
            for _ in range(2):
                assert await reconciled(world) == Done()
        await settled(world, 1.0)
        (event,) = world.events("KeptnTask")
        assert (event["reason"], event["type"], event["count"]) == ("CodeChanged", "Normal", 1)
        assert "attempt 2 ran other code (sha256:fedcba9876543210) than attempt 1" in event["message"]
        assert [each["codeDigest"][:11] for each in world.task()["status"]["attempts"]] == [
            "sha256:0123",
            "sha256:fedc",
        ]


async def test_conditions_cost_no_write_of_their_own_until_the_spec_is_edited() -> None:
    async with World(works=False) as world:
        await started(world)
        status = world.task()["status"]
        assert [(each["type"], each["status"]) for each in status["conditions"]] == [
            ("Ready", "False"),
            ("Progressing", "True"),
        ]
        writes = len(world.api.writes())
        assert await reconciled(world) == Done()
        assert len(world.api.writes()) == writes
        world.api.edit(resources.TASKS, TASK.name, {"spec": {"retries": 5}})
        for _ in range(2):
            assert await reconciled(world) == Done()
        assert len(world.api.writes()) == writes + 1
        assert world.task()["status"]["observedGeneration"] == world.task()["metadata"]["generation"] == 2


class TestThePolicy:
    @pytest.mark.parametrize("level", ["restricted", "baseline", None])
    async def test_hardens_containers_where_the_namespace_is_restricted(self, level: str | None) -> None:
        async with World(works=False) as world:
            labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
            world.api.edit(resources.NAMESPACES, SHOP, {"metadata": {"labels": labels}}, "")
            made = await started(world)
            assert ("securityContext" in made["spec"]["template"]["spec"]) == (level == "restricted")

    @pytest.mark.parametrize(("namespace", "fills"), [(SHOP, True), ("elsewhere", False)])
    async def test_fills_resources_in_where_a_quota_counts_them(self, namespace: str, fills: bool) -> None:
        async with World(works=False) as world:
            meta = {"name": "q", "namespace": namespace}
            spec = {"hard": {"limits.cpu": "4"}}
            world.api.put({"kind": "ResourceQuota", "apiVersion": "v1", "metadata": meta, "spec": spec})
            made = await started(world)
            (container,) = made["spec"]["template"]["spec"]["containers"]
            assert ("resources" in container) == fills

    def test_has_what_the_installation_says(self) -> None:
        made = policy(SETTINGS, harden=True, quota=False)
        assert made.images == {"deno": SETTINGS.deno_image, "python": SETTINGS.python_image}
        assert made.requests == {"cpu": "50m", "memory": "64Mi"}
        assert made.limits == {"cpu": "1", "memory": "256Mi"}
        assert (made.run_as_user, made.harden, made.quota) == (1000, True, False)


async def test_a_definition_of_the_installation_serves_a_task_elsewhere() -> None:
    async with World(works=False) as world:
        world.api.put(definition("check", INSTALLATION).spec(container={"name": "c", "image": "i"}).raw)
        world.api.put(TASK.raw)
        assert await reconciled(world) == Done()
        assert world.api.one(resources.JOBS, JOB)["metadata"]["namespace"] == SHOP
        assert Task.model_validate(world.task()).spec.task_definition == "check"
