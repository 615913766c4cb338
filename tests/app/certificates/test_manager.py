import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from app.certificates import authority
from app.certificates.authority import Contents
from app.certificates.manager import SETTLE_SECONDS, CertificateManager
from app.certificates.secret import decode
from app.cluster import errors
from app.cluster.api import Json
from app.cluster.resources import MUTATING_WEBHOOKS, SECRETS
from tests.app.certificates.parts import NAMESPACE, SECRET, START, put_secret, secret_data, settings
from tests.app.certificates.test_injector import LABELS, bundles, client, put_all
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime

DAY = 86_400.0


class Clock:
    """A wall clock that runs with the loop's, but can be set."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def __call__(self) -> datetime:
        return START + self.offset + timedelta(seconds=asyncio.get_running_loop().time())


@contextlib.asynccontextmanager
async def running(
    api: FakeApi, clock: Clock | None = None, source: str = "self", *, inject_external: bool = False
) -> AsyncIterator[CertificateManager]:
    manager = CertificateManager(
        api,
        settings(CERTIFICATE_SOURCE=source),
        clock or Clock(),
        random.Random(1),
        inject_external=inject_external,
    )
    task = asyncio.create_task(manager.run())
    await asyncio.sleep(2)
    try:
        yield manager
    finally:
        assert not task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def contents(api: FakeApi) -> Contents:
    body = api.server.find(SECRETS, SECRET, NAMESPACE)
    return Contents.of(decode(body) if body else None)


def secret_writes(api: FakeApi) -> int:
    return sum(call.resource == SECRETS.plural for call in api.writes())


async def test_from_nothing_there_is_a_trusted_pair_within_seconds() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as manager:
        assert manager.ready
        assert authority.is_valid(contents(api), START)
        assert bundles(api) == [contents(api).ca_cert] * 3
        assert secret_writes(api) == 2


async def test_the_pair_is_stored_only_when_its_authority_is_everywhere() -> None:
    api = FakeApi()
    put_all(api)

    def stuck(call: Call) -> None:
        if call.verb == "patch" and call.resource == MUTATING_WEBHOOKS.plural:
            raise errors.Unavailable(500, "InternalError", "no")

    api.before = stuck
    async with running(api) as manager:
        await asyncio.sleep(100)
        assert contents(api).ca_cert
        assert not contents(api).tls_cert
        assert not manager.ready
        api.before = lambda call: None
        await asyncio.sleep(61)
        assert contents(api).tls_cert


async def test_when_all_is_well_nothing_is_written() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api):
        pass
    api.calls.clear()
    async with running(api) as manager:
        await asyncio.sleep(DAY / 4)
        assert manager.ready
        assert api.count()["patch"] + api.count()["create"] == 0


async def test_f24_a_pair_is_renewed_in_time_again_and_again() -> None:
    api = FakeApi()
    put_all(api)
    clock = Clock()
    seen = set()
    async with running(api, clock) as manager:
        for _ in range(200):
            clock.offset += timedelta(hours=12)
            await asyncio.sleep(100)
            assert manager.ready
            assert authority.is_valid(contents(api), clock() + timedelta(days=2)), "never close to its end"
            seen.add(contents(api).tls_cert)
    assert 20 <= len(seen) <= 23


async def test_f24_a_machine_that_slept_notices_within_a_minute_of_waking() -> None:
    api = FakeApi()
    put_all(api)
    clock = Clock()
    async with running(api, clock) as manager:
        clock.offset = timedelta(days=8)
        assert not manager.ready
        await asyncio.sleep(61)
        assert manager.ready


async def test_f29_a_clock_set_back_by_an_hour_changes_nothing() -> None:
    api = FakeApi()
    put_all(api)
    clock = Clock()
    async with running(api, clock) as manager:
        before = contents(api)
        clock.offset = -timedelta(minutes=59)
        await asyncio.sleep(600)
        assert contents(api) == before
        assert manager.ready


def due_in(rest: timedelta) -> Contents:
    """Contents in good order whose CA is to be renewed in that time."""
    issued = START - (authority.CA_LIFE + authority.BACKDATED) * 2 / 3 + authority.BACKDATED + rest
    contents, names = Contents(), authority.dns_names("lifecycle-webhook-service", NAMESPACE)
    for moment in (issued, START - timedelta(days=1)):
        while not isinstance(step := authority.decide(contents, moment, names), authority.Keep):
            contents = step.contents
    return contents


async def test_f25_a_new_authority_is_everywhere_for_a_while_before_the_pair_changes() -> None:
    api = FakeApi()
    put_all(api)
    clock = Clock()
    before = due_in(timedelta(minutes=10))
    put_secret(api, before.data())
    async with running(api, clock):
        # What each moment looked like: trust, and the pair that servers had.
        story: list[tuple[float, bytes, bytes]] = []
        for _ in range(1000):
            await asyncio.sleep(1)
            there = set(bundles(api))
            trust = there.pop() if len(there) == 1 else None
            story.append((asyncio.get_running_loop().time(), trust or b"", contents(api).tls_cert))
    after = contents(api)
    assert after.ca_cert != before.ca_cert
    assert after.ca_cert_old == before.ca_cert
    trusted = next(time for time, trust, _ in story if after.ca_cert in trust)
    changed = next(time for time, _, leaf in story if leaf == after.tls_cert)
    assert changed - trusted >= SETTLE_SECONDS - 1
    assert all(before.ca_cert in trust for _, trust, _ in story if trust), "the old one is trusted all along"


async def test_f26_a_deleted_secret_is_back_within_ten_seconds_and_servers_are_trusted_all_along() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as manager:
        await asyncio.sleep(1000)
        before = contents(api)
        api.remove(SECRETS, SECRET, NAMESPACE)
        await asyncio.sleep(5)
        restored = contents(api)
        assert restored.tls_cert == before.tls_cert
        assert all(before.ca_cert in (bundle or b"") for bundle in bundles(api))
        await asyncio.sleep(100)
        assert contents(api).tls_cert != before.tls_cert
        assert manager.ready


@pytest.mark.parametrize("key", ["ca.key", "ca.crt", "tls.key", "tls.crt"])
async def test_f26_garbage_in_the_secret_is_replaced_within_ten_seconds(key: str) -> None:
    api = FakeApi()
    put_all(api)
    clock = Clock()
    async with running(api, clock):
        put_secret(api, secret_data(api) | {key: b"garbage"})
        await asyncio.sleep(10)
        assert authority.is_valid(contents(api), clock())


async def test_f28_a_bundle_taken_out_is_put_back() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api) as manager:
        await asyncio.sleep(60)
        api.make(
            MUTATING_WEBHOOKS, "ours", metadata=LABELS, webhooks=[{"name": "a.keptn.sh", "clientConfig": client()}]
        )
        await asyncio.sleep(0.001)
        await asyncio.sleep(2)
        assert manager.ready
        assert bundles(api) == [contents(api).ca_cert] * 3


async def test_several_managers_at_once_agree_on_one_authority() -> None:
    api = FakeApi()
    put_all(api)
    async with contextlib.AsyncExitStack() as stack:
        starting = [stack.enter_async_context(running(api)) for _ in range(20)]
        managers = await asyncio.gather(*starting)
        await asyncio.sleep(120)
        assert all(manager.ready for manager in managers)
        assert bundles(api) == [contents(api).ca_cert] * 3
        before = contents(api)
        await asyncio.sleep(600)
        assert contents(api) == before


async def test_a_secret_of_keptns_own_is_taken_over() -> None:
    api = FakeApi()
    put_all(api)
    ca_key, ca_cert = authority.issue_authority(START - timedelta(days=30))
    put_secret(api, {"ca.key": ca_key, "ca.crt": ca_cert})
    async with running(api) as manager:
        assert manager.ready
        assert contents(api).ca_cert == ca_cert


async def test_f7_an_api_server_that_refuses_for_a_while_costs_only_time(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi()
    put_all(api)

    def down(call: Call) -> None:
        if call.resource == SECRETS.plural and call.verb == "create":
            raise errors.Unavailable(503, "x", "down")

    api.before = down
    async with running(api) as manager:
        await asyncio.sleep(60)
        assert not manager.ready
        assert 10 < secret_writes(api) < 40
        api.before = lambda call: None
        await asyncio.sleep(6)
        assert authority.is_valid(contents(api), START)


async def test_a_bug_on_the_way_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = FakeApi()
    put_all(api)
    with monkeypatch.context() as patch:
        patch.setattr(authority, "decide", lambda *_: 1 // 0)
        async with running(api) as manager:
            assert "looking after the certificates failed" in caplog.text
            patch.undo()
            await asyncio.sleep(60)
            assert manager.ready


def external(api: FakeApi) -> Json:
    now = START
    ca_key, ca_cert = authority.issue_authority(now)
    step = authority.decide(Contents(ca_key=ca_key, ca_cert=ca_cert), now, ("x",))
    assert isinstance(step, authority.NewLeaf)
    data = {"ca.crt": ca_cert, "tls.crt": step.contents.tls_cert, "tls.key": step.contents.tls_key}
    return put_secret(api, data)


async def test_an_external_secret_is_never_written_nor_its_authority_made_known_unasked() -> None:
    api = FakeApi()
    put_all(api)
    async with running(api, source="external") as manager:
        readiness = [manager.ready]
        external(api)
        await asyncio.sleep(3600)
        readiness.append(manager.ready)
        assert readiness == [False, True]
        assert bundles(api) == [None] * 3
        assert api.count()["patch"] + api.count()["create"] == 0
        assert {call.resource for call in api.calls} == {"secrets"}


async def test_an_external_secrets_authority_is_made_known_if_asked() -> None:
    api = FakeApi()
    put_all(api)
    external(api)
    async with running(api, source="external", inject_external=True) as manager:
        await asyncio.sleep(60)
        assert manager.ready
        assert bundles(api) == [secret_data(api)["ca.crt"]] * 3
        assert secret_writes(api) == 0


async def test_keys_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    api = FakeApi()
    put_all(api)
    async with running(api):
        put_secret(api, secret_data(api) | {"tls.crt": b"garbage"})
        await asyncio.sleep(60)
        secret_line = contents(api).ca_key.decode().splitlines()[1]
    everything = str([vars(record) for record in caplog.records])
    assert "storing a new CA" in everything
    assert "PRIVATE" not in everything
    assert secret_line not in everything
