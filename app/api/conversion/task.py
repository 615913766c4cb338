"""KeptnTask: v1alpha1 and v1alpha2 say what the task is for in four fields of the spec, and again in its context.

Newer versions say it in the context alone. What the four say is kept only where it is something else. The context and
all of its fields have to be there in the old versions; what is filled in for that is noted, and taken out again if it
is still empty.
"""

from typing import Any, Final

from app.api.conversion.converter import Converter
from app.api.conversion.paths import MISSING, at, drop, put
from app.api.taskdefinition import DEFAULT_RETRIES, DEFAULT_TIMEOUT
from app.api.versions import TASK

Json = dict[str, Any]

_CONTEXT: Final = "spec.context"
_CONTEXT_FIELDS: Final = tuple(
    f"{_CONTEXT}.{name}"
    for name in ("workloadName", "appName", "appVersion", "workloadVersion", "taskType", "objectType")
)
_TWICE: Final = {
    "spec.app": "spec.context.appName",
    "spec.appVersion": "spec.context.appVersion",
    "spec.workload": "spec.context.workloadName",
    "spec.workloadVersion": "spec.context.workloadVersion",
}
_OLDEST: Final = ("v1alpha2", "v1alpha1")
_FILLED: Final = "filled"


class _Tasks(Converter):
    def to_whole(self, obj: Json, version: str, note: Json) -> Json:
        if version in _OLDEST:
            for again, once in _TWICE.items():
                if at(obj, again) == at(obj, once):
                    obj = drop(obj, again)
            obj = _emptied(obj, note.get(_FILLED))
        return Converter.to_whole(self, obj, version, note)

    def from_whole(self, obj: Json, version: str) -> tuple[Json, Json]:
        shown, note = Converter.from_whole(self, obj, version)
        if version not in _OLDEST or not isinstance(shown.get("spec"), dict):
            return shown, note
        filled = [path for path in (_CONTEXT, *_CONTEXT_FIELDS) if at(shown, path) is MISSING]
        for path in filled:
            shown = put(shown, path, {} if path == _CONTEXT else "")
        for again, once in _TWICE.items():
            if at(shown, again) is MISSING:
                value = at(shown, once)
                shown = put(shown, again, "" if value is MISSING else value)
        if filled:
            note[_FILLED] = [_CONTEXT] if _CONTEXT in filled else filled
        return shown, note


def _emptied(obj: Json, filled: Any) -> Json:
    """The object without what was filled in, as far as it is still empty."""
    filled = filled if isinstance(filled, list) else []
    whole = _CONTEXT in filled
    for path in _CONTEXT_FIELDS:
        if (whole or path in filled) and at(obj, path) == "":
            obj = drop(obj, path)
    return drop(obj, _CONTEXT) if whole and at(obj, _CONTEXT) == {} else obj


_NEW_LACK: Final = tuple(_TWICE)
_OLD_LACK: Final = ("spec.context.metadata", "spec.retries", "spec.timeout", "status.reason")

TASKS: Final = _Tasks(
    TASK,
    lacks={
        "v1": _NEW_LACK,
        "v1beta1": _NEW_LACK,
        "v1alpha3": ("spec.context.metadata", *_NEW_LACK),
        "v1alpha2": _OLD_LACK,
        "v1alpha1": _OLD_LACK,
    },
    defaults={"spec.retries": DEFAULT_RETRIES, "spec.timeout": DEFAULT_TIMEOUT},
)
