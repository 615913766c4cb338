from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.core import Deployment
from app.lifecycle.explain import STAY_HELD, Hold, HoldState
from app.lifecycle.rollouts import Change, next_change, seconds_since
from tests.builders import START, DeploymentBuilder, deployment, merged

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SAID = f"Holdfast: pre-deployment task check failed. {STAY_HELD} Mend it."
RUNNING = Hold(HoldState.RUNNING, START, "Holdfast: check is running")
WAITING = Hold(HoldState.WAITING, START, "Holdfast: check cannot start: failed to pull")
FAILED = Hold(HoldState.FAILED, START, SAID)
WEB = deployment("web")
TIMED_OUT = WEB.progressing("False", "ProgressDeadlineExceeded", 'ReplicaSet "web-1" has timed out progressing.')


def change(of: DeploymentBuilder, hold: Hold | None, after: float) -> Change:
    return next_change(of.view, hold, BEGAN + timedelta(seconds=after))


def condition(of: DeploymentBuilder, hold: Hold, after: float) -> dict[str, str]:
    patch = change(of, hold, after).patch
    assert patch is not None
    (written,) = patch["status"]["conditions"]
    result: dict[str, str] = written
    return result


def patched(of: DeploymentBuilder, result: Change) -> DeploymentBuilder:
    return of.changed(result.patch) if result.patch else of


@pytest.mark.parametrize("hold", [RUNNING, WAITING, FAILED])
def test_a_deployment_that_has_no_such_condition_or_goes_away_is_left_alone(hold: Hold) -> None:
    bare = WEB.changed({"status": {"conditions": [{"type": "Available", "status": "True"}]}})
    assert change(bare, hold, 60) == Change()
    assert change(WEB.deleting(), hold, 60) == Change()


def test_a_rollout_that_is_not_held_is_left_alone() -> None:
    assert change(TIMED_OUT, None, 60) == Change()


class TestAFailedCheck:
    def test_fails_the_rollout_at_once(self) -> None:
        assert condition(WEB, FAILED, 1) == {
            "type": "Progressing",
            "status": "False",
            "reason": "ProgressDeadlineExceeded",
            "message": SAID,
            "lastUpdateTime": "2026-01-01T00:00:01Z",
            "lastTransitionTime": "2026-01-01T00:00:01Z",
        }

    def test_explains_a_rollout_that_has_timed_out_by_itself(self) -> None:
        written = condition(TIMED_OUT, FAILED, 900)
        assert (written["message"], written["lastTransitionTime"]) == (SAID, START)

    def test_says_so_once(self) -> None:
        assert change(patched(WEB, change(WEB, FAILED, 1)), FAILED, 2) == Change()


class TestARunningCheck:
    def test_that_is_quick_costs_no_write(self) -> None:
        assert change(WEB, RUNNING, 2) == Change(look_again=3.0)

    def test_is_named_after_a_while(self) -> None:
        written = condition(WEB, RUNNING, 5)
        assert (written["status"], written["reason"]) == ("True", "ReplicaSetUpdated")
        assert written["message"] == RUNNING.message

    def test_refreshes_the_condition_before_half_the_deadline_is_over(self) -> None:
        named = patched(WEB, change(WEB, RUNNING, 5))
        assert change(named, RUNNING, 100) == Change(look_again=205.0)
        assert condition(named, RUNNING, 305)["lastUpdateTime"] == "2026-01-01T00:05:05Z"

    def test_is_heard_in_time_even_with_a_hasty_deadline(self) -> None:
        hasty = WEB.deadline(4)
        assert change(hasty, RUNNING, 1) == Change(look_again=1.0)
        assert change(hasty, RUNNING, 2).patch is not None

    @pytest.mark.parametrize("deadline", [None, 2**31 - 1])
    def test_needs_no_refreshing_without_a_deadline(self, deadline: int | None) -> None:
        endless = WEB.deadline(deadline)
        assert change(patched(endless, change(endless, RUNNING, 5)), RUNNING, 5000) == Change()

    def test_takes_back_a_failure(self) -> None:
        for failed in (TIMED_OUT, WEB.progressing("False", "ProgressDeadlineExceeded", SAID)):
            written = condition(failed, RUNNING, 1)
            assert (written["status"], written["reason"]) == ("True", "ReplicaSetUpdated")
            assert written["lastTransitionTime"] == "2026-01-01T00:00:01Z"


class TestACheckThatCannotStart:
    def test_is_named_but_does_not_hold_the_deadline_off(self) -> None:
        written = condition(WEB, WAITING, 10)
        assert (written["message"], written["lastUpdateTime"]) == (WAITING.message, START)
        assert change(patched(WEB, change(WEB, WAITING, 10)), WAITING, 5000) == Change()

    def test_leaves_the_rollout_failed_and_says_why_once(self) -> None:
        written = condition(TIMED_OUT, WAITING, 700)
        assert (written["status"], written["reason"]) == ("False", "ProgressDeadlineExceeded")
        told = patched(TIMED_OUT, change(TIMED_OUT, WAITING, 700))
        assert change(told, WAITING, 701) == Change()

    def test_takes_back_the_failure_of_an_earlier_try(self) -> None:
        failed = WEB.progressing("False", "ProgressDeadlineExceeded", SAID)
        assert condition(failed, WAITING, 1)["status"] == "True"


# The Deployment controller's part: it fails a rollout whose condition is older than the deadline, and writes its own
# message only when it changes status or reason.


def controlled(of: Deployment, now: datetime) -> Deployment:
    (current,) = of.status.conditions
    deadline = of.spec.progress_deadline_seconds or 0
    if current.status == "True" and seconds_since(current.last_update_time or "", now) > deadline:
        stamp = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        timed_out = current.model_copy(
            update={
                "status": "False",
                "reason": "ProgressDeadlineExceeded",
                "message": "timed out",
                "last_update_time": stamp,
            }
        )
        return of.model_copy(update={"status": of.status.model_copy(update={"conditions": (timed_out,)})})
    return of


@given(st.lists(st.tuples(st.sampled_from([RUNNING, WAITING, FAILED]), st.integers(1, 2000)), max_size=12))
def test_it_never_comes_to_a_fight_with_the_deployments_controller(phases: list[tuple[Hold, int]]) -> None:
    raw, now = WEB.raw, BEGAN
    for hold, seconds in phases:
        end = now + timedelta(seconds=seconds)
        writes = 0
        while now <= end:
            current = controlled(Deployment.model_validate(raw), now)
            raw = merged(raw, {"status": {"conditions": [c.dump() for c in current.status.conditions]}})
            result = next_change(current, hold, now)
            if result.patch:
                writes += 1
                raw = merged(raw, result.patch)
                again = next_change(Deployment.model_validate(raw), hold, now)
                assert again.patch is None
            now += timedelta(seconds=max(1.0, result.look_again or 60.0))
        assert writes <= 3 + seconds / 300
        (condition_,) = raw["status"]["conditions"]
        if hold is FAILED:
            assert (condition_["status"], condition_["message"]) == ("False", SAID)
        if hold is RUNNING and seconds > 5:
            assert condition_["status"] == "True"


def test_no_time_is_infinitely_long_ago() -> None:
    assert seconds_since("", BEGAN) == float("inf")
    assert seconds_since("2025-12-31T23:59:00Z", BEGAN) == 60.0
