"""One object: made, read, changed, deleted, or refused."""

import re

import pytest

from app.cluster import errors
from app.cluster.api import Resource
from app.cluster.resources import (
    CONFIGMAPS,
    CONTROLLERREVISIONS,
    DEPLOYMENTS,
    JOBS,
    LEASES,
    NAMESPACES,
    PODS,
    WORKLOADS,
)
from tests.simulation.conformance import bodies
from tests.simulation.conformance.facts import (
    BAD,
    CONFLICT,
    EXISTS,
    INVALID,
    NOT_FOUND,
    generation,
    refusal,
    refused,
    version,
)
from tests.simulation.conformance.servers import Subject


@pytest.mark.parametrize(
    ("resource", "named"),
    [(CONFIGMAPS, "configmaps"), (DEPLOYMENTS, "deployments.apps"), (WORKLOADS, "keptnworkloads.lifecycle.keptn.sh")],
)
async def test_what_is_not_there_is_not_found(server: Subject, resource: Resource, named: str) -> None:
    for call in (
        server.api.get(resource, "none", server.namespace),
        server.api.patch(resource, "none", {"metadata": {"labels": {"a": "b"}}}, server.namespace),
        server.api.delete(resource, "none", server.namespace),
    ):
        error = await refusal(call)
        assert (type(error), error.status, error.reason) == NOT_FOUND
        assert error.message == f'{named} "none" not found'
        assert (error.details["name"], error.details["kind"]) == ("none", resource.plural)


async def test_a_new_object_has_what_the_server_gives_it(server: Subject) -> None:
    made = await server.api.create(WORKLOADS, bodies.workload("web"), server.namespace)
    meta = made["metadata"]
    assert (meta["name"], meta["namespace"], meta["generation"]) == ("web", server.namespace, 1)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", meta["uid"])
    assert re.fullmatch(r"[1-9][0-9]*", meta["resourceVersion"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["creationTimestamp"])
    assert (made["kind"], made["apiVersion"]) == ("KeptnWorkload", "lifecycle.keptn.sh/v1")
    assert await server.api.get(WORKLOADS, "web", server.namespace) == made


async def test_versions_rise_over_all_kinds(server: Subject) -> None:
    first = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    second = await server.api.create(WORKLOADS, bodies.workload("b"), server.namespace)
    third = await server.api.patch(CONFIGMAPS, "a", {"data": {"a": "2"}}, server.namespace)
    assert int(version(first)) < int(version(second)) < int(version(third))


async def test_a_name_is_taken_once(server: Subject) -> None:
    await server.api.create(DEPLOYMENTS, bodies.deployment("web"), server.namespace)
    for dry in (False, True):
        error = await refusal(server.api.create(DEPLOYMENTS, bodies.deployment("web"), server.namespace, dry_run=dry))
        assert (type(error), error.status, error.reason) == EXISTS
        assert error.message == 'deployments.apps "web" already exists'


async def test_a_name_can_be_taken_again_by_another(server: Subject) -> None:
    first = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    await server.api.delete(CONFIGMAPS, "a", server.namespace)
    second = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_what_a_dry_run_makes_is_not_there(server: Subject) -> None:
    shown = await server.api.create(JOBS, bodies.job("check"), server.namespace, dry_run=True)
    assert shown["metadata"]["uid"]
    assert await refused(server.api.get(JOBS, "check", server.namespace)) == NOT_FOUND
    made = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    await server.api.patch(CONFIGMAPS, "a", {"data": {"a": "2"}}, server.namespace, dry_run=True)
    assert await server.api.get(CONFIGMAPS, "a", server.namespace) == made


@pytest.mark.parametrize("name", ["Web", "web_1", "-web", "web-", "x" * 254])
async def test_a_name_that_none_can_be(server: Subject, name: str) -> None:
    error = await refusal(server.api.create(CONFIGMAPS, bodies.config_map(name), server.namespace))
    assert (type(error), error.status, error.reason) == INVALID
    assert error.message.startswith(f'ConfigMap "{name}" is invalid: metadata.name: Invalid value: "{name}": ')


async def test_a_generated_name(server: Subject) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "web-"}}
    made = [await server.api.create(CONFIGMAPS, body, server.namespace) for _ in range(3)]
    names = {each["metadata"]["name"] for each in made}
    assert len(names) == 3
    assert all(re.fullmatch(r"web-[bcdfghjklmnpqrstvwxz2456789]{5}", name) for name in names)
    assert made[0]["metadata"]["generateName"] == "web-"
    nameless = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}
    assert await refused(server.api.create(CONFIGMAPS, nameless, server.namespace)) == INVALID


async def test_nothing_is_made_in_a_namespace_that_is_not_there(server: Subject) -> None:
    error = await refusal(server.api.create(CONFIGMAPS, bodies.config_map("a"), "nowhere-at-all"))
    assert (type(error), error.status, error.reason) == NOT_FOUND
    assert error.message == 'namespaces "nowhere-at-all" not found'
    elsewhere = bodies.config_map("a", namespace="default")
    assert await refused(server.api.create(CONFIGMAPS, elsewhere, server.namespace)) == BAD


async def test_a_new_object_chooses_neither_its_uid_nor_its_version(server: Subject) -> None:
    made = await server.api.create(CONFIGMAPS, bodies.config_map("a", uid="mine"), server.namespace)
    assert made["metadata"]["uid"] != "mine"
    error = await refusal(server.api.create(CONFIGMAPS, bodies.config_map("b", resourceVersion="5"), server.namespace))
    assert (type(error), error.status) == (errors.Unavailable, 500)


async def test_a_deletion_names_its_object_by_uid(server: Subject) -> None:
    made = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    assert await refused(server.api.delete(CONFIGMAPS, "a", server.namespace, uid="another")) == CONFLICT
    assert await server.api.get(CONFIGMAPS, "a", server.namespace) == made
    await server.api.delete(CONFIGMAPS, "a", server.namespace, uid=made["metadata"]["uid"])
    assert await refused(server.api.get(CONFIGMAPS, "a", server.namespace)) == NOT_FOUND


async def test_a_finalizer_keeps_what_is_deleted(server: Subject) -> None:
    body = bodies.workload("a", finalizers=["example.com/mine"])
    made = await server.api.create(WORKLOADS, body, server.namespace)
    await server.api.delete(WORKLOADS, "a", server.namespace)
    ending = await server.api.get(WORKLOADS, "a", server.namespace)
    assert ending["metadata"]["deletionTimestamp"]
    assert ending["metadata"]["deletionGracePeriodSeconds"] == 0
    assert version(ending) != version(made)
    assert generation(ending) == 2
    await server.api.delete(WORKLOADS, "a", server.namespace)
    assert await server.api.get(WORKLOADS, "a", server.namespace) == ending, "deleting it again changes nothing"
    late = {"metadata": {"finalizers": ["example.com/mine", "example.com/late"]}}
    assert await refused(server.api.patch(WORKLOADS, "a", late, server.namespace)) == INVALID
    undo = {"metadata": {"deletionTimestamp": None}}
    assert version(await server.api.patch(WORKLOADS, "a", undo, server.namespace)) == version(ending)
    await server.api.patch(WORKLOADS, "a", {"metadata": {"finalizers": None}}, server.namespace)
    assert await refused(server.api.get(WORKLOADS, "a", server.namespace)) == NOT_FOUND


async def test_generations_follow_what_is_wanted(server: Subject) -> None:
    api, home = server.api, server.namespace
    await api.create(WORKLOADS, bodies.workload("a"), home)
    assert generation(await api.patch(WORKLOADS, "a", {"spec": {"version": "2"}}, home)) == 2
    assert generation(await api.patch(WORKLOADS, "a", {"metadata": {"labels": {"a": "b"}}}, home)) == 2
    assert generation(await api.patch(WORKLOADS, "a", {"metadata": {"annotations": {"a": "b"}}}, home)) == 2
    done = {"status": {"currentVersion": "2"}}
    assert generation(await api.patch(WORKLOADS, "a", done, home, subresource="status")) == 2
    await api.create(PODS, bodies.pod("a", bodies.GATE), home)
    assert generation(await api.patch(PODS, "a", {"metadata": {"annotations": {"a": "b"}}}, home)) == 1
    assert generation(await api.patch(PODS, "a", {"spec": {"nodeSelector": {"a": "b"}}}, home)) == 2


async def test_the_generation_of_a_deployment_follows_its_annotations_too(server: Subject) -> None:
    api, home = server.api, server.namespace
    before = generation(await api.create(DEPLOYMENTS, bodies.deployment("a"), home))

    async def settled() -> bool:  # its controller annotates it, once
        found = await api.get(DEPLOYMENTS, "a", home)
        return bool((found.get("status") or {}).get("observedGeneration"))

    await server.until(settled)
    noted = generation(await api.get(DEPLOYMENTS, "a", home))
    assert (before, noted) == (1, 1), "the revision is annotated together with the status"
    assert generation(await api.patch(DEPLOYMENTS, "a", {"metadata": {"labels": {"a": "b"}}}, home)) == 1
    assert generation(await api.patch(DEPLOYMENTS, "a", {"metadata": {"annotations": {"a": "b"}}}, home)) == 2
    assert generation(await api.patch(DEPLOYMENTS, "a", {"spec": {"paused": True}}, home)) == 3


async def test_kinds_without_a_generation(server: Subject) -> None:
    api, home = server.api, server.namespace
    record = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "a"},
        "revision": 1,
        "data": {},
    }
    for resource, body in (
        (CONFIGMAPS, bodies.config_map("a")),
        (LEASES, bodies.lease("a", "me")),
        (CONTROLLERREVISIONS, record),
    ):
        assert generation(await api.create(resource, body, home)) is None
    assert generation(await api.get(NAMESPACES, home)) is None


async def test_a_namespace_as_it_is_made(server: Subject) -> None:
    body = await server.api.get(NAMESPACES, server.namespace)
    assert body["metadata"]["labels"] == {"kubernetes.io/metadata.name": server.namespace}
    assert (body["spec"], body["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
