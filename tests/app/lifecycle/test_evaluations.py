from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.lifecycle import durations, phases
from app.lifecycle.conditions import with_conditions
from app.lifecycle.evaluations import (
    Measure,
    Nothing,
    Reading,
    Step,
    Wait,
    WriteStatus,
    attempts,
    body,
    interval,
    judge,
    next_step,
)
from app.lifecycle.states import State
from tests.builders import Json, evaluation, evaluation_definition, merged, version

NOW = datetime(2026, 1, 1, 12, 0, 0, 250_000, UTC)
STAMP = "2026-01-01T12:00:00Z"
SLO = evaluation_definition("slo").objective("latency", "<10").objective("errors", "==0")
NEW = evaluation("post-eval-slo-1")
GOOD = {"latency": Reading("5"), "errors": Reading("0")}
BAD = {"latency": Reading("50"), "errors": Reading("0")}


def written(before: Evaluation, step: WriteStatus) -> Evaluation:
    """The evaluation once the step's fields have been merged into its status."""
    after: Json = merged(before.dump(), {"status": step.fields})
    results = after["status"]["evaluationStatus"]
    after["status"]["evaluationStatus"] = {key: value for key, value in results.items() if value is not None}
    return Evaluation.model_validate(after)


def judged(of: Evaluation, readings: dict[str, Reading], now: datetime = NOW) -> WriteStatus:
    return judge(of, SLO.view, readings, began=now, now=now)


def lived(retries: int, *readings: dict[str, Reading]) -> Evaluation:
    """An evaluation after these attempts, each when it was due."""
    now, of = NOW, NEW.spec(retries=retries, retryInterval="5s").view
    for each in readings:
        step = next_step(of, SLO.view, now)
        assert isinstance(step, Measure)
        of = written(of, judged(of, {key: each[key] for key in step.objectives}, now))
        now += timedelta(seconds=5)
    return of


def ends(step: Step) -> State | None:
    assert isinstance(step, WriteStatus)
    return step.verdict


class TestANewEvaluation:
    def test_asks_all_objectives_at_once(self) -> None:
        assert next_step(NEW.view, SLO.view, NOW) == Measure(dict(zip(GOOD, SLO.view.spec.objectives, strict=True)))

    def test_succeeds_with_one_write_if_all_are_met(self) -> None:
        step = judged(NEW.view, GOOD)
        assert step.verdict is State.SUCCEEDED
        assert step.fields == {
            "retryCount": 1,
            "overallStatus": "Succeeded",
            "evaluationStatus": {
                "latency": {"value": "5", "status": "Succeeded", "message": "value '5' met objective '<10'"},
                "errors": {"value": "0", "status": "Succeeded", "message": "value '0' met objective '==0'"},
            },
            "startTime": STAMP,
            "endTime": STAMP,
            "lastAttemptTime": "2026-01-01T12:00:00.250000Z",
        }

    def test_goes_on_if_one_is_not_met(self) -> None:
        step = judged(NEW.view, BAD)
        assert (step.verdict, step.fields["overallStatus"], step.fields["retryCount"]) == (None, "Progressing", 1)
        assert step.message == "attempt 1 of 10: latency: value '50' did not meet objective '<10'"
        assert "endTime" not in step.fields

    def test_without_objectives_has_nothing_against_it(self) -> None:
        empty = evaluation_definition("slo").view
        assert next_step(NEW.view, empty, NOW) == Measure({})
        assert judge(NEW.view, empty, {}, began=NOW, now=NOW).verdict is State.SUCCEEDED

    def test_that_is_being_deleted_does_nothing(self) -> None:
        assert next_step(NEW.deleting().view, SLO.view, NOW) == Nothing()

    def test_says_what_kept_a_metric_from_being_read_and_what_there_is_to_a_value(self) -> None:
        readings = {"latency": Reading(problem="nobody there"), "errors": Reading("0", note="last updated 1h0m0s ago")}
        results = judged(NEW.view, readings).fields["evaluationStatus"]
        assert results["latency"] == {"value": "", "status": "Failed", "message": "nobody there"}
        assert results["errors"]["message"] == "value '0' met objective '==0' (last updated 1h0m0s ago)"

    def test_began_before_its_metrics_answered_and_counts_the_interval_from_after(self) -> None:
        step = judge(NEW.view, SLO.view, BAD, began=NOW, now=NOW + timedelta(seconds=9))
        assert step.fields["startTime"] == STAMP
        after = written(NEW.view, step)
        assert next_step(after, SLO.view, NOW + timedelta(seconds=9)) == Wait(5.0)


class TestTwoObjectivesOnOneMetric:
    RANGE = evaluation_definition("slo").objective("latency", ">1").objective("latency", "<10")

    @pytest.mark.parametrize(
        ("value", "verdict"), [("0.5", None), ("5", State.SUCCEEDED), ("50", None), ("1", None), ("10", None)]
    )
    def test_both_count(self, value: str, verdict: State | None) -> None:
        readings = {"latency >1": Reading(value), "latency <10": Reading(value)}
        assert judge(NEW.view, self.RANGE.view, readings, began=NOW, now=NOW).verdict is verdict

    def test_the_one_that_failed_is_not_taken_for_the_other_on_the_second_attempt(self) -> None:
        definition, readings = self.RANGE.view, {"latency >1": Reading("50"), "latency <10": Reading("50")}
        after = written(NEW.view, judge(NEW.view, definition, readings, began=NOW, now=NOW))
        step = next_step(after, definition, NOW + timedelta(seconds=5))
        assert isinstance(step, Measure)
        assert list(step.objectives) == ["latency <10"]
        again = judge(after, definition, {"latency <10": Reading("50")}, began=NOW, now=NOW)
        assert again.verdict is None


class TestAttempts:
    @pytest.mark.parametrize(("retries", "expected"), [(10, 10), (1, 1), (0, 1), (-3, 1)])
    def test_are_as_many_as_retries_in_all_and_at_least_one(self, retries: int, expected: int) -> None:
        assert attempts(retries) == expected

    @pytest.mark.parametrize("retries", [0, 1, 2, 7])
    def test_end_with_the_last_one_allowed(self, retries: int) -> None:
        allowed = max(retries, 1)
        before = lived(retries, *[BAD] * (allowed - 1))
        assert before.status.overall_status == ("Pending" if allowed == 1 else "Progressing")
        after = lived(retries, *[BAD] * allowed)
        assert (after.status.overall_status, after.status.retry_count) == ("Failed", allowed)
        assert after.status.end_time

    @pytest.mark.parametrize("retries", [0, 1, 3])
    def test_a_success_on_the_last_one_stays_for_ever(self, retries: int) -> None:
        after = lived(retries, *[BAD] * (max(retries, 1) - 1), GOOD)
        assert (after.status.overall_status, after.status.retry_count) == ("Succeeded", max(retries, 1))
        for later in (0, 5, 5000):
            assert next_step(after, SLO.view, NOW + timedelta(seconds=later)) == Nothing()
        assert next_step(after, None, NOW) == Nothing()
        assert next_step(after, SLO.view, NOW, superseded=True) == Nothing()

    def test_a_failure_stays_for_ever(self) -> None:
        after = lived(1, BAD)
        assert next_step(after, SLO.view, NOW + timedelta(days=1)) == Nothing()

    @pytest.mark.parametrize("state", ["Succeeded", "Failed", "Deprecated", "Warning"])
    def test_none_is_made_of_what_has_ended(self, state: str) -> None:
        assert next_step(NEW.status(state).view, SLO.view, NOW) == Nothing()

    def test_an_objective_that_succeeded_is_not_asked_again(self) -> None:
        after = lived(3, BAD)
        step = next_step(after, SLO.view, NOW + timedelta(seconds=5))
        assert isinstance(step, Measure)
        assert list(step.objectives) == ["latency"]
        assert judged(after, {"latency": Reading("5")}).verdict is State.SUCCEEDED

    def test_that_keptn_has_used_up_end_it(self) -> None:
        keptn = NEW.spec(retries=3).status("Progressing", retryCount=3, evaluationStatus={}).view
        step = next_step(keptn, SLO.view, NOW)
        assert ends(step) is State.FAILED
        assert written(keptn, step).status.end_time == STAMP  # type: ignore[arg-type]

    def test_that_keptn_has_left_open_go_on(self) -> None:
        result = {"latency": {"value": "5", "status": "Succeeded"}, "errors": {"value": "1", "status": "Failed"}}
        keptn = NEW.status("Progressing", retryCount=4, evaluationStatus=result, startTime=STAMP).view
        step = next_step(keptn, SLO.view, NOW)
        assert isinstance(step, Measure)
        assert list(step.objectives) == ["errors"]
        assert judged(keptn, {"errors": Reading("0")}).fields["retryCount"] == 5

    @given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 12))
    def test_any_course_ends_once_and_with_the_right_verdict(self, course: list[bool], retries: int) -> None:
        now, of = NOW, NEW.spec(retries=retries, retryInterval="5s").view
        asked, verdicts = 0, []
        for good in course:
            step = next_step(of, SLO.view, now)
            if isinstance(step, Measure):
                asked += 1
                made = judged(of, {key: (GOOD if good else BAD)[key] for key in step.objectives}, now)
                verdicts += [made.verdict] if made.verdict else []
                of = written(of, made)
            else:
                assert step == Nothing()
            now += timedelta(seconds=5)
        first_good = course.index(True) + 1 if True in course else len(course) + 1
        allowed = max(retries, 1)
        assert asked == min(first_good, allowed, len(course))
        expected = State.SUCCEEDED if first_good <= allowed else State.FAILED
        assert verdicts == ([expected] if min(first_good, allowed) <= len(course) else [])


class TestTheInterval:
    def test_is_waited_for_from_the_last_attempt_on(self) -> None:
        after = lived(3, BAD)
        assert next_step(after, SLO.view, NOW + timedelta(seconds=2)) == Wait(3.0)
        assert isinstance(next_step(after, SLO.view, NOW + timedelta(seconds=5)), Measure)

    def test_is_never_waited_for_twice_whatever_the_clock_says(self) -> None:
        after = lived(3, BAD)
        assert next_step(after, SLO.view, NOW - timedelta(hours=1)) == Wait(5.0)

    @pytest.mark.parametrize(
        ("text", "seconds"), [("5s", 5), ("1m30s", 90), ("0s", 1), ("0", 1), ("10ms", 1), ("-5s", 1), ("abc5m", 5)]
    )
    def test_is_a_second_at_least_and_keptns_own_for_what_is_none(self, text: str, seconds: float) -> None:
        assert interval(text) == seconds


class TestAMissingDefinition:
    def test_is_said_once_and_costs_no_attempt(self) -> None:
        step = next_step(NEW.view, None, NOW)
        assert isinstance(step, WriteStatus)
        assert step.fields == {"overallStatus": "Pending", "retryCount": 0, "evaluationStatus": {}}
        assert "there is no KeptnEvaluationDefinition slo, neither in namespace shop" in step.message
        fields = with_conditions(
            NEW.view.status, step.fields, generation=1, now=STAMP, reason=step.reason, message=step.message
        )
        told = NEW.changed({"status": fields}).view
        assert next_step(told, None, NOW) == Nothing()
        assert isinstance(next_step(told, SLO.view, NOW), Measure)

    def test_in_the_middle_takes_nothing_back(self) -> None:
        before = lived(3, BAD)
        step = next_step(before, None, NOW)
        assert isinstance(step, WriteStatus)
        after = written(before, step)
        assert after.status.model_dump() == before.status.model_dump()


class TestAnEditOfTheDefinition:
    def test_takes_the_result_of_an_objective_that_is_gone_out_of_the_status(self) -> None:
        before = lived(3, BAD)
        fewer = evaluation_definition("slo").objective("latency", "<100").view
        step = judge(before, fewer, {"latency": Reading("50")}, began=NOW, now=NOW)
        assert step.verdict is State.SUCCEEDED
        assert list(written(before, step).status.evaluation_status) == ["latency"]

    def test_adds_an_objective_to_what_is_asked(self) -> None:
        step = next_step(lived(3, BAD), SLO.objective("cost", "<1").view, NOW + timedelta(seconds=5))
        assert isinstance(step, Measure)
        assert list(step.objectives) == ["latency", "cost"]


class TestSuperseded:
    @pytest.mark.parametrize("definition", [SLO.view, None])
    def test_ends_as_failed_wherever_it_is(self, definition: Any) -> None:
        for of in (NEW.view, lived(3, BAD)):
            step = next_step(of, definition, NOW, superseded=True)
            assert isinstance(step, WriteStatus)
            assert (step.verdict, step.reason) == (State.FAILED, "Superseded")
            assert written(of, step).status.retry_count == of.status.retry_count

    def test_says_what_was_not_met_by_then(self) -> None:
        step = next_step(lived(3, BAD), SLO.view, NOW, superseded=True)
        assert isinstance(step, WriteStatus)
        assert step.message == (
            "a newer version has taken over; latency: value '50' did not meet objective '<10'"
        )  # fmt: skip


class TestBody:
    SLO = evaluation_definition("slo").changed({"spec": {"retries": 0, "retryInterval": "1m"}})

    def test_for_a_workload(self) -> None:
        owner = version("web-web-1.0")
        made = body(
            "KeptnWorkloadVersion", owner.view, self.SLO.view, phases.WORKLOAD_POST_EVALUATIONS, "post-eval-slo-1"
        )
        assert made == {
            "apiVersion": "lifecycle.keptn.sh/v1",
            "kind": "KeptnEvaluation",
            "metadata": {
                "name": "post-eval-slo-1",
                "namespace": "shop",
                "ownerReferences": [
                    {
                        "apiVersion": "lifecycle.keptn.sh/v1",
                        "kind": "KeptnWorkloadVersion",
                        "name": "web-web-1.0",
                        "uid": "uid-web-web-1.0",
                        "controller": True,
                        "blockOwnerDeletion": True,
                    }
                ],
            },
            "spec": {
                "evaluationDefinition": "slo",
                "checkType": "post-eval",
                "retries": 0,
                "retryInterval": "1m0s",
                "appName": "web",
                "workload": "web-web",
                "workloadVersion": "1.0",
            },
        }

    def test_for_an_app(self) -> None:
        owner = AppVersion.model_validate(
            {"metadata": {"name": "shop-1-abc", "namespace": "shop"}, "spec": {"version": "1", "appName": "shop"}}
        )
        made = body("KeptnAppVersion", owner, self.SLO.view, phases.APP_PRE_EVALUATIONS, "pre-eval-slo-1")
        assert made["spec"] == {
            "evaluationDefinition": "slo",
            "checkType": "pre-eval",
            "retries": 0,
            "retryInterval": "1m0s",
            "appName": "shop",
            "appVersion": "1",
            "workloadVersion": "",
        }

    def test_of_a_definition_with_an_interval_that_is_none_is_refused(self) -> None:
        odd = self.SLO.changed({"spec": {"retryInterval": "abc5m"}}).view
        with pytest.raises(durations.DurationError):
            body("KeptnWorkloadVersion", version("v").view, odd, phases.WORKLOAD_PRE_EVALUATIONS, "x")
