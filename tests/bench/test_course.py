import asyncio

import pytest

from app.api.app import AppVersion, AppVersionSpec, AppVersionStatus
from app.api.core import Deployment, DeploymentStatus, Job, Pod, PodSpec, PodStatus, SchedulingGate
from app.api.meta import ObjectMeta
from bench.course import APP, POST, PRE, Course

pytestmark = pytest.mark.looptime


def _job(workload: str, when: str, app: str = "shop") -> Job:
    marks = {"keptn.sh/app": app, "keptn.sh/task-name": f"{when}-one-second-1"}
    if workload:
        marks["keptn.sh/workload"] = f"{app}-{workload}"
    return Job(metadata=ObjectMeta(name=f"{app}-{when}-{workload}", annotations=marks))


def _job_pod(workload: str, when: str, phase: str = "Succeeded") -> Pod:
    labels = {"batch.kubernetes.io/job-name": f"shop-{when}-{workload}"}
    return Pod(metadata=ObjectMeta(name="p", labels=labels), status=PodStatus(phase=phase))


def _pod(workload: str, *, gated: bool) -> Pod:
    return Pod(
        metadata=ObjectMeta(name=f"{workload}-x", labels={"app.kubernetes.io/name": workload}),
        spec=PodSpec(scheduling_gates=(SchedulingGate(name="g"),) if gated else ()),
    )


def _deployment(workload: str, *, available: int = 1, observed: int = 2) -> Deployment:
    status = DeploymentStatus(observed_generation=observed, updated_replicas=1, available_replicas=available)
    return Deployment(metadata=ObjectMeta(name=workload, generation=2), status=status)


def _version(phase: str, app: str = "shop") -> AppVersion:
    spec, status = AppVersionSpec(version="1", app_name=app), AppVersionStatus(current_phase=phase)
    return AppVersion(metadata=ObjectMeta(name=f"{app}-1"), spec=spec, status=status)


async def _run(course: Course, runs: dict[str, float], when: str) -> None:
    """Jobs that begin together, each taking so many seconds."""
    begun = asyncio.get_running_loop().time()
    for workload in runs:
        course.job(None, _job(workload, when))
    for workload, seconds in sorted(runs.items(), key=lambda one: one[1]):
        await asyncio.sleep(begun + seconds - asyncio.get_running_loop().time())
        course.pod(None, _job_pod(workload, when, "Running"))
        for _ in range(2):  # told twice, taken once
            course.pod(None, _job_pod(workload, when))


async def test_what_the_jobs_on_the_longest_path_took_is_not_counted() -> None:
    course = Course("shop", ["a", "b"])
    course.begin()
    await asyncio.sleep(0.5)
    await _run(course, {APP: 3.0, "a": 1.0, "b": 2.0}, PRE)
    await _run(course, {"a": 4.0, "b": 1.0}, POST)
    assert course.own is None
    await _run(course, {APP: 1.0}, POST)
    assert course.beyond is None
    await asyncio.sleep(0.25)
    course.app_version(None, _version("AppPostDeployEvaluations"))
    assert course.ended is None
    course.app_version(None, _version("Completed"))
    await asyncio.sleep(1)
    course.app_version(None, _version("Completed"))
    assert course.own == pytest.approx(3.0 + 4.0 + 1.0)
    assert course.beyond == pytest.approx(0.75)


async def test_what_lies_between_the_jobs_is_told_apart_and_adds_up() -> None:
    course = Course("shop", ["a", "b"])
    course.begin()
    await asyncio.sleep(0.5)
    course.pod(None, _pod("a", gated=True))
    course.pod(None, _pod("b", gated=True))
    await _run(course, {APP: 3.0, "a": 1.0, "b": 2.0}, PRE)
    course.pod(None, _pod("a", gated=False))
    await asyncio.sleep(0.125)
    course.pod(None, _pod("b", gated=False))
    course.deployment(None, _deployment("a"))
    await asyncio.sleep(1.5)
    course.deployment(None, _deployment("b"))
    await asyncio.sleep(0.25)
    await _run(course, {"a": 4.0, "b": 1.0}, POST)
    await asyncio.sleep(0.0625)
    await _run(course, {APP: 1.0}, POST)
    await asyncio.sleep(0.75)
    assert course.between == {}
    course.end()
    assert list(course.between.values()) == pytest.approx([0.5, 0.125, 1.5, 0.25, 0.0625, 0.75])
    assert sum(course.between.values()) == pytest.approx(course.beyond)
    assert course.pods == {"a": "a-x", "b": "b-x"}


@pytest.mark.parametrize("short_of", [{"available": 0}, {"observed": 1}])
async def test_a_deployment_that_lacks_something_is_not_up(short_of: dict[str, int]) -> None:
    course = Course("shop", ["a"])
    course.deployment(None, _deployment("a", **short_of))
    assert course.up == {}


async def test_what_belongs_to_others_is_left_out() -> None:
    course = Course("shop", ["a"])
    course.job(None, _job("a", PRE, app="other"))
    course.pod(None, _pod("z", gated=True))
    course.deployment(None, _deployment("z"))
    course.app_version(None, _version("Completed", app="other"))
    assert (course.runs, course.held, course.up, course.ended) == ({}, {}, {}, None)


async def test_a_pod_that_never_had_a_gate_was_never_opened_and_one_that_is_gone_is_known() -> None:
    course = Course("shop", ["a"])
    pod = _pod("a", gated=False)
    course.pod(None, pod)
    assert course.opened == {}
    course.pod(pod, None)
    assert course.gone == {"a"}


async def test_who_waits_and_who_listens_is_told_of_each_change() -> None:
    course, told = Course("shop", ["a"]), list[int]()
    course.on_change(lambda: told.append(len(course.runs)))
    waiting = asyncio.create_task(course.wait(lambda: course.has_ended("a", PRE)))
    course.job(None, _job("a", PRE))
    await asyncio.sleep(0)
    assert not waiting.done()
    course.pod(None, _job_pod("a", PRE))
    async with asyncio.timeout(1):
        await waiting
    assert told == [1, 1]
