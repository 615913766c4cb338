"""What the kubelet is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from app.telemetry.health import HealthServer


@dataclass
class Probed:
    wrong: dict[str, str] = field(default_factory=lambda: {"live": "", "ready": ""})
    port: int = 0

    async def send(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        answer = await self.send(f"{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()


@pytest.fixture
async def probed() -> AsyncIterator[Probed]:
    it = Probed()
    health = HealthServer(live=lambda: it.wrong["live"], ready=lambda: it.wrong["ready"])
    server = await health.start(0, "127.0.0.1")
    it.port = server.sockets[0].getsockname()[1]
    yield it
    server.close()
    await server.wait_closed()


async def test_well_as_long_as_nothing_is_wrong(probed: Probed) -> None:
    assert await probed.ask("/healthz") == (200, "ok")
    assert await probed.ask("/readyz?verbose=1") == (200, "ok")


async def test_what_is_wrong_is_said(probed: Probed) -> None:
    probed.wrong["ready"] = "waiting for certificate"
    assert await probed.ask("/readyz") == (503, "waiting for certificate")
    assert await probed.ask("/healthz") == (200, "ok")


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/healthz/x", "GET"), ("/healthz", "POST")])
async def test_nothing_else_is_there(probed: Probed, path: str, method: str) -> None:
    assert (await probed.ask(path, method))[0] == 404


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"GET /" + b"a" * 20_000 + b"\r\n\r\n"]
)
async def test_junk_gets_an_end_and_harms_nobody(probed: Probed, junk: bytes) -> None:
    answer = await probed.send(junk)
    assert b" 200 " not in answer
    assert await probed.ask("/healthz") == (200, "ok")
