"""The schema of a core/v1 Container, as data: `openapi` makes it from a running API server."""

import json
from importlib.resources import files
from typing import Any

Json = dict[str, Any]


def _with_limits(schema: Json) -> Json:
    """Bounds for the list that a CEL rule walks: without them its cost would be reckoned as unbounded."""
    mounts = schema["properties"]["volumeMounts"]
    name = mounts["items"]["properties"]["name"]
    name["maxLength"] = 63
    mounts["maxItems"] = 100
    return schema


CONTAINER: Json = _with_limits(json.loads(files(__package__).joinpath("container_schema.json").read_text()))
