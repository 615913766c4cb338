"""KeptnWorkload and KeptnWorkloadVersion v1: what is deployed, and how far one version of it has come."""

from typing import Annotated

from pydantic import Field

from app.api.condition import Condition
from app.api.fields import Int64, PostEvaluations, PostTasks, PreEvaluations, PreTasks, State, Time, Words
from app.api.meta import Model, Object
from app.api.schema import Schema


class ResourceReference(Model):
    uid: str
    kind: str
    name: str


class WorkloadSpec(Model):
    app: Annotated[str, Schema(description="The KeptnApp that the workload is part of.")]
    version: str
    pre_deployment_tasks: PreTasks = ()
    post_deployment_tasks: PostTasks = ()
    pre_deployment_evaluations: PreEvaluations = ()
    post_deployment_evaluations: PostEvaluations = ()
    resource_reference: Annotated[ResourceReference, Schema(description="Whose pods these are.")]
    metadata: Words = {}


class WorkloadStatus(Model):
    current_version: str = ""


class Workload(Object):
    spec: WorkloadSpec
    status: WorkloadStatus = WorkloadStatus()


class WorkloadVersionSpec(WorkloadSpec):
    workload_name: str
    previous_version: str = ""
    trace_id: dict[str, str] = {}


class ItemStatus(Model):
    """One task or evaluation of a phase."""

    definition_name: str = ""
    name: str = ""
    status: State = "Pending"
    start_time: Time | None = None
    end_time: Time | None = None


class WorkloadVersionStatus(Model):
    pre_deployment_status: State = "Pending"
    pre_deployment_evaluation_status: State = "Pending"
    deployment_status: State = "Pending"
    post_deployment_status: State = "Pending"
    post_deployment_evaluation_status: State = "Pending"
    status: State = "Pending"
    pre_deployment_task_status: tuple[ItemStatus, ...] = ()
    pre_deployment_evaluation_task_status: tuple[ItemStatus, ...] = ()
    post_deployment_task_status: tuple[ItemStatus, ...] = ()
    post_deployment_evaluation_task_status: tuple[ItemStatus, ...] = ()
    current_phase: str = ""
    phase_trace_ids: dict[str, dict[str, str]] | None = Field(default=None, alias="phaseTraceIDs")
    start_time: Time | None = None
    end_time: Time | None = None
    deployment_start_time: Time | None = None
    app_context_metadata: dict[str, str] = {}
    conditions: tuple[Condition, ...] = ()
    observed_generation: Int64 = 0
    revisions: tuple[str, ...] = ()  # pod revisions that this verdict covers; Holdfast's addition


class WorkloadVersion(Object):
    spec: WorkloadVersionSpec
    status: WorkloadVersionStatus = WorkloadVersionStatus()
