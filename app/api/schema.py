"""From a model to a structural schema, the form of OpenAPI v3 that a CustomResourceDefinition takes.

pydantic's own JSON schema is not structural (`anyOf` with null, `$ref`, `title`), and it would publish every default of
a model, where a default in a CRD is something the API server writes into people's objects.
"""

import types
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from app.api.meta import Model
from app.api.rules import Rule

Json = dict[str, Any]

_SCALARS: dict[Any, str] = {str: "string", int: "integer", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class Schema:
    """What a field has in its CRD beyond its Python type; put it into the field's `Annotated`.

    `default` publishes the model's default; `required` asks for a field for which the model has one. `verbatim` is a
    whole schema to use instead of one made from the type.
    `keep_unknown` lets a value of the wrong shape through to the checks, where it would be emptied before them.
    The limits keep an object's size and the cost of its CEL rules in bounds.
    """

    format: str = ""
    pattern: str = ""
    default: bool = False
    required: bool = False
    max_length: int = 0
    max_items: int = 0
    max_properties: int = 0
    rules: tuple[Rule, ...] = ()
    description: str = ""
    verbatim: Json | None = None
    keep_unknown: bool = False


class Ruled(Model):
    """A model whose objects have CEL rules of their own, wherever they stand."""

    RULES: ClassVar[tuple[Rule, ...]] = ()


def of_model(model: type[Model] | type[str]) -> Json:
    """The schema of a model's objects: camelCase properties, `required` for fields without a default."""
    if not issubclass(model, Model):
        return {"type": _SCALARS[model]}
    properties: Json = {}
    required = []
    for name, field in model.model_fields.items():
        alias = field.alias or name
        properties[alias] = _of_field(field)
        if field.is_required() or any(mark.required for mark in field.metadata if isinstance(mark, Schema)):
            required.append(alias)
    schema: Json = {"type": "object", "properties": properties}
    if required:
        schema["required"] = sorted(required)
    if issubclass(model, Ruled) and model.RULES:
        schema["x-kubernetes-validations"] = [as_json(rule) for rule in model.RULES]
    return schema


def as_json(rule: Rule) -> Json:
    entry: Json = {"rule": rule.rule, "message": rule.message}
    if rule.said:
        entry["messageExpression"] = rule.said
    if rule.with_old:
        entry["optionalOldSelf"] = True
    return entry


def without(schema: Json, paths: frozenset[str]) -> Json:
    """The schema of an object, less the properties at these dotted paths. KeyError for a path that is not there."""
    left = {name: value for name, value in schema["properties"].items() if name not in paths}
    for path in paths:
        name, _, rest = path.partition(".")
        if rest:
            left[name] = without(left[name], frozenset({rest}))
        elif name not in schema["properties"]:
            raise KeyError(path)
    return {**schema, "properties": left}


def _of_field(field: FieldInfo) -> Json:
    schema = _of_type(field.annotation)
    for mark in field.metadata:
        if isinstance(mark, Schema):
            schema = _marked(schema, mark)
            if mark.default:
                schema["default"] = field.default
    return schema


def _of_type(annotation: Any) -> Json:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        schema = _of_type(arguments[0])
        for mark in arguments[1:]:
            if isinstance(mark, Schema):
                schema = _marked(schema, mark)
        return schema
    if origin in (Union, types.UnionType):
        (one,) = (argument for argument in arguments if argument is not type(None))
        return _of_type(one)
    if origin is tuple:
        return {"type": "array", "items": _of_type(arguments[0])}
    if origin is dict:
        if arguments[1] is Any:
            return {"type": "object"}
        return {"type": "object", "additionalProperties": _of_type(arguments[1])}
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return of_model(annotation)
    return {"type": _SCALARS[annotation]}


def _marked(schema: Json, mark: Schema) -> Json:
    if mark.verbatim is not None:
        schema = dict(mark.verbatim)
    keys = {
        "format": mark.format,
        "pattern": mark.pattern,
        "description": mark.description,
        "maxLength": mark.max_length,
        "maxItems": mark.max_items,
        "maxProperties": mark.max_properties,
    }
    schema = schema | {key: value for key, value in keys.items() if value}
    if mark.keep_unknown:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    if mark.rules:
        before = schema.get("x-kubernetes-validations", [])
        schema["x-kubernetes-validations"] = [*before, *(as_json(rule) for rule in mark.rules)]
    return schema
