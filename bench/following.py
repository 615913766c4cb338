"""Watches on one namespace, for those who take times from what they are told."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from app.api.meta import Object
from app.cluster.api import Api, Json, Resource
from app.cluster.informer import Informer

V = TypeVar("V", bound=Object)


def follow(
    api: Api, namespace: str, resource: Resource, view: type[V], tell: Callable[[V | None, V | None], None]
) -> Informer[V]:
    """Tells `tell` of each object before and after its change, once it runs."""

    def decode(body: Json) -> V:
        return view.model_validate(body)

    informer = Informer(api, resource, decode, namespace=namespace, rng=random.Random())
    informer.subscribe(tell)
    return informer


@contextlib.asynccontextmanager
async def running(informers: Sequence[Informer[Any]]) -> AsyncIterator[None]:
    """Runs them all. Enters once their watches stand."""
    tasks = [asyncio.create_task(informer.run()) for informer in informers]
    try:
        for informer in informers:
            await informer.synced()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
