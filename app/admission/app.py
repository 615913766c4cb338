"""The webhook's routes: from an HTTP body to a handler and back."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from app.admission import review
from app.admission.review import BadReview, Handler, Json

log = logging.getLogger(__name__)

MUTATE_POD: Final = "/mutate-v1-pod"
MUTATE_NAMESPACE: Final = "/mutate-v1-namespace"
VALIDATE_TASK_DEFINITION: Final = "/validate-lifecycle-keptn-sh-v1-keptntaskdefinition"
CONVERT: Final = "/convert"

# An object has at most about 3 MiB in an AdmissionReview (etcd's 1.5 MiB limit, as JSON), and an update sends two.
MAX_BODY: Final = 7 * 1024 * 1024

_JSON = "application/json"
_OUR_ERROR = "Holdfast could not look at this object because of an error of its own; its log says more"


def create_app(
    *, pods: Handler, namespaces: Handler, task_definitions: Handler, convert: Callable[[Json], Json]
) -> FastAPI:
    """The application. `convert` turns one ConversionReview into its answer, and is pure."""
    app = FastAPI(
        # Its telemetry is on unless each part is switched off.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        max_body_size=MAX_BODY,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    for path, endpoint in (
        (MUTATE_POD, _reviewing(pods)),
        (MUTATE_NAMESPACE, _reviewing(namespaces)),
        (VALIDATE_TASK_DEFINITION, _reviewing(task_definitions)),
        (CONVERT, _converting(convert)),
    ):
        app.add_api_route(path, endpoint, methods=["POST"], response_model=None)
    return app


Endpoint = Callable[[Request], Awaitable[Response]]


def _reviewing(handler: Handler) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if isinstance(body, Response):
            return body
        try:
            question = review.decode(body)
        except BadReview as error:
            return _refused(400, str(error))
        try:
            answer = await handler(question)
        except Exception:
            # A bug of ours is no reason to refuse what somebody else is doing.
            log.exception("an admission handler failed", extra={"path": request.url.path, "uid": question.uid})
            answer = review.allowed([_OUR_ERROR])
        return Response(review.encode(question, answer), media_type=_JSON)

    return endpoint


def _converting(convert: Callable[[Json], Json]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if isinstance(body, Response):
            return body
        try:
            question = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return _refused(400, f"the body is not JSON: {error}")
        if not isinstance(question, dict):
            return _refused(400, "the body is not a ConversionReview")
        return Response(orjson.dumps(convert(question)), media_type=_JSON)

    return endpoint


async def _body(request: Request) -> bytes | Response:
    """The whole body, or the answer to one that nobody can use."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        return _refused(415, f"the body must be {_JSON}")
    try:
        body = await request.body()
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    return body or _refused(400, "the body is empty")


def _refused(status: int, message: str) -> Response:
    text = message if len(message) <= 400 else message[:399] + "…"
    return Response(text.encode("utf-8", "replace"), status, media_type="text/plain")
