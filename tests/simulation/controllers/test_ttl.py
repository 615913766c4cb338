"""Jobs that are over are deleted after their time, in the foreground."""

import asyncio

import pytest

from app.cluster.resources import JOBS
from tests.simulation import clock
from tests.simulation.controllers.garbage import FOREGROUND, GarbageCollector
from tests.simulation.controllers.jobs import JobController
from tests.simulation.controllers.kubelet import Run
from tests.simulation.controllers.small import Cluster, cluster, conditions
from tests.simulation.controllers.ttl import TtlController

pytestmark = pytest.mark.looptime


async def finished(small: Cluster) -> float:
    return await small.until(lambda: len(conditions(small.get(JOBS, "job"))) == 2)


@pytest.mark.parametrize("exit_code", [0, 1])
async def test_a_job_goes_with_its_pods_when_its_time_is_up(exit_code: int) -> None:
    async with cluster(JobController, TtlController, GarbageCollector) as small:
        await small.job("job", Run(0.2, exit_code), ttlSecondsAfterFinished=100)
        end = await finished(small)
        await small.until(lambda: small.find(JOBS, "job") is None, 102.0)
        assert clock.seconds() - end > 98.9
        assert not small.pods()


async def test_with_a_time_of_0_it_is_gone_almost_at_once() -> None:
    async with cluster(JobController, TtlController, GarbageCollector) as small:
        await small.job("job", Run(0.2), ttlSecondsAfterFinished=0)
        end = await finished(small)
        assert await small.until(lambda: small.find(JOBS, "job") is None) - end < 1.0


async def test_its_pods_go_first() -> None:
    async with cluster(JobController, TtlController) as small:  # without a garbage collector
        await small.job("job", Run(0.2), ttlSecondsAfterFinished=0)
        await finished(small)
        await asyncio.sleep(1.0)
        assert small.get(JOBS, "job")["metadata"]["finalizers"] == [FOREGROUND]
        assert len(small.pods()) == 1


async def test_a_job_without_a_time_stays() -> None:
    async with cluster(JobController, TtlController, GarbageCollector) as small:
        await small.job("job", Run(0.2))
        await finished(small)
        await asyncio.sleep(10_000.0)
        assert small.find(JOBS, "job") is not None
