"""Each rule is silent while all goes well, and speaks of a breach that is made by hand."""

from dataclasses import replace

import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.lifecycle.explain import PREFIX
from tests.simulation.manifests import SHOP, Template, namespace
from tests.simulation.rules.staged import PASSED, WEB, WORKER, Stage

NOW = "2026-01-01T00:00:09Z"
LATER = "2026-01-01T00:00:10Z"
ATTEMPT = {"number": 1, "podName": "job-1-a", "status": "Failed"}


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    return stage


async def begun(stage: Stage) -> tuple[Json, Json]:
    """A version and its task."""
    version = await stage.version(*await stage.deploy())
    return version, await stage.task(version)


async def test_nothing_is_said_of_a_rollout_as_it_should_be(stage: Stage) -> None:
    *_, version, pod = await stage.passed()
    await stage.open(pod)
    await stage.event(version)
    await stage.say(version, currentPhase="WorkloadDeploy")
    assert stage.found == []
    assert (stage.invariants.opened, stage.invariants.false_openings, stage.invariants.duplicates) == (1, 0, 0)


class TestOnce:
    async def test_a_second_job_beside_the_first_is_a_duplicate(self, stage: Stage) -> None:
        _, task = await begun(stage)
        await stage.job(task)
        with stage.a_breach("I1", "is the 2. of KeptnTask"):
            await stage.job(task, "job-2")
        assert stage.invariants.duplicates == 1

    async def test_a_job_in_place_of_a_lost_one_is_none(self, stage: Stage) -> None:
        _, task = await begun(stage)
        await stage.job(task)
        await stage.server.delete(resources.JOBS, "job-1", SHOP, by="user")
        await stage.job(task, "job-2")
        assert stage.found == []

    async def test_a_job_after_the_verdict_is_a_duplicate(self, stage: Stage) -> None:
        _, task = await begun(stage)
        await stage.attempt(await stage.job(task), phase="Succeeded")
        await stage.say(task, status="Succeeded", endTime=NOW)
        await stage.server.delete(resources.JOBS, "job-1", SHOP, by="ttl-after-finished-controller")
        with stage.a_breach("I1", "has its verdict"):
            await stage.job(task, "job-2")

    async def test_a_second_task_of_the_same_check(self, stage: Stage) -> None:
        version, _ = await begun(stage)
        with stage.a_breach("I1", "for the same check"):
            await stage.task(version, "pre-check-2")

    async def test_a_second_workload_of_the_same_deployment(self, stage: Stage) -> None:
        deployment, replica_set = await stage.deploy()
        version = await stage.version(deployment, replica_set)
        spec = stage.server.get(resources.WORKLOADS, "web-web", SHOP)["spec"]
        assert version["spec"]["app"] == spec["app"]
        with stage.a_breach("I1", "for the same workload"):
            await stage.make(resources.WORKLOADS, "web-web-2", by=WORKER, of=deployment, spec=spec)

    async def test_a_second_version_of_the_same_content(self, stage: Stage) -> None:
        deployment, replica_set = await stage.deploy()
        await stage.version(deployment, replica_set)
        with stage.a_breach("I1", "of the same content"):
            await stage.version(deployment, replica_set, "web-web-1.0-2")

    async def test_a_check_that_runs_more_often_than_its_author_allows(self, stage: Stage) -> None:
        version, _ = await begun(stage)
        await stage.server.delete(resources.TASKS, "pre-check-1", SHOP, by="user")
        job = await stage.job(await stage.task(version, "pre-check-2", retries=1))
        for name in ("a", "b"):
            await stage.attempt(job, name, phase="Failed")
        assert stage.found == []
        with stage.a_breach("I1", "more often than 2 times"):
            await stage.attempt(job, "c")

    async def test_what_the_cluster_ends_may_run_again_even_if_it_had_failed_before(self, stage: Stage) -> None:
        version = await stage.version(*await stage.deploy())
        job = await stage.job(await stage.task(version, retries=0))
        pod = await stage.attempt(job, "a", phase="Failed")
        await stage.say(pod, by="kubelet", conditions=[{"type": "DisruptionTarget", "status": "True"}])
        await stage.attempt(job, "b")
        assert stage.found == []


class TestGates:
    async def test_a_gate_that_is_opened_before_the_check_has_passed(self, stage: Stage) -> None:
        _, replica_set = await stage.deploy()
        pod = await stage.pod(replica_set)
        await stage.open(pod)
        assert "I2: the gate of pod web-1-a was opened although its checks have not passed" in stage.found
        assert stage.invariants.false_openings == 1

    async def test_a_gate_that_is_opened_on_the_pass_of_other_content(self, stage: Stage) -> None:
        deployment, *_ = await stage.passed()
        other = replace(WEB, template=Template("shop/web:2", "1.0", ("check",))).body()["spec"]
        replica_set = await stage.make(resources.REPLICASETS, "web-2", of=deployment, spec=other)
        await stage.open(await stage.pod(replica_set, "web-2-a"))
        assert stage.invariants.false_openings == 1

    async def test_a_gate_that_is_opened_on_the_pass_of_fewer_checks(self, stage: Stage) -> None:
        deployment, *_ = await stage.passed()
        more = replace(WEB, template=Template("shop/web:1", "1.0", ("check", "smoke"))).body()["spec"]
        replica_set = await stage.make(resources.REPLICASETS, "web-2", of=deployment, spec=more)
        await stage.open(await stage.pod(replica_set, "web-2-a"))
        assert stage.invariants.false_openings == 1

    async def test_a_pod_that_was_never_held(self, stage: Stage) -> None:
        _, replica_set = await stage.deploy()
        with stage.a_breach("I2", "was never held"):
            await stage.pod(replica_set, held=False)

    async def test_a_pod_of_what_has_passed_need_not_be_held(self, stage: Stage) -> None:
        _, replica_set, *_ = await stage.passed()
        await stage.pod(replica_set, "web-1-b", held=False)
        assert stage.found == []

    async def test_a_pod_that_asks_for_nothing_need_not_be_held(self, stage: Stage) -> None:
        _, replica_set = await stage.deploy(replace(WEB, managed=False))
        await stage.pod(replica_set, held=False)
        assert stage.found == []

    async def test_a_gate_that_somebody_else_takes_off_is_no_opening_of_ours(self, stage: Stage) -> None:
        _, replica_set = await stage.deploy()
        await stage.open(await stage.pod(replica_set), by="user:break-glass")
        assert stage.found == []
        assert (stage.invariants.opened, len(stage.invariants.bypassed)) == (0, 1)

    async def test_a_version_that_claims_a_pass_that_was_none(self, stage: Stage) -> None:
        version, _ = await begun(stage)
        with stage.a_breach("I2", "says that its checks have passed (preDeploymentStatus), and check has not"):
            await stage.say(version, **PASSED)

    async def test_a_task_that_claims_a_pass_that_was_none(self, stage: Stage) -> None:
        _, task = await begun(stage)
        await stage.attempt(await stage.job(task), phase="Failed")
        with stage.a_breach("I2", "no pod of it has ended well"):
            await stage.say(task, status="Succeeded", endTime=NOW)

    async def test_a_version_that_covers_two_contents(self, stage: Stage) -> None:
        deployment, _, version, _ = await stage.passed()
        other = replace(WEB, template=Template("shop/web:2", "2.0", ("check",))).body()["spec"]
        replica_set = await stage.make(resources.REPLICASETS, "web-2", of=deployment, spec=other)
        listed = [*version["status"]["revisions"], replica_set["metadata"]["uid"]]
        with stage.a_breach("I2", "covers pods of different images"):
            await stage.say(version, revisions=listed)

    async def test_a_gate_on_a_pod_of_nobody(self, stage: Stage) -> None:
        spec = {"containers": [{"name": "main", "image": "busybox"}], "schedulingGates": [{"name": wellknown.GATE}]}
        with stage.a_breach("I6", "was given our gate"):
            await stage.make(resources.PODS, "bare", spec=spec)


class TestNotOurs:
    async def test_a_pod_s_note_that_we_take_off(self, stage: Stage) -> None:
        *_, pod = await stage.passed()
        with stage.a_breach("I4", "changed more of Pod web-1-a than is ours"):
            await stage.patch(pod, {"metadata": {"annotations": {"team": None}}})

    async def test_a_gate_of_others_that_goes_with_ours(self, stage: Stage) -> None:
        workload = replace(WEB, gates=("example.com/a", "example.com/b"))
        _, replica_set = await stage.deploy(workload)
        pod = await stage.pod(replica_set)
        gates = [{"name": name} for name in ("example.com/b", wellknown.GATE)]
        with stage.a_breach("I4"):
            await stage.patch(pod, {"spec": {"schedulingGates": gates}})

    async def test_our_label_that_stays_on_a_pod_that_is_not_held(self, stage: Stage) -> None:
        *_, pod = await stage.passed()
        with stage.a_breach("I4", "our label stays on it"):
            await stage.patch(pod, {"spec": {"schedulingGates": None}})

    async def test_a_bypass_that_never_was(self, stage: Stage) -> None:
        *_, pod = await stage.passed()
        pod = await stage.open(pod)
        with stage.a_breach("I4", "says that its gate was bypassed, and it was not"):
            await stage.patch(pod, {"metadata": {"annotations": {wellknown.GATE_BYPASSED: "true"}}})

    async def test_a_bypass_that_was(self, stage: Stage) -> None:
        _, replica_set = await stage.deploy()
        pod = await stage.pod(replica_set)
        await stage.patch(pod, {"spec": {"schedulingGates": None}}, by="user:break-glass")
        marks = {"labels": {wellknown.LABEL: None}, "annotations": {wellknown.GATE_BYPASSED: "true"}}
        await stage.patch(pod, {"metadata": marks})
        assert stage.found == []

    async def test_a_deployment_s_condition_of_others(self, stage: Stage) -> None:
        deployment, _ = await stage.deploy()
        available = {"type": "Available", "status": "True", "message": "it is there"}
        deployment = await stage.say(deployment, by="deployment-controller", conditions=[available])
        with stage.a_breach("I4", "changed more of Deployment web than is ours"):
            await stage.say(deployment, conditions=[available | {"status": "False"}])

    async def test_a_condition_that_does_not_say_who_speaks(self, stage: Stage) -> None:
        deployment, _ = await stage.deploy()
        with stage.a_breach("I4", "does not say that it speaks for us"):
            await stage.say(deployment, conditions=[{"type": "Progressing", "status": "True", "message": "later"}])
        waits = {"type": "Progressing", "status": "True", "message": f"{PREFIX}held"}
        await stage.say(deployment, conditions=[waits])
        assert stage.found == []

    async def test_a_workload_s_spec(self, stage: Stage) -> None:
        deployment, _ = await stage.deploy()
        with stage.a_breach("I4"):
            await stage.patch(deployment, {"spec": {"replicas": 0}})

    @pytest.mark.parametrize("resource", [resources.JOBS, resources.CONFIGMAPS, resources.LEASES])
    async def test_somebody_s_own_job_config_map_or_lease(self, stage: Stage, resource: Resource) -> None:
        container = {"name": "main", "image": "busybox"}
        spec = {"template": {"spec": {"containers": [container], "restartPolicy": "Never"}}}
        body = await stage.make(resource, "somebodys", spec=spec)
        with stage.a_breach("I4", "and it is not ours"):
            await stage.patch(body, {"metadata": {"labels": {"a": "b"}}})

    async def test_an_event_in_somebody_else_s_name(self, stage: Stage) -> None:
        deployment, _ = await stage.deploy()
        with stage.a_breach("I4", "and it is not ours"):
            await stage.event(deployment, component="kubelet")

    async def test_a_pod_that_we_delete(self, stage: Stage) -> None:
        *_, pod = await stage.passed()
        with stage.a_breach("I4", "deleted by worker-1"):
            await stage.server.delete(resources.PODS, pod["metadata"]["name"], SHOP, by=WORKER)

    async def test_a_note_of_others_on_a_task_of_ours(self, stage: Stage) -> None:
        _, task = await begun(stage)
        task = await stage.patch(task, {"metadata": {"annotations": {"example.com/note": "1"}}}, by="user")
        with stage.a_breach("I4", "annotations of KeptnTask"):
            await stage.patch(task, {"metadata": {"annotations": {"example.com/note": None}}})

    async def test_what_was_asked_of_a_task(self, stage: Stage) -> None:
        _, task = await begun(stage)
        with stage.a_breach("I7", "what was asked of KeptnTask"):
            await stage.patch(task, {"spec": {"retries": 9}})


class TestOthersLeftInPeace:
    async def test_a_webhook_that_writes(self, stage: Stage) -> None:
        _, task = await begun(stage)
        with stage.a_breach("I5", "admission writes nothing"):
            await stage.say(task, by="webhook-1", reason="Seen")

    async def test_a_namespace_that_did_not_opt_in(self, stage: Stage) -> None:
        body = await stage.server.create(resources.NAMESPACES, namespace("office", opted_in=False), by="user")
        with stage.a_breach("I6", "nobody has asked for that"):
            await stage.patch(body, {"metadata": {"labels": {wellknown.LABEL: wellknown.LABEL_NAMESPACE}}})

    async def test_a_pod_of_such_a_namespace(self, stage: Stage) -> None:
        await stage.server.create(resources.NAMESPACES, namespace("office", opted_in=False), by="user")
        spec = {"containers": [{"name": "main", "image": "busybox"}]}
        body = {"metadata": {"name": "bystander", "annotations": {"keptn.sh/workload": "web"}}, "spec": spec}
        pod = await stage.server.create(resources.PODS, body, "office", by="user")
        await stage.patch(pod, {"metadata": {"labels": {wellknown.LABEL: wellknown.LABEL_HELD}}})
        assert stage.found[0] == "I6: patch of Pod bystander, whose namespace office did not opt in"


class TestLasting:
    async def test_a_verdict_that_is_taken_back(self, stage: Stage) -> None:
        _, task = await begun(stage)
        await stage.attempt(await stage.job(task), phase="Succeeded")
        task = await stage.say(task, status="Succeeded", endTime=NOW)
        with stage.a_breach("I7", "from Succeeded back to Progressing"):
            await stage.say(task, status="Progressing")

    async def test_a_failure_before_all_attempts_were_made(self, stage: Stage) -> None:
        _, task = await begun(stage)
        await stage.attempt(await stage.job(task), phase="Failed")
        with stage.a_breach("I7", "although only 1 of 2 attempts"):
            await stage.say(task, status="Failed", reason="BackoffLimitExceeded", endTime=NOW)

    async def test_an_attempt_that_counts_and_was_the_cluster_s_doing(self, stage: Stage) -> None:
        _, task = await begun(stage)
        pod = await stage.attempt(await stage.job(task))
        await stage.say(pod, by="kubelet", phase="Failed", conditions=[{"type": "DisruptionTarget", "status": "True"}])
        with stage.a_breach("I7", "it was the cluster that ended its pod"):
            await stage.say(task, attempts=[ATTEMPT])

    @pytest.mark.parametrize("field", ["startTime", "endTime"])
    async def test_times_of_a_task_that_change(self, stage: Stage, field: str) -> None:
        _, task = await begun(stage)
        task = await stage.say(task, **{field: NOW})
        with stage.a_breach("I7", f"{field} went from"):
            await stage.say(task, **{field: LATER})

    async def test_runs_that_shrink(self, stage: Stage) -> None:
        _, task = await begun(stage)
        task = await stage.say(task, runs=2, jobName="job-2")
        with stage.a_breach("I7", "has forgotten a Job"):
            await stage.say(task, runs=1)

    async def test_another_job_in_the_same_run(self, stage: Stage) -> None:
        _, task = await begun(stage)
        task = await stage.say(task, runs=1, jobName="job-1")
        with stage.a_breach("I7", "names another Job"):
            await stage.say(task, jobName="job-2")

    async def test_attempts_that_are_forgotten(self, stage: Stage) -> None:
        _, task = await begun(stage)
        task = await stage.say(task, attempts=[ATTEMPT])
        with stage.a_breach("I7", "has forgotten or changed an attempt"):
            await stage.say(task, attempts=[])

    async def test_an_attempt_that_is_added_after_the_verdict_is_no_change_of_it(self, stage: Stage) -> None:
        _, task = await begun(stage)
        job = await stage.job(task)
        for name in ("a", "b"):
            await stage.attempt(job, name, phase="Failed")
        task = await stage.say(task, status="Failed", reason="BackoffLimitExceeded", endTime=NOW, attempts=[ATTEMPT])
        task = await stage.say(task, attempts=[ATTEMPT, ATTEMPT | {"number": 2, "podName": "job-1-b"}])
        assert stage.found == []
        with stage.a_breach("I7", "was changed after its verdict"):
            await stage.say(task, reason="DeadlineExceeded")

    async def test_times_of_a_version_that_change(self, stage: Stage) -> None:
        version, _ = await begun(stage)
        version = await stage.say(version, startTime=NOW)
        with stage.a_breach("I7", "startTime went from"):
            await stage.say(version, startTime=LATER)

    async def test_a_check_of_a_version_that_has_ended_no_more(self, stage: Stage) -> None:
        version, _ = await begun(stage)
        done = {"definitionName": "check", "name": "pre-check-1", "status": "Succeeded"}
        version = await stage.say(version, preDeploymentTaskStatus=[done])
        with stage.a_breach("I7", "check is not Succeeded any more"):
            await stage.say(version, preDeploymentTaskStatus=[done | {"status": "Progressing"}])

    async def test_a_version_that_fails_while_no_check_has(self, stage: Stage) -> None:
        version, _ = await begun(stage)
        with stage.a_breach("I7", "and none of its checks has"):
            await stage.say(version, preDeploymentStatus="Failed", status="Failed")

    async def test_a_version_whose_pass_is_taken_back(self, stage: Stage) -> None:
        *_, version, _ = await stage.passed()
        with stage.a_breach("I7", "from Succeeded back to Pending"):
            await stage.say(version, preDeploymentStatus="Pending")
