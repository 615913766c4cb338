from app.api.app import AppVersion, AppVersionStatus, WorkloadRef, WorkloadState
from app.lifecycle import appversions
from app.lifecycle.advance import Child, Seen, Step, child_name, superseded
from app.lifecycle.appversions import Surroundings
from app.lifecycle.phases import APP_PHASES, APP_PRE_TASKS, PROMOTION
from app.lifecycle.revisions import was_superseded
from app.lifecycle.states import State
from tests.builders import START, app, app_version

NOW = "2026-01-01T00:01:00Z"
SHOP_APP = app("shop").lists(web="1.0", db="2.0")
NEW = app_version(SHOP_APP).changed({"spec": {"preDeploymentTasks": ["a"], "promotionTasks": ["p"]}})


def workloads(**states: str) -> tuple[WorkloadState, ...]:
    versions = {"web": "1.0", "db": "2.0"}
    return tuple(
        WorkloadState(workload=WorkloadRef(name=name, version=versions[name]), status=state)
        for name, state in states.items()
    )


def step(of: AppVersion, around: Surroundings, **children: str) -> Step:
    known = {child_name(NEW.view, APP_PRE_TASKS, name): Child(state) for name, state in children.items()}
    promoted = {child_name(NEW.view, PROMOTION, name): Child(state) for name, state in children.items()}
    return appversions.next_step(of, Seen(known | promoted, ("a", "p")), around, NOW)


def after(of: AppVersion, result: Step) -> AppVersion:
    return of.model_copy(update={"status": AppVersionStatus.model_validate(of.status.dump() | dict(result.fields))})


def test_does_not_begin_before_it_may() -> None:
    assert step(NEW.view, Surroundings(may_begin=False)) == Step()


def test_begins_with_its_own_checks() -> None:
    result = step(NEW.view, Surroundings(may_begin=True))
    assert [each.definition for each in result.create] == ["a"]
    assert (result.fields["currentPhase"], result.fields["startTime"]) == ("AppPreDeployTasks", START)


def test_waits_for_all_of_its_workloads() -> None:
    begun = after(NEW.view, step(NEW.view, Surroundings(may_begin=True)))
    half = Surroundings(True, workloads(web="Succeeded", db="Progressing"))
    result = step(begun, half, a="Succeeded")
    assert (result.fields["currentPhase"], result.fields["workloadOverallStatus"]) == ("AppDeploy", "Progressing")
    assert [each["status"] for each in result.fields["workloadStatus"]] == ["Succeeded", "Progressing"]
    assert result.verdict is None


def test_ends_without_promotion_unless_that_is_switched_on() -> None:
    begun = after(NEW.view, step(NEW.view, Surroundings(may_begin=True)))
    up = Surroundings(True, workloads(web="Succeeded", db="Succeeded"))
    result = step(begun, up, a="Succeeded")
    assert (result.verdict, result.fields["currentPhase"]) == (State.SUCCEEDED, "Completed")
    assert "promotionStatus" not in result.fields
    promoting = step(begun, Surroundings(True, up.workloads, promotes=True), a="Succeeded")
    assert (promoting.verdict, promoting.fields["currentPhase"]) == (None, "PromotionTasks")


def test_fails_with_one_of_its_workloads() -> None:
    begun = after(NEW.view, step(NEW.view, Surroundings(may_begin=True)))
    result = step(begun, Surroundings(True, workloads(web="Failed", db="Progressing")), a="Succeeded")
    assert (result.verdict, result.fields["workloadOverallStatus"]) == (State.FAILED, "Failed")
    assert result.fields["promotionStatus"] == "Deprecated"


def test_of_an_app_without_workloads_is_deployed_at_once() -> None:
    result = step(app_version(app("empty")).view, Surroundings(may_begin=True))
    assert result.verdict is State.SUCCEEDED


def test_that_a_newer_one_overtakes_ends_without_a_failure() -> None:
    begun = after(NEW.view, step(NEW.view, Surroundings(may_begin=True)))
    fields = superseded(begun, APP_PHASES, NOW)
    assert (fields["status"], fields["preDeploymentStatus"], fields["endTime"]) == ("Failed", "Deprecated", NOW)
    ended = AppVersionStatus.model_validate(begun.status.dump() | fields)
    assert was_superseded(ended)
    assert superseded(begun.model_copy(update={"status": ended}), APP_PHASES, NOW) == {}
