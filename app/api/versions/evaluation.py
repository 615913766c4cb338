"""KeptnEvaluation and KeptnEvaluationDefinition: once, a definition asked a provider itself."""

from typing import Annotated, Final

from app.api.evaluation import MOST_OBJECTIVES, EvaluationDefinitionSpec, EvaluationSpec, EvaluationStatus, Target
from app.api.meta import Model
from app.api.schema import Schema
from app.api.versions.kind import Column, Kind, Version


class AlphaEvaluationSpec(EvaluationSpec):
    """v1alpha1 to v1alpha3: with a word that nothing ever read."""

    fail_action: str = ""


class AlphaObjective(Model):
    """v1alpha1 and v1alpha2: `query` is for the definition's `source`."""

    name: str
    query: str
    evaluation_target: Target


class AlphaEvaluationDefinitionSpec(Model):
    """v1alpha1 and v1alpha2: `source` names the provider that all objectives ask."""

    source: str
    objectives: Annotated[tuple[AlphaObjective, ...], Schema(required=True, max_items=MOST_OBJECTIVES)] = ()


EVALUATION: Final = Kind(
    name="KeptnEvaluation",
    plural="keptnevaluations",
    description="One run of an evaluation for one version of a workload or app, and its verdict.",
    converted=True,
    short_names=("ke",),
    columns=(
        Column("AppName", ".spec.appName"),
        Column("AppVersion", ".spec.appVersion"),
        Column("WorkloadName", ".spec.workload"),
        Column("WorkloadVersion", ".spec.workloadVersion"),
        Column("RetryCount", ".status.retryCount"),
        Column("EvaluationStatus", ".status.evaluationStatus"),
        Column("OverallStatus", ".status.overallStatus"),
    ),
    versions=(
        Version("v1", EvaluationSpec, EvaluationStatus),
        Version("v1beta1", EvaluationSpec, EvaluationStatus),
        Version("v1alpha3", AlphaEvaluationSpec, EvaluationStatus),
        Version("v1alpha2", AlphaEvaluationSpec, EvaluationStatus),
        Version("v1alpha1", AlphaEvaluationSpec, EvaluationStatus),
    ),
)

EVALUATION_DEFINITION: Final = Kind(
    name="KeptnEvaluationDefinition",
    plural="keptnevaluationdefinitions",
    description="What metrics must say before or after a deployment, and how often they are asked.",
    converted=True,
    short_names=("ked",),
    versions=(
        Version("v1", EvaluationDefinitionSpec, str),
        Version("v1beta1", EvaluationDefinitionSpec, str),
        Version("v1alpha3", EvaluationDefinitionSpec, str, frozenset({"spec.retries", "spec.retryInterval"})),
        Version("v1alpha2", AlphaEvaluationDefinitionSpec, str),
        Version("v1alpha1", AlphaEvaluationDefinitionSpec, str),
    ),
)
