"""Lists: selections, pages of one moment, and what an item carries."""

import pytest

from app.cluster import errors
from app.cluster.api import Json, Resource
from app.cluster.resources import CONFIGMAPS, EVENTS, NAMESPACES, PODS, TASKS, WORKLOADS
from tests.simulation.conformance import bodies
from tests.simulation.conformance.facts import BAD, now, refusal, refused, version
from tests.simulation.conformance.servers import Subject


def _names(page: Json) -> list[str]:
    return [item["metadata"]["name"] for item in page["items"]]


async def _labelled(server: Subject) -> None:
    labels: dict[str, dict[str, str]] = {
        "one": {"tier": "web", "own": "yes"},
        "two": {"tier": "db"},
        "three": {"own": ""},
        "four": {},
    }
    for name, each in labels.items():
        await server.api.create(WORKLOADS, bodies.workload(name, labels=each), server.namespace)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("", ["four", "one", "three", "two"]),
        ("own", ["one", "three"]),
        ("!own", ["four", "two"]),
        ("tier=web", ["one"]),
        ("tier==web", ["one"]),
        ("tier!=web", ["four", "three", "two"]),
        ("own=", ["three"]),
        ("tier in (web,db)", ["one", "two"]),
        ("tier in (web, db),own", ["one"]),
        ("tier notin (web)", ["four", "three", "two"]),
        ("own=yes,tier=db", []),
    ],
)
async def test_label_selectors(server: Subject, selector: str, names: list[str]) -> None:
    await _labelled(server)
    page = await server.api.list_page(WORKLOADS, server.namespace, label_selector=selector)
    assert _names(page) == names


async def test_field_selectors(server: Subject) -> None:
    for name in ("a", "b"):
        await server.api.create(PODS, bodies.pod(name, bodies.GATE), server.namespace)

    async def found(selector: str) -> list[str]:
        return _names(await server.api.list_page(PODS, server.namespace, field_selector=selector))

    assert await found("metadata.name=a") == ["a"]
    assert await found("metadata.name!=a") == ["b"]
    assert await found(f"metadata.namespace={server.namespace},metadata.name=b") == ["b"]
    assert await found("status.phase=Pending,spec.nodeName=") == ["a", "b"]
    assert await found("status.phase=Running") == []


async def test_complaints_about_jobs_are_selected_by_their_fields(server: Subject) -> None:
    def event(name: str, kind: str, reason: str) -> Json:
        about = {"kind": kind, "name": "x", "namespace": server.namespace, "uid": "some-uid"}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name},
            "involvedObject": about,
            "reason": reason,
            "message": "no",
        }

    for name, kind, reason in (("a", "Job", "FailedCreate"), ("b", "Pod", "FailedCreate"), ("c", "Job", "Other")):
        await server.api.create(EVENTS, event(name, kind, reason), server.namespace)
    selector = "involvedObject.kind=Job,reason=FailedCreate"
    assert _names(await server.api.list_page(EVENTS, server.namespace, field_selector=selector)) == ["a"]


@pytest.mark.parametrize(("resource", "selector"), [(CONFIGMAPS, "data.a=1"), (TASKS, "spec.taskDefinition=a")])
async def test_fields_that_cannot_be_selected_by(server: Subject, resource: Resource, selector: str) -> None:
    assert await refused(server.api.list_page(resource, server.namespace, field_selector=selector)) == BAD


async def test_pages_are_of_one_moment(server: Subject) -> None:
    for number in (1, 2, 3, 5):
        await server.api.create(WORKLOADS, bodies.workload(f"w{number}"), server.namespace)
    first = await server.api.list_page(WORKLOADS, server.namespace, limit=2)
    await server.api.create(WORKLOADS, bodies.workload("w4"), server.namespace)
    await server.api.patch(WORKLOADS, "w5", {"spec": {"version": "2"}}, server.namespace)
    await server.api.delete(WORKLOADS, "w3", server.namespace)
    token = first["metadata"]["continue"]
    second = await server.api.list_page(WORKLOADS, server.namespace, limit=2, continue_token=token)
    assert (_names(first), _names(second)) == (["w1", "w2"], ["w3", "w5"])
    assert second["items"][1]["spec"]["version"] == "1"
    assert version(first) == version(second)
    assert not second["metadata"].get("continue")
    whole = await server.api.list_page(WORKLOADS, server.namespace, limit=4)
    assert _names(whole) == ["w1", "w2", "w4", "w5"]
    assert not whole["metadata"].get("continue")


async def test_a_token_from_before_the_servers_memory_is_gone(server: Subject) -> None:
    for name in ("a", "b"):
        await server.api.create(WORKLOADS, bodies.workload(name), server.namespace)
    page = await server.api.list_page(WORKLOADS, server.namespace, limit=1)
    token = server.token_at(page["metadata"]["continue"], await server.forget())
    error = await refusal(server.api.list_page(WORKLOADS, server.namespace, limit=1, continue_token=token))
    assert (type(error), error.status, error.reason) == (errors.Gone, 410, "Expired")
    assert error.message.startswith("The provided continue parameter is too old")


async def test_a_lists_version_is_at_least_that_of_what_is_in_it(server: Subject) -> None:
    made = await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    assert int(await now(server, CONFIGMAPS)) >= int(version(made))
    await server.api.delete(CONFIGMAPS, "a", server.namespace)
    assert int(await now(server, CONFIGMAPS)) > int(version(made))


async def test_items_of_built_in_kinds_do_not_say_what_they_are(server: Subject) -> None:
    await server.api.create(CONFIGMAPS, bodies.config_map("a"), server.namespace)
    page = await server.api.list_page(CONFIGMAPS, server.namespace, field_selector="metadata.name=a")
    assert (page["kind"], page["apiVersion"]) == ("ConfigMapList", "v1")
    assert [sorted(item) for item in page["items"]] == [["data", "metadata"]]


async def test_items_of_our_kinds_do(server: Subject) -> None:
    await server.api.create(WORKLOADS, bodies.workload("a"), server.namespace)
    page = await server.api.list_page(WORKLOADS, server.namespace)
    assert (page["kind"], page["apiVersion"]) == ("KeptnWorkloadList", "lifecycle.keptn.sh/v1")
    assert [(item["kind"], item["apiVersion"]) for item in page["items"]] == [
        ("KeptnWorkload", "lifecycle.keptn.sh/v1")
    ]


async def test_metadata_only(server: Subject) -> None:
    made = await server.api.create(WORKLOADS, bodies.workload("a", labels={"a": "b"}), server.namespace)
    about = ("PartialObjectMetadata", "meta.k8s.io/v1")
    got = await server.api.get(WORKLOADS, "a", server.namespace, metadata_only=True)
    assert ((got["kind"], got["apiVersion"]), sorted(got)) == (about, ["apiVersion", "kind", "metadata"])
    assert got["metadata"]["uid"] == made["metadata"]["uid"]
    page = await server.api.list_page(WORKLOADS, server.namespace, label_selector="a=b", metadata_only=True)
    assert (page["kind"], page["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert [(item["kind"], item["apiVersion"]) for item in page["items"]] == [about]
    assert page["items"][0]["metadata"]["resourceVersion"] == version(made)


async def test_a_namespace_without_anything_is_an_empty_list(server: Subject) -> None:
    assert (await server.api.list_page(WORKLOADS, server.namespace))["items"] == []
    assert (await server.api.list_page(WORKLOADS, "nowhere-at-all"))["items"] == []
    assert server.namespace in _names(await server.api.list_page(NAMESPACES))
