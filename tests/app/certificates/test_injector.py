import asyncio
import base64
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from app.certificates.injector import Injector
from app.cluster import errors
from app.cluster.api import Json
from app.cluster.resources import CRDS, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime

OURS = ("keptn-system", "lifecycle-webhook-service")
LABELS = {"labels": {"keptn.sh/inject-cert": "true"}}


def client(bundle: bytes | None = None) -> Json:
    config: Json = {"service": {"namespace": OURS[0], "name": OURS[1]}}
    return config if bundle is None else config | {"caBundle": base64.b64encode(bundle).decode()}


def put_all(api: FakeApi) -> None:
    for resource in (MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS):
        api.make(resource, "ours", metadata=LABELS, webhooks=[{"name": "a.keptn.sh", "clientConfig": client()}])
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": client()}}
    api.make(CRDS, "tasks", metadata=LABELS, spec={"conversion": conversion})


def bundles(api: FakeApi) -> list[bytes | None]:
    found: list[bytes | None] = []
    for resource in (CRDS, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS):
        for body in api.all(resource):
            conversion = body["spec"]["conversion"]["webhook"] if resource == CRDS else body["webhooks"][0]
            bundle = conversion["clientConfig"].get("caBundle")
            found.append(base64.b64decode(bundle) if bundle is not None else None)
    return found


@contextlib.asynccontextmanager
async def running(api: FakeApi) -> AsyncIterator[Injector]:
    injector = Injector(api, OURS, random.Random(1))
    task = asyncio.create_task(injector.run())
    try:
        yield injector
    finally:
        assert not task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_bundle_comes_into_all_three_kinds_and_is_then_known_to_be_everywhere() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as injector:
        await asyncio.sleep(5)
        since = [injector.everywhere_since]
        injector.put(b"one")
        await asyncio.sleep(5)
        since.append(injector.everywhere_since)
        assert bundles(api) == [b"one"] * 3
        assert since[0] is None
        assert since[1] is not None
        assert 5 <= since[1] < 5.1


async def test_what_is_right_already_is_not_written() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(5)
    api.calls.clear()
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(600)
        assert injector.everywhere_since is not None
        assert api.count()["patch"] == 0


async def test_f28_a_bundle_that_somebody_empties_is_restored_within_a_second() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(60)
        api.make(
            MUTATING_WEBHOOKS, "ours", metadata=LABELS, webhooks=[{"name": "a.keptn.sh", "clientConfig": client()}]
        )
        await asyncio.sleep(1)
        assert bundles(api) == [b"one"] * 3


async def test_f28_somebody_who_empties_it_for_ever_is_not_fought_in_a_loop() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as injector:
        injector.put(b"one")
        for _ in range(600):
            webhooks = [{"name": "a.keptn.sh", "clientConfig": client()}]
            api.make(MUTATING_WEBHOOKS, "ours", metadata=LABELS, webhooks=webhooks)
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        assert api.count()["patch"] < 70
        assert bundles(api) == [b"one"] * 3


async def test_a_place_that_appears_later_is_filled() -> None:
    api = FakeApi()
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(60)
        assert injector.everywhere_since is not None
        put_all(api)
        await asyncio.sleep(1)
        assert bundles(api) == [b"one"] * 3


async def test_a_place_without_the_label_is_left_alone() -> None:
    api = FakeApi()
    api.make(MUTATING_WEBHOOKS, "ours", webhooks=[{"name": "a", "clientConfig": client(b"his")}])
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(60)
        assert bundles(api) == [b"his"]


async def test_a_new_bundle_is_not_everywhere_until_the_last_place_has_it() -> None:
    api = FakeApi()
    put_all(api)

    def stuck(call: Call) -> None:
        if call.verb == "patch" and call.resource == CRDS.plural:
            raise errors.Forbidden(403, "Forbidden", "no")

    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(60)
        api.before = stuck
        injector.put(b"two")
        assert injector.everywhere_since is None
        await asyncio.sleep(60)
        assert bundles(api) == [b"one", b"two", b"two"]
        assert injector.everywhere_since is None
        api.before = lambda call: None
        await asyncio.sleep(120)
        assert bundles(api) == [b"two"] * 3
        assert injector.everywhere_since is not None


async def test_a_new_bundle_starts_its_time_anew() -> None:
    async with running(FakeApi()) as injector:
        injector.put(b"one")
        await asyncio.sleep(60)
        injector.put(b"two")
        assert injector.everywhere_since == 60


async def test_subscribers_hear_when_it_is_everywhere_and_when_no_more() -> None:
    api = FakeApi()
    put_all(api)
    heard: list[bool] = []
    async with running(api) as injector:
        injector.subscribe(lambda: heard.append(injector.everywhere_since is not None))
        injector.put(b"one")
        await asyncio.sleep(60)
        webhooks = [{"name": "a.keptn.sh", "clientConfig": client()}]
        api.make(MUTATING_WEBHOOKS, "ours", metadata=LABELS, webhooks=webhooks)
        await asyncio.sleep(60)
    assert heard == [True, False, True]


async def test_no_bundle_means_hands_off() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(60)
        injector.put(b"")
        webhooks = [{"name": "a.keptn.sh", "clientConfig": client(b"his")}]
        api.make(MUTATING_WEBHOOKS, "ours", metadata=LABELS, webhooks=webhooks)
        await asyncio.sleep(60)
        assert b"his" in bundles(api)
        assert injector.everywhere_since is None


async def test_what_changed_under_the_patch_is_tried_again_as_it_is_now() -> None:
    api = FakeApi()
    put_all(api)
    moved = [{"name": "new.keptn.sh", "clientConfig": client(b"x")}, {"name": "a.keptn.sh", "clientConfig": client()}]

    def change_first(call: Call) -> None:
        if call.verb == "patch" and call.resource == MUTATING_WEBHOOKS.plural:
            api.before = lambda call: None
            api.make(MUTATING_WEBHOOKS, "ours", metadata=LABELS, webhooks=moved)

    api.before = change_first
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(5)
        body = api.one(MUTATING_WEBHOOKS, "ours")
        assert {webhook["clientConfig"]["caBundle"] for webhook in body["webhooks"]} == {"b25l"}


async def test_a_place_that_is_deleted_meanwhile_is_no_trouble() -> None:
    api = FakeApi()
    put_all(api)

    def delete_first(call: Call) -> None:
        if call.verb == "patch" and call.resource == CRDS.plural:
            api.before = lambda call: None
            api.remove(CRDS, call.name)

    api.before = delete_first
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(5)
        assert bundles(api) == [b"one"] * 2
        assert injector.everywhere_since is not None


async def test_a_place_that_is_gone_before_its_turn_is_no_trouble() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as injector:
        injector.put(b"one")
        await asyncio.sleep(60)
        webhooks = [{"name": "a.keptn.sh", "clientConfig": client()}]
        for _ in range(2):  # the second one has to wait a second, and is gone by then
            api.make(MUTATING_WEBHOOKS, "ours", metadata=LABELS, webhooks=webhooks)
            await asyncio.sleep(0.1)
        api.remove(MUTATING_WEBHOOKS, "ours")
        await asyncio.sleep(60)
        assert bundles(api) == [b"one"] * 2
        assert injector.everywhere_since is not None
