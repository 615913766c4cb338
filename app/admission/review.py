"""AdmissionReview v1: reading the question, building the answer. The only place that knows the envelope.

Objects stay the raw JSON that the API server sent. A patch is computed against that, never against a re-encoded model,
which would drop the fields that we do not know.
"""

import base64
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

Json = dict[str, Any]

API_VERSION: Final = "admission.k8s.io/v1"

# The API server drops a warning with a control character, cuts one of more than 256 characters once all of them come to
# more than 4096, and drops what is still too much.
WARNING_LIMIT: Final = 256
WARNINGS_LIMIT: Final = 15


class BadReview(Exception):
    """A body that is no AdmissionReview of v1; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the API server asks. `object` is None on DELETE, `old_object` on CREATE; `name` is "" for a generateName."""

    uid: str
    operation: str
    group: str
    version: str
    kind: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    groups: tuple[str, ...]
    dry_run: bool
    object: Json | None
    old_object: Json | None


@dataclass(frozen=True, slots=True)
class Response:
    """What we answer. Made by `allowed`, `patched` or `denied`, and by nothing else."""

    is_allowed: bool
    patch: tuple[Json, ...] = ()
    warnings: tuple[str, ...] = ()
    status: Json | None = None


Handler = Callable[[Request], Awaitable[Response]]


def allowed(warnings: Sequence[str] = ()) -> Response:
    """Yes, as it is. The person who sent the object sees the warnings."""
    return Response(True, warnings=_warnings(warnings))


def patched(ops: Sequence[Json], warnings: Sequence[str] = ()) -> Response:
    """Yes, with these RFC 6902 operations; with none of them the same as `allowed`."""
    return Response(True, patch=tuple(ops), warnings=_warnings(warnings))


def denied(
    message: str,
    *,
    reason: str = "Invalid",
    code: int = 422,
    causes: Sequence[tuple[str, str]] = (),
    warnings: Sequence[str] = (),
) -> Response:
    """No. `causes` are pairs of a field's path and what is wrong with it; kubectl prints one line for each."""
    status: Json = {"status": "Failure", "message": message, "reason": reason, "code": code}
    if causes:
        status["details"] = {
            "causes": [{"reason": "FieldValueInvalid", "field": field, "message": text} for field, text in causes]
        }
    return Response(False, warnings=_warnings(warnings), status=status)


def decode(body: bytes) -> Request:
    """The question in an AdmissionReview. Raises BadReview."""
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadReview(f"the body is not JSON: {error}") from None
    if not isinstance(review, dict) or review.get("kind") != "AdmissionReview":
        raise BadReview("the body is not an AdmissionReview")
    if review.get("apiVersion") != API_VERSION:
        raise BadReview(
            f"apiVersion is {_shown(review.get('apiVersion'))}, but only {API_VERSION} is spoken here; "
            "set admissionReviewVersions to [v1]"
        )
    request = _object(review, "request")
    if not request:
        raise BadReview("request is missing")
    uid = _text(request, "uid")
    if not uid:
        raise BadReview("request.uid is missing")
    kind, resource, user = _object(request, "kind"), _object(request, "resource"), _object(request, "userInfo")
    groups = user.get("groups") or ()
    if not isinstance(groups, list | tuple):
        raise BadReview("request.userInfo.groups is not a list")
    return Request(
        uid=uid,
        operation=_text(request, "operation"),
        group=_text(kind, "group"),
        version=_text(kind, "version"),
        kind=_text(kind, "kind"),
        resource=_text(resource, "resource"),
        subresource=_text(request, "subResource"),
        namespace=_text(request, "namespace"),
        name=_text(request, "name"),
        user=_text(user, "username"),
        groups=tuple(str(group) for group in groups),
        dry_run=request.get("dryRun") is True,
        object=_object(request, "object") or None,
        old_object=_object(request, "oldObject") or None,
    )


def encode(request: Request, response: Response) -> bytes:
    """The AdmissionReview that answers `request`."""
    answer: Json = {"uid": request.uid, "allowed": response.is_allowed}
    if response.patch:
        answer["patchType"] = "JSONPatch"
        answer["patch"] = base64.b64encode(orjson.dumps(response.patch)).decode()
    if response.warnings:
        answer["warnings"] = response.warnings
    if response.status is not None:
        answer["status"] = response.status
        if details := response.status.get("details"):
            # With these kubectl says which object it is about, and prints each cause on a line of its own.
            about = {"group": request.group, "kind": request.kind, "name": request.name}
            answer["status"] = response.status | {"details": about | details}
    return orjson.dumps({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": answer})


def _warnings(warnings: Sequence[str]) -> tuple[str, ...]:
    kept = tuple(_warning(text) for text in warnings[:WARNINGS_LIMIT])
    rest = len(warnings) - len(kept)
    return (*kept, f"and {rest} more warnings") if rest else kept


def _warning(text: str) -> str:
    plain = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())
    return plain if len(plain) <= WARNING_LIMIT else plain[: WARNING_LIMIT - 1] + "…"


def _object(parent: Json, field: str) -> Json:
    value = parent.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadReview(f"{field} is {_shown(value)}, not an object")
    return value


def _text(parent: Json, field: str) -> str:
    value = parent.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadReview(f"{field} is {_shown(value)}, not a string")
    return value


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
