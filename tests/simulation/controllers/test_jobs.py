"""The Job controller, against what the real one was seen to do."""

import asyncio
from itertools import pairwise

import pytest

from app.cluster import errors, resources
from app.cluster.api import Json
from app.cluster.resources import EVENTS, JOBS, PODS
from tests.simulation import clock
from tests.simulation.apiserver.admission import Asked
from tests.simulation.controllers import objects
from tests.simulation.controllers.complaints import MANY
from tests.simulation.controllers.jobs import FINALIZER, JobController
from tests.simulation.controllers.kubelet import Run
from tests.simulation.controllers.small import NAMESPACE, Cluster, cluster, conditions

pytestmark = pytest.mark.looptime

SUCCESS = [("SuccessCriteriaMet", "CompletionsReached"), ("Complete", "CompletionsReached")]
FAILURE = [("FailureTarget", "BackoffLimitExceeded"), ("Failed", "BackoffLimitExceeded")]
DEADLINE = [("FailureTarget", "DeadlineExceeded"), ("Failed", "DeadlineExceeded")]


def statuses(small: Cluster) -> list[Json]:
    """What the Job's status was, one after the other."""
    found = [c.new.get("status") or {} for c in small.history if c.resource == JOBS and c.new is not None]
    return [each for each, before in zip(found, [None, *found], strict=False) if each != before]


async def finished(small: Cluster, name: str, within: float = 60.0) -> Json:
    await small.until(lambda: len(conditions(small.get(JOBS, name))) == 2, within)
    return small.get(JOBS, name)


async def test_a_job_that_succeeds_goes_through_the_states_of_a_real_one() -> None:
    async with cluster(JobController) as small:
        await small.job("ok", Run(2.0, said="fine"))
        job = await finished(small, "ok")
        assert conditions(job) == SUCCESS
        seen = statuses(small)
    counts = [{k: v for k, v in each.items() if k in ("active", "ready", "succeeded", "failed")} for each in seen]
    assert counts == [
        {},
        {"active": 1, "ready": 0},
        {"active": 1, "ready": 1},
        {"active": 1, "ready": 0},
        {"ready": 0},
        {"ready": 0, "succeeded": 1},
    ]
    assert [bool(each.get("uncountedTerminatedPods")) for each in seen] == [False] * 4 + [True, False]
    assert job["status"]["completionTime"] == job["status"]["conditions"][1]["lastTransitionTime"]


async def test_its_pod_is_marked_as_the_jobs_and_let_go_in_the_end() -> None:
    async with cluster(JobController) as small:
        job = await small.job("ok", Run(2.0))
        await small.until(small.pods)
        (pod,) = small.pods()
        meta = pod["metadata"]
        uid = job["metadata"]["uid"]
        assert meta["name"].startswith("ok-")
        assert len(meta["name"]) == 8
        assert meta["labels"] == {
            "a": "b",
            "batch.kubernetes.io/controller-uid": uid,
            "batch.kubernetes.io/job-name": "ok",
            "controller-uid": uid,
            "job-name": "ok",
        }
        (owner,) = meta["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
            "Job",
            uid,
            True,
            True,
        )
        assert meta["finalizers"] == [FINALIZER]
        await finished(small, "ok")
        assert not small.pods()[0]["metadata"].get("finalizers")


async def test_the_end_is_written_about_a_second_after_the_pods() -> None:
    async with cluster(JobController) as small:
        await small.job("bad", Run(5.0, exit_code=3))
        ended = await small.until(lambda: small.pods() and small.pods()[0]["status"]["phase"] == "Failed")
        job = await finished(small, "bad")
        assert 0.0 < clock.seconds() - ended <= 1.1
    assert conditions(job) == FAILURE
    assert job["status"]["failed"] == 1


async def test_attempts_are_ten_and_twenty_seconds_apart() -> None:
    async with cluster(JobController) as small:
        await small.job("bad", *[Run(0.2, exit_code=1)] * 3, backoffLimit=2)
        assert (await finished(small, "bad"))["status"]["failed"] == 3
        starts = [c.time for c in small.history if c.resource == PODS and c.old is None]
    assert [round(later - earlier, -1) for earlier, later in pairwise(starts)] == [10.0, 20.0]


async def test_a_second_attempt_that_succeeds_is_a_success() -> None:
    async with cluster(JobController) as small:
        await small.job("ok", Run(0.2, exit_code=1), Run(0.2), backoffLimit=1)
        job = await finished(small, "ok")
    assert conditions(job) == SUCCESS
    assert (job["status"]["succeeded"], job["status"]["failed"]) == (1, 1)


async def test_at_the_deadline_the_pod_is_stopped_and_the_target_known_at_once() -> None:
    async with cluster(JobController) as small:
        await small.job("slow", Run(None), activeDeadlineSeconds=3, pod={"terminationGracePeriodSeconds": 2})
        at = await small.until(lambda: conditions(small.get(JOBS, "slow")))
        assert 2.0 <= at <= 3.1
        assert conditions(small.get(JOBS, "slow")) == DEADLINE[:1]
        assert small.get(JOBS, "slow")["status"]["terminating"] == 1
        assert conditions(await finished(small, "slow")) == DEADLINE
        await small.until(lambda: not small.pods(), 2.0)


async def test_a_pod_that_somebody_deletes_has_failed() -> None:
    async with cluster(JobController) as small:
        await small.job("slow", Run(None, stopped=137), pod={"terminationGracePeriodSeconds": 3})
        await small.until(lambda: small.get(JOBS, "slow").get("status", {}).get("ready"))
        await small.delete(PODS, small.pods()[0]["metadata"]["name"])
        assert conditions(await finished(small, "slow")) == FAILURE
        await small.until(lambda: not small.pods(), 2.0)


IGNORE: Json = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
COUNT: Json = {**IGNORE, "action": "Count"}


async def _run_it(small: Cluster, *runs: Run, rules: list[Json], pod: Json | None = None, **spec: object) -> str:
    """A Job with such a policy; the name of its pod, once that runs."""
    await small.job("slow", *runs, pod=pod, podFailurePolicy={"rules": rules}, **spec)
    await small.until(lambda: small.get(JOBS, "slow").get("status", {}).get("ready"))
    return str(small.pods()[0]["metadata"]["name"])


@pytest.mark.parametrize("drained", [True, False])
async def test_a_disrupted_pod_is_made_again_if_the_policy_says_so(drained: bool) -> None:
    async with cluster(JobController) as small:
        name = await _run_it(small, Run(None, stopped=137), Run(0.2), rules=[IGNORE, COUNT])
        if drained:
            await small.kubelet.drain(NAMESPACE, name, by="user")
        else:
            await small.kubelet.evict(NAMESPACE, name)
        job = await finished(small, "slow")
        assert conditions(job) == SUCCESS
        assert (job["status"]["succeeded"], "failed" in job["status"]) == (1, False)


@pytest.mark.parametrize("rules", [[COUNT, IGNORE], [{**IGNORE, "onPodConditions": [{"type": "Other"}]}]])
async def test_the_first_rule_that_matches_decides_and_without_one_it_counts(rules: list[Json]) -> None:
    async with cluster(JobController) as small:
        await small.kubelet.evict(NAMESPACE, await _run_it(small, Run(None), rules=rules))
        assert conditions(await finished(small, "slow")) == FAILURE


async def test_pauses_grow_with_disruptions_although_they_do_not_count() -> None:
    async with cluster(JobController) as small:
        name = await _run_it(small, *[Run(None)] * 2, Run(0.2), rules=[IGNORE])
        await small.kubelet.evict(NAMESPACE, name)
        await small.until(lambda: len(small.pods()) == 2 and any(objects.is_ready(pod) for pod in small.pods()))
        for pod in small.pods():
            await small.kubelet.evict(NAMESPACE, pod["metadata"]["name"])
        assert conditions(await finished(small, "slow")) == SUCCESS
        starts = [c.time for c in small.history if c.resource == PODS and c.old is None]
    assert [round(later - earlier, -1) for earlier, later in pairwise(starts)] == [10.0, 20.0]


async def test_with_a_policy_the_next_pod_waits_until_the_last_has_ended() -> None:
    async with cluster(JobController) as small:
        pod: Json = {"terminationGracePeriodSeconds": 25}
        name = await _run_it(small, Run(None, stopped=137), Run(0.2), rules=[IGNORE], pod=pod)
        await small.kubelet.drain(NAMESPACE, name, by="user")
        await asyncio.sleep(24.0)
        assert [each["metadata"]["name"] for each in small.pods()] == [name]
        assert small.get(JOBS, "slow")["status"]["terminating"] == 1
        assert conditions(await finished(small, "slow")) == SUCCESS


async def test_one_that_ends_well_although_it_is_drained_has_succeeded() -> None:
    async with cluster(JobController) as small:
        name = await _run_it(small, Run(None, stopped=0), rules=[IGNORE])
        await small.kubelet.drain(NAMESPACE, name, by="user")
        assert conditions(await finished(small, "slow")) == SUCCESS


async def test_at_the_deadline_what_a_disruption_is_ending_is_not_counted() -> None:
    async with cluster(JobController) as small:
        pod: Json = {"terminationGracePeriodSeconds": 25}
        name = await _run_it(small, Run(None, stopped=137), rules=[IGNORE], activeDeadlineSeconds=10, pod=pod)
        await small.kubelet.drain(NAMESPACE, name, by="user")
        job = await finished(small, "slow")
        assert conditions(job) == DEADLINE
        assert "failed" not in job["status"]


async def test_without_a_policy_an_evicted_pod_has_failed() -> None:
    async with cluster(JobController) as small:
        await small.job("slow", Run(None))
        await small.until(lambda: small.get(JOBS, "slow").get("status", {}).get("ready"))
        await small.kubelet.evict(NAMESPACE, small.pods()[0]["metadata"]["name"])
        assert conditions(await finished(small, "slow")) == FAILURE
        assert small.pods()[0]["status"]["reason"] == "Evicted"


async def test_a_job_deleted_on_its_own_lets_its_pod_go() -> None:
    async with cluster(JobController) as small:
        await small.job("slow", Run(None))
        await small.until(lambda: small.get(JOBS, "slow").get("status", {}).get("ready"))
        await small.delete(JOBS, "slow")
        await small.until(lambda: not small.pods()[0]["metadata"].get("finalizers"))


def no_pods(asked: Asked) -> None:
    if asked.resource == PODS and asked.operation == "CREATE":
        raise errors.Forbidden(403, "Forbidden", f'pods "{asked.name}" is forbidden: exceeded quota: q')


async def test_pods_that_are_refused_are_complained_of_and_tried_again() -> None:
    async with cluster(JobController) as small:
        small.server.policies.append(no_pods)
        job = await small.job("q")
        await asyncio.sleep(10.0)
        events = small.server.list(EVENTS, NAMESPACE)
        times = [c.time for c in small.history if c.resource == EVENTS]
        assert [round(later - earlier) for earlier, later in pairwise(times)] == [1, 2, 4]
        (event, *_) = events
        assert (event["type"], event["reason"], event["count"]) == ("Warning", "FailedCreate", 1)
        assert event["involvedObject"]["kind"] == "Job"
        assert event["involvedObject"]["uid"] == job["metadata"]["uid"]
        assert event["message"].startswith('Error creating: pods "q-')
        assert event["message"].endswith('" is forbidden: exceeded quota: q')
        assert "active" not in small.get(JOBS, "q")["status"]
        small.server.policies.clear()
        assert conditions(await finished(small, "q")) == SUCCESS


async def test_many_complaints_become_one_that_is_counted() -> None:
    async with cluster(JobController) as small:
        small.server.policies.append(no_pods)
        await small.job("q")
        await asyncio.sleep(1000.0)
        events = small.server.list(EVENTS, NAMESPACE)
    assert len(events) == MANY
    (combined,) = [event for event in events if event["message"].startswith("(combined from similar events): ")]
    assert combined["count"] > 1


async def test_a_namespace_that_ends_gets_no_complaint() -> None:
    async with cluster(JobController) as small:
        await small.job("bad", Run(0.2, exit_code=1), backoffLimit=1)
        await small.until(lambda: small.get(JOBS, "bad").get("status", {}).get("failed"))
        await small.server.delete(resources.NAMESPACES, NAMESPACE, by="user")
        await asyncio.sleep(20.0)
        assert not small.server.list(EVENTS, NAMESPACE)
        assert len(small.pods()) == 1
