"""From the cluster's watches into a story."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from app.api.app import AppVersion
from app.api.core import Deployment, Job, Pod
from app.api.evaluation import Evaluation
from app.api.meta import Object
from app.api.task import Task
from app.cluster import resources
from app.cluster.api import Api, Json, Resource
from app.cluster.informer import Informer
from examples.demo.shop import NAMESPACE
from examples.demo.story import Event, Story

V = TypeVar("V", bound=Object)


class Clock:
    """Seconds since `start`, 0 before that."""

    def __init__(self) -> None:
        self._zero: float | None = None

    def start(self) -> None:
        self._zero = asyncio.get_running_loop().time()

    def __call__(self) -> float:
        return 0.0 if self._zero is None else asyncio.get_running_loop().time() - self._zero


@contextlib.asynccontextmanager
async def watching(api: Api, story: Story, clock: Clock, changed: Callable[[], None]) -> AsyncIterator[None]:
    """Feeds `story` with all that happens in the shop, and calls `changed` each time. Enters once all watches stand."""

    def follow(resource: Resource, view: type[V], tell: Callable[[float, V | None, V | None], None]) -> Informer[V]:
        def decode(body: Json) -> V:
            return view.model_validate(body)

        def handle(old: V | None, new: V | None) -> None:
            tell(clock(), old, new)
            changed()

        informer = Informer(api, resource, decode, namespace=NAMESPACE, rng=random.Random())
        informer.subscribe(handle)
        return informer

    informers: list[Informer[Any]] = [
        follow(resources.PODS, Pod, story.pod),
        follow(resources.TASKS, Task, story.task),
        follow(resources.JOBS, Job, story.job),
        follow(resources.DEPLOYMENTS, Deployment, story.deployment),
        follow(resources.EVENTS, Event, story.event),
        follow(resources.APP_VERSIONS, AppVersion, story.app_version),
        follow(resources.EVALUATIONS, Evaluation, story.evaluation),
    ]
    running = [asyncio.create_task(informer.run()) for informer in informers]
    try:
        for informer in informers:
            await informer.synced()
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def gone(api: Api) -> None:
    """Returns once the shop's namespace is not there any more."""
    vanished = asyncio.Event()
    informer = Informer(
        api,
        resources.NAMESPACES,
        Object.model_validate,
        field_selector=f"metadata.name={NAMESPACE}",
        metadata_only=True,
        rng=random.Random(),
    )
    informer.subscribe(lambda old, new: vanished.set() if new is None else None)
    running = asyncio.create_task(informer.run())
    try:
        await informer.synced()
        if informer.all():
            await vanished.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
