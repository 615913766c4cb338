"""Every kind in each of its versions, there and back without loss.

What the version that is asked for cannot say is written into annotations, `conversion.keptn.sh/<field>`, and taken out
of them again on the way back. They are never a way to say what the version has fields for. All of this is pure;
`app.admission` serves it. A kind whose versions are all the same is not here.
"""

from typing import Any, Final

from app.api.conversion.app import APPS, app_lists
from app.api.conversion.appversion import APP_VERSIONS
from app.api.conversion.converter import Converter
from app.api.conversion.evaluation import EVALUATIONS
from app.api.conversion.evaluationdefinition import EVALUATION_DEFINITIONS
from app.api.conversion.note import ConversionError, given, noted, taken
from app.api.conversion.task import TASKS
from app.api.conversion.taskdefinition import TASK_DEFINITIONS
from app.api.conversion.workload import WORKLOADS
from app.api.conversion.workloadversion import WORKLOAD_VERSIONS

__all__ = ["CONVERTERS", "ConversionError", "app_lists", "convert", "noted"]

Json = dict[str, Any]

CONVERTERS: Final[dict[str, Converter]] = {
    converter.kind.name: converter
    for converter in (
        APPS,
        APP_VERSIONS,
        WORKLOADS,
        WORKLOAD_VERSIONS,
        TASKS,
        TASK_DEFINITIONS,
        EVALUATIONS,
        EVALUATION_DEFINITIONS,
    )
}


def convert(obj: Json, version: str) -> Json:
    """`obj` in another version, such as `v1beta1`; `obj` itself is left as it is.

    Only `apiVersion`, `spec`, `status` and those annotations differ. Raises ConversionError for a kind that is not
    converted, an unknown version, or when what the version cannot say does not fit into annotations.
    """
    group, _, here = str(obj.get("apiVersion")).partition("/")
    converter = CONVERTERS.get(str(obj.get("kind")))
    if converter is None or group != converter.kind.group:
        raise ConversionError(f"{obj.get('kind')} of {obj.get('apiVersion')} is not a kind that Holdfast converts")
    known = [each.name for each in converter.kind.versions]
    for name in (here, version):
        if name not in known:
            raise ConversionError(f"{converter.kind.name} has no version {name!r}; it has {', '.join(known)}")
    if version == here:
        return obj
    plain, note = taken(obj)
    shown, left = converter.from_whole(converter.to_whole(plain, here, note), version)
    return given({**shown, "apiVersion": f"{group}/{version}"}, left, version, known[0])
