"""Label and field selectors, as the API server reads them."""

import re
from collections.abc import Mapping
from typing import Any

_SET = re.compile(r"(?P<key>\S+)\s+(?P<word>in|notin)\s*\((?P<values>[^)]*)\)")
_COMMA = re.compile(r",(?![^(]*\))")


def labels_match(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether ``labels`` satisfy every part of ``selector`` (``a=b,c!=d,e in (f,g),h,!i``).

    An empty selector selects all.
    """
    return all(_part(part.strip(), labels) for part in _COMMA.split(selector) if part.strip())


def fields_match(selector: str, body: Mapping[str, Any]) -> bool:
    """Whether ``body`` satisfies every part of ``selector`` (``metadata.name=a,spec.nodeName!=b``).

    A field that is not there is the empty string.
    """
    return all(_compare(part, lambda path: _field(body, path)) for part in selector.split(",") if part)


def _part(part: str, labels: Mapping[str, str]) -> bool:
    if match := _SET.fullmatch(part):
        values = {value.strip() for value in match["values"].split(",")}
        return (labels.get(match["key"]) in values) == (match["word"] == "in")
    if "=" in part:
        return _compare(part, labels.get)
    if part.startswith("!"):
        return part[1:].strip() not in labels
    return part in labels


def _compare(part: str, value_of: Any) -> bool:
    if "!=" in part:
        key, _, wanted = part.partition("!=")
        return bool(value_of(key.strip()) != wanted.strip())
    key, _, wanted = part.partition("=")
    return bool(value_of(key.strip()) == wanted.removeprefix("=").strip())


def _field(body: Mapping[str, Any], path: str) -> str:
    value: Any = body
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
