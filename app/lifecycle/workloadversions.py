"""A workload version's next step: its checks, whether its pods may go, and whether they are up."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from app.api.workload import WorkloadVersion
from app.lifecycle import advance, apps
from app.lifecycle.advance import Carrier, Fields, Judgement, Seen, Step
from app.lifecycle.deployed import Deployed
from app.lifecycle.phases import WORKLOAD_DEPLOY, WORKLOAD_PHASES, Phase
from app.lifecycle.states import State

TIMED_OUT: Final = "DeploymentTimeout"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a workload version depends on that is not its own.

    `app_open`: its app's checks before the deployment have passed; `app_failed`: they have failed for good.
    `app_metadata` is what that app says of itself, None as long as no app version has it. `deployed`: whether it is up,
    None if nobody knows. `waited` and `timeout`: seconds since its deployment began, and after how many it has failed.
    `blocking`: a failed check stops it.
    """

    app_open: bool
    app_failed: bool = False
    app_metadata: dict[str, str] | None = None
    deployed: Deployed | None = None
    waited: float = 0.0
    timeout: float = 300.0
    blocking: bool = True
    carrier: Carrier = field(default=lambda phase: {})


def next_step(version: WorkloadVersion, seen: Seen, revisions: Collection[str], around: Surroundings, now: str) -> Step:
    """What to do for `version` now; `revisions` are those of pods that wait for it, `now` is RFC 3339.

    It begins once a revision waits for it; one that a person has made, for which none ever will, once its app lets it.
    Its deployment begins, and with that its gate opens, in a pass of its own: the record is there before any pod goes.
    Sources: keptn-behaviour 3.4, 3.7, 3.8; the design for the order.
    """
    status = version.status
    listed = (*status.revisions, *sorted(set(revisions) - set(status.revisions)))
    if not status.current_phase and not listed and not (around.app_open and apps.is_by_hand(version)):
        return Step()  # nobody waits for it yet: the revision that made it is about to say so

    def deployment(phase: Phase) -> Judgement | None:
        return _deployment(version, around, now)

    step = advance.advance(
        version,
        WORKLOAD_PHASES,
        WORKLOAD_PHASES,
        seen,
        deployment,
        now,
        blocking=around.blocking,
        carrier=around.carrier,
    )
    ended = advance.has_ended(status)
    if listed != status.revisions and not ended and not version.metadata.deletion_timestamp:
        step = replace(step, fields=step.fields | {"revisions": list(listed)})
    if step.fields.get("deploymentStatus") == State.PROGRESSING:
        step = replace(step, verdict=State.SUCCEEDED)
    return step


def _deployment(version: WorkloadVersion, around: Surroundings, now: str) -> Judgement | None:
    """How the deployment stands, None if it may not begin. Source: keptn-behaviour 3.7; the timeout counts first."""
    if not version.status.deployment_start_time:
        let_go = around.app_failed and not around.blocking
        if not around.app_open and not let_go and version.status.deployment_status != State.PROGRESSING:
            return None
        told: Fields = {} if not around.app_metadata else {"appContextMetadata": dict(around.app_metadata)}
        if let_go:
            # On record as what only warned, like a failed check of its own, or it would count as a pass one day.
            told["preDeploymentEvaluationStatus"] = State.WARNING.value
        return Judgement(State.PROGRESSING, {"deploymentStartTime": now, **told})
    if around.deployed is not None and around.deployed.up:
        return Judgement(State.SUCCEEDED)
    if around.waited >= around.timeout:
        return Judgement(State.FAILED)
    return Judgement(State.PROGRESSING)


def is_deploying(version: WorkloadVersion) -> bool:
    """Whether its pods may go and are not known to be up yet."""
    return version.status.current_phase == WORKLOAD_DEPLOY.name and bool(version.status.deployment_start_time)
