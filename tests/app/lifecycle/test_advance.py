import pytest

from app.api.evaluation import Evaluation
from app.lifecycle import advance
from app.lifecycle.advance import Child, Judgement, Seen, Step, child_name
from app.lifecycle.phases import WORKLOAD_PHASES, WORKLOAD_PRE_EVALUATIONS, WORKLOAD_PRE_TASKS, Phase
from app.lifecycle.states import State
from tests.builders import START, VersionBuilder, task, version

NOW = "2026-01-01T00:01:00Z"
NEW = version("web-web-1.0").checks("a")
DEFINED = Seen(task_definitions=("a",))
NAME = child_name(NEW.view, WORKLOAD_PRE_TASKS, "a")


def step(of: VersionBuilder, seen: Seen = DEFINED, **more: object) -> Step:
    def closed(phase: Phase) -> Judgement | None:
        return None

    carrier = (lambda phase: {"traceparent": f"00-{phase.name}"}) if more.get("traced") else (lambda phase: {})
    return advance.advance(of.view, WORKLOAD_PHASES, WORKLOAD_PHASES, seen, closed, NOW, blocking=True, carrier=carrier)


def test_stops_before_a_phase_that_may_not_begin() -> None:
    result = step(NEW, Seen({NAME: Child("Succeeded", NOW)}, ("a",)))
    assert result.fields["currentPhase"] == "WorkloadPreDeployEvaluations"
    assert "deploymentStatus" not in result.fields
    assert result.verdict is None


def test_notes_the_trace_of_each_phase_once() -> None:
    result = step(NEW, traced=True)
    assert result.fields["phaseTraceIDs"] == {"WorkloadPreDeployTasks": {"traceparent": "00-WorkloadPreDeployTasks"}}
    known = NEW.status(**result.fields)
    assert "phaseTraceIDs" not in step(known, traced=True).fields
    assert "phaseTraceIDs" not in step(NEW).fields


class TestWhatKeptnMade:
    ITEM = {"definitionName": "a", "name": "pre-a-34567", "status": "Progressing", "startTime": START}
    BEGUN = NEW.status(
        currentPhase="WorkloadPreDeployTasks", preDeploymentTaskStatus=[ITEM], preDeploymentStatus="Progressing"
    )

    def test_goes_on_under_its_own_name(self) -> None:
        result = step(self.BEGUN, Seen({"pre-a-34567": Child("Succeeded", NOW)}, ("a",)))
        assert not result.create
        assert result.fields["preDeploymentTaskStatus"] == [{**self.ITEM, "status": "Succeeded", "endTime": NOW}]

    def test_and_is_gone_is_made_again_under_ours(self) -> None:
        result = step(self.BEGUN)
        assert [each.name for each in result.create] == [NAME]
        assert result.fields["preDeploymentTaskStatus"][0]["name"] == NAME


@pytest.mark.parametrize(
    "ended", [version("v").failed(), version("v").superseded(), version("v").status(status="Deprecated")]
)
def test_nothing_moves_in_what_has_ended(ended: VersionBuilder) -> None:
    assert step(ended.checks("a")) == Step()
    assert advance.superseded(ended.view, WORKLOAD_PHASES, NOW) == {}


def test_what_is_overtaken_keeps_what_has_ended() -> None:
    half = NEW.status(currentPhase="WorkloadPreDeployEvaluations", preDeploymentStatus="Succeeded")
    assert advance.superseded(half.view, WORKLOAD_PHASES, NOW) == {
        "preDeploymentEvaluationStatus": "Deprecated",
        "deploymentStatus": "Deprecated",
        "postDeploymentStatus": "Deprecated",
        "postDeploymentEvaluationStatus": "Deprecated",
        "status": "Failed",
        "endTime": NOW,
    }


def test_a_child_is_a_task_or_an_evaluation() -> None:
    assert Child.of(task("t").status("Failed", endTime=NOW).view) == Child("Failed", NOW)
    measured = Evaluation.model_validate(
        {"spec": {"evaluationDefinition": "e"}, "status": {"overallStatus": "Succeeded", "endTime": NOW}}
    )
    assert Child.of(measured) == Child("Succeeded", NOW)


def test_one_definition_as_task_and_as_evaluation_has_two_names() -> None:
    assert child_name(NEW.view, WORKLOAD_PRE_EVALUATIONS, "a") != NAME
    assert Seen(evaluation_definitions=("a",)).defined(WORKLOAD_PRE_EVALUATIONS, "a")
    assert not Seen(evaluation_definitions=("a",)).defined(WORKLOAD_PRE_TASKS, "a")


def test_a_state_that_is_none_of_ours_is_no_end() -> None:
    result = step(NEW, Seen({NAME: Child("Done")}, ("a",)))
    assert result.fields["preDeploymentStatus"] == State.PROGRESSING
