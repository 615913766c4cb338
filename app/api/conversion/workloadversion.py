"""KeptnWorkloadVersion: v1alpha4 has no metadata, of the workload or the app, and not when the pods began."""

from typing import Final

from app.api.conversion.converter import Converter
from app.api.versions import WORKLOAD_VERSION

WORKLOAD_VERSIONS: Final = Converter(
    WORKLOAD_VERSION,
    lacks={"v1alpha4": ("spec.metadata", "status.appContextMetadata", "status.deploymentStartTime")},
)
