import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lifecycle.states import COMPLETED, State, is_completed, overall

states = st.sampled_from(list(State))


@pytest.mark.parametrize(
    ("items", "expected", "state"),
    [
        ([], 0, "Succeeded"),
        (["Succeeded", "Succeeded"], 2, "Succeeded"),
        (["Succeeded"], 2, "Pending"),
        (["Succeeded", "Failed", "Progressing"], 3, "Failed"),
        (["Succeeded", "Deprecated"], 2, "Failed"),
        (["Pending", "Progressing", "Unknown"], 3, "Progressing"),
        (["Pending", "Unknown"], 2, "Pending"),
        (["", "Succeeded"], 2, "Pending"),
        (["Unknown", "Succeeded"], 2, "Unknown"),
    ],
)
def test_many_states_become_one(items: list[str], expected: int, state: str) -> None:
    assert overall(items, expected) == state


def test_a_state_that_nobody_knows_is_no_pass() -> None:
    assert overall(["Fine", "Succeeded"], 2) is State.UNKNOWN


@given(st.lists(st.one_of(states, st.just("")), max_size=6), st.integers(0, 8))
def test_only_as_many_passes_as_expected_are_a_pass(items: list[str], expected: int) -> None:
    passed = overall(items, expected) is State.SUCCEEDED
    assert passed == (len(items) == expected and all(item in ("Succeeded", "Warning") for item in items))


def test_pending_progressing_and_unknown_are_not_the_end() -> None:
    assert {state for state in State if is_completed(state)} == COMPLETED
    assert not is_completed("")
