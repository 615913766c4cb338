"""Watches: what is told, in which form, from when on, and how they end."""

import asyncio
from typing import Any

import pytest

from app.cluster import errors
from app.cluster.api import Json, Resource
from app.cluster.resources import CONFIGMAPS, TASKS, WORKLOAD_VERSIONS, WORKLOADS
from tests.simulation.conformance import bodies
from tests.simulation.conformance.facts import now, told, version
from tests.simulation.conformance.servers import Subject


async def _collect(stream: Any) -> list[Json]:
    return [event async for event in stream if event["type"] != "BOOKMARK"]


async def test_a_watch_tells_all_since_a_version(server: Subject) -> None:
    since = await now(server, WORKLOADS)
    made = await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    changed = await server.api.patch(WORKLOADS, "a", {"spec": {"version": "2"}}, server.namespace)
    await server.api.patch(WORKLOADS, "a", {"spec": {"version": "2"}}, server.namespace)
    await server.api.delete(WORKLOADS, "a", server.namespace)
    heard = await told(server, WORKLOADS, since, ("DELETED", "a"))
    assert [each.short[:2] for each in heard] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert [each.object for each in heard[:2]] == [made, changed]
    gone = heard[2].object
    assert int(version(gone)) > int(version(changed)), "a deletion has a version of its own"
    assert gone["spec"] == changed["spec"]
    assert await told(server, WORKLOADS, version(changed), ("DELETED", "a")) == heard[2:]


async def test_a_watch_tells_what_happens_while_it_is_open(server: Subject) -> None:
    since = await now(server, CONFIGMAPS)
    hearing = asyncio.ensure_future(told(server, CONFIGMAPS, since, ("DELETED", "a")))
    await asyncio.sleep(0.1)
    await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    await server.api.patch(CONFIGMAPS, "a", {"metadata": {"labels": {"a": "b"}}}, server.namespace)
    await server.api.delete(CONFIGMAPS, "a", server.namespace)
    assert [each.type for each in await hearing if each.object["metadata"]["name"] == "a"] == [
        "ADDED",
        "MODIFIED",
        "DELETED",
    ]


async def test_events_say_what_their_objects_are(server: Subject) -> None:
    since = await now(server, CONFIGMAPS)
    await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    heard = (await told(server, CONFIGMAPS, since, ("ADDED", "a")))[-1].object
    assert (heard["kind"], heard["apiVersion"]) == ("ConfigMap", "v1")
    slim = (await told(server, CONFIGMAPS, since, ("ADDED", "a"), metadata=True))[-1].object
    assert (slim["kind"], slim["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert (sorted(slim), slim["metadata"]) == (["apiVersion", "kind", "metadata"], heard["metadata"])


async def test_what_enters_and_leaves_a_selection_is_added_and_deleted(server: Subject) -> None:
    since = await now(server, WORKLOADS)

    async def label(value: str | None) -> Json:
        change = {"metadata": {"labels": {"of": value}}}
        return await server.api.patch(WORKLOADS, "a", change, server.namespace)

    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    entered = await label("ours")
    await server.api.patch(WORKLOADS, "a", {"spec": {"version": "2"}}, server.namespace)
    left = await label("theirs")
    await server.api.patch(WORKLOADS, "a", {"spec": {"version": "3"}}, server.namespace)
    again = await label("ours")
    await server.api.create(WORKLOADS, bodies.workload("end", labels={"of": "ours"}), server.namespace)
    heard = await told(server, WORKLOADS, since, ("ADDED", "end"), labels="of=ours")
    assert [each.type for each in heard] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "ADDED"]
    assert (heard[0].object, heard[3].object) == (entered, again)
    # What has left is shown as it was while it was inside, but at the version at which it left.
    gone = heard[2].object
    assert (version(gone), gone["metadata"]["labels"], gone["spec"]["version"]) == (version(left), {"of": "ours"}, "2")


async def test_what_never_is_in_a_selection_is_not_told(server: Subject) -> None:
    since = await now(server, WORKLOADS)
    await server.api.create(WORKLOADS, bodies.workload("a", labels={"of": "theirs"}), server.namespace)
    await server.api.delete(WORKLOADS, "a", server.namespace)
    await server.api.create(WORKLOADS, bodies.workload("end", labels={"of": "ours"}), server.namespace)
    heard = await told(server, WORKLOADS, since, ("ADDED", "end"), labels="of in (ours)")
    assert [each.short[1] for each in heard] == ["end"]


async def test_an_object_on_its_way_out_is_modified_then_deleted(server: Subject) -> None:
    since = await now(server, WORKLOADS)
    await server.api.create(WORKLOADS, bodies.workload("a", finalizers=["example.com/mine"]), server.namespace)
    await server.api.delete(WORKLOADS, "a", server.namespace)
    await server.api.patch(WORKLOADS, "a", {"metadata": {"finalizers": None}}, server.namespace)
    heard = await told(server, WORKLOADS, since, ("DELETED", "a"))
    assert [each.type for each in heard] == ["ADDED", "MODIFIED", "DELETED"]
    assert "deletionTimestamp" in heard[1].object["metadata"]


async def test_the_status_is_told_like_the_rest(server: Subject) -> None:
    made = await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    change = {"status": {"currentVersion": "1"}}
    changed = await server.api.patch(WORKLOADS, "a", change, server.namespace, subresource="status")
    heard = await told(server, WORKLOADS, version(made), ("MODIFIED", "a"))
    assert [each.object for each in heard] == [changed]


async def test_a_watch_ends_politely_in_its_time(server: Subject) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    since = await now(server, WORKLOADS)
    stream = server.api.watch(WORKLOADS, server.namespace, resource_version=since, timeout_seconds=1)
    assert await _collect(stream) == []
    assert 0.9 < loop.time() - started < 3


async def test_bookmarks_say_how_far_a_watch_is_before_it_ends(server: Subject) -> None:
    since = await now(server, WORKLOADS)
    made = await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    stream = server.api.watch(WORKLOADS, server.namespace, resource_version=since, timeout_seconds=10)
    first, *others = [event async for event in stream]
    assert first == {"type": "ADDED", "object": made}
    assert others, "one a minute, and one shortly before the end"
    for event in others:
        about = event["object"]
        assert (event["type"], about["kind"], about["apiVersion"]) == ("BOOKMARK", made["kind"], made["apiVersion"])
        assert int(version(about)) >= int(version(made))
        assert "name" not in about["metadata"]


async def test_a_version_of_the_future_is_waited_for(server: Subject) -> None:
    since = str(int(await now(server, WORKLOADS)) + 1_000_000)
    stream = server.api.watch(WORKLOADS, server.namespace, resource_version=since, timeout_seconds=1)
    hearing = asyncio.ensure_future(_collect(stream))
    await asyncio.sleep(0.2)
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    assert await hearing == []


@pytest.mark.parametrize("resource", [WORKLOADS, TASKS, WORKLOAD_VERSIONS])
async def test_a_version_from_before_the_servers_memory_is_gone(server: Subject, resource: Resource) -> None:
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    old = await server.forget()
    stream = server.api.watch(resource, server.namespace, resource_version=old, timeout_seconds=1)
    (event,) = await _collect(stream)
    assert event["type"] == "ERROR"
    error = errors.from_status(event["object"]["code"], event["object"])
    assert (type(error), error.status, error.reason) == (errors.Gone, 410, "Expired")
    assert error.message.startswith(f"too old resource version: {old} (")


async def test_what_is_watched_already_is_not_forgotten(server: Subject) -> None:
    since = await now(server, WORKLOADS)
    hearing = asyncio.ensure_future(told(server, WORKLOADS, since, ("ADDED", "b")))
    await asyncio.sleep(0.1)
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    await server.forget()
    await server.api.create(WORKLOADS, bodies.workload("b"), server.namespace)
    assert [each.short[1] for each in await hearing] == ["a", "b"]
    # And from this moment on another watch can begin.
    since = await now(server, WORKLOADS)
    await server.api.create(WORKLOADS, bodies.workload("c"), server.namespace)
    assert [each.short[1] for each in await told(server, WORKLOADS, since, ("ADDED", "c"))] == ["c"]
