"""What controllers and users of the simulation rely on, beyond what any client sees."""

import random

import pytest

from app.cluster import errors
from app.cluster.api import Json
from app.cluster.resources import CONFIGMAPS, NAMESPACES, PODS, WORKLOADS
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change

pytestmark = pytest.mark.looptime

HOME = "shop"


@pytest.fixture
def server() -> Server:
    return Server(random.Random(1))


@pytest.fixture(autouse=True)
async def _home(server: Server) -> None:
    await server.create(NAMESPACES, {"metadata": {"name": HOME}}, by="user")


async def _create(server: Server, name: str, *owners: Json) -> Json:
    references = [{"uid": owner["metadata"]["uid"], "name": owner["metadata"]["name"]} for owner in owners]
    body = {"metadata": {"name": name, **({"ownerReferences": references} if owners else {})}, "data": {"a": "1"}}
    return await server.create(CONFIGMAPS, body, HOME, by="user")


async def _on_a_node(server: Server, **metadata: object) -> Json:
    body = {
        "metadata": {"name": "a", **metadata},
        "spec": {"containers": [{"name": "main", "image": "i"}], "nodeName": "n"},
    }
    return await server.create(PODS, body, HOME, by="user")


async def test_each_change_is_told_at_once_and_what_changes_nothing_is_not(server: Server) -> None:
    told: list[Change] = []
    server.subscribe(told.append)
    made = await _create(server, "a")
    changed = await server.patch(CONFIGMAPS, "a", {"data": {"a": "2"}}, HOME, by="worker-1")
    await server.patch(CONFIGMAPS, "a", {"data": {"a": "2"}}, HOME, by="worker-1")
    await server.delete(CONFIGMAPS, "a", HOME, by="user")
    assert [(each.verb, each.by, each.old, each.new) for each in told] == [
        ("create", "user", None, made),
        ("patch", "worker-1", made, changed),
        ("delete", "user", changed, None),
    ]
    assert [each.version for each in told] == [2, 3, 4]


async def test_what_was_read_is_never_changed(server: Server) -> None:
    made = await _create(server, "a")

    def alter(body: Json) -> None:
        body["data"]["a"] = "2"
        body["metadata"]["labels"] = {"x": "y"}

    updated = await server.update(CONFIGMAPS, "a", HOME, alter, by="user")
    assert (made["data"], "labels" in made["metadata"]) == ({"a": "1"}, False)
    assert (updated["data"], server.get(CONFIGMAPS, "a", HOME)) == ({"a": "2"}, updated)
    operations = [{"op": "replace", "path": "/data/a", "value": "3"}]
    await server.patch(CONFIGMAPS, "a", operations, HOME, by="user")
    assert updated["data"] == {"a": "2"}


async def test_the_owned_are_found_by_their_owners_uid(server: Server) -> None:
    first, second = await _create(server, "first"), await _create(server, "second")
    child = await _create(server, "child", first, second)
    uid = first["metadata"]["uid"]
    assert server.owned(uid) == [child]
    only_second = {"metadata": {"ownerReferences": [{"uid": second["metadata"]["uid"], "name": "second"}]}}
    child = await server.patch(CONFIGMAPS, "child", only_second, HOME, by="user")
    assert (server.owned(uid), server.owned(second["metadata"]["uid"])) == ([], [child])
    await server.delete(CONFIGMAPS, "child", HOME, by="user")
    assert server.owned(second["metadata"]["uid"]) == []
    assert server.store.by_uid(uid) == first


async def test_a_pod_on_a_node_is_given_time_to_end(server: Server) -> None:
    await _on_a_node(server)
    await server.delete(PODS, "a", HOME, by="user")
    meta = server.get(PODS, "a", HOME)["metadata"]
    assert meta["deletionTimestamp"] == "2026-01-01T00:00:30Z", "when its time will be up"
    assert (meta["deletionGracePeriodSeconds"], meta["generation"]) == (30, 2)
    await server.delete(PODS, "a", HOME, by="user", grace=5)
    assert server.get(PODS, "a", HOME)["metadata"]["deletionGracePeriodSeconds"] == 5
    await server.delete(PODS, "a", HOME, by="kubelet", grace=0)
    assert server.find(PODS, "a", HOME) is None


async def test_a_finalizer_outlasts_the_time_to_end(server: Server) -> None:
    await _on_a_node(server, finalizers=["a/b"])
    await server.delete(PODS, "a", HOME, by="user")
    await server.delete(PODS, "a", HOME, by="kubelet", grace=0)
    assert server.get(PODS, "a", HOME)["metadata"]["deletionGracePeriodSeconds"] == 0
    await server.patch(PODS, "a", {"metadata": {"finalizers": None}}, HOME, by="user")
    assert server.find(PODS, "a", HOME) is None


@pytest.mark.parametrize(("propagation", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
async def test_some_deletions_wait_for_the_garbage_collector(server: Server, propagation: str, finalizer: str) -> None:
    await _create(server, "a")
    await server.delete(CONFIGMAPS, "a", HOME, by="user", propagation=propagation)
    assert server.get(CONFIGMAPS, "a", HOME)["metadata"]["finalizers"] == [finalizer]
    await server.patch(CONFIGMAPS, "a", {"metadata": {"finalizers": None}}, HOME, by="gc")
    assert server.find(CONFIGMAPS, "a", HOME) is None


async def test_a_namespace_goes_when_it_is_finalized(server: Server) -> None:
    await server.delete(NAMESPACES, HOME, by="user")
    with pytest.raises(errors.Forbidden):
        await _create(server, "a")

    def finalize(body: Json) -> None:
        body["spec"]["finalizers"] = []

    await server.update(NAMESPACES, HOME, "", finalize, by="namespaces", subresource="finalize")
    assert server.find(NAMESPACES, HOME) is None


async def test_the_same_requests_make_the_same_cluster() -> None:
    async def run() -> list[Json]:
        server = Server(random.Random(5))
        await server.create(NAMESPACES, {"metadata": {"name": HOME}}, by="user")
        for _ in range(3):
            await server.create(CONFIGMAPS, {"metadata": {"generateName": "a-"}}, HOME, by="user")
        spec = {"app": "a", "version": "1", "resourceReference": {}}
        await server.create(WORKLOADS, {"metadata": {"name": "w"}, "spec": spec}, HOME, by="user")
        return [body for _, body in server.store.everything()]

    assert await run() == await run()
