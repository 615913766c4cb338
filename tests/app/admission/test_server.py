"""The webhook as a whole: ready when it should be, and gone without failing anybody."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import orjson
import pytest

from app import settings as settings_module
from app.admission import server
from app.cluster import errors
from app.settings import Settings
from tests.app.admission.builders import Cluster, envelope, owner, pod
from tests.app.admission.sockets import LOOPBACK, Pair, tls
from tests.fakes.api import Call

HEADERS = b"POST /mutate-v1-pod HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


@dataclass
class Certificate:
    """One that is there when the test says so."""

    context: ssl.SSLContext
    ready: bool = True
    failure: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def run(self) -> None:
        await self.failure


@dataclass
class Webhook:
    cluster: Cluster
    pair: Pair
    settings: Settings
    certificate: Certificate
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def probe(self, path: str = "/readyz") -> tuple[int, bytes]:
        return await exchange(self.settings.health_port, b"GET %s HTTP/1.1\r\nhost: h\r\n\r\n" % path.encode())

    async def review(self) -> tuple[int, bytes]:
        thing = pod(owner("ReplicaSet", "r", "u"), annotations={"keptn.sh/workload": "cart"})
        body = orjson.dumps(envelope(thing))
        return await exchange(self.settings.webhook_port, HEADERS % len(body) + body, self.pair.client)


async def exchange(port: int, request: bytes, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context)
    try:
        writer.write(request)
        async with asyncio.timeout(2):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            body = await reader.readexactly(int(length.split(b":")[1]))
        return int(head.split()[1]), head.lower() + body
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def make_settings() -> Settings:
    return settings_module.from_environment(
        {
            "POD_NAMESPACE": "keptn-system",
            "POD_NAME": "webhook-0",
            "WEBHOOK_PORT": str(free_port()),
            "HEALTH_PORT": str(free_port()),
        }
    )


async def until(holds: Callable[[], object]) -> None:
    for _ in range(300):
        if await attempt(holds):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 3 s")


async def attempt(holds: Callable[[], object]) -> bool:
    result = holds()
    try:
        return bool(await result) if asyncio.iscoroutine(result) else bool(result)
    except OSError:
        return False


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    cluster, pair, settings = Cluster(), tls(), make_settings()
    certificate, stop = Certificate(pair.server), asyncio.Event()
    running = server.run(settings, cluster, random.Random(1), certificate, stop, host=LOOPBACK, drain_seconds=0.3)
    hook = Webhook(cluster, pair, settings, certificate, stop, asyncio.create_task(running))
    await until(hook.probe)
    yield hook
    stop.set()
    async with asyncio.timeout(3):
        await asyncio.gather(hook.task, return_exceptions=True)


async def test_it_is_ready_with_a_certificate_and_full_caches(webhook: Webhook) -> None:
    await until(lambda: ready(webhook))
    webhook.certificate.ready = False
    status, answer = await webhook.probe()
    assert (status, answer.rpartition(b"\r\n")[2]) == (503, b"waiting for certificate")
    assert (await webhook.probe("/healthz"))[0] == 200


@contextlib.asynccontextmanager
async def impatient(*unlisted: str) -> AsyncIterator[Webhook]:
    """One that waits half a second for what it can do without. The resources `unlisted` cannot be listed."""
    cluster, pair, settings = Cluster(), tls(), make_settings()

    def refuse(call: Call) -> None:
        if call.resource in unlisted:
            raise errors.Unavailable(500, "InternalError", "conversion webhook failed: no endpoints available")

    cluster.before = refuse
    certificate, stop, rng = Certificate(pair.server), asyncio.Event(), random.Random(1)
    running = server.run(settings, cluster, rng, certificate, stop, host=LOOPBACK, drain_seconds=0, patience=0.5)
    hook = Webhook(cluster, pair, settings, certificate, stop, asyncio.create_task(running))
    await until(hook.probe)
    yield hook
    stop.set()
    await asyncio.gather(hook.task, return_exceptions=True)


async def test_it_is_ready_although_what_it_has_to_convert_cannot_be_listed_yet() -> None:
    """As in a cluster where an older Keptn has stored versions and definitions, which need this webhook to be read."""
    async with impatient("keptnworkloadversions", "keptntaskdefinitions") as webhook:
        status, answer = await webhook.probe()
        assert (status, answer.rpartition(b"\r\n")[2][:32]) == (503, b"waiting for keptnworkloadversion")
        await until(lambda: ready(webhook))
        assert (await webhook.review())[0] == 200


async def test_it_is_not_ready_without_the_workloads_however_long_that_takes() -> None:
    async with impatient("daemonsets", "keptntaskdefinitions") as webhook:
        await asyncio.sleep(0.8)
        status, answer = await webhook.probe()
        assert (status, answer.rpartition(b"\r\n")[2]) == (503, b"waiting for daemonsets")


async def ready(webhook: Webhook) -> bool:
    return (await webhook.probe())[0] == 200


async def test_it_answers_reviews_over_tls(webhook: Webhook) -> None:
    status, answer = await webhook.review()
    assert status == 200
    assert b'"patchtype":"jsonpatch"' in answer.lower()


async def test_while_it_drains_it_answers_and_sends_its_clients_away(webhook: Webhook) -> None:
    await until(lambda: ready(webhook))
    assert b"connection: close" not in (await webhook.review())[1]
    webhook.stop.set()
    await until(lambda: unready(webhook))
    status, answer = await webhook.review()
    assert status == 200
    assert b"connection: close" in answer
    async with asyncio.timeout(2):
        await webhook.task
    with pytest.raises(OSError, match=r"refused|failed"):
        await webhook.review()


async def unready(webhook: Webhook) -> bool:
    status, answer = await webhook.probe()
    return status == 503 and b"shutting down" in answer


async def test_a_part_that_fails_for_good_ends_it(webhook: Webhook) -> None:
    webhook.certificate.failure.set_exception(RuntimeError("broken"))
    with pytest.raises(ExceptionGroup) as raised:
        await webhook.task
    assert raised.group_contains(RuntimeError, match="broken")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_good_order(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    monkeypatch.setattr(server, "DRAIN_SECONDS", 0.1)
    settings = make_settings()
    task = asyncio.create_task(server.serve(settings, Cluster()))
    await until(lambda: exchange(settings.health_port, b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n"))
    status, answer = await exchange(settings.health_port, b"GET /readyz HTTP/1.1\r\nhost: h\r\n\r\n")
    assert (status, answer.endswith(b"certificate")) == (503, True)
    os.kill(os.getpid(), number)
    async with asyncio.timeout(3):
        await task
