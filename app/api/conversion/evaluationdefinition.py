"""KeptnEvaluationDefinition: v1alpha1 and v1alpha2 ask a provider themselves, newer ones name a KeptnMetric.

    v1alpha1, v1alpha2                              v1 (`query` and `provider` are Holdfast's additions)
    source: prometheus                              provider: {name: prometheus}
    objectives:                                     objectives:
    - name: latency                                 - keptnMetricRef: {name: latency}
      query: histogram_quantile(...)                  query: histogram_quantile(...)
      evaluationTarget: <0.5                          evaluationTarget: <0.5

Keptn, which had no such fields in v1, dropped source and queries. What an old version cannot say of an objective is
noted with the objective's name, so that others can be added, taken out and moved in that version.
"""

from typing import Any, Final

from app.api.conversion.converter import Converter
from app.api.conversion.paths import MISSING, at, drop, put
from app.api.evaluation import DEFAULT_RETRIES, DEFAULT_RETRY_INTERVAL
from app.api.versions import EVALUATION_DEFINITION

Json = dict[str, Any]

_OLDEST: Final = ("v1alpha2", "v1alpha1")
_PROVIDER: Final = "spec.provider"
_SOURCE: Final = "spec.source"
_OBJECTIVES: Final = "spec.objectives"


class _EvaluationDefinitions(Converter):
    def to_whole(self, obj: Json, version: str, note: Json) -> Json:
        if version in _OLDEST:
            obj = _with_provider(obj, note.get(_PROVIDER, MISSING))
            obj = _with_metrics(obj, note.get(_OBJECTIVES))
        return Converter.to_whole(self, obj, version, note)

    def from_whole(self, obj: Json, version: str) -> tuple[Json, Json]:
        shown, note = Converter.from_whole(self, obj, version)
        if version not in _OLDEST or not isinstance(shown.get("spec"), dict):
            return shown, note
        provider = at(shown, _PROVIDER)
        source = _source(provider)
        shown = put(drop(shown, _PROVIDER), _SOURCE, source)
        if provider != {"name": source}:
            note[_PROVIDER] = None if provider is MISSING else provider
        objectives = at(shown, _OBJECTIVES)
        if isinstance(objectives, list):
            pairs = [_old(objective) for objective in objectives]
            shown = put(shown, _OBJECTIVES, [old for old, _ in pairs])
            # All of a name, or one that leaves nothing out would be taken for its namesake.
            names = [rest["name"] for _, rest in pairs if len(rest) > 1]
            if names:
                note[_OBJECTIVES] = [rest for _, rest in pairs if rest.get("name") in names]
        return shown, note


def _source(provider: Any) -> Any:
    """What an old version calls the provider: its name, or what it is; nothing without one."""
    if not isinstance(provider, dict):
        return ""
    return provider.get("name", provider.get("type", ""))


def _with_provider(obj: Json, noted: Any) -> Json:
    """The object with `provider` for `source`: the one that was noted, under the name that the source has by now."""
    source = at(obj, _SOURCE)
    obj = drop(obj, _SOURCE)
    if source is MISSING or (noted is None and source == ""):
        return obj
    if isinstance(noted, dict):
        return put(obj, _PROVIDER, noted if _source(noted) == source else {**noted, "name": source})
    return put(obj, _PROVIDER, {"name": source})


def _old(objective: Any) -> tuple[Any, Json]:
    """An objective as an old version says it, and what that leaves out, with the name to know it by."""
    if not isinstance(objective, dict):
        return objective, {}
    reference = objective.get("keptnMetricRef")
    name = reference.get("name", "") if isinstance(reference, dict) else ""
    others = {key: value for key, value in objective.items() if key not in ("keptnMetricRef", "query")}
    rest: Json = {}
    if reference != {"name": name}:
        rest["keptnMetricRef"] = reference
    if "query" not in objective:
        rest["query"] = None
    return {"name": name, "query": objective.get("query", ""), **others}, {"name": name, **rest}


def _with_metrics(obj: Json, noted: Any) -> Json:
    objectives = at(obj, _OBJECTIVES)
    if not isinstance(objectives, list):
        return obj
    kept = [rest for rest in noted if isinstance(rest, dict)] if isinstance(noted, list) else []
    return put(obj, _OBJECTIVES, [_new(objective, kept) for objective in objectives])


def _new(objective: Any, kept: list[Json]) -> Any:
    """An old objective as v1 says it, with the first that is noted of its name, which is taken off the list."""
    if not isinstance(objective, dict):
        return objective
    name = objective.get("name", "")
    rest: Json = next((each for each in kept if each.get("name") == name), {})
    if rest:
        kept.remove(rest)
    reference = rest.get("keptnMetricRef")
    others = {key: value for key, value in objective.items() if key not in ("name", "query")}
    made = {"keptnMetricRef": {**reference, "name": name} if isinstance(reference, dict) else {"name": name}, **others}
    if "query" in objective and not ("query" in rest and objective["query"] == ""):
        made["query"] = objective["query"]
    return made


_LATE: Final = ("spec.retries", "spec.retryInterval")

EVALUATION_DEFINITIONS: Final = _EvaluationDefinitions(
    EVALUATION_DEFINITION,
    lacks=dict.fromkeys(("v1alpha3", "v1alpha2", "v1alpha1"), _LATE),
    defaults={"spec.retries": DEFAULT_RETRIES, "spec.retryInterval": DEFAULT_RETRY_INTERVAL},
)
