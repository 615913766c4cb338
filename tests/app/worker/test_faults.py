"""Rollouts in bad weather: a worker that dies at any point, and a cluster that refuses, forgets and answers late."""

import asyncio
from typing import Any, ClassVar

import pytest

from app.api import wellknown
from app.api.task import Task
from app.cluster import errors, resources
from app.lifecycle import jobs
from tests.app.worker.world import ONCE, World, settled
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime


class TestANewWorker:
    """Whatever a process knew is gone with it; what it did is not done again."""

    @pytest.mark.parametrize("moment", [0.001, 0.003, 0.006, 0.01, 0.015, 0.1, 0.3, 0.34, 0.5, 5.0])
    async def test_goes_on_where_its_predecessor_was_stopped(self, moment: float) -> None:
        async with World() as world:
            world.define()
            world.deploy(replicas=2)
            await asyncio.sleep(moment)
            await world.restart()
            await world.until(world.is_open)
            await settled(world)
            assert world.kubelet.started["check"] == 1

    async def test_runs_nothing_again_after_jobs_are_gone(self) -> None:
        async with World() as world:
            world.define()
            world.define("bad", **ONCE)
            world.kubelet.exit_codes["bad"] = [1]
            world.deploy("web")
            world.deploy("shop", "bad")
            await world.until(lambda: world.progressing("shop")["status"] == "False" and world.is_open("web-1-0"))
            await settled(world)
            for job in world.api.all(resources.JOBS):
                world.api.remove(resources.JOBS, job["metadata"]["name"])
            await settled(world)
            await world.restart()
            assert await settled(world) == 0
            assert world.kubelet.started == {"check": 1, "bad": 1}
            assert world.held() == ["shop-1-0"]

    async def test_takes_up_a_verdict_that_came_while_nobody_looked(self) -> None:
        async with World() as world:
            world.define()
            world.deploy()
            await world.until(lambda: world.kubelet.started["check"] == 1)
            await world.stop()
            await asyncio.sleep(60)
            await world.start()
            await world.until(world.is_open, within=1.0)
            assert world.kubelet.started["check"] == 1


class TestFaults:
    """What the cluster does to the worker while a rollout is under way."""

    @pytest.mark.parametrize(
        "error",
        [
            errors.Conflict(409, "Conflict", "the object has been modified"),
            errors.Unavailable(503, "ServiceUnavailable", "later"),
            errors.TooManyRequests(429, "TooManyRequests", "later", retry_after=0.2),
            errors.Unavailable(0, "ConnectionFailed", "the answer is lost"),
        ],
        ids=["conflict", "unavailable", "shed", "lost"],
    )
    @pytest.mark.parametrize("number", range(1, 11))
    async def test_a_write_that_fails_is_made_good(self, number: int, error: errors.ApiError) -> None:
        async with World() as world:
            left = number

            def fail(call: Call) -> None:
                nonlocal left
                left -= call.is_write
                if call.is_write and left == 0:
                    raise error

            world.define()
            world.deploy()
            if error.status:
                world.api.before = fail
            else:
                world.api.after = fail
            assert await world.until(world.is_open) < 1.0
            assert await settled(world) <= 1
            assert left < 0
            assert world.kubelet.started == {"check": 1}
            assert world.api.one(resources.WORKLOADS, "web-web")["status"] == {"currentVersion": "1.0"}

    @pytest.mark.parametrize("seed", range(12))
    async def test_the_order_in_which_news_arrive_does_not_matter(self, seed: int) -> None:
        async with World(seed=seed) as world:
            world.define("good", retries=1, deno={"inline": {"code": "1"}})
            world.define("bad", **ONCE)
            world.kubelet.exit_codes |= {"good": [1, 0], "bad": [1]}
            world.deploy("web", "good", replicas=3)
            world.deploy("shop", "good,bad", replicas=2)
            await settled(world, 60.0)
            assert world.held() == ["shop-1-0", "shop-1-1"]
            assert world.progressing("shop")["status"] == "False"
            assert world.kubelet.started == {"good": 3, "bad": 1}
            assert len(world.api.writes()) < 35
            assert await settled(world, 600.0) == 0

    @pytest.mark.parametrize("moment", [0.002, 0.008, 0.1, 0.33])
    async def test_watches_that_are_too_old_lose_nothing(self, moment: float) -> None:
        async with World() as world:
            world.define()
            world.deploy()
            await asyncio.sleep(moment)
            world.api.compact()
            await world.until(world.is_open)
            assert world.kubelet.started == {"check": 1}

    async def test_a_gate_that_may_not_be_opened_is_tried_again_without_haste(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "patch pods":
                raise errors.Forbidden(403, "Forbidden", "denied by policy x")

        async with World() as world:
            world.define()
            world.deploy()
            world.api.before = refuse
            await settled(world, 3600.0)
            tries = [call for call in world.api.writes() if call.resource == "pods"]
            assert 360 < len(tries) < 600
            (event,) = world.events("Pod")
            assert "the gate cannot be removed: denied by policy x" in event["message"]
            assert event["count"] == 1
            world.api.before = lambda call: None
            await world.until(world.is_open, within=10.5)

    async def test_a_gate_that_may_not_be_opened_is_told_on_the_workload(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "patch pods":
                raise errors.Forbidden(403, "Forbidden", "denied by policy x")

        async with World() as world:
            world.define()
            world.deploy(replicas=3)
            world.api.before = refuse
            await settled(world, 60.0)
            condition = world.progressing()
            assert (condition["status"], condition["reason"]) == ("True", "ReplicaSetUpdated")
            assert condition["message"].startswith(
                "Holdfast: held since 2026-01-01T00:00:00Z: all checks have passed, but "
            )
            assert "the gate of pod web-1-0 cannot be removed: denied by policy x. Let Holdfast" in condition["message"]
            (event,) = world.events("Deployment")
            assert (event["reason"], event["message"]) == ("SchedulingGateNotRemoved", condition["message"])
            assert {e["involvedObject"]["name"] for e in world.events("Pod")} == {"web-1-0", "web-1-1", "web-1-2"}
            assert {e["reason"] for e in world.events("Pod")} == {"SchedulingGateNotRemoved"}
            await world.restart()
            await settled(world, 60.0)
            assert "cannot be removed: denied by policy x" in world.progressing()["message"]
            world.api.before = lambda call: None
            await world.until(world.is_open, within=10.5)
            assert world.kubelet.started == {"check": 1}
            assert await settled(world, 600.0) <= 1

    async def test_after_an_outage_everything_goes_on_within_seconds(self) -> None:
        def away(call: Call) -> None:
            raise errors.Unavailable(0, "ConnectionFailed", "away")

        async with World() as world:
            world.define()
            for number in range(10):
                world.deploy(f"web-{number}")
            await asyncio.sleep(0.01)
            world.api.before = away
            await asyncio.sleep(600.0)
            world.api.before = lambda call: None
            await world.until(world.is_open, within=5.5)
            assert world.kubelet.started == {"check": 10}

    async def test_a_quota_that_refuses_the_job_is_told_and_waited_for(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "create jobs":
                raise errors.Forbidden(403, "Forbidden", "exceeded quota: count/jobs.batch")

        async with World() as world:
            world.define()
            world.api.before = refuse
            world.deploy()
            await settled(world)
            assert world.task()["status"]["reason"] == "JobForbidden"
            assert "cannot start: JobForbidden: exceeded quota" in world.progressing()["message"]
            assert await settled(world, 600.0) == 120  # a try each 5 seconds, and nothing else
            world.api.before = lambda call: None
            await world.until(world.is_open, within=6.0)

    async def test_a_job_that_is_never_taken_fails_the_check(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "create jobs":
                raise errors.Invalid(422, "Invalid", "spec.template.spec.containers[0].image: Required value")

        async with World() as world:
            world.define()
            world.api.before = refuse
            world.deploy()
            await world.until(lambda: world.progressing()["status"] == "False")
            assert "image: Required value" in world.progressing()["message"]
            assert await settled(world) == 0

    async def test_a_namespace_that_is_being_deleted_is_left_alone(self) -> None:
        def refuse(call: Call) -> None:
            if call.verb == "create" and call.resource != "events":
                details = {"causes": [{"reason": "NamespaceTerminating"}]}
                raise errors.Forbidden(403, "Forbidden", "because it is being terminated", details)

        async with World() as world:
            world.define()
            world.api.before = refuse
            world.deploy()
            await settled(world)
            assert len(world.api.writes()) == 1
            assert await settled(world, 3600.0) == 0


class TestADisruption:
    """F39: what the cluster does to a check's pod is not the check's failure."""

    async def test_of_a_check_without_retries_makes_it_run_again(self) -> None:
        async with World() as world:
            world.kubelet.disruptions["check"] = 2
            world.define(**ONCE)
            world.deploy()
            await world.until(world.is_open)
            assert world.kubelet.started == {"check": 3}
            attempts = world.task()["status"]["attempts"]
            assert [(a["number"], a["status"], a.get("disrupted", False)) for a in attempts] == [
                (1, "Failed", True),
                (1, "Failed", True),
                (1, "Succeeded", False),
            ]
            assert {a["reason"] for a in attempts[:2]} == {"EvictionByEvictionAPI"}
            assert len(world.api.all(resources.JOBS)) == 1

    async def test_leaves_all_retries_to_the_check(self) -> None:
        async with World() as world:
            world.kubelet.disruptions["check"] = 3
            world.kubelet.exit_codes["check"] = [1, 1]
            world.define(retries=1, container={"name": "check", "image": "check:1"})
            world.deploy()
            await world.until(lambda: world.progressing()["status"] == "False")
            assert world.kubelet.started == {"check": 5}
            assert "2 attempts)" in world.progressing()["message"]
            assert await settled(world) == 0


class TestAPoisonObject:
    """F16: what Holdfast cannot work on says so, and nothing else is held up by it."""

    async def test_is_told_of_once_and_others_go_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        good = jobs.build

        def build(task: Task, *arguments: Any, **more: Any) -> Any:
            if task.spec.task_definition == "poison":
                raise RuntimeError("the password is hunter2")
            return good(task, *arguments, **more)

        monkeypatch.setattr(jobs, "build", build)
        async with World() as world:
            world.define()
            world.define("poison")
            world.deploy("shop", "poison")
            world.deploy("web", "check")
            await world.until(lambda: world.is_open("web-1-0"), within=1.0)
            await settled(world, 3600.0)
            (event,) = world.events("KeptnTask")
            assert (event["reason"], event["type"], event["count"]) == ("ReconcileFailed", "Warning", 1)
            assert (
                "cannot be worked on: an error inside Holdfast, RuntimeError. It has failed 5 times" in event["message"]
            )
            assert "kubectl -n keptn-system logs deployment/lifecycle-operator" in event["message"]
            assert "hunter2" not in event["message"]
            assert world.held() == ["shop-1-0"]
            monkeypatch.undo()
            await world.until(world.is_open, within=62.0)

    async def test_is_told_of_on_the_workload_if_it_is_a_revision(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "create keptnworkloads":
                raise errors.Invalid(422, "Invalid", "metadata.name: too long")

        async with World() as world:
            world.define()
            world.api.before = refuse
            world.deploy()
            await settled(world, 600.0)
            (event,) = world.events("ReplicaSet")
            assert (event["involvedObject"]["name"], event["reason"]) == ("web-1", "ReconcileFailed")
            assert "ReplicaSet web-1 cannot be worked on: 422 Invalid: metadata.name: too long" in event["message"]


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
            await asyncio.sleep(1.0)
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


class TestTwoLeaders:
    """There is one, by a Lease; but one that was frozen may wake up and not know yet that it is none any more."""

    @pytest.mark.parametrize("seed", range(8))
    async def test_make_one_job_of_each_check(self, seed: int) -> None:
        async with World(seed=seed) as world:
            await world.start()
            world.define("good", retries=1, deno={"inline": {"code": "1"}})
            world.define("bad", **ONCE)
            world.kubelet.exit_codes |= {"good": [1, 0], "bad": [1]}
            world.deploy("web", "good", replicas=2)
            world.deploy("shop", "good,bad")
            await settled(world, 60.0)
            assert world.held() == ["shop-1-0"]
            assert world.kubelet.started == {"good": 3, "bad": 1}
            assert len(world.versions()) == 2
            assert len(world.api.all(resources.JOBS)) == 3
            assert await settled(world, 600.0) == 0

    async def test_do_not_run_again_what_one_of_them_has_seen_end(self) -> None:
        async with World() as world:
            world.define(ttlSecondsAfterFinished=0, container={"name": "check", "image": "check:1"})
            world.deploy()
            await world.until(world.is_open)
            for job in world.api.all(resources.JOBS):
                world.api.remove(resources.JOBS, job["metadata"]["name"])
            await world.start()
            await settled(world)
            assert world.kubelet.started == {"check": 1}


def end(world: World) -> dict[str, Any]:
    """What counts of the state that a rollout ends in."""
    (version,), (workload,) = world.api.all(resources.WORKLOAD_VERSIONS), world.api.all(resources.WORKLOADS)
    return {
        "held": world.held(),
        "workload": workload["status"],
        "version": _timeless(version["status"]),
        "task": _timeless(world.task()["status"]),
        "jobs": len(world.api.all(resources.JOBS)),
        "runs": dict(world.kubelet.started),
        "condition": (world.progressing()["status"], world.progressing()["reason"]),
    }


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        # Names of what a task makes follow from its uid, which is the cluster's choice.
        others = ("jobName", "podName", "name")
        return {k: _timeless(v) for k, v in value.items() if not k.endswith("Time") and k not in others}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("fails", [False, True], ids=["pass", "fail"])
@pytest.mark.parametrize("done", [False, True], ids=["lost", "done"])
@pytest.mark.parametrize("number", range(1, 13))
async def test_a_crash_at_any_write_changes_nothing_in_the_end(number: int, done: bool, fails: bool) -> None:
    async def story(world: World) -> None:
        world.define(retries=0, deno={"inline": {"code": "1"}})
        if fails:
            world.kubelet.exit_codes["check"] = [1]
        world.deploy(replicas=2)

    async with World() as calm:
        await story(calm)
        await settled(calm)
        expected = end(calm)
    async with World() as world:
        world.crash_at_write(number, done=done)
        await story(world)
        async with asyncio.timeout(60):
            await world.crashed.wait()
        await asyncio.sleep(0.05)
        await world.recover()
        await settled(world)
        assert end(world) == expected
