"""KeptnConfig, the one kind of the group options.keptn.sh."""

from typing import Final

from app.api.config import ConfigSpec
from app.api.versions.kind import Kind, Version
from app.api.wellknown import OPTIONS_GROUP

CONFIG: Final = Kind(
    name="KeptnConfig",
    plural="keptnconfigs",
    group=OPTIONS_GROUP,
    description="How this installation works. Only one in the installation's own namespace counts.",
    versions=(Version("v1alpha1", ConfigSpec, str),),
)
