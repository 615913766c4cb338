from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.task import Task
from app.api.workload import WorkloadVersion, WorkloadVersionStatus
from app.lifecycle import workloadversions
from app.lifecycle.advance import Child, Seen, Step, child_name
from app.lifecycle.deployed import Deployed
from app.lifecycle.phases import WORKLOAD_POST_TASKS, WORKLOAD_PRE_EVALUATIONS, WORKLOAD_PRE_TASKS, Phase
from app.lifecycle.states import State
from app.lifecycle.workloadversions import Surroundings
from tests.builders import START, TaskBuilder, VersionBuilder, app, task, version

NOW = "2026-01-01T00:01:00Z"
LATER = "2026-01-01T00:02:00Z"
NEW = version("web-web-1.0").checks("a", "b")


OPEN = Surroundings(app_open=True)
UP = Surroundings(app_open=True, deployed=Deployed(up=True, current=True, message=""))


def name(definition: str, phase: Phase = WORKLOAD_PRE_TASKS) -> str:
    return child_name(NEW.view, phase, definition)


def tasks(**states: str) -> dict[str, Task]:
    """Tasks of `NEW` by the definition they run, e.g. ``tasks(a="Succeeded")``."""
    return {name(d): one(d, state).view for d, state in states.items()}


def one(definition: str, state: str) -> TaskBuilder:
    done = {"endTime": NOW} if state in ("Succeeded", "Failed") else {}
    return task(name(definition)).spec(taskDefinition=definition).owned_by(NEW).status(state, **done)


def step(
    of: WorkloadVersion,
    known: dict[str, Task] | None = None,
    definitions: Sequence[str] = ("a", "b"),
    revisions: Sequence[str] = ("rs-1",),
    now: str = NOW,
    around: Surroundings = OPEN,
    evaluations: Sequence[str] = ("e",),
) -> Step:
    children = {each: Child.of(task) for each, task in (known or {}).items()}
    return workloadversions.next_step(of, Seen(children, definitions, evaluations), revisions, around, now)


def after(of: WorkloadVersion, result: Step) -> WorkloadVersion:
    status = WorkloadVersionStatus.model_validate(of.status.dump() | dict(result.fields))
    return of.model_copy(update={"status": status})


def fields(result: Step) -> dict[str, Any]:
    assert result.fields
    return dict(result.fields)


def made(result: Step) -> list[tuple[str, str]]:
    return [(each.definition, each.name) for each in result.create]


STARTED = after(NEW.view, step(NEW.view))


class TestStart:
    def test_is_one_write_and_all_tasks_at_once(self) -> None:
        result = step(NEW.view)
        assert made(result) == [("a", name("a")), ("b", name("b"))]
        assert result.began
        assert fields(result) == {
            "revisions": ["rs-1"],
            "startTime": START,
            "currentPhase": "WorkloadPreDeployTasks",
            "preDeploymentStatus": "Progressing",
            "status": "Progressing",
            "preDeploymentTaskStatus": [
                {"definitionName": d, "name": name(d), "status": "Progressing", "startTime": NOW} for d in ("a", "b")
            ],
        }

    def test_waits_for_somebody_to_wait(self) -> None:
        assert step(NEW.content("c1").view, revisions=()) == Step()
        assert step(NEW.owned_by(app("web")).view, revisions=()) == Step()

    def test_of_one_that_a_person_has_made_waits_for_its_app_alone(self) -> None:
        assert step(NEW.view, revisions=(), around=Surroundings(app_open=False)) == Step()
        begun = step(NEW.view, revisions=(), definitions=["a"])
        assert begun.began
        assert "revisions" not in begun.fields
        assert [item["definitionName"] for item in begun.fields["preDeploymentTaskStatus"]] == ["a"]

    def test_goes_on_when_nobody_waits_any_more(self) -> None:
        assert step(STARTED, tasks(a="Succeeded", b="Succeeded"), revisions=()).verdict is State.SUCCEEDED

    def test_does_not_happen_to_what_is_being_deleted(self) -> None:
        assert step(NEW.deleting().view) == Step()

    def test_makes_again_a_task_that_was_not_made(self) -> None:
        assert step(STARTED, tasks(a="Pending")).create[0].name == name("b")

    def test_of_a_version_without_checks_is_its_pass(self) -> None:
        result = step(version("v").view)
        assert (result.verdict, result.began, result.create) == (State.SUCCEEDED, True, ())

    def test_names_a_definition_that_does_not_exist(self) -> None:
        result = step(NEW.view, definitions=["a"])
        assert result.missing == ("b",)
        assert [item["definitionName"] for item in fields(result)["preDeploymentTaskStatus"]] == ["a"]

    def test_of_a_definition_listed_twice_is_one_task(self) -> None:
        twice = version("web-web-1.0").checks("a", "a").view
        started = step(twice, definitions=["a"])
        assert made(started) == [("a", name("a"))]
        assert step(after(twice, started), tasks(a="Succeeded")).verdict is State.SUCCEEDED


class TestARecordedVerdict:
    def test_stays_when_the_task_is_known_only_as_it_was_before(self) -> None:
        told = after(STARTED, step(STARTED, tasks(a="Succeeded", b="Progressing")))
        result = step(told, tasks(a="Progressing", b="Progressing"), now=LATER)
        assert result.fields == {}
        assert result.create == ()

    def test_counts_when_the_other_one_comes(self) -> None:
        told = after(STARTED, step(STARTED, tasks(a="Succeeded", b="Progressing")))
        result = step(told, tasks(a="Progressing", b="Succeeded"), now=LATER)
        assert result.verdict is State.SUCCEEDED


class TestVerdict:
    def test_is_a_pass_when_all_have_passed(self) -> None:
        result = step(STARTED, tasks(a="Succeeded", b="Succeeded"))
        assert result.verdict is State.SUCCEEDED
        written = fields(result)
        assert written["currentPhase"] == "WorkloadDeploy"
        assert [written[f"preDeployment{part}Status"] for part in ("", "Evaluation")] == ["Succeeded", "Succeeded"]
        assert (written["deploymentStatus"], written["deploymentStartTime"]) == ("Progressing", NOW)
        assert [item["endTime"] for item in written["preDeploymentTaskStatus"]] == [NOW, NOW]

    def test_is_a_failure_as_soon_as_one_has_failed(self) -> None:
        result = step(STARTED, tasks(a="Failed", b="Progressing"))
        assert result.verdict is State.FAILED
        written = fields(result)
        assert (written["status"], written["preDeploymentStatus"], written["endTime"]) == ("Failed", "Failed", NOW)
        assert written["deploymentStatus"] == "Deprecated"

    def test_is_a_failure_even_while_another_definition_does_not_exist(self) -> None:
        started = after(NEW.view, step(NEW.view, definitions=["a"]))
        assert step(started, tasks(a="Failed"), definitions=["a"]).verdict is State.FAILED

    def test_is_no_pass_while_a_definition_does_not_exist(self) -> None:
        started = after(NEW.view, step(NEW.view, definitions=["a"]))
        result = step(started, tasks(a="Succeeded"), definitions=["a"])
        assert result.verdict is None
        assert fields(result)["preDeploymentStatus"] == "Pending"

    def test_is_no_pass_until_its_evaluations_have_passed_too(self) -> None:
        started = NEW.evaluations("e").view
        started = after(started, step(started))
        both = tasks(a="Succeeded", b="Succeeded")
        result = step(started, both)
        assert (result.verdict, made(result)) == (None, [("e", name("e", WORKLOAD_PRE_EVALUATIONS))])
        written = fields(result)
        assert (written["preDeploymentStatus"], written["currentPhase"]) == (
            "Succeeded",
            "WorkloadPreDeployEvaluations",
        )
        assert written["preDeploymentEvaluationStatus"] == "Progressing"
        evaluated = after(started, result)
        children = {made(result)[0][1]: Child("Succeeded", NOW)}
        seen = Seen(children, ("a", "b"), ("e",))
        assert workloadversions.next_step(evaluated, seen, (), OPEN, LATER).verdict is State.SUCCEEDED

    def test_of_an_evaluation_is_a_failure_like_a_tasks(self) -> None:
        started = version("v").evaluations("e").view
        started = after(started, step(started))
        children = {child_name(started, WORKLOAD_PRE_EVALUATIONS, "e"): Child("Failed")}
        result = workloadversions.next_step(started, Seen(children), (), OPEN, LATER)
        assert (result.verdict, fields(result)["preDeploymentEvaluationStatus"]) == (State.FAILED, "Failed")
        assert fields(result)["deploymentStatus"] == "Deprecated"

    def test_waits_for_the_apps(self) -> None:
        closed = Surroundings(app_open=False)
        result = step(STARTED, tasks(a="Succeeded", b="Succeeded"), around=closed)
        assert (result.verdict, fields(result)["preDeploymentEvaluationStatus"]) == (None, "Succeeded")
        assert "deploymentStatus" not in fields(result)
        waiting = after(STARTED, result)
        assert step(waiting, around=closed) == Step()
        opened = step(waiting, around=Surroundings(app_open=True, app_metadata={"team": "a"}), now=LATER)
        assert (opened.verdict, fields(opened)["deploymentStartTime"]) == (State.SUCCEEDED, LATER)
        assert fields(opened)["appContextMetadata"] == {"team": "a"}

    @pytest.mark.parametrize("state", ["Pending", "Progressing", "Unknown", "Cancelled", ""])
    def test_does_not_come_of_a_task_that_has_not_ended(self, state: str) -> None:
        assert step(STARTED, tasks(a="Succeeded", b=state)).verdict is None

    @pytest.mark.parametrize("ended", ["Succeeded", "Failed"])
    def test_stands(self, ended: str) -> None:
        judged = after(STARTED, step(STARTED, tasks(a=ended, b="Succeeded")))
        changed = step(judged, tasks(a="Failed", b="Failed"))
        assert changed == step(judged, {}) == Step()


class TestTasksThatVanish:
    def test_after_their_verdict_was_taken_over_are_not_run_again(self) -> None:
        half = after(STARTED, step(STARTED, tasks(a="Succeeded", b="Progressing")))
        result = step(half, tasks(b="Succeeded"))
        assert (result.create, result.verdict) == ((), State.SUCCEEDED)

    def test_before_their_verdict_are_made_again(self) -> None:
        assert step(STARTED, tasks(b="Progressing")).create[0].name == name("a")

    def test_together_with_their_definition_hold_the_pods(self) -> None:
        result = step(STARTED, tasks(b="Succeeded"), definitions=["b"])
        assert (result.create, result.missing, result.verdict) == ((), ("a",), None)


class TestFixedPoint:
    @pytest.mark.parametrize(
        "known",
        [
            {},
            tasks(a="Pending"),
            tasks(a="Progressing", b="Pending"),
            tasks(a="Succeeded", b="Progressing"),
            tasks(a="Succeeded", b="Succeeded"),
            tasks(a="Failed", b="Progressing"),
        ],
    )
    def test_what_is_written_is_written_once(self, known: dict[str, Task]) -> None:
        settled = after(STARTED, step(STARTED, known))
        assert step(settled, known, now=LATER).fields == {}

    def test_a_task_without_an_end_time_does_not_change_the_status_each_second(self) -> None:
        odd = tasks(b="Progressing") | {name("a"): task(name("a")).owned_by(NEW).status("Succeeded").view}
        settled = after(STARTED, step(STARTED, odd))
        assert step(settled, odd, now=LATER).fields == {}

    def test_a_revision_that_joins_is_listed_once(self) -> None:
        known = tasks(a="Progressing", b="Progressing")
        joined = step(STARTED, known, revisions=["rs-2", "rs-1"])
        assert fields(joined) == {"revisions": ["rs-1", "rs-2"]}
        assert step(after(STARTED, joined), known, revisions=["rs-2"]).fields == {}


states = st.sampled_from(["Pending", "Progressing", "Succeeded", "Failed", "gone"])


@given(
    st.lists(st.tuples(states, states, st.booleans(), st.booleans()), max_size=8),
    st.booleans(),
)
def test_whatever_happens_a_pass_needs_a_pass_of_each_check(
    seen: list[tuple[str, str, bool, bool]], evaluated: bool
) -> None:
    current = (NEW.evaluations("e") if evaluated else NEW).view
    passed: set[str] = set()
    for a, b, has_a, has_b in seen:
        known = tasks(**{d: state for d, state in (("a", a), ("b", b)) if state != "gone"})
        definitions = [d for d, there in (("a", has_a), ("b", has_b)) if there]
        passed |= {d for d, state in (("a", a), ("b", b)) if state == "Succeeded"}
        result = step(current, known, definitions)
        current = after(current, result)
        assert step(current, known, definitions, now=LATER).fields == {}
        if result.verdict is State.SUCCEEDED:
            assert passed == {"a", "b"}
            assert not evaluated  # nobody has evaluated anything


def test_each_version_has_its_own_task_for_a_definition() -> None:
    other: VersionBuilder = version("web-web-1.0").with_uid("other")
    assert child_name(other.view, WORKLOAD_PRE_TASKS, "a") != name("a")
    assert name("a").startswith("pre-a-")


DEPLOYED = version("web-web-1.0").checks("a").passed().changed({"spec": {"postDeploymentTasks": ["p"]}}).covers("rs-1")


class TestDeployment:
    def test_goes_on_until_the_workload_is_up(self) -> None:
        down = Surroundings(True, deployed=Deployed(up=False, current=True, message="1 of 3"), waited=10, timeout=300)
        assert step(DEPLOYED.view, around=down) == Step()

    def test_begins_the_tasks_after_it(self) -> None:
        result = step(DEPLOYED.view, definitions=["p"], around=UP, now=LATER)
        post = child_name(DEPLOYED.view, WORKLOAD_POST_TASKS, "p")
        assert made(result) == [("p", post)]
        assert fields(result) == {
            "deploymentStatus": "Succeeded",
            "currentPhase": "WorkloadPostDeployTasks",
            "postDeploymentStatus": "Progressing",
            "postDeploymentTaskStatus": [
                {"definitionName": "p", "name": post, "status": "Progressing", "startTime": LATER}
            ],
        }

    def test_fails_once_its_time_is_up(self) -> None:
        late = Surroundings(True, deployed=Deployed(up=False, current=True, message="1 of 3"), waited=300, timeout=300)
        result = step(DEPLOYED.view, around=late)
        assert (result.verdict, fields(result)["deploymentStatus"]) == (State.FAILED, "Failed")
        assert fields(result)["postDeploymentStatus"] == "Deprecated"

    def test_that_is_up_in_the_last_moment_has_not_failed(self) -> None:
        late = Surroundings(True, deployed=UP.deployed, waited=301, timeout=300)
        assert fields(step(DEPLOYED.view, definitions=["p"], around=late))["deploymentStatus"] == "Succeeded"

    def test_that_keptn_has_begun_goes_on_without_the_app(self) -> None:
        left = version("v").checked().status(currentPhase="WorkloadDeploy", deploymentStatus="Progressing").view
        result = step(left, around=Surroundings(app_open=False), revisions=())
        assert fields(result) == {"deploymentStartTime": NOW, "status": "Progressing"}


class TestEnd:
    def test_comes_once_all_has_passed(self) -> None:
        began = after(DEPLOYED.view, step(DEPLOYED.view, definitions=["p"], around=UP))
        post = child_name(DEPLOYED.view, WORKLOAD_POST_TASKS, "p")
        result = workloadversions.next_step(began, Seen({post: Child("Succeeded", NOW)}), (), UP, LATER)
        assert result.verdict is State.SUCCEEDED
        written = fields(result)
        assert (written["currentPhase"], written["status"], written["endTime"]) == ("Completed", "Succeeded", LATER)
        assert written["postDeploymentEvaluationStatus"] == "Succeeded"
        assert step(after(began, result)) == Step()

    def test_of_a_failed_task_after_the_deployment_leaves_the_pods_alone(self) -> None:
        began = after(DEPLOYED.view, step(DEPLOYED.view, definitions=["p"], around=UP))
        post = child_name(DEPLOYED.view, WORKLOAD_POST_TASKS, "p")
        result = workloadversions.next_step(began, Seen({post: Child("Failed", NOW)}), (), UP, LATER)
        written = fields(result)
        assert (written["status"], written["postDeploymentStatus"]) == ("Failed", "Failed")
        assert "deploymentStatus" not in written


class TestWithoutBlocking:
    WARNS = Surroundings(app_open=True, blocking=False)

    def test_a_failure_is_a_warning_and_the_pods_go(self) -> None:
        result = step(STARTED, tasks(a="Failed", b="Succeeded"), around=self.WARNS)
        written = fields(result)
        assert (written["preDeploymentStatus"], written["deploymentStatus"]) == ("Warning", "Progressing")
        assert [item["status"] for item in written["preDeploymentTaskStatus"]] == ["Failed", "Succeeded"]

    @pytest.mark.parametrize(
        ("known", "definitions"), [({"a": "Failed", "b": "Progressing"}, "ab"), ({"a": "Failed"}, "a")]
    )
    def test_the_pods_wait_until_all_have_ended(self, known: dict[str, str], definitions: str) -> None:
        """The others may run, or wait for a definition that nobody has written yet."""
        waiting = after(STARTED, step(STARTED, tasks(**known), definitions=definitions, around=self.WARNS))
        assert waiting.status.pre_deployment_status == "Progressing"
        assert waiting.status.deployment_status == "Pending"
        assert waiting.status.status == "Progressing"
        over = fields(step(waiting, tasks(a="Failed", b="Succeeded"), around=self.WARNS))
        assert (over["preDeploymentStatus"], over["deploymentStatus"]) == ("Warning", "Progressing")

    def test_a_warning_stays_one_when_blocking_is_switched_on_again(self) -> None:
        warned = after(STARTED, step(STARTED, tasks(a="Failed", b="Succeeded"), around=self.WARNS))
        assert step(warned, tasks(a="Failed", b="Succeeded")) == Step()

    def test_a_deployment_that_is_never_up_fails_all_the_same(self) -> None:
        late = Surroundings(True, waited=300, timeout=300, blocking=False)
        assert fields(step(DEPLOYED.view, around=late))["status"] == "Failed"


def test_words_are_those_of_all_phases_that_it_goes_through() -> None:
    result = step(version("v").view)
    assert [(word.phase.name, word.suffix) for word in result.words] == [
        ("WorkloadPreDeployTasks", "Started"),
        ("WorkloadPreDeployTasks", "Finished"),
        ("WorkloadPreDeployEvaluations", "Started"),
        ("WorkloadPreDeployEvaluations", "Finished"),
        ("WorkloadDeploy", "Started"),
    ]


def test_is_deploying_from_the_opening_of_the_gate_until_it_is_up() -> None:
    assert workloadversions.is_deploying(DEPLOYED.view)
    assert not workloadversions.is_deploying(STARTED)
    assert not workloadversions.is_deploying(after(DEPLOYED.view, step(DEPLOYED.view, definitions=["p"], around=UP)))
