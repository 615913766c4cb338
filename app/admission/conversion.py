"""The conversion webhook: a ConversionReview (apiextensions.k8s.io/v1) in, its answer out."""

from typing import Any

from app.api import conversion

Json = dict[str, Any]


def convert(review: Json) -> Json:
    """The review with every object converted, or with a failure that names each object that could not be.

    The API server takes all objects of a request or none, so one failure fails the request.
    """
    request = review.get("request") or {}
    desired = str(request.get("desiredAPIVersion", ""))
    converted: list[Json] = []
    failures: list[str] = []
    for obj in request.get("objects") or []:
        try:
            converted.append(conversion.convert(obj, desired.rpartition("/")[2]))
        except conversion.ConversionError as error:
            failures.append(f"{_name(obj)}: {error}")
    result: Json = {"status": "Success"}
    if failures:
        converted = []
        result = {"status": "Failed", "message": f"not converted to {desired}: {'; '.join(failures)}"}
    return {
        "apiVersion": review.get("apiVersion", "apiextensions.k8s.io/v1"),
        "kind": "ConversionReview",
        "response": {"uid": request.get("uid", ""), "convertedObjects": converted, "result": result},
    }


def _name(obj: Json) -> str:
    metadata = obj.get("metadata") or {}
    return "/".join(part for part in (metadata.get("namespace"), metadata.get("name") or "(unnamed)") if part)
