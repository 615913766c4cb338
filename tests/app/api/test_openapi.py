from typing import Any

from app.api.container_schema import CONTAINER
from app.api.openapi import structural

CORE = "io.k8s.api.core.v1"


def document() -> dict[str, Any]:
    resource = "io.k8s.apimachinery.pkg.api.resource.Quantity"
    int_or_string = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"

    def to(name: str) -> dict[str, Any]:
        return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "default": {}, "description": "words"}

    return {
        "components": {
            "schemas": {
                f"{CORE}.Container": {
                    "type": "object",
                    "description": "words",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "default": "", "description": "words"},
                        "restartPolicy": {"type": "string", "enum": ["Always"]},
                        "ports": {
                            "type": "array",
                            "items": to(f"{CORE}.Port"),
                            "x-kubernetes-list-type": "map",
                            "x-kubernetes-list-map-keys": ["number"],
                        },
                        "limits": {"type": "object", "additionalProperties": to(resource)},
                    },
                },
                f"{CORE}.Port": {
                    "type": "object",
                    "x-kubernetes-map-type": "atomic",
                    "properties": {"number": to(int_or_string), "since": {"type": "integer", "format": "int64"}},
                },
                resource: {"oneOf": [{"type": "string"}, {"type": "number"}]},
                int_or_string: {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
            }
        }
    }


def test_references_are_followed_and_only_structure_is_kept() -> None:
    either = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
    schema = structural(document())
    quantity = schema["properties"]["limits"]["additionalProperties"]
    assert quantity.pop("pattern").startswith("^")
    assert schema == {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "restartPolicy": {"type": "string"},
            "ports": {
                "type": "array",
                "items": {
                    "type": "object",
                    "x-kubernetes-map-type": "atomic",
                    "properties": {"number": either, "since": {"type": "integer", "format": "int64"}},
                },
            },
            "limits": {"type": "object", "additionalProperties": either},
        },
    }


def test_the_committed_container_has_what_people_write() -> None:
    properties = CONTAINER["properties"]
    assert CONTAINER["required"] == ["name"]
    assert {"image", "command", "args", "env", "envFrom", "resources", "volumeMounts", "securityContext"} <= set(
        properties
    )
    assert properties["resources"]["properties"]["limits"]["additionalProperties"]["x-kubernetes-int-or-string"] is True
    assert properties["livenessProbe"]["properties"]["httpGet"]["required"] == ["port"]
