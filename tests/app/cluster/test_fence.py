"""Writes pass while we lead, and only then; reads always."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from app.cluster import errors
from app.cluster.api import Api, Json, PatchType
from app.cluster.fence import Fenced
from app.cluster.leader import LeaderElector
from app.cluster.resources import CONFIGMAPS, LEASES
from tests.fakes.api import FakeApi

pytestmark = pytest.mark.looptime

THERE: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there", "namespace": "shop"}}
NEW: Json = {"metadata": {"name": "new", "namespace": "shop"}}

WRITES: dict[str, Callable[[Api], Awaitable[Json]]] = {
    "create": lambda api: api.create(CONFIGMAPS, NEW, "shop"),
    "patch": lambda api: api.patch(CONFIGMAPS, "there", {"data": {"a": "1"}}, "shop"),
    "delete": lambda api: api.delete(CONFIGMAPS, "there", "shop"),
}


class Recorder(FakeApi):
    """Notes with which options it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.options: Json = {}

    async def create(self, *args: object, **options: object) -> Json:
        self.options = options
        return {}

    patch = delete = create


@pytest.mark.parametrize("verb", WRITES)
async def test_a_write_passes_only_while_we_lead(verb: str) -> None:
    api, leading = FakeApi(), False
    api.put(THERE)
    fenced = Fenced(api, lambda: leading)
    with pytest.raises(errors.Unavailable, match="NotLeading"):
        await WRITES[verb](fenced)
    assert api.writes() == []
    leading = True
    await WRITES[verb](fenced)
    assert [call.verb for call in api.writes()] == [verb]


async def test_reads_always_pass() -> None:
    api = FakeApi()
    api.put(THERE)
    fenced = Fenced(api, lambda: False)
    assert (await fenced.get(CONFIGMAPS, "there", "shop"))["metadata"]["name"] == "there"
    assert len((await fenced.list_page(CONFIGMAPS))["items"]) == 1
    watch = fenced.watch(CONFIGMAPS, resource_version="0", timeout_seconds=60)
    assert (await anext(watch))["type"] == "ADDED"


async def test_every_option_of_a_write_is_handed_on() -> None:
    api = Recorder()
    fenced = Fenced(api, lambda: True)
    await fenced.create(CONFIGMAPS, NEW, "shop", dry_run=True)
    assert api.options == {"dry_run": True}
    options: Json = {"subresource": "status", "dry_run": True, "field_manager": "me", "force": True}
    await fenced.patch(CONFIGMAPS, "there", {}, "shop", patch_type=PatchType.APPLY, **options)
    assert api.options == options | {"patch_type": PatchType.APPLY}
    await fenced.delete(CONFIGMAPS, "there", "shop", propagation="Foreground", uid="u")
    assert api.options == {"propagation": "Foreground", "uid": "u"}


async def test_a_process_that_slept_through_its_lease_writes_nothing_when_it_wakes() -> None:
    api = FakeApi()
    elector = LeaderElector(
        api,
        namespace="keptn-system",
        name="lease",
        identity="a",
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        rng=random.Random(1),
    )
    fenced = Fenced(api, lambda: elector.leading)
    refused: list[errors.ApiError] = []

    async def led() -> None:
        await fenced.create(CONFIGMAPS, NEW, "shop")
        # Nothing else of the process runs meanwhile: the loop is where it was, but the clock is not.
        asyncio.get_running_loop().time = lambda: 30.0  # type: ignore[method-assign]
        try:
            await fenced.delete(CONFIGMAPS, "new", "shop")
        except errors.ApiError as error:
            refused.append(error)

    loop = asyncio.get_running_loop()
    clock = loop.time
    try:
        await elector.run(led)
    finally:
        loop.time = clock  # type: ignore[method-assign]
    assert [error.reason for error in refused] == ["NotLeading"]
    assert [str(call) for call in api.writes() if call.resource != LEASES.plural] == ["create configmaps"]


@pytest.mark.parametrize("verb", WRITES)
async def test_the_time_since_the_last_write_is_known(verb: str) -> None:
    api = FakeApi(latency=1.0)
    api.put(THERE)
    fenced = Fenced(api, lambda: True)
    assert fenced.idle() == math.inf
    writing = asyncio.ensure_future(WRITES[verb](fenced))
    await asyncio.sleep(0.5)
    assert fenced.idle() == 0
    await writing
    await asyncio.sleep(2)
    assert fenced.idle() == pytest.approx(2)


async def test_a_write_that_fails_is_over_as_well() -> None:
    fenced = Fenced(FakeApi(), lambda: True)
    with pytest.raises(errors.NotFound):
        await WRITES["patch"](fenced)
    await asyncio.sleep(2)
    assert fenced.idle() == pytest.approx(2)
