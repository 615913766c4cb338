"""Every request has its time, on real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.admission.deadline import REQUEST_SECONDS
from app.admission.listener import HANDSHAKE_SECONDS, Listener
from tests.app.admission.sockets import Connection, listening, post, tls

LIMIT = 0.3


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body, as soon as it is there; at once if the path says so; never, likewise."""
    length, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message["body"]), message["more_body"]
    if scope["path"] == "/never":
        await asyncio.sleep(60)
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listening(echo, request_seconds=LIMIT) as listener:
        yield listener


async def drip(connection: Connection, data: bytes) -> None:
    for byte in data:
        connection.send(bytes([byte]))
        await asyncio.sleep(LIMIT / 20)


@contextlib.asynccontextmanager
async def dripping(connection: Connection, data: bytes) -> AsyncIterator[None]:
    task = asyncio.create_task(drip(connection, data))
    try:
        yield
    finally:
        task.cancel()


def test_all_limits_lie_within_ten_seconds() -> None:
    assert 0 < REQUEST_SECONDS < 10
    assert 0 < HANDSHAKE_SECONDS < 10


@pytest.mark.parametrize(
    ("slow", "before"),
    [
        pytest.param(b"", b"", id="says nothing"),
        pytest.param(b"\r\n" * 500, b"", id="empty lines"),
        pytest.param(b"POST /x HTTP/1.1\r\n" + b"h: v\r\n" * 500, b"", id="slow headers"),
        pytest.param(b"x" * 1000, post(b"", length=1000), id="slow body"),
        pytest.param(
            b"1\r\nx\r\n" * 500, b"POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n", id="slow chunks"
        ),
        pytest.param(b"", post(b"").replace(b"/x", b"/never"), id="an answer that never comes"),
        pytest.param(b"x" * 1000, post(b"", length=1000).replace(b"/x", b"/early"), id="a body after its answer"),
    ],
)
async def test_whoever_is_slow_is_cut_off(listener: Listener, before: bytes, slow: bytes) -> None:
    async with Connection.to(listener) as connection:
        connection.send(before)
        async with dripping(connection, slow):
            assert await connection.closed_after(LIMIT * 4) > LIMIT * 0.8


async def test_whoever_is_slow_on_a_second_request_is_cut_off_too(listener: Listener) -> None:
    async with Connection.to(listener) as connection:
        connection.send(post(b"abc"))
        assert (await connection.answer())[2] == b"3"
        await asyncio.sleep(LIMIT * 1.5)
        async with dripping(connection, b"\r\n" * 10 + post(b"x" * 1000)):
            assert await connection.closed_after(LIMIT * 4) > LIMIT * 0.8


async def test_a_quiet_connection_stays_open_between_requests(listener: Listener) -> None:
    async with Connection.to(listener) as connection:
        for _ in range(3):
            connection.send(post(b"abc"))
            status, headers, body = await connection.answer()
            assert (status, body) == (200, b"3")
            assert "connection" not in headers
            await asyncio.sleep(LIMIT * 1.5)


async def test_each_request_has_its_own_time(listener: Listener) -> None:
    async with Connection.to(listener) as connection:
        for _ in range(4):
            connection.send(post(b"", length=3))
            await asyncio.sleep(LIMIT * 0.5)
            connection.send(b"abc")
            assert (await connection.answer())[2] == b"3"


async def test_requests_sent_in_a_row_are_all_answered(listener: Listener) -> None:
    async with Connection.to(listener) as connection:
        connection.send(post(b"a") + post(b"bb") + post(b"ccc"))
        assert [(await connection.answer())[2] for _ in range(3)] == [b"1", b"2", b"3"]


async def test_a_pipelined_request_without_an_answer_is_cut_off(listener: Listener) -> None:
    async with Connection.to(listener) as connection:
        connection.send(post(b"a") + post(b"").replace(b"/x", b"/never"))
        assert (await connection.answer())[2] == b"1"
        assert await connection.closed_after(LIMIT * 4) > LIMIT * 0.8


async def test_the_same_holds_under_tls() -> None:
    pair = tls()
    async with (
        listening(echo, tls=pair.server, request_seconds=LIMIT) as listener,
        Connection.to(listener, pair.client) as good,
        Connection.to(listener, pair.client) as slow,
    ):
        good.send(post(b"abc"))
        assert (await good.answer())[2] == b"3"
        async with dripping(slow, post(b"", length=1000)):
            assert await slow.closed_after(LIMIT * 4) > LIMIT * 0.8


async def test_many_slow_clients_do_not_hold_up_a_good_one(listener: Listener) -> None:
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(Connection.to(listener)) for _ in range(100)]
        for connection in slow:
            connection.send(post(b"", length=1000))
        good = await stack.enter_async_context(Connection.to(listener))
        async with asyncio.timeout(LIMIT):
            good.send(post(b"abc"))
            assert (await good.answer())[2] == b"3"
        await asyncio.gather(*(connection.closed_after(LIMIT * 4) for connection in slow))
