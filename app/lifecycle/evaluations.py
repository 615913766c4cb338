"""A KeptnEvaluation's next step: wait, ask the metrics, judge them (keptn-behaviour 3.11).

The verdict lives in its status, and an evaluation that has one takes no step again. What counts as an attempt is that
all open objectives were asked once, whatever came back; a definition that is not there costs none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.api import wellknown
from app.api.app import AppVersion
from app.api.evaluation import DEFAULT_RETRY_INTERVAL, Evaluation, EvaluationDefinition, Objective, ObjectiveStatus
from app.api.meta import controlled_by
from app.api.workload import WorkloadVersion
from app.lifecycle import durations, objectives
from app.lifecycle.phases import Phase
from app.lifecycle.states import State, is_completed

# Seconds. Nobody's metrics change faster, and with an interval of 0 the server would be asked without a pause.
SHORTEST_INTERVAL: Final = 1.0
_LONGEST_MESSAGE: Final = 1000

NOT_FOUND: Final = "EvaluationDefinitionNotFound"
SUPERSEDED: Final = "Superseded"
NOT_MET: Final = "ObjectivesNotMet"
NO_ATTEMPT_LEFT: Final = "RetriesExceeded"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a metric said. With a `problem`, nobody could be asked, or the answer is none; a `note` is for people."""

    value: str = ""
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """It has its verdict, or waits for what wakes it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The next attempt is due in `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Measure:
    """An attempt is due: read the metrics of these objectives, by their keys, and `judge`."""

    objectives: Mapping[str, Objective]


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """These fields of the status are to be written; `verdict` is set if they hold one.

    `reason` and `message` are for the conditions; the message says which objectives are not met, and why.
    """

    fields: dict[str, Any]
    reason: str
    message: str
    verdict: State | None = None


Step = Nothing | Wait | Measure | WriteStatus


def attempts(retries: int) -> int:
    """How many attempts `retries` allows in all, as in Keptn: 10 are ten attempts, not eleven.

    0 is one attempt: an evaluation that asks nothing would mean nothing. Keptn's own operator loses the 0 on its way
    and makes 10 of it.
    """
    return max(retries, 1)


def next_step(
    evaluation: Evaluation, definition: EvaluationDefinition | None, now: datetime, *, superseded: bool = False
) -> Step:
    """What to do for `evaluation` now. `superseded` says that the version that it is for has been overtaken."""
    status, spec = evaluation.status, evaluation.spec
    if is_completed(status.overall_status) or evaluation.metadata.deletion_timestamp:
        return Nothing()
    if superseded:
        return _end(evaluation, now, SUPERSEDED, "a newer version has taken over")
    if status.retry_count >= attempts(spec.retries):
        # As Keptn leaves it between its last attempt and the look after that.
        return _end(evaluation, now, NO_ATTEMPT_LEFT, f"all {attempts(spec.retries)} attempts are used up")
    if definition is None:
        return _waiting(evaluation)
    left = _until_due(evaluation, now)
    if left > 0:
        return Wait(left)
    named = zip(objectives.keys(definition.spec.objectives), definition.spec.objectives, strict=True)
    return Measure({key: objective for key, objective in named if not _is_met(status.evaluation_status.get(key))})


def judge(
    evaluation: Evaluation,
    definition: EvaluationDefinition,
    readings: Mapping[str, Reading],
    *,
    began: datetime,
    now: datetime,
) -> WriteStatus:
    """The status after an attempt that `began` then, from what the metrics of all open objectives said.

    An objective that has succeeded stays so, as in Keptn. Success on the last attempt allowed is success; the last
    failure is the verdict at once, where Keptn waits for another interval first.
    """
    status, spec = evaluation.status, evaluation.spec
    results: dict[str, ObjectiveStatus] = {}
    for key, objective in zip(objectives.keys(definition.spec.objectives), definition.spec.objectives, strict=True):
        known = status.evaluation_status.get(key)
        results[key] = known if known is not None and _is_met(known) else _result(objective, readings[key])
    failed = tuple(f"{key}: {result.message}" for key, result in results.items() if not _is_met(result))
    made, allowed = status.retry_count + 1, attempts(spec.retries)
    gone = {key: None for key in status.evaluation_status if key not in results}
    fields: dict[str, Any] = {
        "retryCount": made,
        "evaluationStatus": gone | {key: result.dump() for key, result in results.items()},
        "startTime": status.start_time or _stamp(began),
        "lastAttemptTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    if not failed:
        ended = {"overallStatus": State.SUCCEEDED.value, "endTime": _stamp(now)}
        return WriteStatus(fields | ended, State.SUCCEEDED.value, "", State.SUCCEEDED)
    message = _cut(f"attempt {made} of {allowed}: {'; '.join(failed)}")
    if made < allowed:
        return WriteStatus(fields | {"overallStatus": State.PROGRESSING.value}, State.PROGRESSING.value, message)
    ended = {"overallStatus": State.FAILED.value, "endTime": _stamp(now)}
    return WriteStatus(fields | ended, NOT_MET, message, State.FAILED)


def interval(text: str) -> float:
    """Seconds between two attempts, at least SHORTEST_INTERVAL; Keptn's default for what is no duration at all."""
    try:
        return max(durations.parse(text), SHORTEST_INTERVAL)
    except durations.DurationError:
        return durations.parse(DEFAULT_RETRY_INTERVAL)


def body(
    kind: str, version: WorkloadVersion | AppVersion, definition: EvaluationDefinition, phase: Phase, name: str
) -> dict[str, Any]:
    """The KeptnEvaluation `name` for one phase of `version`, which is of `kind` (keptn-behaviour 1.2, 3.8).

    Raises DurationError if the definition's retryInterval is none.
    """
    spec: dict[str, Any] = {
        "evaluationDefinition": definition.metadata.name,
        "checkType": phase.check,
        "retries": definition.spec.retries,
        "retryInterval": durations.format(durations.parse(definition.spec.retry_interval)),
    }
    if isinstance(version, WorkloadVersion):
        spec |= {
            "appName": version.spec.app,
            "workload": version.spec.workload_name,
            "workloadVersion": version.spec.version,
        }
    else:
        spec |= {"appName": version.spec.app_name, "appVersion": version.spec.version, "workloadVersion": ""}
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnEvaluation",
        "metadata": {
            "name": name,
            "namespace": version.metadata.namespace,
            "ownerReferences": [controlled_by(kind, version.metadata)],
        },
        "spec": spec,
    }


def _is_met(result: ObjectiveStatus | None) -> bool:
    return result is not None and result.status == State.SUCCEEDED


def _result(objective: Objective, reading: Reading) -> ObjectiveStatus:
    met, message = (False, reading.problem) if reading.problem else objectives.judge(reading.value, objective)
    state = State.SUCCEEDED if met else State.FAILED
    note = f" ({reading.note})" if reading.note else ""
    return ObjectiveStatus(value=_cut(reading.value), status=state.value, message=_cut(message) + note)


def _until_due(evaluation: Evaluation, now: datetime) -> float:
    """Seconds until the next attempt; never more than one interval, whatever the clocks of two workers say."""
    last = evaluation.status.last_attempt_time
    if last is None:
        return 0.0
    pause = interval(evaluation.spec.retry_interval)
    return min(pause - (now - datetime.fromisoformat(last)).total_seconds(), pause)


def _waiting(evaluation: Evaluation) -> Nothing | WriteStatus:
    """Pending for as long as there is no definition, and says so once."""
    message = (
        f"there is no KeptnEvaluationDefinition {evaluation.spec.evaluation_definition}, neither in namespace "
        f"{evaluation.metadata.namespace} nor in the installation's; create it, and the evaluation starts by itself"
    )
    said = {condition.message for condition in evaluation.status.conditions if condition.reason == NOT_FOUND}
    if message in said:
        return Nothing()
    fields = {**_required(evaluation), "overallStatus": evaluation.status.overall_status}
    return WriteStatus(fields, NOT_FOUND, message)


def _end(evaluation: Evaluation, now: datetime, reason: str, message: str) -> WriteStatus:
    """Failed without another attempt."""
    results = evaluation.status.evaluation_status.items()
    failed = tuple(f"{key}: {result.message}" for key, result in results if not _is_met(result))
    fields = {
        **_required(evaluation),
        "overallStatus": State.FAILED.value,
        "startTime": evaluation.status.start_time or _stamp(now),
        "endTime": _stamp(now),
    }
    return WriteStatus(fields, reason, _cut("; ".join((message, *failed))), State.FAILED)


def _required(evaluation: Evaluation) -> dict[str, Any]:
    """What the schema asks of every status; merged, it changes nothing of one that is there."""
    return {"retryCount": evaluation.status.retry_count, "evaluationStatus": {}}


def _stamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."
