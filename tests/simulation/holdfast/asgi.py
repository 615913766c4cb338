"""One HTTP request to an ASGI application, without HTTP."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp


async def post(app: ASGIApp, path: str, body: bytes) -> tuple[int, bytes]:
    """Sends JSON; returns the answer's status and body. What the application raises is raised here."""
    status = 0
    said = b""
    events = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return events.pop() if events else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, said
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            said += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
        "client": None,
        "server": None,
    }
    await app(scope, receive, send)
    return status, said
