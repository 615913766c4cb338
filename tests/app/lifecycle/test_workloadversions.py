from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.task import Task
from app.api.workload import WorkloadVersion, WorkloadVersionStatus
from app.lifecycle import workloadversions
from app.lifecycle.states import State
from app.lifecycle.workloadversions import Step, task_name
from tests.builders import TaskBuilder, VersionBuilder, task, version

NOW = "2026-01-01T00:01:00Z"
LATER = "2026-01-01T00:02:00Z"
NEW = version("web-web-1.0").checks("a", "b")


def name(definition: str) -> str:
    return task_name(NEW.view, definition)


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
) -> Step:
    return workloadversions.next_step(of, known or {}, definitions, revisions, now)


def after(of: WorkloadVersion, result: Step) -> WorkloadVersion:
    status = WorkloadVersionStatus.model_validate(of.status.dump() | dict(result.fields or {}))
    return of.model_copy(update={"status": status})


def fields(result: Step) -> dict[str, Any]:
    assert result.fields is not None
    return dict(result.fields)


STARTED = after(NEW.view, step(NEW.view))


class TestStart:
    def test_is_one_write_and_all_tasks_at_once(self) -> None:
        result = step(NEW.view)
        assert result.create == (("a", name("a")), ("b", name("b")))
        assert result.began
        assert fields(result) == {
            "revisions": ["rs-1"],
            "startTime": NOW,
            "currentPhase": "WorkloadPreDeployTasks",
            "preDeploymentStatus": "Progressing",
            "status": "Progressing",
            "preDeploymentTaskStatus": [
                {"definitionName": d, "name": name(d), "status": "Progressing", "startTime": NOW} for d in ("a", "b")
            ],
        }

    def test_waits_for_somebody_to_wait(self) -> None:
        assert step(NEW.view, revisions=()) == Step()

    def test_goes_on_when_nobody_waits_any_more(self) -> None:
        assert step(STARTED, tasks(a="Succeeded", b="Succeeded"), revisions=()).verdict is State.SUCCEEDED

    def test_does_not_happen_to_what_is_being_deleted(self) -> None:
        assert step(NEW.deleting().view) == Step()

    def test_makes_again_a_task_that_was_not_made(self) -> None:
        assert step(STARTED, tasks(a="Pending")).create == (("b", name("b")),)

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
        assert {task for _, task in started.create} == {name("a")}
        assert step(after(twice, started), tasks(a="Succeeded")).verdict is State.SUCCEEDED


class TestARecordedVerdict:
    def test_stays_when_the_task_is_known_only_as_it_was_before(self) -> None:
        told = after(STARTED, step(STARTED, tasks(a="Succeeded", b="Progressing")))
        result = step(told, tasks(a="Progressing", b="Progressing"), now=LATER)
        assert result.fields is None
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

    def test_is_no_pass_while_evaluations_are_asked_for(self) -> None:
        started = NEW.evaluations("e").view
        started = after(started, step(started))
        result = step(started, tasks(a="Succeeded", b="Succeeded"))
        assert result.verdict is None
        written = fields(result)
        assert (written["preDeploymentStatus"], written["currentPhase"]) == (
            "Succeeded",
            "WorkloadPreDeployEvaluations",
        )
        assert "preDeploymentEvaluationStatus" not in written

    @pytest.mark.parametrize("state", ["Pending", "Progressing", "Unknown", "Cancelled", ""])
    def test_does_not_come_of_a_task_that_has_not_ended(self, state: str) -> None:
        assert step(STARTED, tasks(a="Succeeded", b=state)).verdict is None

    @pytest.mark.parametrize("ended", ["Succeeded", "Failed"])
    def test_stands(self, ended: str) -> None:
        judged = after(STARTED, step(STARTED, tasks(a=ended, b="Succeeded")))
        assert step(judged, tasks(a="Failed", b="Failed"), revisions=["rs-1", "rs-2"]) == Step()
        assert step(judged, {}) == Step()


class TestTasksThatVanish:
    def test_after_their_verdict_was_taken_over_are_not_run_again(self) -> None:
        half = after(STARTED, step(STARTED, tasks(a="Succeeded", b="Progressing")))
        result = step(half, tasks(b="Succeeded"))
        assert (result.create, result.verdict) == ((), State.SUCCEEDED)

    def test_before_their_verdict_are_made_again(self) -> None:
        assert step(STARTED, tasks(b="Progressing")).create == (("a", name("a")),)

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
        assert step(settled, known, now=LATER).fields is None

    def test_a_task_without_an_end_time_does_not_change_the_status_each_second(self) -> None:
        odd = tasks(b="Progressing") | {name("a"): task(name("a")).owned_by(NEW).status("Succeeded").view}
        settled = after(STARTED, step(STARTED, odd))
        assert step(settled, odd, now=LATER).fields is None

    def test_a_revision_that_joins_is_listed_once(self) -> None:
        known = tasks(a="Progressing", b="Progressing")
        joined = step(STARTED, known, revisions=["rs-2", "rs-1"])
        assert fields(joined) == {"revisions": ["rs-1", "rs-2"]}
        assert step(after(STARTED, joined), known, revisions=["rs-2"]).fields is None


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
        assert step(current, known, definitions, now=LATER).fields is None
        if result.verdict is State.SUCCEEDED:
            assert passed == {"a", "b"}
            assert not evaluated


def test_each_version_has_its_own_task_for_a_definition() -> None:
    other: VersionBuilder = version("web-web-1.0").with_uid("other")
    assert task_name(other.view, "a") != name("a")
    assert name("a").startswith("pre-a-")
