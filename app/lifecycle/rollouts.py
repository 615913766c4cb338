"""A Deployment's own `Progressing` condition: failed at once by a failed check, kept from failing by a slow one.

`kubectl rollout status`, Helm's --wait and GitOps tools all judge by this condition. The Deployment controller keeps
what is written here and clears it by itself when pods progress later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.api.core import Deployment, DeploymentCondition
from app.lifecycle.explain import PREFIX, STAY_HELD, Hold, HoldState

PROGRESSING = "Progressing"
TIMED_OUT = "ProgressDeadlineExceeded"
UPDATED = "ReplicaSetUpdated"
# What a Deployment without a deadline has in the API.
_NO_DEADLINE_SECONDS = 2**31 - 1
# A check that is quicker than this, or than half the deadline, needs no explanation and costs no write.
_QUIET_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Change:
    """A strategic merge patch for the Deployment's status, None for none, and when to look again (seconds)."""

    patch: dict[str, Any] | None = None
    look_again: float | None = None


def next_change(deployment: Deployment, hold: Hold | None, now: datetime) -> Change:
    """What the Deployment's status should say, given why its newest revision is held (None: it is not held)."""
    current = next((c for c in deployment.status.conditions if c.type == PROGRESSING), None)
    if hold is None or current is None or deployment.metadata.deletion_timestamp:
        return Change()
    if hold.state is HoldState.FAILED:
        if (current.status, current.reason, current.message) == ("False", TIMED_OUT, hold.message):
            return Change()
        return Change(_patch(current, "False", TIMED_OUT, hold.message, now))
    failed = current.reason == TIMED_OUT
    if hold.state is HoldState.WAITING and failed and not _said_failed(current):
        # Nothing runs, so nothing holds the deadline off; but the reason why should be read here.
        if current.message == hold.message:
            return Change()
        return Change(_patch(current, current.status, current.reason, hold.message, now))
    if failed:
        return Change(_patch(current, "True", UPDATED, hold.message, now), _half_deadline(deployment))
    quiet = min(_QUIET_SECONDS, _half_deadline(deployment) or _QUIET_SECONDS)
    age = seconds_since(hold.since, now)
    if age < quiet:
        return Change(look_again=quiet - age)
    if hold.state is HoldState.WAITING:
        if current.message == hold.message:
            return Change()
        # Words that change must not hold the deadline off, since nothing runs.
        return Change(_patch(current, current.status, current.reason, hold.message, now, current.last_update_time))
    if current.message != hold.message:
        return Change(_patch(current, current.status, current.reason, hold.message, now), _half_deadline(deployment))
    half = _half_deadline(deployment)
    if half is None:
        return Change()
    left = half - seconds_since(current.last_update_time or "", now)
    if left > 0:
        return Change(look_again=left)
    return Change(_patch(current, current.status, current.reason, hold.message, now), half)


def _said_failed(current: DeploymentCondition) -> bool:
    """Whether the condition is an earlier failure that we wrote: a new try has begun since."""
    return current.message.startswith(PREFIX) and STAY_HELD in current.message


def _half_deadline(deployment: Deployment) -> float | None:
    deadline = deployment.spec.progress_deadline_seconds
    return deadline / 2 if deadline and deadline < _NO_DEADLINE_SECONDS else None


def _patch(
    current: DeploymentCondition, status: str, reason: str, message: str, now: datetime, updated: str | None = None
) -> dict[str, Any]:
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {
        "type": PROGRESSING,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": updated or stamp,
        "lastTransitionTime": stamp if status != current.status else (current.last_transition_time or stamp),
    }
    return {"status": {"conditions": [condition]}}


def seconds_since(stamp: str, now: datetime) -> float:
    """Seconds from an RFC 3339 time to `now`, infinite if there is no such time."""
    try:
        return (now - datetime.fromisoformat(stamp.replace("Z", "+00:00"))) / timedelta(seconds=1)
    except ValueError:
        return float("inf")
