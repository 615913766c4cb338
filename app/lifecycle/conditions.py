"""Conditions beside Keptn's own states, so that `kubectl wait`, Argo CD and Flux judge an object of ours rightly.

`Ready` and `Progressing` are always there. What has failed for good also has `Stalled`, since a `Ready` that is False
means to Flux (kstatus) that it has to wait on.
"""

from typing import Any

from app.api.condition import Condition
from app.api.meta import Model
from app.lifecycle.states import PASSED, State, is_completed

READY = "Ready"
PROGRESSING = "Progressing"
STALLED = "Stalled"
_OURS = frozenset({READY, PROGRESSING, STALLED})


def of(
    state: str,
    *,
    phase: str,
    reason: str = "",
    message: str = "",
    generation: int,
    now: str,
    known: tuple[Condition, ...],
) -> tuple[Condition, ...]:
    """The conditions of an object that is in `state`, and in `phase` if it has phases ("" if not).

    `reason` (one CamelCase word) and `message` are the object's own; without a reason the state or the phase is one.
    `generation` is that of the spec that was looked at, `now` is RFC 3339, `known` what the status has: a condition
    keeps the time of its last change of status, and those of others stay.
    """
    ended = is_completed(state)
    why = reason or (state if ended else phase or state or State.PENDING.value)
    says = message or (f"in phase {phase}" if phase and not (ended and state in PASSED) else "")
    wanted = {READY: state in PASSED, PROGRESSING: not ended}
    if ended and state not in PASSED:
        wanted[STALLED] = True
    before = {condition.type: condition for condition in known}
    ours = tuple(
        Condition(
            type=type_,
            status=(status := "True" if holds else "False"),
            reason=why,
            message=says,
            last_transition_time=_since(before.get(type_), status, now),
            observed_generation=generation,
        )
        for type_, holds in wanted.items()
    )
    return (*(condition for condition in known if condition.type not in _OURS), *ours)


def with_conditions(
    status_model: Model,
    fields: dict[str, Any],
    *,
    generation: int,
    now: str,
    reason: str = "",
    message: str = "",
) -> dict[str, Any]:
    """`fields`, about to be merged into a status, with the conditions and `observedGeneration` that go with them.

    `status_model` is the status as it is, of any kind of ours that has a state (`status` or `overallStatus`). Nothing
    to write stays nothing to write, but where the spec has changed since the conditions were written: who waits for
    them goes by the generation.
    """
    have = status_model.model_dump(by_alias=True)
    known: tuple[Condition, ...] = getattr(status_model, "conditions", ())
    seen = have.get("observedGeneration") or 0
    if not fields and (not known or seen == generation):
        return fields
    now_is = have | fields
    if not fields and not reason:
        reason, message = next(((c.reason, c.message) for c in known if c.type == READY), ("", ""))
    conditions = of(
        str(now_is.get("overallStatus") or now_is.get("status") or ""),
        phase=str(now_is.get("currentPhase") or ""),
        reason=reason,
        message=message,
        generation=generation,
        now=now,
        known=known,
    )
    result = dict(fields)
    if conditions != known:
        result["conditions"] = [condition.dump() for condition in conditions]
    if seen != generation:
        result["observedGeneration"] = generation
    return result


def _since(before: Condition | None, status: str, now: str) -> str:
    """When the condition's status last changed."""
    return before.last_transition_time or now if before and before.status == status else now
