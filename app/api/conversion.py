"""KeptnTaskDefinition in each of its versions, there and back without loss.

Three shapes exist. v1alpha1 and v1alpha2 have nothing but `spec.function`, without cmdParameters. v1 has the runners
deno, python and container, and how often and how long to try. v1beta1 and v1alpha3 have all of that and `function`, the
old name of `deno`, too: the whole, which every conversion goes through. What the target cannot say is written into one
annotation, as JSON, and taken out of it again on the way back:

    {"function": true}       the script was under `function`, not `deno`
    {"runner": {...}}        fields of the script's runner
    {"spec": {...}}          fields of the spec

The values that an API server fills in (retries, timeout, ttlSecondsAfterFinished) are not written there, and are
filled in on the way back, since otherwise every definition would carry the annotation in its oldest versions.

What this cannot do: whoever applied `function` of v1alpha3 or v1beta1 by server-side apply, and then applies `deno` of
v1 under the same field manager, is refused ("the definition runs nothing"). The API server takes the fields of the old
version away in that version, and sees the renamed script go. `kubectl replace`, or deleting it first, does it.
"""

from typing import Any, NamedTuple

import orjson

from app.api.taskdefinition import DEFAULT_RETRIES, DEFAULT_TIMEOUT, DEFAULT_TTL_SECONDS
from app.api.versions import TASK_DEFINITION
from app.api.wellknown import CONVERSION, GROUP

Json = dict[str, Any]

_WHOLE = ("v1beta1", "v1alpha3")
_OLDEST = ("v1alpha2", "v1alpha1")
_OLDEST_RUNNER = ("inline", "httpRef", "functionRef", "configMapRef", "parameters", "secureParameters")
_DEFAULTS: Json = {
    "retries": DEFAULT_RETRIES,
    "timeout": DEFAULT_TIMEOUT,
    "ttlSecondsAfterFinished": DEFAULT_TTL_SECONDS,
}
_LARGEST_ANNOTATIONS = 256 * 1024


class ConversionError(Exception):
    """An object that cannot be had in the version that was asked for; the message says why and what to do."""


class _Note(NamedTuple):
    function: bool
    runner: Json
    spec: Json


_NOTHING = _Note(False, {}, {})


def convert(obj: Json, version: str) -> Json:
    """`obj` in another version, such as `v1beta1`; `obj` itself is left as it is.

    Only `apiVersion`, `spec` and one annotation differ. Raises ConversionError for another kind, an unknown version, or
    when what the version cannot say does not fit into the annotation.
    """
    here = _version_of(obj)
    if version not in (known.name for known in TASK_DEFINITION.versions):
        raise ConversionError(f"{TASK_DEFINITION.name} has no version {version!r}")
    if version == here:
        return obj
    spec = obj.get("spec")
    plain, note = _without_note(obj)
    if spec is not None and not isinstance(spec, dict):
        return {**plain, "apiVersion": f"{GROUP}/{version}"}
    if spec is None and not note.spec:
        return {**plain, "apiVersion": f"{GROUP}/{version}"}
    shown, left = _from_whole(_to_whole(spec or {}, here, note), version)
    return _with_note({**plain, "apiVersion": f"{GROUP}/{version}", "spec": shown}, left, version)


def _version_of(obj: Json) -> str:
    group, _, version = str(obj.get("apiVersion")).partition("/")
    if obj.get("kind") != TASK_DEFINITION.name or group != GROUP:
        raise ConversionError(f"{obj.get('kind')} of {obj.get('apiVersion')} is not a kind that Holdfast converts")
    if version not in (known.name for known in TASK_DEFINITION.versions):
        raise ConversionError(f"{TASK_DEFINITION.name} has no version {version!r}")
    return version


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


def _without_note(obj: Json) -> tuple[Json, _Note]:
    """The object without the annotation, and what it said. Text that is not ours is left where it is."""
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if CONVERSION not in annotations:
        return obj, _NOTHING
    try:
        said = orjson.loads(annotations[CONVERSION])
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        return obj, _NOTHING
    parts = [part if isinstance(part, dict) else {} for part in (said.get("runner"), said.get("spec"))]
    others = {key: value for key, value in annotations.items() if key != CONVERSION}
    plain = {**metadata, "annotations": others}
    if not others:
        del plain["annotations"]
    return {**obj, "metadata": plain}, _Note(said.get("function") is True, *parts)


def _with_note(obj: Json, note: _Note, version: str) -> Json:
    content = {key: value for key, value in note._asdict().items() if value}
    if not content:
        return obj
    metadata = obj.get("metadata") or {}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    annotations = {**(metadata.get("annotations") or {}), CONVERSION: text}
    size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _LARGEST_ANNOTATIONS:
        raise ConversionError(
            f"{version} cannot hold this definition: what it has no field for takes {size} bytes of annotations, and "
            f"Kubernetes allows {_LARGEST_ANNOTATIONS}; read it as {TASK_DEFINITION.versions[0].name}"
        )
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
