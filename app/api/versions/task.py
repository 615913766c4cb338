"""KeptnTask: its oldest versions say twice what the task is for, and not how often or how long it may try."""

from typing import Final

from app.api.condition import Condition
from app.api.fields import Int32, Int64, State, Time
from app.api.meta import Model
from app.api.task import Attempt, TaskSpec, TaskStatus
from app.api.taskdefinition import Parameters, SecureParameters
from app.api.versions.kind import Column, Kind, Version


class AlphaTaskContext(Model):
    """v1alpha1 and v1alpha2: every field must be there."""

    workload_name: str
    app_name: str
    app_version: str
    workload_version: str
    task_type: str
    object_type: str


class AlphaTaskSpec(Model):
    """v1alpha1 and v1alpha2."""

    app: str
    app_version: str
    workload: str
    workload_version: str
    task_definition: str
    context: AlphaTaskContext
    parameters: Parameters = Parameters()
    secure_parameters: SecureParameters = SecureParameters()
    check_type: str = ""


class AlphaTaskStatus(Model):
    """v1alpha1 and v1alpha2: no reason. Our own additions are there, or a write in this version would drop them."""

    job_name: str = ""
    status: State = "Pending"
    message: str = ""
    start_time: Time | None = None
    end_time: Time | None = None
    runs: Int32 = 0
    attempts: tuple[Attempt, ...] = ()
    conditions: tuple[Condition, ...] = ()
    observed_generation: Int64 = 0


TASK: Final = Kind(
    name="KeptnTask",
    plural="keptntasks",
    description="One run of a definition for one version of a workload or app, and its verdict.",
    converted=True,
    # Keptn's columns by name; its own paths (.spec.app and so on) have been empty since v1alpha3.
    columns=(
        Column("AppName", ".spec.context.appName"),
        Column("AppVersion", ".spec.context.appVersion"),
        Column("WorkloadName", ".spec.context.workloadName"),
        Column("WorkloadVersion", ".spec.context.workloadVersion"),
        Column("Job Name", ".status.jobName"),
        Column("Status", ".status.status"),
    ),
    versions=(
        Version("v1", TaskSpec, TaskStatus),
        Version("v1beta1", TaskSpec, TaskStatus),
        Version("v1alpha3", TaskSpec, TaskStatus, frozenset({"spec.context.metadata"})),
        Version("v1alpha2", AlphaTaskSpec, AlphaTaskStatus),
        Version("v1alpha1", AlphaTaskSpec, AlphaTaskStatus),
    ),
)
