"""A few pages over plain HTTP. What else may come is tested with the probes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from app.telemetry.plain_http import Page, PlainServer

closed: list[bool] = []


async def fetch(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def page() -> Page:
        return Page("größer".encode(), content_type="text/plain; charset=utf-8")

    async def slow() -> Page:
        await asyncio.sleep(60)
        return Page(b"too late")

    async def parts() -> AsyncGenerator[bytes, None]:
        try:
            yield b"one "
            yield b"two"
        finally:
            closed.append(True)

    async def in_parts() -> Page:
        return Page(parts())

    closed.clear()
    server = await PlainServer({"/page": page, "/slow": slow, "/parts": in_parts}, deadline=0.2).start(0, "127.0.0.1")
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def test_a_page_with_its_type_and_length(port: int) -> None:
    head, _, body = (await fetch(port, "/page?x=1")).partition(b"\r\n\r\n")
    assert body == "größer".encode()
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 200 OK"
    assert b"Content-Type: text/plain; charset=utf-8" in head
    assert b"Content-Length: 8" in head


async def test_what_is_not_there(port: int) -> None:
    assert (await fetch(port, "/other")).startswith(b"HTTP/1.1 404 ")


async def test_an_answer_that_takes_too_long_is_given_up(port: int) -> None:
    assert await fetch(port, "/slow") == b""
    assert b" 200 " in await fetch(port, "/page")


async def test_a_page_in_parts_ends_with_its_connection(port: int) -> None:
    head, _, body = (await fetch(port, "/parts")).partition(b"\r\n\r\n")
    assert body == b"one two"
    assert b"Content-Length" not in head
    assert closed == [True]
