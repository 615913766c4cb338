"""A listener on loopback and raw connections to it, for tests that must see single bytes."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import trustme

from app.admission.listener import Listener

LOOPBACK = "127.0.0.1"


@dataclass
class Pair:
    """Both ends' contexts, of one CA."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def tls() -> Pair:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    authority.issue_cert(LOOPBACK).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Pair(server, client)


@contextlib.asynccontextmanager
async def listening(app: Any, **options: Any) -> AsyncIterator[Listener]:
    listener = await Listener.open(app, host=LOOPBACK, port=0, **options)
    try:
        yield listener
    finally:
        await listener.close(0)


class Connection:
    """One connection to a listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, listener: Listener, context: ssl.SSLContext | None = None) -> AsyncIterator["Connection"]:
        reader, writer = await asyncio.open_connection(LOOPBACK, listener.port, ssl=context)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def send(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer with a length."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), headers, await self._reader.readexactly(int(headers["content-length"]))

    async def closed_after(self, limit: float) -> float:
        """Seconds until the other side closes. Raises TimeoutError after `limit` of them."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.timeout(limit):
            with contextlib.suppress(ConnectionError):
                while await self._reader.read(65536):
                    pass
        return loop.time() - started


def post(body: bytes, *, length: int | None = None) -> bytes:
    return (
        b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % (len(body) if length is None else length) + body
    )
