from app.migrate import running
from app.migrate.cluster import Held
from app.migrate.finding import Finding, Level
from tests.app.migrate.objects import EARLY, OWNER, VERSION, cluster, custom, held
from tests.builders import Json, VersionBuilder, pod, task

PASSED = VERSION.passed().status(status="Progressing", deploymentStatus="Progressing", currentPhase="WorkloadDeploy")
FAILED = VERSION.failed().status(deploymentStatus="Deprecated", currentPhase="WorkloadPreDeployTasks")
GOING = VERSION.status(status="Progressing", preDeploymentStatus="Progressing", currentPhase="WorkloadPreDeployTasks")


def found(**parts: object) -> list[Finding]:
    return list(running.findings(cluster(**parts)))


def lot(version: VersionBuilder | None, pods: tuple[Held, ...] = (held(),), **parts: object) -> Finding:
    """What is said of the held pods."""
    versions = () if version is None else (version.raw,)
    return found(held=pods, versions=versions, **parts)[0]


def test_a_recorded_pass_opens_the_gate() -> None:
    one = lot(PASSED)
    assert (one.level, one.about) == (Level.NOTE, "Pod shop/web-1-a")
    assert "web-web-1.0, which has passed: its gate will be opened" in one.what


def test_a_failed_check_holds_where_keptn_did_not() -> None:
    one = lot(FAILED)
    assert one.level is Level.ACTION
    assert "stays held" in one.what
    assert "keptn.sh/retry" in one.do


def test_what_is_under_way_goes_on() -> None:
    assert "goes on from WorkloadPreDeployTasks" in lot(GOING).what


def test_without_a_verdict_that_fits_its_checks_run() -> None:
    for one in (lot(None), lot(PASSED, (held(made="2026-01-01T01:00:00Z"),))):
        assert one.level is Level.NOTE
        assert "its checks run under Holdfast: check" in one.what


def test_an_app_that_failed_holds_its_workloads() -> None:
    spec = {"appName": "web", "version": "1", "workloads": []}
    app = custom("KeptnAppVersion", "web-1", spec=spec, status={"preDeploymentStatus": "Failed", "status": "Failed"})
    waiting = VERSION.status(status="Progressing")
    one = lot(waiting, app_versions=(app,))
    assert one.level is Level.ACTION
    assert "its app's version web-1 have failed" in one.what
    other = custom("KeptnAppVersion", "web-1", "bank", spec=spec, status={"preDeploymentStatus": "Failed"})
    assert lot(waiting, app_versions=(other,)).level is Level.NOTE


def test_pods_of_one_owner_share_one_word() -> None:
    one = lot(PASSED, (held("web-1-a"), held("web-1-b"), held("web-1-c")))
    assert one.about == "Pod shop/web-1-a and 2 more"


def test_what_is_in_holdfasts_hands_is_not_told_of() -> None:
    ready = {"type": "Ready", "status": "False", "reason": "Progressing", "message": "", "lastTransitionTime": EARLY}
    parts = {
        "held": (held(labelled=True),),
        "versions": (GOING.status(conditions=[ready]).raw,),
        "tasks": (task("new").status("Progressing", conditions=[ready]).raw,),
    }
    assert found(**parts) == []


def test_a_pod_of_nobody_that_knows_of_checks_is_let_go() -> None:
    bare = Held(pod("bare").gated("keptn-prechecks-gate").raw)
    orphan = Held(pod("orphan").gated("keptn-prechecks-gate").owned_by(OWNER).raw, OWNER.raw, None, EARLY)
    for one in (lot(None, (bare,)), lot(None, (orphan,))):
        assert (one.level, one.do) == (Level.NOTE, "")
        assert "asks for no checks" in one.what


def test_what_has_ended_stays_and_what_has_not_goes_on() -> None:
    done = VERSION.passed().status(status="Succeeded", currentPhase="Completed")
    after = VERSION.changed({"metadata": {"name": "web-web-2.0"}}).passed()
    after = after.status(status="Progressing", currentPhase="WorkloadPostDeployTasks")
    findings = found(versions=(done.raw, after.raw))
    assert {each.level for each in findings} == {Level.NOTE}
    assert "1 have ended (1 Succeeded)" in findings[0].what
    assert findings[1].about == "KeptnWorkloadVersion shop/web-web-2.0"
    assert "goes on from WorkloadPostDeployTasks" in findings[1].what


def test_pods_that_keptn_let_go_after_a_failure_are_told_of() -> None:
    findings = found(versions=(FAILED.raw,))
    assert any("let their pods go all the same: shop/web-web-1.0" in each.what for each in findings)
    ours = FAILED.content("x")
    assert not any("all the same" in each.what for each in found(versions=(ours.raw,)))


def test_each_unfinished_task_by_its_job() -> None:
    tasks: tuple[Json, ...] = (
        task("done").status("Succeeded", jobName="gone").raw,
        task("new").status("Pending").raw,
        task("runs").status("Progressing", jobName="runs-1").raw,
        task("lost").status("Progressing", jobName="lost-1").raw,
    )
    said = {each.about: each.what for each in found(tasks=tasks, jobs=frozenset({("shop", "runs-1")}))}
    assert "1 have ended" in said["KeptnTasks"]
    assert "no Job yet" in said["KeptnTask shop/new"]
    assert "which goes on" in said["KeptnTask shop/runs"]
    assert "counts as a failed attempt" in said["KeptnTask shop/lost"]


def test_what_cannot_be_read_is_named_and_the_rest_is_told_of() -> None:
    broken = VERSION.changed({"spec": {"preDeploymentTasks": "check"}})
    findings = found(versions=(broken.raw, PASSED.raw))
    assert (findings[0].level, findings[0].about) == (Level.ACTION, "KeptnWorkloadVersion shop/web-web-1.0")
    assert "spec.preDeploymentTasks" in findings[0].what
    assert len(findings) > 1


def test_evaluations_keep_their_verdicts_and_their_attempts() -> None:
    done = custom(
        "KeptnEvaluation", "done", spec={"evaluationDefinition": "slo"}, status={"overallStatus": "Succeeded"}
    )
    tried = {"overallStatus": "Progressing", "retryCount": 3}
    going = custom("KeptnEvaluation", "going", spec={"evaluationDefinition": "slo"}, status=tried)
    said = {each.about: each.what for each in found(evaluations=(done, going))}
    assert "1 have ended" in said["KeptnEvaluations"]
    assert "after attempt 3" in said["KeptnEvaluation shop/going"]
