"""Patches of every kind that Holdfast sends, and what each may touch."""

import asyncio

import pytest

from app.cluster import errors
from app.cluster.api import Json, PatchType
from app.cluster.resources import CONFIGMAPS, DEPLOYMENTS, JOBS, LEASES, PODS, WORKLOADS
from tests.simulation.conformance import bodies
from tests.simulation.conformance.facts import BAD, CHANGED, CONFLICT, INVALID, NOT_FOUND, refusal, refused, version
from tests.simulation.conformance.servers import Subject

STALE: Json = {"metadata": {"resourceVersion": "1"}}
ANOTHER: Json = {"metadata": {"uid": "11111111-2222-3333-4444-555555555555"}}
STALE_ANOTHER: Json = {"metadata": STALE["metadata"] | ANOTHER["metadata"]}


def _condition(kind: str, **more: str) -> Json:
    return {"status": {"conditions": [{"type": kind, **more}]}}


async def test_a_merge_patch_adds_replaces_and_removes(server: Subject) -> None:
    await server.api.create(CONFIGMAPS, bodies.config_map("a", labels={"x": "1", "y": "2"}), server.namespace)
    change = {"metadata": {"labels": {"x": None, "y": "3", "none": None}}, "data": {"b": "2"}}
    changed = await server.api.patch(CONFIGMAPS, "a", change, server.namespace)
    assert (changed["metadata"]["labels"], changed["data"]) == ({"y": "3"}, {"a": "1", "b": "2"})
    bare = await server.api.patch(CONFIGMAPS, "a", {"metadata": {"labels": None}, "data": None}, server.namespace)
    assert ("labels" in bare["metadata"], "data" in bare) == (False, False)


async def test_a_merge_patch_replaces_lists(server: Subject) -> None:
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    for names in (["one", "two"], ["three"]):
        changed = await server.api.patch(WORKLOADS, "a", {"spec": {"preDeploymentTasks": names}}, server.namespace)
        assert changed["spec"]["preDeploymentTasks"] == names


async def test_a_patch_that_changes_nothing_leaves_the_version(server: Subject) -> None:
    made = await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    for change in ({}, {"spec": {"version": "1"}}, {"metadata": {"labels": {"none": None}}}):
        assert version(await server.api.patch(WORKLOADS, "a", change, server.namespace)) == version(made)
    done = {"status": {"currentVersion": "1"}}
    first = await server.api.patch(WORKLOADS, "a", done, server.namespace, subresource="status")
    again = await server.api.patch(WORKLOADS, "a", done, server.namespace, subresource="status")
    assert version(made) != version(first) == version(again)


async def test_a_patch_can_name_the_version_that_it_is_based_on(server: Subject) -> None:
    made = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    based = {"metadata": {"resourceVersion": version(made)}}
    await server.api.patch(CONFIGMAPS, "a", based | {"data": {"a": "2"}}, server.namespace)
    for change in (based | {"data": {"a": "3"}}, STALE, STALE_ANOTHER):
        error = await refusal(server.api.patch(CONFIGMAPS, "a", change, server.namespace))
        assert (type(error), error.status, error.reason) == CONFLICT
        assert error.message == f'Operation cannot be fulfilled on configmaps "a": {CHANGED}'
    free = {"metadata": {"resourceVersion": None}, "data": {"a": "4"}}
    assert (await server.api.patch(CONFIGMAPS, "a", free, server.namespace))["data"] == {"a": "4"}


async def test_the_status_of_our_kinds_goes_by_the_version_alone(server: Subject) -> None:
    made = await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    change = {"status": {"currentVersion": "1"}}
    error = await refusal(server.api.patch(WORKLOADS, "a", STALE | change, server.namespace, subresource="status"))
    assert (type(error), error.status, error.reason) == CONFLICT
    assert error.message == f'Operation cannot be fulfilled on keptnworkloads.lifecycle.keptn.sh "a": {CHANGED}'
    based: Json = {"metadata": {"resourceVersion": version(made), **ANOTHER["metadata"]}}
    # A wrong uid is not even looked at here. As versions are never given twice, nothing depends on it.
    changed = await server.api.patch(WORKLOADS, "a", based | change, server.namespace, subresource="status")
    assert changed["status"] == {"currentVersion": "1"}
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    missing = server.api.patch(WORKLOADS, "none", STALE | change, server.namespace, subresource="status")
    assert await refused(missing) == NOT_FOUND


async def test_a_uid_cannot_be_changed(server: Subject) -> None:
    await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    error = await refusal(server.api.patch(CONFIGMAPS, "a", ANOTHER, server.namespace))
    assert (type(error), error.status, error.reason) == INVALID
    assert "metadata.uid: Invalid value: " in error.message
    assert "field is immutable" in error.message
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    assert await refused(server.api.patch(WORKLOADS, "a", ANOTHER, server.namespace)) == INVALID
    await server.api.create(DEPLOYMENTS, bodies.deployment("a"), server.namespace)
    change = ANOTHER | _condition("Mine", status="True")
    strategic = server.api.patch(
        DEPLOYMENTS, "a", change, server.namespace, patch_type=PatchType.STRATEGIC, subresource="status"
    )
    assert await refused(strategic) == INVALID


async def test_a_name_cannot_be_changed(server: Subject) -> None:
    await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    assert await refused(server.api.patch(CONFIGMAPS, "a", {"metadata": {"name": "b"}}, server.namespace)) == BAD


async def test_status_and_the_rest_are_written_apart(server: Subject) -> None:
    body = bodies.workload("a") | {"status": {"currentVersion": "9"}}
    made = await server.api.create(WORKLOADS, body, server.namespace)
    assert "status" not in made
    change: Json = {"spec": {"version": "2"}, "status": {"currentVersion": "8"}}
    by_main = await server.api.patch(WORKLOADS, "a", change, server.namespace)
    assert (by_main["spec"]["version"], "status" in by_main) == ("2", False)
    change = {"spec": {"version": "3"}, "status": {"currentVersion": "8"}, "metadata": {"labels": {"a": "b"}}}
    by_status = await server.api.patch(WORKLOADS, "a", change, server.namespace, subresource="status")
    assert (by_status["spec"]["version"], by_status["status"]) == ("2", {"currentVersion": "8"})
    assert "labels" not in by_status["metadata"]
    emptied = await server.api.patch(
        WORKLOADS, "a", {"status": {"currentVersion": None}}, server.namespace, subresource="status"
    )
    assert emptied["status"] == {}
    kept = await server.api.patch(WORKLOADS, "a", {"status": None}, server.namespace)
    assert kept["status"] == {}
    gone = await server.api.patch(WORKLOADS, "a", {"status": None}, server.namespace, subresource="status")
    assert "status" not in gone


async def test_status_of_pods_and_jobs(server: Subject) -> None:
    pod = await server.api.create(PODS, bodies.pod("a", bodies.GATE), server.namespace)
    assert pod["status"]["phase"] == "Pending"
    change = {"status": {"message": "hello"}, "spec": {"nodeSelector": {"a": "b"}}}
    by_main = await server.api.patch(PODS, "a", {"status": {"message": "hello"}}, server.namespace)
    assert (version(by_main), "message" in by_main["status"]) == (version(pod), False)
    by_status = await server.api.patch(PODS, "a", change, server.namespace, subresource="status")
    assert (by_status["status"]["message"], by_status["status"]["phase"]) == ("hello", "Pending")
    assert "nodeSelector" not in by_status["spec"]
    job = await server.api.create(JOBS, bodies.job("a") | {"status": {"active": 7}}, server.namespace)
    assert job["status"] == {}
    assert "active" not in (await server.api.patch(JOBS, "a", {"status": {"active": 7}}, server.namespace))["status"]


async def test_conditions_are_merged_by_their_type(server: Subject) -> None:
    api, home = server.api, server.namespace
    await api.create(DEPLOYMENTS, bodies.deployment("a"), home)

    async def write(change: Json) -> dict[str, Json]:
        changed = await api.patch(DEPLOYMENTS, "a", change, home, patch_type=PatchType.STRATEGIC, subresource="status")
        assert changed["status"]["conditions"][0]["type"] == change["status"]["conditions"][0]["type"]
        return {each["type"]: each for each in changed["status"]["conditions"]}

    await write(_condition("Mine", status="True", reason="Said", message="so"))
    both = await write(_condition("Other", status="True", reason="Too", message=""))
    assert both["Mine"]["message"] == "so"
    changed = await server.api.patch(
        DEPLOYMENTS,
        "a",
        _condition("Mine", status="False"),
        home,
        patch_type=PatchType.STRATEGIC,
        subresource="status",
    )
    found = {each["type"]: each for each in changed["status"]["conditions"]}
    assert (found["Mine"]["status"], found["Mine"]["reason"]) == ("False", "Said")
    assert found["Other"]["status"] == "True"
    stale = STALE | _condition("Mine", status="True")
    refusing = api.patch(DEPLOYMENTS, "a", stale, home, patch_type=PatchType.STRATEGIC, subresource="status")
    assert await refused(refusing) == CONFLICT


async def test_our_kinds_know_no_strategic_merge(server: Subject) -> None:
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    change = {"spec": {"version": "2"}}
    error = await refusal(server.api.patch(WORKLOADS, "a", change, server.namespace, patch_type=PatchType.STRATEGIC))
    assert (type(error), error.status, error.reason) == (errors.ApiError, 415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/a", "value": "2"},
        {"op": "test", "path": "/metadata/uid", "value": "another"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
        {"op": "remove", "path": "/data/none"},
        {"op": "add", "path": "/metadata/annotations/a", "value": "b"},
        {"op": "test", "path": "/metadata/annotations/a", "value": "b"},
    ],
)
async def test_a_json_patch_that_does_not_fit_changes_nothing(server: Subject, operation: Json) -> None:
    made = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    operations = [{"op": "add", "path": "/data/b", "value": "2"}, operation]
    error = await refusal(server.api.patch(CONFIGMAPS, "a", operations, server.namespace, patch_type=PatchType.JSON))
    assert (type(error), error.status, error.reason) == INVALID
    assert error.message == "the server rejected our request due to an error in our request"
    assert await server.api.get(CONFIGMAPS, "a", server.namespace) == made


async def test_a_json_patch_that_fits(server: Subject) -> None:
    made = await server.api.create(CONFIGMAPS, bodies.config_map("a", labels={"x/y": "1"}), server.namespace)
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]},
        {"op": "test", "path": "/metadata/resourceVersion", "value": version(made)},
        {"op": "remove", "path": "/metadata/labels/x~1y"},
        {"op": "add", "path": "/metadata/annotations", "value": {"a/b": "1"}},
        {"op": "add", "path": "/metadata/annotations/c~1d", "value": "2"},
        {"op": "replace", "path": "/data/a", "value": "2"},
    ]
    changed = await server.api.patch(CONFIGMAPS, "a", operations, server.namespace, patch_type=PatchType.JSON)
    assert changed["metadata"]["annotations"] == {"a/b": "1", "c/d": "2"}
    assert not changed["metadata"].get("labels")
    assert changed["data"] == {"a": "2"}


async def test_of_two_who_write_on_one_version_one_is_refused(server: Subject) -> None:
    made = await server.api.create(LEASES, bodies.lease("a", ""), server.namespace)
    based = {"metadata": {"resourceVersion": version(made)}}

    async def write(who: str) -> str:
        change = based | {"spec": {"holderIdentity": who}}
        try:
            await server.api.patch(LEASES, "a", change, server.namespace)
        except errors.Conflict as error:
            return error.message
        return who

    said = await asyncio.gather(write("one"), write("two"), write("three"))
    refusals = [each for each in said if each not in ("one", "two", "three")]
    assert refusals == [f'Operation cannot be fulfilled on leases.coordination.k8s.io "a": {CHANGED}'] * 2
    assert (await server.api.get(LEASES, "a", server.namespace))["spec"]["holderIdentity"] in said


async def test_those_who_name_no_version_are_all_heard(server: Subject) -> None:
    await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    names = [f"key-{number}" for number in range(4)]
    await asyncio.gather(
        *(server.api.patch(CONFIGMAPS, "a", {"data": {name: "1"}}, server.namespace) for name in names)
    )
    assert sorted((await server.api.get(CONFIGMAPS, "a", server.namespace))["data"]) == ["a", *names]
