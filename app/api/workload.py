"""KeptnWorkload and KeptnWorkloadVersion v1: what is deployed, and how far one version of it has come."""

from typing import Annotated

from pydantic import Field

from app.api.condition import Conditions, Generation
from app.api.fields import PostEvaluations, PostTasks, PreEvaluations, PreTasks, State, Time, Words
from app.api.meta import Model, Object
from app.api.schema import Schema


class ResourceReference(Model):
    uid: Annotated[str, Schema(description="Its uid.")]
    kind: Annotated[str, Schema(description="ReplicaSet, StatefulSet or DaemonSet.")]
    name: Annotated[str, Schema(description="Its name.")]


class WorkloadSpec(Model):
    app: Annotated[str, Schema(description="The KeptnApp that the workload is part of.")]
    version: Annotated[str, Schema(description="The workload's version.")]
    pre_deployment_tasks: PreTasks = ()
    post_deployment_tasks: PostTasks = ()
    pre_deployment_evaluations: PreEvaluations = ()
    post_deployment_evaluations: PostEvaluations = ()
    resource_reference: Annotated[ResourceReference, Schema(description="Whose pods these are.")]
    metadata: Words = {}


class WorkloadStatus(Model):
    current_version: Annotated[str, Schema(description="The newest version that was reconciled.")] = ""


class Workload(Object):
    spec: WorkloadSpec
    status: WorkloadStatus = WorkloadStatus()


class WorkloadVersionSpec(WorkloadSpec):
    workload_name: Annotated[str, Schema(description="The KeptnWorkload that this is a version of.")]
    previous_version: Annotated[str, Schema(description="The version before this one.")] = ""
    trace_id: Annotated[dict[str, str], Schema(description="The trace that it is part of, as a traceparent.")] = {}


class ItemStatus(Model):
    """One task or evaluation of a phase."""

    definition_name: Annotated[str, Schema(description="The definition that was asked for.")] = ""
    name: Annotated[str, Schema(description="The KeptnTask or KeptnEvaluation.")] = ""
    status: Annotated[State, Schema(description="How far it has come.")] = "Pending"
    start_time: Annotated[Time | None, Schema(description="When it was made.")] = None
    end_time: Annotated[Time | None, Schema(description="When it had its verdict.")] = None


class VersionStatus(Model):
    """How far a version has come: what those of workloads and of apps have in common."""

    pre_deployment_status: Annotated[State, Schema(description="Of the tasks before the deployment.")] = "Pending"
    pre_deployment_evaluation_status: Annotated[
        State, Schema(description="Of the evaluations before the deployment.")
    ] = "Pending"
    post_deployment_status: Annotated[State, Schema(description="Of the tasks after the deployment.")] = "Pending"
    post_deployment_evaluation_status: Annotated[
        State, Schema(description="Of the evaluations after the deployment.")
    ] = "Pending"
    status: Annotated[State, Schema(description="Of the whole: Succeeded or Failed once it has ended.")] = "Pending"
    pre_deployment_task_status: Annotated[
        tuple[ItemStatus, ...], Schema(description="Each task before the deployment.")
    ] = ()
    pre_deployment_evaluation_task_status: Annotated[
        tuple[ItemStatus, ...], Schema(description="Each evaluation before the deployment.")
    ] = ()
    post_deployment_task_status: Annotated[
        tuple[ItemStatus, ...], Schema(description="Each task after the deployment.")
    ] = ()
    post_deployment_evaluation_task_status: Annotated[
        tuple[ItemStatus, ...], Schema(description="Each evaluation after the deployment.")
    ] = ()
    current_phase: Annotated[str, Schema(description="Where it is, or where it ended.")] = ""
    phase_trace_ids: Annotated[
        dict[str, dict[str, str]] | None, Schema(description="For each phase, the traceparent of its span.")
    ] = Field(default=None, alias="phaseTraceIDs")
    start_time: Annotated[Time | None, Schema(description="When it began.")] = None
    end_time: Annotated[Time | None, Schema(description="When it ended.")] = None
    conditions: Conditions = ()
    observed_generation: Generation = 0


class WorkloadVersionStatus(VersionStatus):
    deployment_status: Annotated[State, Schema(description="Of the deployment itself.")] = "Pending"
    deployment_start_time: Annotated[
        Time | None, Schema(description="When its pods were let go; the observability timeout runs from then.")
    ] = None
    app_context_metadata: Annotated[dict[str, str], Schema(description="The metadata of its app.")] = {}
    revisions: Annotated[tuple[str, ...], Schema(description="The pod revisions that the verdict covers.")] = ()


class WorkloadVersion(Object):
    spec: WorkloadVersionSpec
    status: WorkloadVersionStatus = WorkloadVersionStatus()
