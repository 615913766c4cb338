from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.app import AppVersionStatus
from app.api.condition import Condition
from app.api.evaluation import EvaluationStatus
from app.api.meta import Model
from app.api.task import TaskStatus
from app.api.workload import WorkloadVersionStatus
from app.lifecycle import conditions
from app.lifecycle.states import State

EARLIER = "2026-01-01T00:00:00Z"
NOW = "2026-01-01T00:01:00Z"


def made(state: str, known: tuple[Condition, ...] = (), **more: Any) -> dict[str, Condition]:
    arguments: dict[str, Any] = {"phase": "", "generation": 1, "now": NOW} | more
    return {each.type: each for each in conditions.of(state, known=known, **arguments)}


class TestTheConditions:
    @pytest.mark.parametrize(
        ("state", "statuses"),
        [
            ("", {"Ready": "False", "Progressing": "True"}),
            ("Pending", {"Ready": "False", "Progressing": "True"}),
            ("Progressing", {"Ready": "False", "Progressing": "True"}),
            ("Unknown", {"Ready": "False", "Progressing": "True"}),
            ("Succeeded", {"Ready": "True", "Progressing": "False"}),
            ("Warning", {"Ready": "True", "Progressing": "False"}),
            ("Failed", {"Ready": "False", "Progressing": "False", "Stalled": "True"}),
            ("Deprecated", {"Ready": "False", "Progressing": "False", "Stalled": "True"}),
        ],
    )
    def test_follow_from_the_state(self, state: str, statuses: dict[str, str]) -> None:
        assert {type_: each.status for type_, each in made(state).items()} == statuses

    @pytest.mark.parametrize(
        ("state", "phase", "reason", "words"),
        [
            ("Progressing", "WorkloadDeploy", "", ("WorkloadDeploy", "in phase WorkloadDeploy")),
            ("Progressing", "", "", ("Progressing", "")),
            ("", "", "", ("Pending", "")),
            ("Succeeded", "Completed", "", ("Succeeded", "")),
            ("Failed", "AppPreDeployTasks", "", ("Failed", "in phase AppPreDeployTasks")),
            ("Failed", "", "DeadlineExceeded", ("DeadlineExceeded", "")),
        ],
    )
    def test_say_why(self, state: str, phase: str, reason: str, words: tuple[str, str]) -> None:
        for each in made(state, phase=phase, reason=reason).values():
            assert (each.reason, each.message) == words

    def test_say_it_in_the_objects_own_words_if_it_has_some(self) -> None:
        ready = made("Failed", phase="WorkloadDeploy", reason="Superseded", message="0.5 took over")["Ready"]
        assert (ready.reason, ready.message) == ("Superseded", "0.5 took over")

    @given(st.sampled_from([*State, ""]), st.sampled_from([*State, ""]), st.text(), st.integers(1, 9))
    def test_change_their_time_only_with_their_status(self, old: str, new: str, message: str, generation: int) -> None:
        known = conditions.of(old, phase="", generation=1, now=EARLIER, known=())
        before = {each.type: each.status for each in known}
        for type_, each in made(new, known, message=message, generation=generation).items():
            assert each.last_transition_time == (EARLIER if before.get(type_) == each.status else NOW)
            assert each.observed_generation == generation

    def test_of_others_stay(self) -> None:
        theirs = Condition(type="Approved", status="True")
        assert made("Succeeded", (theirs,))["Approved"] == theirs

    @given(st.sampled_from([*State, ""]), st.text(max_size=5))
    def test_never_leave_a_reason_out(self, state: str, phase: str) -> None:
        assert all(each.reason for each in made(state, phase=phase).values())


class TestAStatusWrite:
    @pytest.mark.parametrize(
        ("status", "fields"),
        [
            (TaskStatus(), {"status": "Succeeded"}),
            (WorkloadVersionStatus(), {"status": "Succeeded"}),
            (AppVersionStatus(), {"status": "Succeeded"}),
            (EvaluationStatus(), {"overallStatus": "Succeeded"}),
        ],
    )
    def test_takes_its_conditions_along(self, status: Model, fields: dict[str, Any]) -> None:
        result = conditions.with_conditions(status, fields, generation=2, now=NOW)
        assert result["observedGeneration"] == 2
        assert [(each["type"], each["status"]) for each in result["conditions"]] == [
            ("Ready", "True"),
            ("Progressing", "False"),
        ]
        assert result.items() >= fields.items()

    def test_goes_by_what_the_status_has_where_it_changes_something_else(self) -> None:
        status = WorkloadVersionStatus(status="Failed", current_phase="WorkloadDeploy")
        result = conditions.with_conditions(status, {"revisions": ["a"]}, generation=1, now=NOW)
        assert result["conditions"][0]["message"] == "in phase WorkloadDeploy"

    def test_leaves_out_what_is_so_already(self) -> None:
        known = conditions.of("Progressing", phase="", generation=3, now=EARLIER, known=())
        status = TaskStatus(status="Progressing", conditions=known, observed_generation=3)
        fields = {"jobName": "j"}
        assert conditions.with_conditions(status, fields, generation=3, now=NOW) == fields

    def test_is_not_made_for_the_conditions_sake(self) -> None:
        assert conditions.with_conditions(TaskStatus(), {}, generation=1, now=NOW) == {}
        assert conditions.with_conditions(TaskStatus(status="Succeeded"), {}, generation=4, now=NOW) == {}

    def test_is_made_when_the_spec_has_changed_since_and_says_the_same_otherwise(self) -> None:
        known = conditions.of(
            "Failed", phase="", reason="JobInvalid", message="no", generation=1, now=EARLIER, known=()
        )
        status = TaskStatus(status="Failed", conditions=known, observed_generation=1)
        result = conditions.with_conditions(status, {}, generation=2, now=NOW)
        again = tuple(Condition.model_validate(each) for each in result.pop("conditions"))
        assert result == {"observedGeneration": 2}
        assert again == tuple(each.model_copy(update={"observed_generation": 2}) for each in known)

    @given(st.sampled_from(list(State)), st.sampled_from(list(State)), st.integers(1, 3))
    def test_twice_is_once(self, old: str, new: str, generation: int) -> None:
        status = TaskStatus(status=old)
        first = conditions.with_conditions(status, {"status": new}, generation=generation, now=NOW)
        after = TaskStatus.model_validate(status.dump() | first)
        assert conditions.with_conditions(after, {"status": new}, generation=generation, now="later") == {"status": new}
