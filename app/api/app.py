"""KeptnApp, KeptnAppContext, KeptnAppVersion and KeptnAppCreationRequest v1: workloads that are deployed together."""

from typing import Annotated

from app.api import rules
from app.api.fields import PostEvaluations, PostTasks, PreEvaluations, PreTasks, State, Words
from app.api.meta import Model, Object
from app.api.schema import Schema
from app.api.workload import ItemStatus, VersionStatus


class WorkloadRef(Model):
    name: Annotated[str, Schema(description="The workload's name, without the app's.")]
    version: Annotated[str, Schema(description="The workload's version.")]


class AppSpec(Model):
    version: Annotated[str, Schema(description="The app's version.")]
    revision: Annotated[
        int, Schema(default=True, rules=rules.UNSIGNED, description="Another one checks the same version once more.")
    ] = 1
    workloads: Annotated[
        tuple[WorkloadRef, ...], Schema(description="What is deployed together, each in its version.")
    ] = ()


class AppStatus(Model):
    current_version: Annotated[str, Schema(description="The version that the newest KeptnAppVersion has.")] = ""


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
    status: Annotated[str, Schema(description="Kept from Keptn, which never wrote it.")] = ""


class AppContext(Object):
    spec: AppContextSpec = AppContextSpec()


class AppVersionSpec(AppSpec, AppContextSpec):
    app_name: Annotated[str, Schema(description="The KeptnApp that this is a version of.")]
    previous_version: Annotated[str, Schema(description="The version before this one.")] = ""
    trace_id: Annotated[dict[str, str], Schema(description="The trace that it is part of, as a traceparent.")] = {}


class WorkloadState(Model):
    """How one of the app's workloads is doing."""

    workload: Annotated[WorkloadRef, Schema(description="Which.")] = WorkloadRef(name="", version="")
    status: Annotated[State, Schema(description="How far its version has come.")] = "Pending"


class AppVersionStatus(VersionStatus):
    workload_overall_status: Annotated[State, Schema(description="Of all its workloads together.")] = "Pending"
    promotion_status: Annotated[State, Schema(description="Of the promotion tasks.")] = "Pending"
    workload_status: Annotated[tuple[WorkloadState, ...], Schema(description="Each workload.")] = ()
    promotion_task_status: Annotated[tuple[ItemStatus, ...], Schema(description="Each promotion task.")] = ()


class AppVersion(Object):
    spec: AppVersionSpec
    status: AppVersionStatus = AppVersionStatus()


class AppCreationRequestSpec(Model):
    app_name: Annotated[str, Schema(description="The app that the workloads of this namespace name.")]


class AppCreationRequest(Object):
    spec: AppCreationRequestSpec
