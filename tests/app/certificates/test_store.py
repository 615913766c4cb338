import asyncio

import pytest

from app.certificates.authority import Contents
from app.certificates.secret import CertificateSecret, decode
from app.certificates.store import Outdated, SecretStore
from app.cluster.resources import SECRETS
from tests.app.certificates.parts import NAMESPACE, SECRET, put_secret, secret_data
from tests.fakes.api import FakeApi


def stored(api: FakeApi) -> CertificateSecret:
    return decode(api.one(SECRETS, SECRET, NAMESPACE))


async def test_the_secret_is_created_and_later_written_key_by_key() -> None:
    api = FakeApi()
    store = SecretStore(api, NAMESPACE, SECRET)
    await store.write(Contents(ca_cert=b"one"), None)
    assert secret_data(api)["ca.crt"] == b"one"
    assert api.one(SECRETS, SECRET, NAMESPACE)["type"] == "Opaque"
    put_secret(api, secret_data(api) | {"somebody.else": b"his"}, metadata={"labels": {"a": "b"}})
    await store.write(Contents(ca_cert=b"two"), stored(api))
    assert secret_data(api)["ca.crt"] == b"two"
    assert secret_data(api)["somebody.else"] == b"his"
    assert stored(api).metadata.labels == {"a": "b"}


async def test_what_has_been_created_meanwhile_is_not_overwritten() -> None:
    api = FakeApi()
    put_secret(api, {"ca.crt": b"his"})
    with pytest.raises(Outdated):
        await SecretStore(api, NAMESPACE, SECRET).write(Contents(ca_cert=b"mine"), None)
    assert secret_data(api)["ca.crt"] == b"his"


async def test_what_has_been_changed_or_deleted_meanwhile_is_not_written() -> None:
    api = FakeApi()
    put_secret(api, {"ca.crt": b"one"})
    read = stored(api)
    put_secret(api, {"ca.crt": b"his"})
    store = SecretStore(api, NAMESPACE, SECRET)
    with pytest.raises(Outdated):
        await store.write(Contents(ca_cert=b"mine"), read)
    assert secret_data(api)["ca.crt"] == b"his"
    read = stored(api)
    api.remove(SECRETS, SECRET, NAMESPACE)
    with pytest.raises(Outdated):
        await store.write(Contents(ca_cert=b"mine"), read)
    assert secret_data(api) == {}


async def test_of_two_hundred_writers_at_once_one_wins_and_the_others_know() -> None:
    api = FakeApi()
    put_secret(api, {"ca.crt": b"one"})
    read = stored(api)
    store = SecretStore(api, NAMESPACE, SECRET)
    writes = [store.write(Contents(ca_cert=str(number).encode()), read) for number in range(200)]
    ends = await asyncio.gather(*writes, return_exceptions=True)
    assert sum(isinstance(end, Outdated) for end in ends) == 199
    winner = next(number for number, end in enumerate(ends) if isinstance(end, dict))
    assert secret_data(api)["ca.crt"] == str(winner).encode()
