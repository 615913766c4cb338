import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator

import pytest
import trustme

from app.certificates.tls import LiveCertificate
from app.cluster.resources import SECRETS
from tests.app.certificates.parts import NAMESPACE, SECRET, put_secret, settings
from tests.fakes.api import FakeApi

CA = trustme.CA()


def pair(name: str = "localhost") -> dict[str, bytes]:
    leaf = CA.issue_cert("localhost", common_name=name)
    return {"tls.crt": leaf.cert_chain_pems[0].bytes(), "tls.key": leaf.private_key_pem.bytes()}


@contextlib.asynccontextmanager
async def serving(api: FakeApi) -> AsyncIterator[tuple[LiveCertificate, int]]:
    """A TLS server on the live context, and its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    live = LiveCertificate(api, settings(), random.Random(1))
    task = asyncio.create_task(live.run())
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=live.context)
    try:
        await asyncio.sleep(0.05)
        yield live, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def connect(port: int) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
    """The common name that a new connection is shown, and the connection."""
    client = ssl.create_default_context()
    CA.configure_trust(client)
    reader, writer = await asyncio.open_connection("localhost", port, ssl=client)
    subject = dict(item[0] for item in writer.get_extra_info("peercert")["subject"])
    return subject["commonName"], reader, writer


async def shown(port: int) -> str:
    name, _, writer = await connect(port)
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()
    return name


async def changed() -> None:
    await asyncio.sleep(0.05)


async def test_f27_a_new_pair_is_served_at_once_and_open_connections_go_on() -> None:
    api = FakeApi()
    put_secret(api, pair("one"))
    async with serving(api) as (live, port):
        assert live.ready
        name, reader, writer = await connect(port)
        assert name == "one"
        put_secret(api, pair("two"))
        await changed()
        assert await shown(port) == "two"
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"
        writer.close()
        assert live.loads == 2


async def test_it_is_not_ready_before_there_is_a_pair() -> None:
    api = FakeApi()
    async with serving(api) as (live, port):
        readiness = [live.ready]
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await shown(port)
        put_secret(api, pair("one"))
        await changed()
        readiness.append(live.ready)
        assert readiness == [False, True]
        assert await shown(port) == "one"


BAD = {
    "a key of another certificate": pair() | {"tls.key": pair()["tls.key"]},
    "garbage": {"tls.crt": b"garbage", "tls.key": b"garbage"},
    "nothing": {},
    "no key": {"tls.crt": pair()["tls.crt"]},
    "halves swapped": {"tls.crt": pair()["tls.key"], "tls.key": pair()["tls.crt"]},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_f26_a_bad_pair_is_refused_and_the_last_good_one_served(bad: dict[str, bytes]) -> None:
    api = FakeApi()
    put_secret(api, pair("one"))
    async with serving(api) as (live, port):
        put_secret(api, bad)
        await changed()
        assert [await shown(port) for _ in range(3)] == ["one"] * 3
        assert (live.ready, live.loads, live.rejected) == (True, 1, 1)
        put_secret(api, pair("two"))
        await changed()
        assert await shown(port) == "two"


async def test_f26_values_that_are_not_even_base64_are_refused() -> None:
    api = FakeApi()
    put_secret(api, pair("one"))
    async with serving(api) as (live, port):
        api.make(SECRETS, SECRET, NAMESPACE, data={"tls.crt": "%%%", "tls.key": 7})
        await changed()
        assert (await shown(port), live.rejected) == ("one", 1)


async def test_f26_a_deleted_secret_leaves_the_last_good_pair() -> None:
    api = FakeApi()
    put_secret(api, pair("one"))
    async with serving(api) as (live, port):
        api.remove(SECRETS, SECRET, NAMESPACE)
        await changed()
        assert (await shown(port), live.ready) == ("one", True)


async def test_an_encrypted_key_is_refused_instead_of_asked_for() -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    good = pair()
    key = load_pem_private_key(good["tls.key"], None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    api = FakeApi()
    put_secret(api, good | {"tls.key": locked})
    async with serving(api) as (live, _):
        assert (live.ready, live.rejected) == (False, 1)


async def test_a_change_elsewhere_in_the_secret_loads_nothing() -> None:
    api = FakeApi()
    good = pair()
    put_secret(api, good)
    async with serving(api) as (live, _):
        put_secret(api, good | {"ca.crt": b"other"})
        await changed()
        assert live.loads == 1


async def test_f30_older_tls_is_refused() -> None:
    api = FakeApi()
    put_secret(api, pair())
    async with serving(api) as (_, port):
        client = ssl.create_default_context()
        CA.configure_trust(client)
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("localhost", port, ssl=client)


async def test_key_material_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    api = FakeApi()
    good = pair()
    put_secret(api, good | {"tls.key": pair()["tls.key"]})
    async with serving(api):
        put_secret(api, good)
        await changed()
    everything = str([vars(record) for record in caplog.records])
    assert "certificate" in everything
    assert "PRIVATE" not in everything
    assert good["tls.key"].decode().splitlines()[1] not in everything
