"""Rollouts in bad weather: a worker that dies at any point, and a cluster that refuses, forgets and answers late."""

import asyncio
from typing import Any

import pytest

from app.cluster import errors, resources
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
    @pytest.mark.parametrize("number", range(1, 15))
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
            assert await world.until(world.is_open) < 2.0
            assert await settled(world) <= 3  # two that only tell, and one that comes late
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
            assert len(world.api.writes()) < 45
            assert await settled(world, 600.0) == 2  # no pod gets up here, which version and app say after 5 minutes
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
            assert await settled(world, 600.0) <= 3

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
            assert await settled(world) == 4  # its app, which fails with it
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
            await settled(world)
            assert await settled(world) == 0


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
            assert await settled(world, 600.0) <= 8  # no pod gets up here, which version and app say after 5 minutes
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
