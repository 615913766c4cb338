"""Pods with scheduling gates: what can become of them, and who may let them go."""

import pytest

from app.cluster import errors
from app.cluster.api import Json, PatchType
from app.cluster.resources import PODS
from tests.simulation.conformance import bodies
from tests.simulation.conformance.bodies import GATE, OURS, gates, release
from tests.simulation.conformance.facts import FORBIDDEN, INVALID, NOT_FOUND, generation, refusal, refused, version
from tests.simulation.conformance.servers import BREAK_GLASS, WORKER, Subject

SECOND = "example.com/second"


async def _open(server: Subject, name: str, index: int, gate: str) -> Json:
    return await server.api.patch(PODS, name, release(index, gate), server.namespace, patch_type=PatchType.JSON)


async def test_a_gated_pod_says_why_it_is_not_scheduled(server: Subject) -> None:
    made = await server.api.create(PODS, bodies.pod("a", GATE), server.namespace)
    assert gates(made) == [GATE]
    assert made["status"]["phase"] == "Pending"
    (condition,) = made["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "PodScheduled",
        "False",
        "SchedulingGated",
    )
    assert (made["spec"]["restartPolicy"], made["spec"]["terminationGracePeriodSeconds"]) == ("Always", 30)


async def test_gates_go_in_any_order_and_never_come(server: Subject) -> None:
    await server.api.create(PODS, bodies.pod("a", GATE, "example.com/middle", SECOND), server.namespace)
    assert gates(await _open(server, "a", 1, "example.com/middle")) == [GATE, SECOND]
    late = [{"op": "add", "path": "/spec/schedulingGates/-", "value": {"name": "example.com/late"}}]
    error = await refusal(server.api.patch(PODS, "a", late, server.namespace, patch_type=PatchType.JSON))
    assert (type(error), error.status, error.reason) == INVALID
    assert error.message == (
        'Pod "a" is invalid: spec.schedulingGates[2].name: Forbidden: only deletion is allowed, but found new '
        "scheduling gate 'example.com/late'"
    )
    swapped = [{"op": "replace", "path": "/spec/schedulingGates/0/name", "value": "example.com/late"}]
    assert await refused(server.api.patch(PODS, "a", swapped, server.namespace, patch_type=PatchType.JSON)) == INVALID
    assert gates(await _open(server, "a", 0, GATE)) == [SECOND]


async def test_an_opened_gate_is_a_change_of_the_spec(server: Subject) -> None:
    made = await server.api.create(PODS, bodies.pod("a", GATE, SECOND), server.namespace)
    opened = await _open(server, "a", 0, GATE)
    assert (generation(opened), version(opened) != version(made)) == (2, True)
    assert await refused(_open(server, "a", 0, GATE)) == INVALID, "another gate stands there by now"
    assert await refused(_open(server, "a", 1, SECOND)) == INVALID


async def test_gates_that_no_pod_can_have(server: Subject) -> None:
    for names in ((GATE, GATE), ("a b",)):
        assert await refused(server.api.create(PODS, bodies.pod("a", *names), server.namespace)) == INVALID


async def test_a_gated_pod_cannot_be_on_a_node(server: Subject) -> None:
    body = bodies.pod("a", GATE)
    body["spec"]["nodeName"] = "some-node"
    error = await refusal(server.api.create(PODS, body, server.namespace))
    assert (type(error), error.status, error.reason) == INVALID
    assert error.message == (
        'Pod "a" is invalid: spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'
    )


async def test_a_gated_pod_is_not_bound(server: Subject) -> None:
    await server.api.create(PODS, bodies.pod("a", GATE), server.namespace)
    error = await refusal(server.bind("a", "some-node"))
    assert (type(error), error.status) == (errors.Conflict, 409)
    assert error.message.endswith('"a": pod a has non-empty .spec.schedulingGates')
    assert not (await server.api.get(PODS, "a", server.namespace))["spec"].get("nodeName")


@pytest.mark.parametrize(
    "change",
    [
        {"nodeName": "some-node"},
        {"restartPolicy": "Never"},
        {"containers": [{**bodies.CONTAINER, "command": ["true"]}]},
        {"containers": [bodies.CONTAINER, {"name": "second", "image": "second:1"}]},
        {"hostname": "another"},
    ],
)
async def test_a_pods_spec_stays_as_it_is(server: Subject, change: Json) -> None:
    made = await server.api.create(PODS, bodies.pod("a", GATE), server.namespace)
    # Strategic, since a merge patch would take away what the server has put into the containers.
    patch = server.api.patch(PODS, "a", {"spec": change}, server.namespace, patch_type=PatchType.STRATEGIC)
    error = await refusal(patch)
    assert (type(error), error.status, error.reason) == INVALID
    assert error.message.startswith('Pod "a" is invalid: spec')
    assert ": Forbidden: pod updates may not " in error.message
    assert version(await server.api.get(PODS, "a", server.namespace)) == version(made)


async def test_what_can_be_changed_of_a_gated_pod(server: Subject) -> None:
    await server.api.create(PODS, bodies.pod("a", GATE), server.namespace)
    change: Json = {"spec": {"containers": [{"name": "main", "image": "main:2"}]}}
    patched = await server.api.patch(PODS, "a", change, server.namespace, patch_type=PatchType.STRATEGIC)
    assert [each["image"] for each in patched["spec"]["containers"]] == ["main:2"]
    narrowed = await server.api.patch(PODS, "a", {"spec": {"nodeSelector": {"a": "b"}}}, server.namespace)
    assert narrowed["spec"]["nodeSelector"] == {"a": "b"}


async def test_a_gated_pod_is_deleted_at_once(server: Subject) -> None:
    made = await server.api.create(PODS, bodies.pod("a", GATE), server.namespace)
    await server.api.delete(PODS, "a", server.namespace, uid=made["metadata"]["uid"])
    assert await refused(server.api.get(PODS, "a", server.namespace)) == NOT_FOUND
    assert await refused(_open(server, "a", 0, GATE)) == NOT_FOUND


async def test_a_gate_can_be_opened_while_a_finalizer_keeps_its_pod(server: Subject) -> None:
    await server.api.create(PODS, bodies.pod("a", GATE, SECOND, finalizers=["example.com/mine"]), server.namespace)
    await server.api.delete(PODS, "a", server.namespace)
    ending = await server.api.get(PODS, "a", server.namespace)
    assert (ending["metadata"]["deletionGracePeriodSeconds"], generation(ending)) == (0, 2)
    assert gates(await _open(server, "a", 0, GATE)) == [SECOND]
    await server.api.patch(PODS, "a", {"metadata": {"finalizers": None}}, server.namespace)
    assert await refused(server.api.get(PODS, "a", server.namespace)) == NOT_FOUND


async def test_our_gate_is_opened_by_the_worker_or_in_an_emergency(server: Subject) -> None:
    await server.api.create(PODS, bodies.pod("a", OURS, GATE), server.namespace)
    for operations in (release(0, OURS), [{"op": "remove", "path": "/spec/schedulingGates"}]):
        error = await refusal(server.patch_pod_as("jane", ["system:masters"], "a", operations))
        assert (type(error), error.status, error.reason) == FORBIDDEN
        assert error.message.startswith(
            "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'lifecycle-gate-removal.keptn.sh' with binding "
            "'lifecycle-gate-removal.keptn.sh' denied request: pod a is held by keptn-prechecks-gate"
        )
        assert isinstance(error, errors.Forbidden)
        assert not error.namespace_terminating
    others = await server.patch_pod_as("jane", ["system:masters"], "a", release(1, GATE))
    assert gates(others) == [OURS]
    opened = await server.patch_pod_as("jane", [BREAK_GLASS, "system:masters"], "a", release(0, OURS))
    assert "schedulingGates" not in opened["spec"]


async def test_the_worker_opens_our_gate(server: Subject) -> None:
    await server.api.create(PODS, bodies.pod("a", OURS, GATE), server.namespace)
    assert gates(await server.patch_pod_as(WORKER, ["system:masters"], "a", release(0, OURS))) == [GATE]
