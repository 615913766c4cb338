"""An app version's next step: its checks before its workloads go, how those fare, and its checks after them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.api.app import AppVersion, WorkloadState
from app.lifecycle import advance
from app.lifecycle.advance import Carrier, Judgement, Seen, Step
from app.lifecycle.phases import APP_PHASES, PROMOTION, Phase
from app.lifecycle.states import overall


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an app version depends on that is not its own.

    `may_begin`: all that belongs to it has had the time to appear. `workloads`: the state of each one that it lists.
    `promotes`: promotion tasks are switched on. `blocking`: a failed check stops it.
    """

    may_begin: bool
    workloads: Sequence[WorkloadState] = ()
    promotes: bool = False
    blocking: bool = True
    carrier: Carrier = field(default=lambda phase: {})


def next_step(version: AppVersion, seen: Seen, around: Surroundings, now: str) -> Step:
    """What to do for `version` now (RFC 3339). Sources: keptn-behaviour 3.4, 3.5."""
    if not version.status.current_phase and not around.may_begin:
        return Step()
    phases = APP_PHASES if around.promotes else tuple(phase for phase in APP_PHASES if phase is not PROMOTION)

    def deployment(phase: Phase) -> Judgement:
        state = overall((each.status for each in around.workloads), len(version.spec.workloads))
        return Judgement(state, {"workloadStatus": [each.dump() for each in around.workloads]})

    return advance.advance(
        version,
        phases,
        APP_PHASES,
        seen,
        deployment,
        now,
        blocking=around.blocking,
        carrier=around.carrier,
    )
