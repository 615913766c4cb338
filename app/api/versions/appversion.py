"""KeptnAppVersion: promotion, metadata and links came late, and v1alpha1 has other names for a phase's items."""

from typing import Final

from pydantic import Field

from app.api.app import AppVersionSpec, AppVersionStatus, WorkloadState
from app.api.condition import Condition
from app.api.fields import Int64, State, Time
from app.api.meta import Model
from app.api.versions.kind import Column, Kind, Version


class AlphaTaskItem(Model):
    """v1alpha1: one task of a phase."""

    task_definition_name: str = ""
    task_name: str = ""
    status: State = "Pending"
    start_time: Time | None = None
    end_time: Time | None = None


class AlphaEvaluationItem(Model):
    """v1alpha1: one evaluation of a phase."""

    evaluation_definition_name: str = ""
    evaluation_name: str = ""
    status: State = "Pending"
    start_time: Time | None = None
    end_time: Time | None = None


class AlphaAppVersionStatus(Model):
    """v1alpha1. Our own additions are there, or a write in this version would drop them."""

    pre_deployment_status: State = "Pending"
    pre_deployment_evaluation_status: State = "Pending"
    workload_overall_status: State = "Pending"
    post_deployment_status: State = "Pending"
    post_deployment_evaluation_status: State = "Pending"
    status: State = "Pending"
    current_phase: str = ""
    workload_status: tuple[WorkloadState, ...] = ()
    pre_deployment_task_status: tuple[AlphaTaskItem, ...] = ()
    pre_deployment_evaluation_task_status: tuple[AlphaEvaluationItem, ...] = ()
    post_deployment_task_status: tuple[AlphaTaskItem, ...] = ()
    post_deployment_evaluation_task_status: tuple[AlphaEvaluationItem, ...] = ()
    phase_trace_ids: dict[str, dict[str, str]] | None = Field(default=None, alias="phaseTraceIDs")
    start_time: Time | None = None
    end_time: Time | None = None
    conditions: tuple[Condition, ...] = ()
    observed_generation: Int64 = 0


_LATE: Final = frozenset({"spec.metadata", "spec.promotionTasks", "spec.spanLinks"})
_LATE_STATUS: Final = frozenset({"status.promotionStatus", "status.promotionTaskStatus"})

APP_VERSION: Final = Kind(
    name="KeptnAppVersion",
    plural="keptnappversions",
    description="One version of an app, and how far it has come.",
    converted=True,
    short_names=("kav",),
    columns=(
        Column("AppName", ".spec.appName"),
        Column("Version", ".spec.version"),
        Column("Phase", ".status.currentPhase"),
        Column("PreDeploymentStatus", ".status.preDeploymentStatus", wide=True),
        Column("PreDeploymentEvaluationStatus", ".status.preDeploymentEvaluationStatus", wide=True),
        Column("WorkloadOverallStatus", ".status.workloadOverallStatus", wide=True),
        Column("PostDeploymentStatus", ".status.postDeploymentStatus", wide=True),
        Column("PostDeploymentEvaluationStatus", ".status.postDeploymentEvaluationStatus", wide=True),
        Column("PromotionStatus", ".status.promotionStatus", wide=True),
    ),
    versions=(
        Version("v1", AppVersionSpec, AppVersionStatus),
        Version("v1beta1", AppVersionSpec, AppVersionStatus),
        Version("v1alpha3", AppVersionSpec, AppVersionStatus, _LATE | _LATE_STATUS),
        Version("v1alpha2", AppVersionSpec, AppVersionStatus, _LATE | _LATE_STATUS),
        Version("v1alpha1", AppVersionSpec, AlphaAppVersionStatus, _LATE | {"spec.revision"}),
    ),
)
