from dataclasses import replace

import pytest

from app.api import wellknown
from app.cluster import resources
from app.lifecycle.explain import PREFIX
from tests.simulation.manifests import SHOP
from tests.simulation.rules.staged import WEB, Stage

NOW = "2026-01-01T00:00:09Z"
COMPLETE = {"observedGeneration": 9, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": NOW}]}

_AFTER = {
    "postDeploymentStatus": "Succeeded",
    "postDeploymentEvaluationStatus": "Succeeded",
    "status": "Succeeded",
    "endTime": NOW,
}
DONE = {**_AFTER, "deploymentStatus": "Succeeded"}
DONE_APP = {
    **_AFTER,
    "preDeploymentStatus": "Succeeded",
    "preDeploymentEvaluationStatus": "Succeeded",
    "workloadOverallStatus": "Succeeded",
}


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    return stage


def said(stage: Stage, text: str) -> bool:
    return any(text in each for each in stage.ending.unfinished())


async def test_a_rollout_that_is_done_leaves_nothing_unfinished(stage: Stage) -> None:
    deployment, _, version, pod = await stage.passed()
    pod = await stage.open(pod)
    await stage.say(pod, by="kubelet", **READY)
    await stage.say(deployment, by="deployment-controller", **COMPLETE)
    assert stage.ending.unfinished() == ["KeptnWorkloadVersion web-web-1.0 has not ended (None), and nothing says why"]
    await stage.say(version, **DONE)
    assert said(stage, "KeptnAppVersion web-1.0-6b86b273 has not ended")
    app_version = stage.server.get(resources.APP_VERSIONS, "web-1.0-6b86b273", SHOP)
    await stage.say(app_version, **DONE_APP)
    assert stage.ending.unfinished() == []
    assert stage.ending.overdue() == {}


async def test_a_pod_whose_checks_have_passed_should_not_be_held(stage: Stage) -> None:
    *_, pod = await stage.passed()
    assert "pod web-1-a is held although its checks have passed" in stage.ending.unfinished()
    assert stage.ending.overdue() == {pod["metadata"]["uid"]: "web-1-a"}


async def test_a_pod_that_asks_for_nothing_should_not_be_held(stage: Stage) -> None:
    _, replica_set = await stage.deploy(replace(WEB, managed=False))
    await stage.pod(replica_set)
    assert "pod web-1-a is held although nobody asked for checks" in stage.ending.unfinished()


async def test_a_pod_should_not_wait_for_what_nobody_does(stage: Stage) -> None:
    _, replica_set = await stage.deploy()
    await stage.pod(replica_set)
    assert "pod web-1-a is held, and nothing says what for" in stage.ending.unfinished()


async def test_a_pod_may_wait_for_a_definition_that_is_not_there(stage: Stage) -> None:
    _, replica_set = await stage.deploy()
    await stage.pod(replica_set)
    await stage.server.delete(resources.TASK_DEFINITIONS, "check", SHOP, by="user")
    assert not said(stage, "web-1-a")


async def test_a_pod_whose_check_has_failed_may_wait_once_its_deployment_says_so(stage: Stage) -> None:
    deployment, replica_set = await stage.deploy()
    await stage.pod(replica_set)
    task = await stage.task(await stage.version(deployment, replica_set), retries=0)
    await stage.attempt(await stage.job(task), phase="Failed")
    await stage.say(task, status="Failed", reason="BackoffLimitExceeded", endTime=NOW)
    assert "the check of pod web-1-a has failed, and its Deployment does not say so" in stage.ending.unfinished()
    failed = {"type": "Progressing", "status": "False", "message": f"{PREFIX}check failed"}
    await stage.say(deployment, conditions=[failed])
    assert not said(stage, "web-1-a")


async def test_a_task_should_have_its_verdict(stage: Stage) -> None:
    await stage.task(await stage.version(*await stage.deploy()))
    assert "KeptnTask pre-check-1 is silent, and nothing says why" in stage.ending.unfinished()


async def test_a_version_should_have_its_verdict(stage: Stage) -> None:
    task = await stage.task(await stage.version(*await stage.deploy()))
    await stage.attempt(await stage.job(task), phase="Succeeded")
    await stage.say(task, status="Succeeded", endTime=NOW)
    assert "KeptnWorkloadVersion web-web-1.0 has not ended (None), and nothing says why" in stage.ending.unfinished()


async def test_a_task_that_waits_for_what_is_not_there_should_say_so(stage: Stage) -> None:
    task = await stage.task(await stage.version(*await stage.deploy()))
    await stage.server.delete(resources.TASK_DEFINITIONS, "check", SHOP, by="user")
    assert stage.ending.silent() == ["KeptnTask pre-check-1 waits for what is not there, and does not say so"]
    await stage.say(task, reason="TaskDefinitionNotFound")
    assert stage.ending.silent() == []


async def test_a_script_should_be_in_its_config_map_as_it_is_now(stage: Stage) -> None:
    spec = {"deno": {"inline": {"code": "new"}}}
    definition = await stage.make(resources.TASK_DEFINITIONS, "smoke", spec=spec)
    assert said(stage, "the script of KeptnTaskDefinition smoke")
    held = await stage.make(resources.CONFIGMAPS, "keptnfn-smoke", of=definition, data={"code": "old"})
    assert said(stage, "the script of KeptnTaskDefinition smoke")
    await stage.patch(held, {"data": {"code": "new"}})
    assert not said(stage, "the script of KeptnTaskDefinition smoke")


class TestArrivals:
    async def test_a_pod_that_nothing_holds_should_run(self, stage: Stage) -> None:
        *_, pod = await stage.passed()
        await stage.open(pod)
        assert "nothing holds pod web-1-a, and it does not run" in stage.ending.unfinished()

    async def test_a_pod_that_others_hold_need_not(self, stage: Stage) -> None:
        _, replica_set = await stage.deploy(replace(WEB, managed=False, gates=("example.com/quota",)))
        await stage.pod(replica_set, held=False)
        assert stage.ending.unfinished() == []

    async def test_a_workload_without_held_pods_should_be_complete(self, stage: Stage) -> None:
        deployment, _ = await stage.deploy()
        assert "Deployment web has no held pod, and is not complete" in stage.ending.unfinished()
        await stage.say(deployment, by="deployment-controller", **COMPLETE)
        assert stage.ending.unfinished() == []

    async def test_a_complete_deployment_should_not_be_blamed(self, stage: Stage) -> None:
        deployment, _ = await stage.deploy()
        failed = {"type": "Progressing", "status": "False", "message": f"{PREFIX}check failed"}
        await stage.say(deployment, by="deployment-controller", conditions=[failed], **COMPLETE)
        assert said(stage, "Deployment web is complete, and says that a check of it has failed")

    async def test_a_gate_that_somebody_has_taken_off_should_be_marked(self, stage: Stage) -> None:
        _, replica_set = await stage.deploy()
        pod = await stage.pod(replica_set)
        await stage.patch(pod, {"spec": {"schedulingGates": None}}, by="user:break-glass")
        assert "somebody has taken the gate off pod web-1-a, and it is not marked" in stage.ending.unfinished()
        marks = {"labels": {wellknown.LABEL: None}, "annotations": {wellknown.GATE_BYPASSED: "true"}}
        await stage.patch(pod, {"metadata": marks})
        assert not said(stage, "and it is not marked")
