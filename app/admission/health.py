"""What the kubelet asks: is this process alive, and should it get traffic. Plain HTTP, no framework."""

from collections.abc import Callable
from typing import Final

from starlette.types import Receive, Scope, Send

HEALTHY: Final = "/healthz"
READY: Final = "/readyz"


class Health:
    """An ASGI application. `missing` names what is not there yet; while there is any of it, we are not ready."""

    def __init__(self, missing: Callable[[], list[str]]) -> None:
        self._missing = missing
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, text = self._answer(scope["path"]) if scope["type"] == "http" else (404, "not found")
        body = text.encode()
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _answer(self, path: str) -> tuple[int, str]:
        if path == HEALTHY:
            return 200, "ok"  # that it is said at all is what counts
        if path != READY:
            return 404, "not found"
        if self.draining:
            return 503, "shutting down"
        missing = self._missing()
        return (503, f"waiting for {', '.join(missing)}") if missing else (200, "ok")
