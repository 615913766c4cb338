"""KeptnApp, KeptnAppContext, KeptnAppVersion and KeptnAppCreationRequest v1: workloads that are deployed together."""

from typing import Annotated

from pydantic import Field

from app.api import rules
from app.api.condition import Condition
from app.api.fields import Int64, PostEvaluations, PostTasks, PreEvaluations, PreTasks, State, Time, Words
from app.api.meta import Model, Object
from app.api.schema import Schema
from app.api.workload import ItemStatus


class WorkloadRef(Model):
    name: Annotated[str, Schema(description="The workload's name, without the app's.")]
    version: str


class AppSpec(Model):
    version: str
    revision: Annotated[
        int, Schema(default=True, rules=rules.UNSIGNED, description="Another one checks the same version once more.")
    ] = 1
    workloads: Annotated[
        tuple[WorkloadRef, ...], Schema(description="What is deployed together, each in its version.")
    ] = ()


class AppStatus(Model):
    current_version: str = ""


class App(Object):
    spec: AppSpec
    status: AppStatus = AppStatus()


class AppContextSpec(Model):
    """What is to be checked of an app, and what is said of it."""

    metadata: Words = {}
    pre_deployment_tasks: PreTasks = ()
    post_deployment_tasks: PostTasks = ()
    pre_deployment_evaluations: PreEvaluations = ()
    post_deployment_evaluations: PostEvaluations = ()
    promotion_tasks: Annotated[
        tuple[str, ...], Schema(description="KeptnTaskDefinitions to run at the very end, if promotion is switched on.")
    ] = ()
    span_links: Annotated[
        tuple[str, ...], Schema(description="W3C traceparents of what this deployment follows from.")
    ] = ()


class AppContextStatus(Model):
    status: str = ""


class AppContext(Object):
    spec: AppContextSpec = AppContextSpec()


class AppVersionSpec(AppSpec, AppContextSpec):
    app_name: str
    previous_version: str = ""
    trace_id: dict[str, str] = {}


class WorkloadState(Model):
    """How one of the app's workloads is doing."""

    workload: WorkloadRef = WorkloadRef(name="", version="")
    status: State = "Pending"


class AppVersionStatus(Model):
    pre_deployment_status: State = "Pending"
    pre_deployment_evaluation_status: State = "Pending"
    workload_overall_status: State = "Pending"
    post_deployment_status: State = "Pending"
    post_deployment_evaluation_status: State = "Pending"
    promotion_status: State = "Pending"
    status: State = "Pending"
    current_phase: str = ""
    workload_status: tuple[WorkloadState, ...] = ()
    pre_deployment_task_status: tuple[ItemStatus, ...] = ()
    pre_deployment_evaluation_task_status: tuple[ItemStatus, ...] = ()
    post_deployment_task_status: tuple[ItemStatus, ...] = ()
    post_deployment_evaluation_task_status: tuple[ItemStatus, ...] = ()
    promotion_task_status: tuple[ItemStatus, ...] = ()
    phase_trace_ids: dict[str, dict[str, str]] | None = Field(default=None, alias="phaseTraceIDs")
    start_time: Time | None = None
    end_time: Time | None = None
    conditions: tuple[Condition, ...] = ()
    observed_generation: Int64 = 0


class AppVersion(Object):
    spec: AppVersionSpec
    status: AppVersionStatus = AppVersionStatus()


class AppCreationRequestSpec(Model):
    app_name: Annotated[str, Schema(description="The app that the workloads of this namespace name.")]


class AppCreationRequest(Object):
    spec: AppCreationRequestSpec
