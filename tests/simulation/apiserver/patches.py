"""What the API server makes of a patch, for each kind of patch that Holdfast sends."""

import copy
from collections.abc import Callable
from typing import Any

import jsonpatch

from app.cluster import errors
from app.cluster.api import Json, PatchType

# Lists that a strategic merge patch merges by a field of their items, instead of replacing them.
_MERGE_KEYS = {"conditions": "type", "containers": "name", "ownerReferences": "uid", "schedulingGates": "name"}


def patched(current: Json, body: Json | list[Json], kind: PatchType) -> Json:
    """`current` after the patch. Raises Invalid for a JSON patch that does not apply."""
    if isinstance(body, list):
        return _json(current, body)
    ways: dict[PatchType, Callable[[Any, Any], Any]] = {PatchType.MERGE: _merge, PatchType.STRATEGIC: _strategic}
    result: Json = ways[kind](current, body)
    return result


def _json(current: Json, operations: list[Json]) -> Json:
    try:
        result: Json = jsonpatch.apply_patch(current, operations)
    except jsonpatch.JsonPatchTestFailed as error:
        raise errors.Invalid(
            422, "Invalid", "the server rejected our request due to an error in our request"
        ) from error
    except jsonpatch.JsonPatchException as error:
        raise errors.Invalid(422, "Invalid", f"the patch does not apply: {error}") from error
    return result


def _merge(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merge(result.get(name), value)
    return result


def _strategic(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, list) and name in _MERGE_KEYS:
            result[name] = _by_key(result.get(name) or [], value, _MERGE_KEYS[name])
        else:
            result[name] = _strategic(result.get(name), value)
    return result


def _by_key(current: list[Json], patch: list[Json], key: str) -> list[Json]:
    result = copy.deepcopy(current)
    for item in patch:
        at = next((i for i, each in enumerate(result) if each.get(key) == item.get(key)), None)
        if at is None:
            result.append(copy.deepcopy(item))
        else:
            result[at] = _strategic(result[at], item)
    return result
