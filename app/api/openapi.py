"""From a cluster's own OpenAPI document to the structural schema of a core/v1 Container.

To renew the committed one for a newer Kubernetes:

    kubectl get --raw /openapi/v3/api/v1 | python -m app.api.openapi > app/api/container_schema.json

It lists what a Container may hold and of which type, no more: defaults, enumerations and merge keys are left out,
because the Job that the container goes into is where Kubernetes applies them, and a dry run of that Job is how a
definition is checked. Published here, they would be written into people's definitions, or refuse what a newer cluster
takes.
"""

import json
import sys
from typing import Any

Json = dict[str, Any]

_PREFIX = "#/components/schemas/"
_CONTAINER = "io.k8s.api.core.v1.Container"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY_PATTERN = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
_KEPT = ("type", "format", "required", "x-kubernetes-map-type")


def structural(openapi: Json) -> Json:
    """The Container of an OpenAPI v3 document (the API server's /openapi/v3/api/v1) as a structural schema."""
    return _resolved({"$ref": _PREFIX + _CONTAINER}, openapi["components"]["schemas"])


def _resolved(schema: Json, named: Json) -> Json:
    reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ()) if "$ref" in part), "")
    if reference:
        name = reference.removeprefix(_PREFIX)
        either: Json = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
        if name == _QUANTITY:
            return either | {"pattern": _QUANTITY_PATTERN}
        if name == _INT_OR_STRING:
            return either
        return _resolved(named[name], named)
    kept: Json = {key: schema[key] for key in _KEPT if key in schema}
    if "properties" in schema:
        kept["properties"] = {name: _resolved(part, named) for name, part in sorted(schema["properties"].items())}
    for key in ("items", "additionalProperties"):
        if key in schema:
            kept[key] = _resolved(schema[key], named)
    return kept


if __name__ == "__main__":
    json.dump(structural(json.load(sys.stdin)), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
