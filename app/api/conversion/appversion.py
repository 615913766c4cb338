"""KeptnAppVersion: promotion, metadata and links came late, and v1alpha1 has other names for a phase's items."""

from typing import Any, Final

from app.api.conversion.converter import Converter
from app.api.conversion.paths import MISSING, at, put
from app.api.versions import APP_VERSION

Json = dict[str, Any]

_TASK: Final = {"definitionName": "taskDefinitionName", "name": "taskName"}
_EVALUATION: Final = {"definitionName": "evaluationDefinitionName", "name": "evaluationName"}
_ITEMS: Final = {
    "status.preDeploymentTaskStatus": _TASK,
    "status.postDeploymentTaskStatus": _TASK,
    "status.preDeploymentEvaluationTaskStatus": _EVALUATION,
    "status.postDeploymentEvaluationTaskStatus": _EVALUATION,
}
_LATE: Final = (
    "spec.metadata",
    "spec.promotionTasks",
    "spec.spanLinks",
    "status.promotionStatus",
    "status.promotionTaskStatus",
)


class _AppVersions(Converter):
    def to_whole(self, obj: Json, version: str, note: Json) -> Json:
        if version == "v1alpha1":
            for path, names in _ITEMS.items():
                obj = _renamed(obj, path, {old: new for new, old in names.items()})
        return Converter.to_whole(self, obj, version, note)

    def from_whole(self, obj: Json, version: str) -> tuple[Json, Json]:
        shown, note = Converter.from_whole(self, obj, version)
        if version == "v1alpha1":
            for path, names in _ITEMS.items():
                shown = _renamed(shown, path, names)
        return shown, note


def _renamed(obj: Json, path: str, names: dict[str, str]) -> Json:
    items = at(obj, path)
    if items is MISSING or not isinstance(items, list):
        return obj
    return put(
        obj,
        path,
        [
            {names.get(key, key): value for key, value in item.items()} if isinstance(item, dict) else item
            for item in items
        ],
    )


APP_VERSIONS: Final = _AppVersions(
    APP_VERSION,
    lacks={"v1alpha3": _LATE, "v1alpha2": _LATE, "v1alpha1": (*_LATE, "spec.revision")},
    defaults={"spec.revision": 1, "status.promotionStatus": "Pending"},
)
