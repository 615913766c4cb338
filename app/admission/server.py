"""The webhook as a process: what runs in it, when it is ready, and how it ends without failing anybody."""

import asyncio
import gc
import logging
import random
import signal
import ssl
from typing import Final, Protocol

from app.admission.cache import Caches
from app.admission.listener import Listener
from app.admission.webhook import Webhook
from app.certificates.tls import LiveCertificate
from app.cluster.api import Api
from app.settings import Settings
from app.telemetry.health import HealthServer

log = logging.getLogger(__name__)

# For that long after SIGTERM we still answer: until then some kube-proxy may still send us new connections.
DRAIN_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 5.0
# For that long we wait for the kinds of our own to be listed. What an older Keptn has stored of them has to be
# converted for that, by this very webhook, which nobody can reach before it is ready.
PATIENCE_SECONDS: Final = 10.0


class Certificate(Protocol):
    """What the server needs of ``certificates.tls.LiveCertificate``."""

    @property
    def context(self) -> ssl.SSLContext: ...
    @property
    def ready(self) -> bool: ...
    async def run(self) -> None: ...


async def serve(settings: Settings, api: Api) -> None:
    """Serves until SIGTERM or SIGINT, then drains and returns. Raises if a part of it fails for good."""
    stop = asyncio.Event()
    rng = random.Random()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await run(settings, api, rng, LiveCertificate(api, settings, rng), stop, drain_seconds=DRAIN_SECONDS)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def run(
    settings: Settings,
    api: Api,
    rng: random.Random,
    certificate: Certificate,
    stop: asyncio.Event,
    *,
    host: str | None = None,
    drain_seconds: float,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Serves on `host` (None for every address) until `stop`, then drains for `drain_seconds`.

    Before it is ready it waits for caches that it can do without, `patience` seconds at most.
    """
    webhook = Webhook.build(settings, api, rng)
    caches = webhook.caches
    loop = asyncio.get_running_loop()
    since = loop.time()

    def unready() -> str:
        return _unready(certificate, caches, stop, patient=loop.time() < since + patience)

    health = HealthServer(live=lambda: "", ready=unready)
    async with asyncio.TaskGroup() as group:
        parts = [group.create_task(part) for part in (certificate.run(), caches.run(), _settle(caches))]
        probes = await health.start(settings.health_port, host or "")
        listener = await Listener.open(webhook.app, host=host, port=settings.webhook_port, tls=certificate.context)
        log.info("serving", extra={"port": settings.webhook_port})
        await stop.wait()
        listener.let_go()
        log.info("shutting down", extra={"seconds": drain_seconds})
        await asyncio.sleep(drain_seconds)
        await listener.close(_GRACE_SECONDS)
        probes.close()
        for part in parts:
            part.cancel()


def _unready(certificate: Certificate, caches: Caches, stop: asyncio.Event, *, patient: bool) -> str:
    if stop.is_set():
        return "shutting down"
    missing = caches.missing if patient else caches.needed
    if not certificate.ready:
        missing = ["certificate", *missing]
    return f"waiting for {', '.join(missing)}" if missing else ""


async def _settle(caches: Caches) -> None:
    """What is there once the caches are full stays, so the collector need never look at it again."""
    await caches.synced()
    log.info("the caches are full")
    gc.collect()
    gc.freeze()
