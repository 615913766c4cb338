from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.evaluation import Evaluation
from app.lifecycle import explain
from app.lifecycle.apps import AppGate
from app.lifecycle.explain import Around, Hold, HoldState
from tests.builders import TaskBuilder, VersionBuilder, app, app_version, task, version

SINCE = "2026-01-01T00:00:05Z"
STARTED = version("web-web-1.0").checks("check").status(startTime=SINCE)


def item(name: str, state: str = "Progressing") -> dict[str, Any]:
    return {"definitionName": name, "name": f"pre-{name}-1", "status": state}


def running(*names: str, state: str = "Progressing") -> VersionBuilder:
    items = [item(name, state) for name in names]
    return STARTED.checks(*names).status(preDeploymentTaskStatus=items)


def failed(*names: str) -> VersionBuilder:
    return running(*names, state="Failed").failed()


def attempts(count: int, lines: str = "", **last: Any) -> list[dict[str, Any]]:
    made = [{"number": n, "podName": f"p{n}", "status": "Failed"} for n in range(1, count + 1)]
    made[-1] |= {"lastLines": lines, **last}
    return made


def a_task(name: str, state: str, **fields: Any) -> TaskBuilder:
    return task(f"pre-{name}-1").status(state, **fields)


OPEN = AppGate(True, False, None, "")


def around(
    *tasks: TaskBuilder,
    missing: tuple[str, ...] = (),
    kind: str = "Deployment",
    app: AppGate = OPEN,
    evaluations: Sequence[Evaluation] = (),
    missing_evaluations: tuple[str, ...] = (),
) -> Around:
    return Around(
        tasks={t.name: t.view for t in tasks},
        evaluations={each.metadata.name: each for each in evaluations},
        missing_tasks=missing,
        missing_evaluations=missing_evaluations,
        app=app,
        installation="keptn-system",
        kind=kind,
        name="web",
    )


def held(of: VersionBuilder, *tasks: TaskBuilder, **more: Any) -> Hold:
    found = explain.hold(of.view, around(*tasks, **more))
    assert found is not None
    return found


def evaluation(name: str, state: str, message: str = "", tries: int = 1) -> Evaluation:
    objective = {"cpu": {"value": "3", "status": state, "message": message}} if message else {}
    return Evaluation.model_validate(
        {
            "metadata": {"name": f"pre-eval-{name}-1", "namespace": "shop"},
            "spec": {"evaluationDefinition": name},
            "status": {"overallStatus": "Progressing", "retryCount": tries, "evaluationStatus": objective},
        }
    )


def test_nothing_is_held_after_a_pass() -> None:
    assert explain.hold(running("check").passed().view, around()) is None


class TestRunning:
    def test_names_the_check_and_since_when(self) -> None:
        hold = held(running("check"), a_task("check", "Progressing"))
        assert (hold.state, hold.since) == (HoldState.RUNNING, SINCE)
        assert hold.message == (
            f"Holdfast: held since {SINCE}: pre-deployment task check is running (KeptnTask pre-check-1)."
        )

    def test_counts_failed_attempts(self) -> None:
        one = held(running("check"), a_task("check", "Progressing", attempts=attempts(1))).message
        two = held(running("check"), a_task("check", "Progressing", attempts=attempts(2))).message
        assert "is running after 1 failed attempt (" in one
        assert "is running after 2 failed attempts (" in two

    def test_says_that_the_cluster_ended_a_pod_and_does_not_count_it(self) -> None:
        drained = attempts(2, disrupted=True, reason="EvictionByEvictionAPI")
        said = held(running("check"), a_task("check", "Progressing", attempts=drained)).message
        assert "is running after 1 failed attempt (KeptnTask pre-check-1)" in said
        assert said.endswith("; the cluster ended its last pod (EvictionByEvictionAPI), which does not count.")

    def test_goes_on_between_two_attempts(self) -> None:
        failed = a_task("check", "Progressing", reason="BackOff", message="attempt 1 failed; the next one at 00:01")
        hold = held(running("check"), failed)
        assert hold.state is HoldState.RUNNING
        assert hold.message.endswith("is tried again (KeptnTask pre-check-1): attempt 1 failed; the next one at 00:01.")

    def test_leaves_out_what_has_ended(self) -> None:
        both = running("a", "b")
        assert " task a " not in held(both, a_task("a", "Succeeded"), a_task("b", "Progressing")).message

    def test_says_nothing_between_the_last_tasks_verdict_and_its_own(self) -> None:
        ended = around(a_task("a", "Succeeded"), a_task("b", "Failed"))
        assert explain.hold(running("a", "b").view, ended) is None

    def test_is_starting_while_one_of_its_tasks_is_not_made_yet(self) -> None:
        one = running("a").checks("a", "b")
        assert held(one, a_task("a", "Succeeded")).message.endswith("checks are starting.")

    def test_says_something_before_there_are_tasks(self) -> None:
        assert held(STARTED).message == f"Holdfast: held since {SINCE}: checks are starting."


class TestWaiting:
    def test_for_a_definition_names_it_and_both_places(self) -> None:
        hold = held(STARTED, missing=("a", "b"))
        assert hold.state is HoldState.WAITING
        assert "there is no KeptnTaskDefinition a, b in namespace shop or keptn-system. Create it" in hold.message

    def test_is_what_a_check_does_that_cannot_start(self) -> None:
        stuck = a_task("check", "Progressing", reason="ErrImagePull", message="image:1: not found")
        hold = held(running("check"), stuck)
        assert hold.state is HoldState.WAITING
        assert "check cannot start: ErrImagePull: image:1: not found." in hold.message

    def test_is_what_a_check_does_that_could_not_be_made(self) -> None:
        hold = held(running("check"))
        assert hold.state is HoldState.WAITING
        assert "check could not be made (see the events of KeptnWorkloadVersion web-web-1.0)" in hold.message

    def test_for_an_evaluations_definition_says_of_which_kind_it_is(self) -> None:
        message = held(STARTED, missing_evaluations=("slo",)).message
        assert "there is no KeptnEvaluationDefinition slo in namespace shop or keptn-system. Create it" in message


class TestEvaluations:
    ITEM: ClassVar[dict[str, Any]] = {"definitionName": "slo", "name": "pre-eval-slo-1"}
    ASKED = STARTED.evaluations("slo").status(
        preDeploymentStatus="Succeeded", currentPhase="WorkloadPreDeployEvaluations"
    )

    def test_that_run_say_what_is_not_met_yet(self) -> None:
        of = self.ASKED.status(preDeploymentEvaluationTaskStatus=[{**self.ITEM, "status": "Progressing"}])
        hold = held(of, evaluations=[evaluation("slo", "Failed", "3 is not below 2", tries=2)])
        assert hold.state is HoldState.RUNNING
        assert (
            "evaluation slo is running (KeptnEvaluation pre-eval-slo-1, 2 tries): cpu: 3 is not below 2."
            in hold.message
        )

    def test_that_failed_say_what_was_not_met(self) -> None:
        of = self.ASKED.status(
            preDeploymentEvaluationTaskStatus=[{**self.ITEM, "status": "Failed"}],
            preDeploymentEvaluationStatus="Failed",
        )
        hold = held(of, evaluations=[evaluation("slo", "Failed", "3 is not below 2")])
        assert hold.state is HoldState.FAILED
        assert "evaluation slo failed (KeptnEvaluation pre-eval-slo-1): cpu: 3 is not below 2." in hold.message
        assert explain.STAY_HELD in hold.message


class TestTheApp:
    CHECKED = running("check", state="Succeeded").checked()

    def test_is_waited_for_after_the_workloads_own_checks(self) -> None:
        gate = AppGate(False, False, None, "KeptnApp shop/web is not there yet.")
        hold = held(self.CHECKED, app=gate)
        assert (hold.state, hold.message) == (
            HoldState.WAITING,
            f"Holdfast: held since {SINCE}: KeptnApp shop/web is not there yet.",
        )

    def test_that_runs_its_checks_holds_the_deadline_off(self) -> None:
        of = app_version(app("web")).view
        assert held(self.CHECKED, app=AppGate(False, False, of, "its task runs")).state is HoldState.RUNNING

    def test_that_failed_fails_the_rollout_even_while_own_checks_run(self) -> None:
        gate = AppGate(False, True, app_version(app("web")).view, "KeptnAppVersion web-1 has failed: it is late.")
        hold = held(running("check"), a_task("check", "Progressing"), app=gate)
        assert hold.state is HoldState.FAILED
        assert hold.message == f"Holdfast: {gate.message} {explain.STAY_HELD}"

    def test_that_has_opened_is_not_spoken_of(self) -> None:
        assert explain.hold(self.CHECKED.view, around()) is None


class TestFailed:
    def test_names_the_check_its_last_words_and_what_to_do(self) -> None:
        bad = a_task("check", "Failed", reason="BackoffLimitExceeded", attempts=attempts(3, "no route to db"))
        hold = held(failed("check"), bad)
        assert hold.state is HoldState.FAILED
        assert hold.message == (
            "Holdfast: pre-deployment task check failed (KeptnTask pre-check-1, BackoffLimitExceeded, 3 attempts). "
            'It printed: "no route to db". The pods stay held. Mend the cause, then roll out again (kubectl rollout '
            "restart), or try this revision again: "
            "kubectl -n shop annotate deployment web --overwrite keptn.sh/retry=$(date +%s)"
        )

    def test_without_output_tells_the_exit_code(self) -> None:
        bad = a_task("check", "Failed", attempts=attempts(1, exitCode=137, reason="OOMKilled"))
        assert (
            "It ended with exit code 137 (OOMKilled); no output of it was kept." in held(failed("check"), bad).message
        )

    def test_without_any_attempt_tells_the_reason(self) -> None:
        bad = a_task("check", "Failed", reason="JobInvalid", message="spec.template: bad")
        assert "(KeptnTask pre-check-1, JobInvalid): spec.template: bad. The pods" in held(failed("check"), bad).message

    def test_can_be_told_when_the_task_is_gone(self) -> None:
        assert "task check failed (KeptnTask pre-check-1). The pods" in held(failed("check")).message

    def test_names_only_those_that_failed(self) -> None:
        mixed = STARTED.failed().status(preDeploymentTaskStatus=[item("good", "Succeeded"), item("bad", "Failed")])
        assert "good" not in held(mixed).message

    def test_counts_attempts_that_are_not_kept_any_more(self) -> None:
        many = [{"number": n, "podName": f"p{n}", "status": "Failed"} for n in range(6, 31)]
        assert ", 30 attempts)" in held(failed("check"), a_task("check", "Failed", attempts=many)).message

    def test_is_told_from_all_else_by_three_words(self) -> None:
        stuck = a_task("check", "Progressing", reason="ErrImagePull", message="failed to pull and unpack")
        assert explain.STAY_HELD in held(failed("check")).message
        assert explain.STAY_HELD not in held(running("check"), stuck).message

    @pytest.mark.parametrize(
        ("kind", "advice"),
        [
            ("Deployment", "kubectl rollout restart"),
            ("DaemonSet", "kubectl rollout restart"),
            ("StatefulSet", "delete the held pod"),
            ("ReplicaSet", "annotate replicaset web"),
        ],
    )
    def test_advises_what_works_for_that_kind(self, kind: str, advice: str) -> None:
        message = held(failed("check"), kind=kind).message
        assert advice in message
        assert f"kubectl -n shop annotate {kind.lower()} web --overwrite keptn.sh/retry=$(date +%s)" in message


printed = st.one_of(st.text(max_size=3000), st.text(alphabet="äß🚀\n", min_size=200, max_size=2048))


@given(printed, printed)
def test_however_much_two_checks_print_the_advice_is_in_the_event(one: str, two: str) -> None:
    bad = [a_task(name, "Failed", attempts=attempts(11, said)) for name, said in (("a" * 40, one), ("b" * 40, two))]
    message = held(failed("a" * 40, "b" * 40), *bad).message
    assert len(message.encode()) <= 1024
    assert message.endswith("keptn.sh/retry=$(date +%s)")
    assert message.count(" failed (KeptnTask ") == 2


@given(st.text(min_size=1, max_size=3000))
def test_whatever_a_kubelet_says_fits_into_an_event(said: str) -> None:
    stuck = a_task("check", "Progressing", reason="ErrImagePull", message=said)
    assert len(held(running("check"), stuck).message.encode()) <= 1024
