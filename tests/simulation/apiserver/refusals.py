"""How the API server says no: the same classes, reasons, words and details as a real one's."""

from app.cluster import errors
from app.cluster.api import Json, Resource

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def named(resource: Resource) -> str:
    """A kind of object as refusals name it: `pods`, `deployments.apps`."""
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def _kind(resource: Resource) -> str:
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind


def _details(resource: Resource, name: str, kind: str = "") -> Json:
    group = {"group": resource.group} if resource.group else {}
    return {"name": name, **group, "kind": kind or resource.plural}


def not_found(resource: Resource, name: str) -> errors.NotFound:
    return errors.NotFound(404, "NotFound", f'{named(resource)} "{name}" not found', _details(resource, name))


def already_exists(resource: Resource, name: str) -> errors.AlreadyExists:
    message = f'{named(resource)} "{name}" already exists'
    return errors.AlreadyExists(409, "AlreadyExists", message, _details(resource, name))


def conflict(resource: Resource, name: str, why: str = MODIFIED) -> errors.Conflict:
    message = f'Operation cannot be fulfilled on {named(resource)} "{name}": {why}'
    return errors.Conflict(409, "Conflict", message, _details(resource, name))


def invalid(resource: Resource, name: str, field: str, why: str) -> errors.Invalid:
    """`why` begins with the kind of fault: `Forbidden: …`, `Invalid value: …`, `Required value`."""
    message = f'{_kind(resource)} "{name}" is invalid: {field}: {why}'
    causes = [{"reason": _REASONS[why.partition(":")[0]], "message": why, "field": field}]
    return errors.Invalid(422, "Invalid", message, _details(resource, name, resource.kind) | {"causes": causes})


def forbidden(resource: Resource, name: str, why: str, *causes: Json) -> errors.Forbidden:
    message = f'{named(resource)} "{name}" is forbidden: {why}'
    details = _details(resource, name) | ({"causes": list(causes)} if causes else {})
    return errors.Forbidden(403, "Forbidden", message, details)


def bad_request(message: str) -> errors.ApiError:
    return errors.ApiError(400, "BadRequest", message)


_REASONS = {
    "Forbidden": "FieldValueForbidden",
    "Invalid value": "FieldValueInvalid",
    "Required value": "FieldValueRequired",
    "Duplicate value": "FieldValueDuplicate",
}
