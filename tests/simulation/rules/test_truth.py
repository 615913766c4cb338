from dataclasses import replace

import pytest

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.manifests import SHOP
from tests.simulation.rules.staged import PASSED, WEB, Stage


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    return stage


def passes(stage: Stage, image: str = "shop/web:1", version: str = "1.0", check: str = "check") -> bool:
    return stage.truth.has_passed(SHOP, "web-web", image, version, (("pre", check),))


async def begun(stage: Stage) -> tuple[Json, Json]:
    version = await stage.version(*await stage.deploy())
    return version, await stage.task(version)


async def test_a_content_has_passed_when_a_pod_ended_well_and_the_version_says_so(stage: Stage) -> None:
    version, task = await begun(stage)
    await stage.attempt(await stage.job(task), phase="Succeeded")
    assert not passes(stage)
    await stage.say(version, **PASSED)
    assert passes(stage)


async def test_no_word_of_ours_makes_a_check_pass(stage: Stage) -> None:
    version, task = await begun(stage)
    await stage.say(task, status="Succeeded", endTime="2026-01-01T00:00:09Z")
    await stage.say(version, **PASSED)
    assert not passes(stage)


@pytest.mark.parametrize("other", [{"image": "shop/web:2"}, {"version": "2.0"}, {"check": "smoke"}])
async def test_a_pass_is_for_its_own_content_only(stage: Stage, other: dict[str, str]) -> None:
    await stage.passed()
    assert passes(stage)
    assert not passes(stage, **other)


async def test_a_content_without_a_version_of_its_own_has_passed_by_its_image(stage: Stage) -> None:
    await stage.passed()
    assert passes(stage, version="")
    assert not passes(stage, version="", image="shop/web:2")


async def test_failed_lost_and_disrupted_attempts_are_told_apart(stage: Stage) -> None:
    _, task = await begun(stage)
    job = await stage.job(task)
    await stage.attempt(job, "a", phase="Failed")
    disrupted = await stage.attempt(job, "b")
    condition = {"type": "DisruptionTarget", "status": "True"}
    await stage.say(disrupted, by="kubelet", phase="Failed", conditions=[condition])
    gone = await stage.attempt(job, "c")
    await stage.server.delete(resources.PODS, gone["metadata"]["name"], SHOP, by="user", grace=0)
    await stage.server.delete(resources.JOBS, "job-1", SHOP, by="user")
    facts = stage.truth.tasks[task["metadata"]["uid"]]
    assert (facts.bad, facts.lost, list(facts.disrupted), facts.pods) == (2, 1, ["b"], 3)


async def test_a_pod_that_goes_with_its_job_is_no_second_failure(stage: Stage) -> None:
    _, task = await begun(stage)
    pod = await stage.attempt(await stage.job(task))
    await stage.patch(pod, {"spec": {"nodeName": "node-1"}}, by="scheduler", subresource="binding")
    await stage.server.delete(resources.JOBS, "job-1", SHOP, by="user")
    await stage.server.delete(resources.PODS, "job-1-a", SHOP, by="generic-garbage-collector")
    await stage.server.delete(resources.PODS, "job-1-a", SHOP, by="kubelet", grace=0)
    facts = stage.truth.tasks[task["metadata"]["uid"]]
    assert (facts.bad, facts.lost) == (0, 1)


async def test_a_job_that_goes_after_the_verdict_is_not_lost(stage: Stage) -> None:
    _, task = await begun(stage)
    await stage.attempt(await stage.job(task), phase="Succeeded")
    await stage.say(task, status="Succeeded", endTime="2026-01-01T00:00:09Z")
    await stage.server.delete(resources.JOBS, "job-1", SHOP, by="ttl-after-finished-controller")
    assert stage.truth.tasks[task["metadata"]["uid"]].lost == 0


async def test_a_pod_asks_by_its_own_keys_or_by_those_above_it(stage: Stage) -> None:
    _, own = await stage.deploy()
    _, above = await stage.deploy(replace(WEB, name="api", above=True))
    _, nobody = await stage.deploy(replace(WEB, name="db", managed=False))
    asked = [
        stage.truth.asked_of(await stage.pod(replica_set, name, held=False))
        for replica_set, name in ((own, "a"), (above, "b"), (nobody, "c"))
    ]
    assert [[marks["keptn.sh/workload"] for marks in each] for each in asked] == [["web"], ["api"], []]
