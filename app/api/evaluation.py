"""KeptnEvaluationDefinition and KeptnEvaluation v1: what metrics must say before or after a deployment."""

from typing import Annotated, ClassVar

from app.api import rules
from app.api.condition import Conditions, Generation
from app.api.fields import Interval, State, Time
from app.api.meta import Model, Object
from app.api.rules import Rule
from app.api.schema import Ruled, Schema

DEFAULT_RETRIES = 10
DEFAULT_RETRY_INTERVAL = "5s"

# All of them, not those after the first.
Attempts = Annotated[int, Schema(default=True, description="How often the metrics are asked, at most.")]
Pause = Annotated[Interval, Schema(description="How long after an attempt the next one is made, such as 5s.")]
# Limits that bound the cost of the rules, well above what anybody can have had.
MOST_OBJECTIVES = 1000
Target = Annotated[
    str,
    Schema(max_length=256, rules=rules.TARGET, description="An operator and a number, such as <0.05 or >=10."),
]


class SecretKey(Model):
    """Where a provider's token lies, as in KeptnMetricsProvider."""

    name: Annotated[str, Schema(description="The Secret's name, in the namespace of the definition.")] = ""
    key: Annotated[str, Schema(required=True, description="The key in it.")] = ""
    optional: Annotated[bool, Schema(description="Whether it may be missing; then nothing is sent.")] = False


class Provider(Ruled):
    """Whom to ask for an objective's `query`: the fields of a KeptnMetricsProvider. Holdfast's addition.

    `name` is that of a KeptnMetricsProvider, in the definition's namespace or the installation's, for definitions that
    give no `targetServer`. It is asked with all that is its own, so that its Secret goes to nobody else's server. A
    definition written for v1alpha1 or v1alpha2 has nothing else: `name` is its `source`.
    """

    RULES: ClassVar[tuple[Rule, ...]] = rules.PROVIDER_FOUND

    name: Annotated[
        str, Schema(description="A KeptnMetricsProvider, of this namespace or the installation's, to ask as it says.")
    ] = ""
    type: Annotated[str, Schema(description="What the server speaks: prometheus (if not given), thanos or cortex.")] = (
        "prometheus"
    )
    target_server: Annotated[str, Schema(description="The server's URL, such as http://prometheus:9090.")] = ""
    secret_key_ref: Annotated[
        SecretKey | None, Schema(description="The Secret that opens the server, in this namespace.")
    ] = None
    insecure_skip_tls_verify: Annotated[
        bool, Schema(description="Whether to trust any certificate that the server shows.")
    ] = False


class MetricRef(Model):
    """A KeptnMetric. With a `query` beside it, just the name under which the result stands in the status."""

    name: Annotated[
        str,
        Schema(required=True, description="The KeptnMetric's name; with a query beside it, the name of the result."),
    ] = ""
    namespace: Annotated[
        str,
        Schema(description="Where the KeptnMetric is; if empty, in the evaluation's namespace or the installation's."),
    ] = ""


class Objective(Model):
    # Definitions that were stored in v1alpha1 or v1alpha2 have no reference.
    keptn_metric_ref: Annotated[
        MetricRef,
        Schema(required=True, description="A KeptnMetric; with a query beside it, only the name of the result."),
    ] = MetricRef()
    evaluation_target: Target
    # Holdfast's addition.
    query: Annotated[str, Schema(description="What to ask of the definition's provider. One value has to come.")] = ""


class EvaluationDefinitionSpec(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.QUERIES_ASK_SOMEBODY

    objectives: Annotated[
        tuple[Objective, ...], Schema(required=True, max_items=MOST_OBJECTIVES, description="All have to be met.")
    ] = ()
    retries: Attempts = DEFAULT_RETRIES
    retry_interval: Pause = DEFAULT_RETRY_INTERVAL
    # Holdfast's addition.
    provider: Annotated[Provider | None, Schema(description="Whom the objectives' queries are for.")] = None


class EvaluationDefinition(Object):
    spec: EvaluationDefinitionSpec = EvaluationDefinitionSpec()


class EvaluationSpec(Model):
    evaluation_definition: Annotated[
        str, Schema(description="The KeptnEvaluationDefinition, of this namespace or the installation's.")
    ]
    workload_version: Annotated[
        str, Schema(required=True, description="The version of the workload; empty for an app.")
    ] = ""
    workload: Annotated[str, Schema(description="The workload that is deployed.")] = ""
    app_name: Annotated[str, Schema(description="The app that it is part of.")] = ""
    app_version: Annotated[str, Schema(description="The app's version.")] = ""
    check_type: Annotated[str, Schema(description="pre-eval or post-eval.")] = ""
    retries: Attempts = DEFAULT_RETRIES
    retry_interval: Pause = DEFAULT_RETRY_INTERVAL


class ObjectiveStatus(Model):
    value: Annotated[str, Schema(description="What was measured last.")]
    status: Annotated[str, Schema(description="Whether it met the target.")]
    message: Annotated[str, Schema(description="The same in words, or why there is no value.")] = ""


class EvaluationStatus(Model):
    retry_count: Annotated[int, Schema(required=True, default=True, description="Attempts made so far.")] = 0
    overall_status: Annotated[
        State, Schema(required=True, description="The verdict: Pending, Progressing, Succeeded or Failed.")
    ] = "Pending"
    evaluation_status: Annotated[
        dict[str, ObjectiveStatus], Schema(required=True, description="The last result of each objective, by its name.")
    ] = {}
    start_time: Annotated[Time | None, Schema(description="When it began.")] = None
    end_time: Annotated[Time | None, Schema(description="When it had its verdict.")] = None
    last_attempt_time: Annotated[
        Time | None, Schema(description="When it asked last; the next attempt is due one interval later.")
    ] = None
    conditions: Conditions = ()
    observed_generation: Generation = 0


class Evaluation(Object):
    spec: EvaluationSpec
    status: EvaluationStatus = EvaluationStatus()
