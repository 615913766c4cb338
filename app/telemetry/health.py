"""`/healthz` and `/readyz` over plain HTTP, for the kubelet."""

import asyncio
from collections.abc import Callable

Check = Callable[[], str]
_DEADLINE_SECONDS = 5.0
_MOST_BYTES = 8192


class HealthServer:
    """Answers 200 when the check returns an empty string, else 503 with what it says is wrong."""

    def __init__(self, *, live: Check, ready: Check) -> None:
        self._checks = {"/healthz": live, "/readyz": ready}

    async def start(self, port: int, host: str = "") -> asyncio.Server:
        """Listens on all addresses unless `host` names one. Raises OSError if the port is taken."""
        return await asyncio.start_server(self._answer, host or None, port, limit=_MOST_BYTES)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(head.split(b"\r\n", 1)[0].decode("latin-1")))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _response(self, request: str) -> bytes:
        words = request.split(" ")
        check = self._checks.get(words[1].split("?")[0]) if len(words) == 3 and words[0] == "GET" else None
        if check is None:
            return _http("404 Not Found", "not found")
        wrong = check()
        return _http("503 Service Unavailable", wrong) if wrong else _http("200 OK", "ok")


def _http(status: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
