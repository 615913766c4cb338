"""An app of six workloads with checks on both levels, and its floor: the same Jobs and pods, run by a script."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from app.api.app import AppVersion
from app.api.core import Deployment, Job, Pod
from app.cluster import resources
from app.cluster.api import Api, Json, PatchType
from bench.course import APP, POST, PRE, Course
from bench.following import follow, running
from bench.manifests import app_context, deployment, open_gate, same_app_job

WORKLOADS = 6
# Until what is left of an app after its pods have gone has been collected, and no longer takes the next one's time.
_QUIET_SECONDS = 2.0


async def held(api: Api, namespace: str, app: str, check: str, patience: float = 120.0) -> Course:
    """Applies an app at once, waits until it is Completed, and takes it away again.

    Raises TimeoutError if that takes longer than `patience` seconds.
    """
    async with _course(api, namespace, app) as course, asyncio.timeout(patience):
        parts = [deployment(name, check=check, after=check, app=app) for name in course.workloads]
        course.begin()
        await asyncio.gather(
            api.create(resources.APP_CONTEXTS, app_context(app, check), namespace),
            *(api.create(resources.DEPLOYMENTS, part, namespace) for part in parts),
        )
        await course.wait(lambda: course.ended is not None)
        await _remove(api, namespace, course)
    return course


async def scripted(api: Api, namespace: str, app: str, original: Json, patience: float = 120.0) -> Course:
    """The floor: the same pods behind a gate of its own, and Jobs like `original`, with nothing between them.

    Raises TimeoutError if that takes longer than `patience` seconds.
    """
    async with _course(api, namespace, app) as course, asyncio.timeout(patience):
        async with asyncio.TaskGroup() as group:
            course.on_change(_Script(api, namespace, course, original, group).step)
            course.begin()
            await asyncio.gather(
                *(api.create(resources.DEPLOYMENTS, deployment(name), namespace) for name in course.workloads)
            )
            await course.wait(lambda: course.ended is not None)
        await _remove(api, namespace, course)
    return course


class _Script:
    """What the least possible release does next, asked after each change."""

    def __init__(self, api: Api, namespace: str, course: Course, original: Json, group: asyncio.TaskGroup) -> None:
        self._api = api
        self._namespace = namespace
        self._course = course
        self._original = original
        self._group = group
        self._done: set[tuple[str, str]] = set()

    def step(self) -> None:
        course = self._course
        self._run(APP, PRE)
        for each in course.workloads:
            if each in course.held:
                self._run(each, PRE)
            if each in course.held and course.has_ended(each, PRE) and course.has_ended(APP, PRE):
                self._open(each)
            if each in course.up:
                self._run(each, POST)
        if all(course.has_ended(each, POST) for each in course.workloads):
            self._run(APP, POST)
        if course.has_ended(APP, POST) and course.ended is None:
            course.end()

    def _run(self, workload: str, when: str) -> None:
        if self._first(workload, when):
            job = same_app_job(self._original, self._course.app, workload, when)
            self._group.create_task(self._api.create(resources.JOBS, job, self._namespace))

    def _open(self, workload: str) -> None:
        if self._first(workload, "open"):
            patch: list[Any] = open_gate()
            pod = self._course.pods[workload]
            self._group.create_task(
                self._api.patch(resources.PODS, pod, patch, self._namespace, patch_type=PatchType.JSON)
            )

    def _first(self, workload: str, what: str) -> bool:
        known = (workload, what) in self._done
        self._done.add((workload, what))
        return not known


@contextlib.asynccontextmanager
async def _course(api: Api, namespace: str, app: str) -> AsyncIterator[Course]:
    course = Course(app, [f"{app}-{number}" for number in range(WORKLOADS)])
    async with running(
        [
            follow(api, namespace, resources.PODS, Pod, course.pod),
            follow(api, namespace, resources.JOBS, Job, course.job),
            follow(api, namespace, resources.DEPLOYMENTS, Deployment, course.deployment),
            follow(api, namespace, resources.APP_VERSIONS, AppVersion, course.app_version),
        ]
    ):
        yield course


async def _remove(api: Api, namespace: str, course: Course) -> None:
    await asyncio.gather(*(api.delete(resources.DEPLOYMENTS, name, namespace) for name in course.workloads))
    await course.wait(lambda: course.gone >= set(course.workloads))
    await asyncio.sleep(_QUIET_SECONDS)
