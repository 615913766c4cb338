"""Kinds of field that several models share: how Keptn's API writes a time, a state, a duration, a number."""

from typing import Annotated

from app.api import rules
from app.api.schema import Schema

# Keptn's pattern, kept as published: it takes more than durations ("abc5m" ends in one), so a rule stands beside it.
_DURATION_PATTERN = r"^0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$"

Int32 = Annotated[int, Schema(format="int32")]
Int64 = Annotated[int, Schema(format="int64")]
Time = Annotated[str, Schema(format="date-time")]
State = Annotated[str, Schema(default=True)]
Duration = Annotated[
    str,
    Schema(
        pattern=_DURATION_PATTERN,
        default=True,
        max_length=64,
        rules=rules.DURATION,
        description="How long the task may take, all attempts together: a number with a unit, such as 30s or 5m.",
    ),
]
# Any duration that Go reads. Keptn's own operator stood still over an object that had another.
Interval = Annotated[str, Schema(pattern=_DURATION_PATTERN, default=True, max_length=64, rules=rules.INTERVAL)]
Words = Annotated[dict[str, str], Schema(description="What checks are told besides, in KEPTN_CONTEXT.")]
PreTasks = Annotated[
    tuple[str, ...],
    Schema(description="KeptnTaskDefinitions, of this namespace or the installation's, to pass before the deployment."),
]
PostTasks = Annotated[tuple[str, ...], Schema(description="KeptnTaskDefinitions to pass once everything is up.")]
PreEvaluations = Annotated[
    tuple[str, ...],
    Schema(description="KeptnEvaluationDefinitions to meet before the deployment, after the tasks before it."),
]
PostEvaluations = Annotated[
    tuple[str, ...],
    Schema(description="KeptnEvaluationDefinitions to meet once everything is up, after the tasks then."),
]
Retries = Annotated[
    Int32,
    Schema(
        default=True,
        rules=rules.RETRIES,
        description="How many more times a failed attempt is made; 0 for a single attempt.",
    ),
]
