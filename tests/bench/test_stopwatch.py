import asyncio
from collections.abc import Callable

import pytest

from app.api.core import (
    Deployment,
    DeploymentCondition,
    DeploymentStatus,
    Job,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    SchedulingGate,
)
from app.api.meta import ObjectMeta
from bench.stopwatch import Stopwatch, Times


def _pod(*, gated: bool, ready: bool = False, name: str = "one") -> Pod:
    return Pod(
        metadata=ObjectMeta(name=f"{name}-x", labels={"app.kubernetes.io/name": name}),
        spec=PodSpec(scheduling_gates=(SchedulingGate(name="g"),) if gated else ()),
        status=PodStatus(conditions=(PodCondition(type="Ready", status=str(ready)),)),
    )


def _job(rollout: str = "one", app: str = "one") -> Job:
    return Job(metadata=ObjectMeta(name=f"job-{rollout}", annotations={"keptn.sh/workload": f"{app}-{rollout}"}))


def _job_pod(phase: str, rollout: str = "one") -> Pod:
    labels = {"batch.kubernetes.io/job-name": f"job-{rollout}"}
    return Pod(metadata=ObjectMeta(name="job-pod", labels=labels), status=PodStatus(phase=phase))


def _deployment(status: str, name: str = "one") -> Deployment:
    condition = DeploymentCondition(type="Progressing", status=status)
    return Deployment(metadata=ObjectMeta(name=name), status=DeploymentStatus(conditions=(condition,)))


def test_the_jobs_own_run_is_not_counted_as_the_gates() -> None:
    times = Times(pod=10.0, job=10.2, ended=15.2, opened=15.5)
    assert times.added is not None
    assert abs(times.added - 0.5) < 1e-9


def test_nothing_is_added_up_before_all_was_seen() -> None:
    assert Times(pod=10.0, job=10.2, ended=15.2).added is None
    assert Times(rollout_failed=1.0).until_failed is None


@pytest.mark.looptime
async def test_each_moment_is_taken_when_it_is_first_seen() -> None:
    watch = Stopwatch()
    times = watch["one"]
    steps: list[Callable[[], None]] = [
        lambda: watch.pod(None, _pod(gated=True)),
        lambda: watch.job(None, _job()),
        lambda: watch.pod(None, _job_pod("Running")),
        lambda: watch.pod(None, _job_pod("Succeeded")),
        lambda: watch.pod(None, _pod(gated=False)),
        lambda: watch.pod(None, _pod(gated=False, ready=True)),
        lambda: watch.pod(_pod(gated=False), None),
    ]
    for step in steps:
        step()
        await asyncio.sleep(1)
        step()  # told twice, taken once
    start = times.pod or 0.0
    moments = [times.pod, times.job, times.ended, times.opened, times.ready, times.gone]
    assert [round((moment or 0.0) - start) for moment in moments] == [0, 1, 3, 4, 5, 7]


def test_a_pod_that_never_had_a_gate_was_never_opened() -> None:
    async def told() -> Times:
        watch = Stopwatch()
        watch.pod(None, _pod(gated=False))
        return watch["one"]

    assert asyncio.run(told()).opened is None


async def test_jobs_and_pods_of_rollouts_that_nobody_started_are_left_out() -> None:
    watch = Stopwatch()
    times = watch["one"]
    watch.job(None, _job("other"))
    watch.pod(None, _job_pod("Succeeded", "other"))
    watch.deployment(None, _deployment("False", "other"))
    assert times == Times()


async def test_a_job_is_known_by_its_workload_whatever_the_app() -> None:
    watch = Stopwatch()
    times = watch["one"]
    watch.job(None, _job("one", app="shop"))
    assert times.job_name == "job-one"


async def test_a_failed_rollout_is_taken_from_the_condition() -> None:
    watch = Stopwatch()
    times = watch["one"]
    watch.deployment(None, _deployment("True"))
    assert times.rollout_failed is None
    watch.deployment(None, _deployment("False"))
    assert times.rollout_failed is not None


async def test_who_waits_is_woken_by_the_change_that_matters() -> None:
    watch = Stopwatch()
    times = watch["one"]
    waiting = [asyncio.create_task(watch.wait(lambda: times.pod is not None)) for _ in range(2)]
    watch.deployment(None, _deployment("False"))
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    watch.pod(None, _pod(gated=True))
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)


async def test_the_floor_is_told_once_of_a_held_pod_and_once_of_an_ended_job() -> None:
    watch = Stopwatch()
    told: list[str] = []
    watch.on_gated(lambda rollout, pod: told.append(f"{rollout} {pod.metadata.name}"))
    watch.on_ended(lambda rollout: told.append(f"{rollout} ended"))
    assert watch["one"].pod is None
    for _ in range(2):
        watch.pod(None, _pod(gated=True))
        watch.job(None, _job())
        watch.pod(None, _job_pod("Failed"))
    assert told == ["one one-x", "one ended"]
