"""Every served version of the four kinds, as models: what the older ones have in another shape, or do not have.

v1 is stored. KeptnTaskDefinition is converted by our webhook. The other kinds have strategy None: the API server
changes nothing but apiVersion, and drops what the stored version does not know. For KeptnTask v1alpha1 and v1alpha2
that means that their required app, appVersion, workload and workloadVersion are not kept (as with Keptn itself).
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from app.api import rules
from app.api.fields import Int32, State, Time
from app.api.meta import Model
from app.api.rules import Rule
from app.api.schema import Ruled
from app.api.task import Attempt, TaskSpec, TaskStatus
from app.api.taskdefinition import (
    Parameters,
    RuntimeSpec,
    SecureParameters,
    TaskDefinitionSpec,
    TaskDefinitionStatus,
)
from app.api.workload import (
    WorkloadSpec,
    WorkloadStatus,
    WorkloadVersionSpec,
    WorkloadVersionStatus,
)


@dataclass(frozen=True, slots=True)
class Version:
    """One served version. `without` are dotted paths that the models have and this version has not."""

    name: str
    spec: type[Model]
    status: type[Model]
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Column:
    """What `kubectl get` shows; `wide` only with `-o wide`."""

    name: str
    path: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind and its versions, newest first; the first is the one that is stored. `converted`: by our webhook."""

    name: str
    plural: str
    description: str
    versions: tuple[Version, ...]
    columns: tuple[Column, ...] = ()
    short_names: tuple[str, ...] = ()
    converted: bool = False
    rules: tuple[Rule, ...] = ()


class BetaTaskDefinitionSpec(TaskDefinitionSpec):
    """v1beta1 and v1alpha3: as v1, with the old name of `deno` beside it."""

    RULES: ClassVar[tuple[Rule, ...]] = rules.one_runner("deno", "python", "container", "function")

    function: RuntimeSpec | None = None


class AlphaTaskDefinitionSpec(Ruled):
    """v1alpha1 and v1alpha2: nothing but the script that was to become `deno`."""

    RULES: ClassVar[tuple[Rule, ...]] = rules.one_runner("function")

    function: RuntimeSpec | None = None


class AlphaTaskContext(Model):
    """v1alpha1 and v1alpha2: every field must be there."""

    workload_name: str
    app_name: str
    app_version: str
    workload_version: str
    task_type: str
    object_type: str


class AlphaTaskSpec(Model):
    """v1alpha1 and v1alpha2: says twice what the task is for, and not how often or how long it may try."""

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


_ALPHA_TASK_DEFINITION: Final = (
    AlphaTaskDefinitionSpec,
    TaskDefinitionStatus,
    frozenset({"spec.function.cmdParameters"}),
)

TASK_DEFINITION: Final = Kind(
    name="KeptnTaskDefinition",
    plural="keptntaskdefinitions",
    description="A check: what it runs, and how often and how long it may try.",
    converted=True,
    rules=rules.SPEC_GIVEN,
    versions=(
        Version("v1", TaskDefinitionSpec, TaskDefinitionStatus),
        Version("v1beta1", BetaTaskDefinitionSpec, TaskDefinitionStatus),
        Version("v1alpha3", BetaTaskDefinitionSpec, TaskDefinitionStatus),
        Version("v1alpha2", *_ALPHA_TASK_DEFINITION),
        Version("v1alpha1", *_ALPHA_TASK_DEFINITION),
    ),
)

TASK: Final = Kind(
    name="KeptnTask",
    plural="keptntasks",
    description="One run of a definition for one version of a workload or app, and its verdict.",
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

_WITHOUT_METADATA: Final = frozenset({"spec.metadata"})

WORKLOAD: Final = Kind(
    name="KeptnWorkload",
    plural="keptnworkloads",
    description="A workload whose deployments are checked.",
    columns=(Column("AppName", ".spec.app"), Column("Version", ".spec.version")),
    versions=(
        Version("v1", WorkloadSpec, WorkloadStatus),
        Version("v1beta1", WorkloadSpec, WorkloadStatus),
        Version("v1alpha3", WorkloadSpec, WorkloadStatus, _WITHOUT_METADATA),
        Version("v1alpha2", WorkloadSpec, WorkloadStatus, _WITHOUT_METADATA),
        Version("v1alpha1", WorkloadSpec, WorkloadStatus, _WITHOUT_METADATA),
    ),
)

WORKLOAD_VERSION: Final = Kind(
    name="KeptnWorkloadVersion",
    plural="keptnworkloadversions",
    description="One version of a workload, and how far it has come.",
    short_names=("kwv",),
    columns=(
        Column("AppName", ".spec.app"),
        Column("WorkloadName", ".spec.workloadName"),
        Column("WorkloadVersion", ".spec.version"),
        Column("Phase", ".status.currentPhase"),
        Column("PreDeploymentStatus", ".status.preDeploymentStatus", wide=True),
        Column("PreDeploymentEvaluationStatus", ".status.preDeploymentEvaluationStatus", wide=True),
        Column("DeploymentStatus", ".status.deploymentStatus", wide=True),
        Column("PostDeploymentStatus", ".status.postDeploymentStatus", wide=True),
        Column("PostDeploymentEvaluationStatus", ".status.postDeploymentEvaluationStatus", wide=True),
    ),
    versions=(
        Version("v1", WorkloadVersionSpec, WorkloadVersionStatus),
        Version("v1beta1", WorkloadVersionSpec, WorkloadVersionStatus),
        Version(
            "v1alpha4",
            WorkloadVersionSpec,
            WorkloadVersionStatus,
            frozenset({"spec.metadata", "status.appContextMetadata", "status.deploymentStartTime"}),
        ),
    ),
)

KINDS: Final = (TASK_DEFINITION, TASK, WORKLOAD, WORKLOAD_VERSION)
