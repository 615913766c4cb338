"""The worker as a process: caches that always run, one leader that works, probes, and a clean end."""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime

from app.certificates.manager import CertificateManager
from app.cluster.api import Api
from app.cluster.events import EventRecorder
from app.cluster.fence import Fenced
from app.cluster.informer import MAX_SILENCE
from app.cluster.leader import LeaderElector, LeadershipLost
from app.cluster.queue import WorkQueue
from app.settings import Settings
from app.telemetry.cloudevents import CloudEvents
from app.telemetry.health import HealthServer
from app.telemetry.metrics import Metrics
from app.telemetry.plain_http import PlainServer
from app.telemetry.tracing import Tracing
from app.worker import caches, leading
from app.worker.context import Context
from app.worker.observing import Observing
from app.worker.wiring import Wiring

log = logging.getLogger(__name__)

COMPONENT = "keptnworkloadversion-controller"
# Longer than this without a word on any one watch, and the process is no use any more.
_SILENT_SECONDS = 2 * MAX_SILENCE
# As long as Prometheus waits for an answer.
_SCRAPE_SECONDS = 10.0


class Worker:
    """One process. Both replicas keep their caches warm, so that a successor goes on within moments.

    What it writes goes through a fence, except for the Lease itself and for events, which only tell.
    """

    def __init__(
        self,
        settings: Settings,
        api: Api,
        rng: random.Random,
        now: Callable[[], datetime],
        *,
        tracing: Tracing | None = None,
    ) -> None:
        self._settings = settings
        self._rng = rng
        self._now = now
        self._caches = caches.build(api, rng)
        self._cloud_events = CloudEvents(lambda: self._caches.config(settings.namespace).cloud_events, now=now, rng=rng)
        self._elector = LeaderElector(
            api, namespace=settings.namespace, name=settings.lease_name, identity=settings.pod_name, now=now, rng=rng
        )
        self._fenced = Fenced(api, lambda: self._elector.leading)
        self._events = EventRecorder(
            api, component=COMPONENT, instance=settings.pod_name, now=now, idle=self._fenced.idle
        )
        self.metrics = Metrics(lambda: self.leading)
        self._tracing = tracing or Tracing()
        self._certificates = CertificateManager(self._fenced, settings, now=now, rng=rng)

    @property
    def leading(self) -> bool:
        """Whether this process has the Lease, beyond doubt, at this moment."""
        return self._elector.leading

    def live(self) -> str:
        """Empty while all watches hear from the API server, else which does not."""
        now = asyncio.get_running_loop().time()
        silent = [
            informer.resource.plural
            for informer in self._caches.all()
            if informer.has_synced and now - informer.last_contact > _SILENT_SECONDS
        ]
        return f"no word from the API server about {', '.join(silent)}" if silent else ""

    def ready(self) -> str:
        """Empty if this replica can lead now, or leads and everybody can reach the webhook by its certificates."""
        behind = [informer.resource.plural for informer in self._caches.all() if not informer.has_synced]
        if behind:
            return f"not read yet: {', '.join(behind)}"
        if self.leading and not self._certificates.ready:
            return "the certificates are not in place yet"
        return ""

    async def run(self) -> None:
        """Until cancelled. Raises LeadershipLost if the Lease was lost: the process then ends and starts anew."""
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(informer.run()) for informer in self._caches.all()]
            try:
                await self._elector.run(self._lead)
            finally:
                for task in background:
                    task.cancel()
                await asyncio.gather(self._events.aclose(), self._cloud_events.aclose())

    async def _lead(self) -> None:
        context = Context(
            self._fenced, self._caches, self._settings, self._events, self._now, notify=self._cloud_events.send
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._certificates.run())
            group.create_task(leading.announce(self._fenced, self._settings.namespace, self._settings.pod_name))
            for informer in self._caches.all():
                await informer.synced()
            log.info("all caches are in step")
            wiring = Wiring(context, lambda: WorkQueue(self._rng))
            Observing(context, self.metrics, self._tracing).begin(wiring.controllers())
            group.create_task(self._tracing.run())
            group.create_task(wiring.run())


async def serve(settings: Settings, api: Api) -> None:
    """Runs the worker until SIGTERM or SIGINT. Raises LeadershipLost if another took over meanwhile."""
    worker = Worker(settings, api, random.Random(), lambda: datetime.now(UTC))
    health = await HealthServer(live=worker.live, ready=worker.ready).start(settings.health_port)
    metrics = await PlainServer({"/metrics": worker.metrics.page}, deadline=_SCRAPE_SECONDS).start(
        settings.metrics_port
    )
    task = asyncio.ensure_future(worker.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    except* LeadershipLost as lost:
        log.error("stopping, so as to start anew as a candidate", extra={"error": str(lost.exceptions[0])})
        raise SystemExit(1) from None
    finally:
        for server in (health, metrics):
            server.close()
            await server.wait_closed()
