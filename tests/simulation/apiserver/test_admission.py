"""Mutating webhooks of the simulated server: who is asked, what an answer does, and what no answer does."""

import asyncio
import base64
import random
from collections.abc import Awaitable, Callable

import orjson
import pytest

from app.cluster import errors
from app.cluster.api import Json
from app.cluster.resources import CONFIGMAPS, NAMESPACES, PODS
from tests.simulation.apiserver.admission import Asked, Webhook
from tests.simulation.apiserver.server import Server

pytestmark = pytest.mark.looptime

HOME = "shop"
Answer = Callable[[bytes], Awaitable[bytes]]


def _pods(asked: Asked, namespace: Json | None) -> bool:
    assert namespace is not None
    return asked.resource == PODS and asked.operation == "CREATE"


def _answer(request: Json, **more: object) -> bytes:
    return orjson.dumps({"response": {"uid": request["uid"], "allowed": True, **more}})


def _patching(path: str, value: object) -> Answer:
    async def call(review: bytes) -> bytes:
        operations = orjson.dumps([{"op": "add", "path": path, "value": value}])
        return _answer(orjson.loads(review)["request"], patch=base64.b64encode(operations).decode())

    return call


async def _server(*webhooks: Webhook) -> Server:
    server = Server(random.Random(1))
    await server.create(NAMESPACES, {"metadata": {"name": HOME}}, by="user")
    server.webhooks += webhooks
    return server


async def _pod(server: Server, *, dry_run: bool = False) -> Json:
    body = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "main", "image": "main:1"}]}}
    return await server.create(PODS, body, HOME, by="user", dry_run=dry_run)


async def test_each_webhook_sees_what_those_before_have_changed() -> None:
    seen: list[Json] = []

    async def look(review: bytes) -> bytes:
        request = orjson.loads(review)["request"]
        seen.append(request)
        return _answer(request)

    first = Webhook("first", _pods, _patching("/metadata/labels", {"by": "first"}))
    server = await _server(first, Webhook("second", _pods, look))
    made = await _pod(server)
    assert made["metadata"]["labels"] == {"by": "first"}
    (request,) = seen
    assert request["object"]["metadata"]["labels"] == {"by": "first"}
    assert (request["operation"], request["namespace"], request["name"]) == ("CREATE", HOME, "a")
    assert (request["dryRun"], request["userInfo"]["username"]) == (False, "user")


async def test_a_gate_that_a_webhook_adds_counts_like_any_other() -> None:
    server = await _server(Webhook("gates", _pods, _patching("/spec/schedulingGates", [{"name": "a.b/c"}])))
    made = await _pod(server)
    assert made["status"]["conditions"][0]["reason"] == "SchedulingGated"


async def test_a_dry_run_is_admitted_like_the_real_thing_and_says_so() -> None:
    seen: list[bool] = []

    async def look(review: bytes) -> bytes:
        request = orjson.loads(review)["request"]
        seen.append(request["dryRun"])
        return _answer(request)

    server = await _server(Webhook("looks", _pods, look))
    await _pod(server, dry_run=True)
    assert seen == [True]
    assert server.list(PODS) == []


async def test_nobody_is_asked_about_what_is_not_theirs() -> None:
    async def never(review: bytes) -> bytes:
        raise AssertionError("asked")

    server = await _server(Webhook("pods-only", _pods, never))
    await server.create(CONFIGMAPS, {"metadata": {"name": "a"}}, HOME, by="user")
    assert len(server.list(CONFIGMAPS)) == 1


async def test_a_refusal_is_passed_on_and_noted() -> None:
    async def refuse(review: bytes) -> bytes:
        return _answer(orjson.loads(review)["request"], allowed=False, status={"code": 403, "message": "no"})

    webhook = Webhook("strict", _pods, refuse)
    server = await _server(webhook)
    with pytest.raises(errors.Forbidden, match='admission webhook "strict" denied the request: no'):
        await _pod(server)
    assert webhook.denials == [f"refused Pod {HOME}/a: no"]
    assert server.list(PODS) == []


@pytest.mark.parametrize("ignore", [False, True])
@pytest.mark.parametrize("gone", [False, True])
async def test_who_does_not_answer_stops_a_request_unless_that_is_to_be_ignored(gone: bool, ignore: bool) -> None:
    async def silent(review: bytes) -> bytes:
        if gone:
            raise ConnectionError("nobody there")
        await asyncio.sleep(60)
        return b""

    server = await _server(Webhook("absent", _pods, silent, ignore=ignore, timeout=2.0))
    started = asyncio.get_running_loop().time()
    if ignore:
        await _pod(server)
    else:
        with pytest.raises(errors.Unavailable, match='failed calling webhook "absent"'):
            await _pod(server)
    assert len(server.list(PODS)) == int(ignore)
    assert asyncio.get_running_loop().time() - started == pytest.approx(0.0 if gone else 2.0, abs=0.01)


async def test_a_name_taken_during_the_review_is_taken() -> None:
    async def slow(review: bytes) -> bytes:
        await asyncio.sleep(1)
        return _answer(orjson.loads(review)["request"])

    server = await _server(Webhook("slow", _pods, slow))
    results = await asyncio.gather(_pod(server), _pod(server), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["AlreadyExists", "dict"]


async def test_a_namespace_that_ends_during_the_review_takes_nothing_in() -> None:
    async def ending(review: bytes) -> bytes:
        await server.delete(NAMESPACES, HOME, by="user")
        return _answer(orjson.loads(review)["request"])

    server = await _server(Webhook("ending", _pods, ending))
    with pytest.raises(errors.Forbidden) as caught:
        await _pod(server)
    assert caught.value.namespace_terminating
