"""Opening, TLS, letting go and closing, on real sockets."""

import asyncio
import ssl
from typing import Any

import pytest
import trustme

from app.admission.listener import Listener
from tests.app.admission.sockets import LOOPBACK, Connection, listening, post, tls


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/slow":
        await asyncio.sleep(0.2)
    if scope["path"] == "/never":
        await asyncio.sleep(60)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def test_tls_is_spoken_with_the_live_context() -> None:
    pair = tls()
    async with listening(hello, tls=pair.server) as listener, Connection.to(listener, pair.client) as connection:
        connection.send(post(b""))
        assert (await connection.answer())[2] == b"hi"


async def test_a_certificate_loaded_later_is_what_new_connections_get() -> None:
    first = tls()
    async with listening(hello, tls=first.server) as listener, Connection.to(listener, first.client) as early:
        renewed = ssl.create_default_context()
        authority = trustme.CA()
        authority.issue_cert(LOOPBACK).configure_cert(first.server)
        authority.configure_trust(renewed)
        async with Connection.to(listener, renewed) as late:
            for connection in (early, late):
                connection.send(post(b""))
                assert (await connection.answer())[2] == b"hi"


async def test_plain_http_and_old_tls_are_refused() -> None:
    pair = tls()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listening(hello, tls=pair.server) as listener:
        async with Connection.to(listener) as plain:
            plain.send(post(b""))
            await plain.closed_after(1)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with Connection.to(listener, old):
                pass


async def test_a_handshake_that_never_begins_is_cut_off() -> None:
    pair = tls()
    async with (
        listening(hello, tls=pair.server, handshake_seconds=0.3) as listener,
        Connection.to(listener) as idle,
        Connection.to(listener) as dripping,
    ):
        dripping.send(b"\x16\x03\x01")
        for connection in (idle, dripping):
            await connection.closed_after(1.5)


async def test_whoever_is_let_go_is_answered_and_then_closed() -> None:
    async with listening(hello) as listener, Connection.to(listener) as connection:
        connection.send(post(b""))
        assert "connection" not in (await connection.answer())[1]
        listener.let_go()
        connection.send(post(b""))
        status, headers, body = await connection.answer()
        assert (status, headers["connection"], body) == (200, "close", b"hi")
        await connection.closed_after(1)


async def test_a_listener_that_lets_go_still_takes_new_connections() -> None:
    async with listening(hello) as listener:
        listener.let_go()
        async with Connection.to(listener) as connection:
            connection.send(post(b""))
            assert (await connection.answer())[2] == b"hi"


async def test_closing_answers_what_was_asked_and_drops_what_is_idle() -> None:
    async with (
        listening(hello) as listener,
        Connection.to(listener) as busy,
        Connection.to(listener) as idle,
        Connection.to(listener) as silent,
    ):
        port = listener.port
        idle.send(post(b""))
        await idle.answer()
        busy.send(post(b"").replace(b"/x", b"/slow"))
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(listener.close(2))
        status, headers, _ = await busy.answer()
        assert (status, headers["connection"]) == (200, "close")
        for connection in (busy, idle, silent):
            await connection.closed_after(1)
        async with asyncio.timeout(1):
            await closing
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(LOOPBACK, port)


async def test_closing_does_not_wait_for_ever() -> None:
    async with listening(hello) as listener, Connection.to(listener) as connection:
        connection.send(post(b"").replace(b"/x", b"/never"))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            await listener.close(0.1)
        await connection.closed_after(1)


async def test_a_port_that_is_taken_is_an_error() -> None:
    async with listening(hello) as listener:
        with pytest.raises(OSError, match="in use"):
            await Listener.open(hello, host=LOOPBACK, port=listener.port)


async def test_a_malformed_request_gets_a_short_400() -> None:
    async with listening(hello) as listener, Connection.to(listener) as connection:
        connection.send(b"nonsense\r\n\r\n")
        status, _, body = await connection.answer()
        assert status == 400
        assert len(body) < 200
