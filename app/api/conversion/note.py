"""The annotations in which a version keeps what it has no field for, as JSON.

They are in an object only as long as the object is in that version. The stored version has them too: what older
versions alone can say lies there. One for each field, not one for all, or server-side apply in an old version could not
take one of two such fields away: it goes by which fields there are, and would see the one annotation stay. People can
write them as well, so nothing in them is trusted to have a shape.
"""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.api.wellknown import CONVERSION

Json = dict[str, Any]

_LARGEST_ANNOTATIONS: Final = 256 * 1024


class ConversionError(Exception):
    """An object that cannot be had in the version that was asked for; the message says why and what to do."""


def noted(annotations: Mapping[str, Any]) -> Json:
    """What the annotations say. Text that is not ours says nothing."""
    content: Json = {}
    for key, text in annotations.items():
        if not key.startswith(CONVERSION):
            continue
        with contextlib.suppress(orjson.JSONDecodeError):
            content[key.removeprefix(CONVERSION)] = orjson.loads(text)
    return content


def taken(obj: Json) -> tuple[Json, Json]:
    """The object without our annotations, and what they said. Text that is not ours is left where it is."""
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    content = noted(annotations)
    if not content:
        return obj, {}
    ours = {CONVERSION + name for name in content}
    others = {key: value for key, value in annotations.items() if key not in ours}
    plain = {**metadata, "annotations": others}
    if not others:
        del plain["annotations"]
    return {**obj, "metadata": plain}, content


def given(obj: Json, content: Json, version: str, stored: str) -> Json:
    """The object, which is in `version`, with the annotations; `stored` is the version that holds most.

    Raises ConversionError if the object's annotations would be more than Kubernetes takes.
    """
    if not content:
        return obj
    metadata = obj.get("metadata") or {}
    ours = {
        CONVERSION + name: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() for name, value in content.items()
    }
    annotations = {**(metadata.get("annotations") or {}), **ours}
    size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _LARGEST_ANNOTATIONS:
        instead = f"write it as {stored}, or less of it" if version == stored else f"read it as {stored}"
        raise ConversionError(
            f"{version} cannot hold this {obj.get('kind')}: what it has no field for takes {size} bytes of "
            f"annotations, and Kubernetes allows {_LARGEST_ANNOTATIONS}; {instead}"
        )
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
