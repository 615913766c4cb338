"""JSON as Go writes it, since users' automation compares these strings literally."""

import json
from collections.abc import Mapping
from typing import Any

from app.api.task import TaskContext

_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def compact(value: Any) -> str:
    """`value` without white space, keys in their order, with Go's escapes for <, >, & and the two line separators."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def parameters(values: Mapping[str, str]) -> str:
    """The text of DATA: one object, keys sorted."""
    return compact(dict(sorted(values.items())))


def context(value: TaskContext) -> str:
    """The text of KEPTN_CONTEXT: Keptn's field order, empty strings kept, metadata only if there is any (4.1)."""
    fields: dict[str, Any] = value.model_dump(by_alias=True)
    metadata = fields.pop("metadata")
    return compact(fields | ({"metadata": dict(sorted(metadata.items()))} if metadata else {}))
