"""The annotation in which a version keeps what it has no field for, as JSON.

It is in an object only as long as the object is in that version. The stored version has it too: what older versions
alone can say lies there. People can write it as well, so nothing in it is trusted to have a shape.
"""

from typing import Any, Final

import orjson

from app.api.wellknown import CONVERSION

Json = dict[str, Any]

_LARGEST_ANNOTATIONS: Final = 256 * 1024


class ConversionError(Exception):
    """An object that cannot be had in the version that was asked for; the message says why and what to do."""


def said(text: str | None) -> Json | None:
    """What an annotation's text says; None for none, and for text that is not ours."""
    if text is None:
        return None
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def taken(obj: Json) -> tuple[Json, Json]:
    """The object without the annotation, and what that said. Text that is not ours is left where it is."""
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    content = said(annotations.get(CONVERSION))
    if content is None:
        return obj, {}
    others = {key: value for key, value in annotations.items() if key != CONVERSION}
    plain = {**metadata, "annotations": others}
    if not others:
        del plain["annotations"]
    return {**obj, "metadata": plain}, content


def given(obj: Json, content: Json, version: str, stored: str) -> Json:
    """The object, which is in `version`, with the annotation; `stored` is the version that holds most.

    Raises ConversionError if the object's annotations would be more than Kubernetes takes.
    """
    if not content:
        return obj
    metadata = obj.get("metadata") or {}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    annotations = {**(metadata.get("annotations") or {}), CONVERSION: text}
    size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _LARGEST_ANNOTATIONS:
        instead = f"write it as {stored}, or less of it" if version == stored else f"read it as {stored}"
        raise ConversionError(
            f"{version} cannot hold this {obj.get('kind')}: what it has no field for takes {size} bytes of "
            f"annotations, and Kubernetes allows {_LARGEST_ANNOTATIONS}; {instead}"
        )
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
