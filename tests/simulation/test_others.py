import asyncio
import base64
import random
from dataclasses import replace
from typing import Any

import jsonpatch
import orjson
import pytest

from app.api import wellknown
from app.cluster import errors, resources
from app.cluster.api import Json
from tests.simulation import loop
from tests.simulation.acts.users import BREAK_GLASS
from tests.simulation.manifests import SHOP
from tests.simulation.others import INJECTED, ForeignGates, inject, only_we_open
from tests.simulation.rules.staged import WEB, WORKER, Stage


def injected(pod: Json) -> Any:
    review = orjson.dumps({"request": {"uid": "1", "object": pod}})
    answer = orjson.loads(loop.run(inject(review)))["response"]
    assert answer["allowed"]
    return jsonpatch.apply_patch(pod, orjson.loads(base64.b64decode(answer["patch"])))


def test_the_injector_adds_its_own_and_keeps_the_rest() -> None:
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"schedulingGates": [{"name": wellknown.GATE}]}}
    changed = injected(pod)
    assert changed["spec"]["schedulingGates"] == [{"name": wellknown.GATE}, {"name": INJECTED}]
    assert changed["metadata"]["labels"] == {"app": "web", "example.com/injected": "yes"}


def test_the_injector_needs_neither_gates_nor_labels() -> None:
    assert injected({"metadata": {}, "spec": {}})["spec"]["schedulingGates"] == [{"name": INJECTED}]


def test_foreign_gates_are_taken_off_and_ours_stays() -> None:
    async def main() -> tuple[Json, list[str]]:
        stage = Stage()
        await stage.open_shop()
        others = asyncio.create_task(ForeignGates(stage.server, random.Random(1)).run())
        _, replica_set = await stage.deploy(replace(WEB, gates=("example.com/quota",)))
        await stage.pod(replica_set)
        await asyncio.sleep(3.0)
        others.cancel()
        await asyncio.wait((others,))
        return stage.server.get(resources.PODS, "web-1-a", SHOP), stage.found

    pod, found = loop.run(main())
    assert pod["spec"]["schedulingGates"] == [{"name": wellknown.GATE}]
    assert found == []


@pytest.mark.parametrize(("by", "may"), [(WORKER, True), (BREAK_GLASS, True), ("user", False), ("webhook-1", False)])
def test_only_the_worker_and_who_breaks_the_glass_open_our_gate(by: str, may: bool) -> None:
    async def main() -> bool:
        stage = Stage()
        await stage.open_shop()
        stage.server.policies.append(only_we_open)
        _, replica_set = await stage.deploy()
        pod = await stage.pod(replica_set)
        try:
            await stage.open(pod, by=by)
        except errors.Forbidden:
            return False
        return True

    assert loop.run(main()) is may
