"""KeptnTaskDefinition: `function` became `deno`, and other runners came to it.

Three shapes exist. v1alpha1 and v1alpha2 have nothing but `spec.function`, without cmdParameters. v1 has the runners
deno, python and container, and how often and how long to try. v1beta1 and v1alpha3 have all of that and `function`, the
old name of `deno`, too: the whole. The note is

    {"function": true}       the script was under `function`, not `deno`
    {"runner": {...}}        fields of the script's runner
    {"spec": {...}}          fields of the spec

What this cannot do: whoever applied `function` of v1alpha3 or v1beta1 by server-side apply, and then applies `deno` of
v1 under the same field manager, is refused ("the definition runs nothing"). The API server takes the fields of the old
version away in that version, and sees the renamed script go. `kubectl replace`, or deleting it first, does it.
"""

from typing import Any, Final, NamedTuple

from app.api.conversion.converter import Converter
from app.api.taskdefinition import DEFAULT_RETRIES, DEFAULT_TIMEOUT, DEFAULT_TTL_SECONDS
from app.api.versions import TASK_DEFINITION

Json = dict[str, Any]

_WHOLE: Final = ("v1beta1", "v1alpha3")
_OLDEST: Final = ("v1alpha2", "v1alpha1")
_OLDEST_RUNNER: Final = ("inline", "httpRef", "functionRef", "configMapRef", "parameters", "secureParameters")
_DEFAULTS: Final[Json] = {
    "retries": DEFAULT_RETRIES,
    "timeout": DEFAULT_TIMEOUT,
    "ttlSecondsAfterFinished": DEFAULT_TTL_SECONDS,
}


class _Note(NamedTuple):
    function: bool
    runner: Json
    spec: Json


_NOTHING: Final = _Note(False, {}, {})


class _TaskDefinitions(Converter):
    def to_whole(self, obj: Json, version: str, note: Json) -> Json:
        parts = [part if isinstance(part, dict) else {} for part in (note.get("runner"), note.get("spec"))]
        said = _Note(note.get("function") is True, *parts)
        spec = obj.get("spec")
        if (spec is None and not said.spec) or not (spec is None or isinstance(spec, dict)):
            return obj
        return {**obj, "spec": _to_whole(spec or {}, version, said)}

    def from_whole(self, obj: Json, version: str) -> tuple[Json, Json]:
        whole = obj.get("spec")
        if not isinstance(whole, dict):
            return obj, {}
        shown, left = _from_whole(whole, version)
        return {**obj, "spec": shown}, {key: value for key, value in left._asdict().items() if value}


def _to_whole(spec: Json, version: str, note: _Note) -> Json:
    if version in _WHOLE:
        return spec
    shown = "function" if version in _OLDEST else "deno"
    whole = {name: value for name, value in spec.items() if name != shown}
    if shown in spec:
        script = spec[shown]
        if isinstance(script, dict):
            script = note.runner | script
        whole["function" if note.function else "deno"] = script
    if version in _OLDEST:
        return _DEFAULTS | note.spec | whole
    return {name: value for name, value in note.spec.items() if name == "function"} | whole


def _from_whole(whole: Json, version: str) -> tuple[Json, _Note]:
    if version in _WHOLE:
        return whole, _NOTHING
    # With both, which no validation lets through, `deno` is shown and `function` is kept.
    name = "deno" if "deno" in whole else "function"
    others = {key: value for key, value in whole.items() if key != name}
    marked = name in whole and name == "function"
    if version not in _OLDEST:
        shown = {key: value for key, value in others.items() if key != "function"}
        if name in whole:
            shown["deno"] = whole[name]
        return shown, _Note(marked, {}, {key: others[key] for key in others if key == "function"})
    kept = {key: value for key, value in others.items() if key not in _DEFAULTS or value != _DEFAULTS[key]}
    if name not in whole:
        return {}, _Note(False, {}, kept)
    script = whole[name]
    if not isinstance(script, dict):
        return {"function": script}, _Note(marked, {}, kept)
    known = {key: value for key, value in script.items() if key in _OLDEST_RUNNER}
    rest = {key: value for key, value in script.items() if key not in _OLDEST_RUNNER}
    return {"function": known}, _Note(marked, rest, kept)


TASK_DEFINITIONS: Final = _TaskDefinitions(TASK_DEFINITION, lacks={})
