"""KeptnEvaluationDefinition and KeptnEvaluation v1: what metrics must say before or after a deployment."""

from typing import Annotated, ClassVar

from app.api import rules
from app.api.condition import Condition
from app.api.fields import Int64, Interval, State, Time
from app.api.meta import Model, Object
from app.api.rules import Rule
from app.api.schema import Ruled, Schema

DEFAULT_RETRIES = 10
DEFAULT_RETRY_INTERVAL = "5s"

Attempts = Annotated[int, Schema(default=True)]  # of all, not of those after the first
# Limits that bound the cost of the rules, well above what anybody can have had.
MOST_OBJECTIVES = 1000
Target = Annotated[str, Schema(max_length=256, rules=rules.TARGET)]


class SecretKey(Model):
    """Where a provider's token lies, as in KeptnMetricsProvider."""

    name: str = ""
    key: Annotated[str, Schema(required=True)] = ""
    optional: bool = False


class Provider(Ruled):
    """Whom to ask for an objective's `query`: the fields of a KeptnMetricsProvider. Holdfast's addition.

    `name` is that of a KeptnMetricsProvider, in the definition's namespace or the installation's, for definitions that
    give no `targetServer`. It is asked with all that is its own, so that its Secret goes to nobody else's server. A
    definition written for v1alpha1 or v1alpha2 has nothing else: `name` is its `source`.
    """

    RULES: ClassVar[tuple[Rule, ...]] = rules.PROVIDER_FOUND

    name: str = ""
    type: str = "prometheus"
    target_server: str = ""
    secret_key_ref: SecretKey | None = None
    insecure_skip_tls_verify: bool = False


class MetricRef(Model):
    """A KeptnMetric. With a `query` beside it, just the name under which the result stands in the status."""

    name: Annotated[str, Schema(required=True)] = ""
    namespace: str = ""


class Objective(Model):
    # Definitions that were stored in v1alpha1 or v1alpha2 have no reference.
    keptn_metric_ref: Annotated[MetricRef, Schema(required=True)] = MetricRef()
    evaluation_target: Target
    query: str = ""  # asked of the definition's provider; Holdfast's addition


class EvaluationDefinitionSpec(Ruled):
    RULES: ClassVar[tuple[Rule, ...]] = rules.QUERIES_ASK_SOMEBODY

    objectives: Annotated[tuple[Objective, ...], Schema(required=True, max_items=MOST_OBJECTIVES)] = ()
    retries: Attempts = DEFAULT_RETRIES
    retry_interval: Interval = DEFAULT_RETRY_INTERVAL
    provider: Provider | None = None  # Holdfast's addition


class EvaluationDefinition(Object):
    spec: EvaluationDefinitionSpec = EvaluationDefinitionSpec()


class EvaluationSpec(Model):
    evaluation_definition: str
    workload_version: Annotated[str, Schema(required=True)] = ""
    workload: str = ""
    app_name: str = ""
    app_version: str = ""
    check_type: str = ""
    retries: Attempts = DEFAULT_RETRIES
    retry_interval: Interval = DEFAULT_RETRY_INTERVAL


class ObjectiveStatus(Model):
    value: str
    status: str
    message: str = ""


class EvaluationStatus(Model):
    retry_count: Annotated[int, Schema(required=True, default=True)] = 0
    overall_status: Annotated[State, Schema(required=True)] = "Pending"
    evaluation_status: Annotated[dict[str, ObjectiveStatus], Schema(required=True)] = {}
    start_time: Time | None = None
    end_time: Time | None = None
    last_attempt_time: Time | None = None  # the next one is due `retryInterval` later; Holdfast's addition
    conditions: tuple[Condition, ...] = ()
    observed_generation: Int64 = 0


class Evaluation(Object):
    spec: EvaluationSpec
    status: EvaluationStatus = EvaluationStatus()
