"""What the Kubernetes API refuses with, one class for each refusal that callers treat differently."""

from app.cluster.api import Json


class ApiError(Exception):
    """A request that did not succeed.

    ``status`` is the HTTP status, 0 when no answer came. ``reason`` is the server's machine-readable word
    (``NotFound``, ``AlreadyExists``), ``details`` its ``status.details``, and ``retry_after`` the seconds that it asks
    us to wait, if it does.
    """

    def __init__(
        self, status: int, reason: str, message: str, details: Json | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(status, reason, message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details: Json = details or {}
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.message}" if self.status else f"{self.reason}: {self.message}"


class NotFound(ApiError):
    """404: no such object, or no such resource on this server."""


class AlreadyExists(ApiError):
    """409 on create: the name is taken."""


class Conflict(ApiError):
    """409: the object has changed since it was read, or a precondition does not hold."""


class Invalid(ApiError):
    """422: the object, or what a patch would make of it, is not valid; also a JSON patch whose ``test`` failed."""


class Forbidden(ApiError):
    """403: not allowed, over quota, or the namespace is being deleted; ``message`` says which."""

    @property
    def namespace_terminating(self) -> bool:
        """Whether nothing new can be created only because the namespace is being deleted."""
        return any(cause.get("reason") == "NamespaceTerminating" for cause in self.details.get("causes") or ())


class Gone(ApiError):
    """410: the resourceVersion or continue token is too old. List again."""


class TooManyRequests(ApiError):
    """429: the server sheds load, or an eviction would break a budget."""


class Unavailable(ApiError):
    """No answer, a broken one, or a 5xx: nothing is known about what the server did."""


_BY_STATUS: dict[int, type[ApiError]] = {
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}


def from_status(status: int, body: Json, retry_after: float | None = None) -> ApiError:
    """The error for an HTTP status and the ``Status`` object that came with it (an empty one when it was not JSON)."""
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or "no message")
    details = body.get("details") or {}
    if retry_after is None and "retryAfterSeconds" in details:
        retry_after = float(details["retryAfterSeconds"])
    kind = Unavailable if status >= 500 else _BY_STATUS.get(status, ApiError)
    if reason == "AlreadyExists":
        kind = AlreadyExists
    elif reason == "Expired":
        kind = Gone
    return kind(status, reason or f"HTTP{status}", message, details, retry_after)
