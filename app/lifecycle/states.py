"""The states of tasks, phases and versions, and how many become one."""

from collections.abc import Iterable
from enum import StrEnum


class State(StrEnum):
    """Keptn's states, to the letter."""

    PENDING = "Pending"
    PROGRESSING = "Progressing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"
    DEPRECATED = "Deprecated"
    WARNING = "Warning"


COMPLETED = frozenset({State.SUCCEEDED, State.FAILED, State.DEPRECATED, State.WARNING})
_STATES = frozenset(State)
PASSED = frozenset({State.SUCCEEDED, State.WARNING})


def is_completed(state: str) -> bool:
    return state in COMPLETED


def overall(states: Iterable[str], expected: int) -> State:
    """The state of a phase from those of its items; `expected` is how many items there should be.

    An item without a state (its definition does not exist yet) keeps the phase Pending, so nothing passes by
    being absent; a state that is none of ours is Unknown. No items at all succeed. Source: keptn-behaviour 3.4.
    """
    seen = [state if state in _STATES else State.UNKNOWN for state in (state or State.PENDING for state in states)]
    if any(state in (State.FAILED, State.DEPRECATED) for state in seen):
        return State.FAILED
    for state in (State.PROGRESSING, State.PENDING, State.UNKNOWN):
        if state in seen:
            return state
    return State.SUCCEEDED if len(seen) == expected else State.PENDING
