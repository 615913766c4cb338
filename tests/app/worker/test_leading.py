"""Whom the Service of the metrics finds."""

import asyncio

import pytest

from app.api import wellknown
from app.cluster import errors, resources
from app.worker import leading
from tests.app.worker.world import INSTALLATION
from tests.builders import Json
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime

POD = "worker-1"


def there(api: FakeApi, name: str = POD, **labels: str) -> None:
    meta: Json = {"name": name, "namespace": INSTALLATION, "labels": {"part": "worker", **labels}}
    api.put({"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": {"containers": []}})


def labels(api: FakeApi, name: str = POD) -> Json:
    found: Json = api.one(resources.PODS, name, INSTALLATION)["metadata"]["labels"]
    return found


async def test_who_leads_says_so_beside_what_else_its_pod_has() -> None:
    api = FakeApi()
    there(api)
    await leading.announce(api, INSTALLATION, POD)
    assert labels(api) == {"part": "worker", "keptn.sh/leads": "true"}
    writes = len(api.writes())
    await leading.announce(api, INSTALLATION, POD)
    assert len(api.writes()) == writes


async def test_whoever_led_before_does_not_any_more() -> None:
    api = FakeApi()
    there(api)
    there(api, "worker-0", **{wellknown.LEADS: wellknown.LEADS_VALUE})
    await leading.announce(api, INSTALLATION, POD)
    assert labels(api, "worker-0") == {"part": "worker"}
    assert labels(api)[wellknown.LEADS] == "true"


async def test_outside_a_pod_there_is_nobody_to_say_it_of() -> None:
    api = FakeApi()
    await leading.announce(api, INSTALLATION, POD)
    assert api.all(resources.PODS) == []


async def test_it_is_tried_until_it_stands_there() -> None:
    api = FakeApi()
    refused: list[Call] = []

    def refuse(call: Call) -> None:
        if str(call) == "patch pods" and len(refused) < 2:
            refused.append(call)
            raise errors.Unavailable(503, "Busy", "not now")

    there(api)
    api.before = refuse
    start = asyncio.get_running_loop().time()
    await leading.announce(api, INSTALLATION, POD)
    assert asyncio.get_running_loop().time() - start == pytest.approx(2 * leading.RETRY_SECONDS, abs=0.1)
    assert labels(api)[wellknown.LEADS] == "true"
