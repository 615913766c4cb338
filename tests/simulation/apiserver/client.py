"""One process's connection to the API server: the ``Api`` that the code under test gets, with a network in between.

What becomes of each request is the weather's to say: it may be answered late, refused, done although its answer is
lost, or reach the server long after the one who sent it has given up. What is on its way arrives, whoever dies.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from app.cluster import errors
from app.cluster.api import Json, PatchType, Resource
from tests.simulation.apiserver import rules
from tests.simulation.apiserver.server import Server, metadata_of, selected, whole
from tests.simulation.apiserver.watching import Watch
from tests.simulation.loop import outside

WRITES = frozenset({"create", "patch", "delete"})
REQUEST_SECONDS = 30.0  # after which a process gives up waiting


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as an audit log would have it."""

    by: str
    verb: str
    resource: str
    namespace: str
    name: str
    subresource: str = ""

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{'/' + self.subresource if self.subresource else ''}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request.

    `refuse` is raised instead of doing it; `late` is how many seconds more it takes to arrive; with `lost` it is done,
    but its answer never comes back. `then` is called as soon as it is done.
    """

    refuse: errors.ApiError | None = None
    late: float = 0.0
    lost: bool = False
    then: Callable[[], None] | None = None


FINE = Fate()


def fine(call: Call) -> Fate:
    return FINE


@dataclass(slots=True)
class Network:
    """How things are between one process and the server now. `lag` is how far its watches are behind, in seconds."""

    latency: tuple[float, float] = (0.0002, 0.004)
    lag: float = 0.0
    cut_off: int = 0  # how many things keep requests from arriving
    fate: Callable[[Call], Fate] = field(default=fine)


class Client:
    """The protocol ``app.cluster.api.Api``. Once `dead`, no call of it ever returns or does anything."""

    def __init__(self, server: Server, name: str, rng: random.Random, network: Network | None = None) -> None:
        self.name = name
        self.dead = False
        self.network = network or Network()
        self.counts: Counter[str] = Counter()
        self.watches: dict[Watch, None] = {}
        self._server = server
        self._rng = rng
        self._under_way: set[asyncio.Task[Json]] = set()

    async def get(self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False) -> Json:
        async def effect() -> Json:
            body = self._server.get(resource, name, namespace)
            return metadata_of(body) if metadata_only else body

        return await self._call(Call(self.name, "get", resource.plural, namespace, name), effect)

    async def list_page(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        continue_token: str = "",
        metadata_only: bool = False,
        resource_version: str = "",
    ) -> Json:
        select = selected("", label_selector, field_selector)
        view = metadata_of if metadata_only else whole

        async def effect() -> Json:
            rules.check_fields(resource, field_selector)
            return self._server.page(resource, namespace, select, view, limit, continue_token)

        return await self._call(Call(self.name, "list", resource.plural, namespace, ""), effect)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int,
        metadata_only: bool = False,
    ) -> AsyncIterator[Json]:
        select = selected(namespace, label_selector, field_selector)
        view = metadata_of if metadata_only else whole
        opened: list[Watch] = []

        async def effect() -> Json:
            rules.check_fields(resource, field_selector)
            version = int(resource_version)
            delay = self._delay_of_news
            watch = self._server.watch(resource, version, select, view, seconds=timeout_seconds, delay=delay)
            opened.append(watch)
            self.watches[watch] = None
            return {}

        try:
            await self._call(Call(self.name, "watch", resource.plural, namespace, ""), effect)
            async for event in opened[0].events():
                if self.dead:
                    await _for_ever()
                yield event
        finally:
            for watch in opened:
                self._server.unwatch(watch)
                self.watches.pop(watch, None)

    async def create(self, resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        name = body["metadata"].get("name", "")
        return await self._call(
            Call(self.name, "create", resource.plural, namespace, name),
            lambda: self._server.create(resource, body, namespace, by=self.name, dry_run=dry_run),
        )

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Json | list[Json],
        namespace: str = "",
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "holdfast",
        force: bool = False,
    ) -> Json:
        return await self._call(
            Call(self.name, "patch", resource.plural, namespace, name, subresource),
            lambda: self._server.patch(
                resource,
                name,
                body,
                namespace,
                by=self.name,
                patch_type=patch_type,
                subresource=subresource,
                dry_run=dry_run,
            ),
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, propagation: str = "Background", uid: str = ""
    ) -> Json:
        async def effect() -> Json:
            await self._server.delete(resource, name, namespace, by=self.name, propagation=propagation, uid=uid)
            return {"kind": "Status", "status": "Success"}

        return await self._call(Call(self.name, "delete", resource.plural, namespace, name), effect)

    async def _call(self, call: Call, effect: Callable[[], Coroutine[Any, Any, Json]]) -> Json:
        await self._unless_dead()
        fate = self.network.fate(call)
        await self._unless_dead()  # a crash is a fate too
        if call.is_write:
            # What was sent arrives, even if its sender is gone by then.
            task = outside(self._carried(call, fate, effect))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            task.add_done_callback(_heard)
            try:
                result = await asyncio.shield(task)
            except errors.ApiError:
                await self._unless_dead()
                raise
        else:
            result = await self._carried(call, fate, effect)
        await asyncio.sleep(self._latency())
        await self._unless_dead()
        if fate.lost:
            raise errors.Unavailable(0, "ConnectionFailed", "the answer was lost")
        return result

    async def _carried(self, call: Call, fate: Fate, effect: Callable[[], Coroutine[Any, Any, Json]]) -> Json:
        await asyncio.sleep(self._latency() + fate.late)
        if self.network.cut_off:
            await asyncio.sleep(REQUEST_SECONDS)
            raise errors.Unavailable(0, "Timeout", "no answer in time")
        if fate.refuse is not None:
            raise fate.refuse
        self.counts[f"{call} of our own" if (call.resource, call.name) == ("pods", self.name) else str(call)] += 1
        result = await effect()
        if fate.then is not None:
            fate.then()
        return result

    def _latency(self) -> float:
        return self._rng.uniform(*self.network.latency)

    def _delay_of_news(self) -> float:
        return self._latency() + self.network.lag

    async def _unless_dead(self) -> None:
        if self.dead:
            await _for_ever()


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def _heard(task: "asyncio.Task[Json]") -> None:
    """An error that nobody waits for any more is nobody's."""
    if not task.cancelled():
        task.exception()
