"""What the API server makes of a patch, for each kind of patch that Holdfast sends."""

import copy
from collections.abc import Callable
from typing import Any

import jsonpatch
import jsonpointer

from app.cluster import errors
from app.cluster.api import Json, PatchType

# Lists that a strategic merge patch merges by a field of their items, instead of replacing them.
_MERGE_KEYS = {"conditions": "type", "containers": "name", "ownerReferences": "uid", "schedulingGates": "name"}


def patched(current: Json, body: Json | list[Json], kind: PatchType) -> Json:
    """`current` after the patch. Raises Invalid for a JSON patch that does not apply.

    What the patch leaves alone is shared with `current`: change neither in place.
    """
    if isinstance(body, list):
        return _json(current, body)
    ways: dict[PatchType, Callable[[Any, Any], Any]] = {PatchType.MERGE: _merge, PatchType.STRATEGIC: _strategic}
    result: Json = ways[kind](current, body)
    return result


def _json(current: Json, operations: list[Json]) -> Json:
    try:
        result: Json = jsonpatch.apply_patch(current, operations)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        message = "the server rejected our request due to an error in our request"
        raise errors.Invalid(422, "Invalid", message) from error
    return result


def _merge(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merge(result.get(name), value)
    return result


def _strategic(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, list) and name in _MERGE_KEYS:
            result[name] = _by_key(result.get(name) or [], value, _MERGE_KEYS[name])
        else:
            result[name] = _strategic(result.get(name), value)
    return result


def _by_key(current: list[Json], patch: list[Json], key: str) -> list[Json]:
    """Items that the patch brings come first, as the API server has it; the others stay where they are."""
    there = {item[key]: item for item in current}
    changes = {item[key]: item for item in patch}
    new = [copy.deepcopy(item) for name, item in changes.items() if name not in there]
    return new + [_strategic(item, changes[name]) if name in changes else item for name, item in there.items()]
