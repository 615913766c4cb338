"""KeptnWorkload and KeptnWorkloadVersion: the older versions have no metadata, and do not know when pods began."""

from typing import Final

from app.api.versions.kind import Column, Kind, Version
from app.api.workload import WorkloadSpec, WorkloadStatus, WorkloadVersionSpec, WorkloadVersionStatus

_WITHOUT_METADATA: Final = frozenset({"spec.metadata"})

WORKLOAD: Final = Kind(
    name="KeptnWorkload",
    plural="keptnworkloads",
    description="A workload whose deployments are checked.",
    converted=True,
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
    converted=True,
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
