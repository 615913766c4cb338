"""KeptnWorkload: v1alpha1 to v1alpha3 have no metadata."""

from typing import Final

from app.api.conversion.converter import Converter
from app.api.versions import WORKLOAD

WORKLOADS: Final = Converter(WORKLOAD, lacks=dict.fromkeys(("v1alpha3", "v1alpha2", "v1alpha1"), ("spec.metadata",)))
