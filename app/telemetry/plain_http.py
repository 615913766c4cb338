"""A few fixed pages over plain HTTP, one request a connection: for the kubelet and for Prometheus."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

_MOST_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, 200 unless said otherwise. One that comes in parts is sent part by part, as they are made."""

    body: bytes | AsyncGenerator[bytes, None]
    status: str = "200 OK"
    content_type: str = "text/plain"

    def head(self) -> bytes:
        length = f"Content-Length: {len(self.body)}\r\n" if isinstance(self.body, bytes) else ""
        text = f"HTTP/1.1 {self.status}\r\nContent-Type: {self.content_type}\r\n{length}Connection: close\r\n\r\n"
        return text.encode()

    async def parts(self) -> AsyncGenerator[bytes, None]:
        if isinstance(self.body, bytes):
            yield self.body
            return
        async with contextlib.aclosing(self.body) as body:
            async for part in body:
                yield part


_NOT_FOUND = Page(b"not found", "404 Not Found")


class PlainServer:
    """Answers GET of each path in `pages` with what the function makes of it, and 404 to all else.

    A request must have come, and its answer be taken, within `deadline` seconds.
    """

    def __init__(self, pages: Mapping[str, Callable[[], Awaitable[Page]]], *, deadline: float = 5.0) -> None:
        self._pages = dict(pages)
        self._deadline = deadline

    async def start(self, port: int, host: str = "") -> asyncio.Server:
        """Listens on all addresses unless `host` names one. Raises OSError if the port is taken."""
        return await asyncio.start_server(self._answer, host or None, port, limit=_MOST_BYTES)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                head = await reader.readuntil(b"\r\n\r\n")
                page = await self._page(head.split(b"\r\n", 1)[0].decode("latin-1"))
                writer.write(page.head())
                async with contextlib.aclosing(page.parts()) as parts:
                    async for part in parts:
                        writer.write(part)
                        await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _page(self, request: str) -> Page:
        words = request.split(" ")
        make = self._pages.get(words[1].split("?")[0]) if len(words) == 3 and words[0] == "GET" else None
        return _NOT_FOUND if make is None else await make()
