"""The worker as a process: caches first, one leader, a successor who goes on, and what the probes say."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from app.cluster import resources
from app.cluster.informer import MAX_SILENCE
from app.cluster.leader import LeadershipLost
from app.lifecycle.spans import Span
from app.telemetry.tracing import Tracing
from app.worker.main import Worker
from tests.app.telemetry.reading import Sample, read, whole
from tests.app.worker.world import INSTALLATION, SETTINGS, World
from tests.builders import Json
from tests.simulation.clock import now

pytestmark = pytest.mark.looptime

EXTERNAL = replace(SETTINGS, certificate_source="external")


@contextlib.asynccontextmanager
async def cluster() -> AsyncIterator[World]:
    """A cluster in which Jobs run, but no worker yet."""
    async with World(works=False) as world:
        kubelet = asyncio.create_task(world.kubelet.run())
        try:
            yield world
        finally:
            kubelet.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await kubelet


@contextlib.asynccontextmanager
async def running(world: World, name: str = "worker-1", tracing: Tracing | None = None) -> AsyncIterator[Worker]:
    worker = Worker(replace(EXTERNAL, pod_name=name), world.api, random.Random(1), now, tracing=tracing)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def certificate(world: World) -> None:
    meta = {"name": "keptn-certs", "namespace": INSTALLATION}
    world.api.put(
        {"kind": "Secret", "apiVersion": "v1", "metadata": meta, "data": {"tls.crt": "YQ==", "tls.key": "YQ=="}}
    )


def lease(world: World) -> Json:
    spec: Json = world.api.one(resources.LEASES, "6b866dd9.keptn.sh", INSTALLATION)["spec"]
    return spec


async def test_a_process_reads_leads_works_and_hands_the_lease_back() -> None:
    async with cluster() as world:
        certificate(world)
        world.define()
        world.deploy()
        async with running(world):
            await world.until(world.is_open)
            assert lease(world)["holderIdentity"] == "worker-1"
        assert not lease(world).get("holderIdentity")
        assert world.kubelet.started == {"check": 1}


async def test_a_successor_goes_on_with_what_was_under_way() -> None:
    async with cluster() as world:
        certificate(world)
        world.kubelet.seconds = 30.0
        world.define()
        world.deploy()
        async with running(world, "second"):
            await asyncio.sleep(0)
            async with running(world, "first"):
                await world.until(lambda: world.kubelet.started["check"] == 1)
            await world.until(world.is_open)
        assert world.kubelet.started == {"check": 1}
        assert len(world.api.all(resources.JOBS)) == 1


async def test_who_does_not_lead_changes_nothing() -> None:
    async with cluster() as world:
        certificate(world)
        async with running(world, "first"):
            await asyncio.sleep(1.0)
            async with running(world, "second") as second:
                await asyncio.sleep(1.0)
                world.define()
                world.deploy()
                await world.until(world.is_open)
                assert second.ready() == ""
                assert len([call for call in world.api.writes() if str(call) == "create keptnworkloads"]) == 1


async def test_a_process_is_ready_once_it_has_read_everything_and_the_certificates_are_there() -> None:
    async with cluster() as world, running(world) as worker:
        assert worker.ready().startswith("not read yet: pods, jobs,")
        await asyncio.sleep(5.0)
        assert worker.ready() == "the certificates are not in place yet"
        certificate(world)
        await asyncio.sleep(5.0)
        assert worker.ready() == ""


async def test_a_process_is_alive_as_long_as_all_watches_hear_something() -> None:
    async with cluster() as world, running(world) as worker:
        for _ in range(10):
            await asyncio.sleep(MAX_SILENCE)
            assert worker.live() == ""


async def test_a_leader_that_is_cut_off_stops_before_another_can_lead_and_is_not_alive() -> None:
    async with cluster() as world:
        worker = Worker(EXTERNAL, world.api, random.Random(1), now)
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(5.0)
        world.api.dead = True
        cut = asyncio.get_running_loop().time()
        with pytest.raises(BaseExceptionGroup) as caught:
            await task
        assert caught.group_contains(LeadershipLost)
        assert asyncio.get_running_loop().time() - cut < lease(world)["leaseDurationSeconds"]
        await asyncio.sleep(MAX_SILENCE * 3)
        assert worker.live().startswith("no word from the API server about pods, ")


async def test_who_leads_speaks_of_the_lifecycle_and_who_stands_by_does_not() -> None:
    async with cluster() as world:
        certificate(world)
        world.define()
        world.deploy()
        async with running(world, "first") as first:
            await world.until(world.is_open)
            async with running(world, "second") as second:
                await asyncio.sleep(1.0)
                leads, stands_by = await page(first), await page(second)
        assert leads["holdfast_leader"] == [({}, 1.0)]
        assert stands_by["holdfast_leader"] == [({}, 0.0)]
        assert len(leads["keptn_task_active"]) == 1
        assert "keptn_task_active" not in stands_by


async def test_traces_are_sent_while_a_process_leads_and_the_rest_when_it_ends() -> None:
    sent: list[str] = []

    class Collector:
        async def send(self, spans: Sequence[Span], seconds: float) -> str:
            sent.extend(span.name for span in spans)
            return ""

        async def close(self) -> None:
            sent.append("closed")

    async def connect(target: str) -> Collector:
        return Collector()

    async with cluster() as world:
        certificate(world)
        world.define()
        world.deploy()
        kind = {"kind": "KeptnConfig", "apiVersion": "options.keptn.sh/v1alpha1"}
        meta = {"name": "keptn", "namespace": INSTALLATION}
        world.api.put({**kind, "metadata": meta, "spec": {"OTelCollectorUrl": "collector:4317"}})
        async with running(world, tracing=Tracing(connect)):
            await world.until(world.is_open)
        assert "web-web/WorkloadPreDeployTasks" in sent
        assert sent[-1] == "closed"


async def page(worker: Worker) -> dict[str, list[Sample]]:
    return read(await whole(await worker.metrics.page()))
