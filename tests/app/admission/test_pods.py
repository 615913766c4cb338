"""Which pods are held, and what that costs."""

import asyncio
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admission.review import Response
from app.cluster import errors
from app.lifecycle.revisions import template_digest
from tests.app.admission.builders import (
    INSTALLATION,
    SHOP,
    WORKLOAD,
    Cluster,
    applied,
    gates_of,
    owner,
    pod,
    reads,
    ref,
    request,
    running,
)
from tests.fakes.api import Call

GATE = "keptn-prechecks-gate"
RS = owner("ReplicaSet", "cart-5d8", "rs-uid")


def is_held(thing: dict[str, Any], response: Response) -> bool:
    after = applied(thing, response)
    label = (after["metadata"].get("labels") or {}).get("keptn.sh/holdfast")
    assert (GATE in gates_of(after)) == (label == "held")
    return label == "held"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


async def test_a_pod_that_names_its_workload_is_held_without_any_call(cluster: Cluster) -> None:
    thing = pod(RS, annotations=WORKLOAD)
    async with running(cluster) as (gate, _):
        response = await gate(request(thing))
    assert is_held(thing, response)
    assert response.warnings == ()
    assert cluster.calls == []


async def test_the_recommended_label_names_a_workload_too(cluster: Cluster) -> None:
    thing = pod(RS, labels={"app.kubernetes.io/name": "cart"})
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_a_pod_is_held_for_what_its_workload_asks(cluster: Cluster, kind: str) -> None:
    if kind == "Deployment":
        owned = ref("ReplicaSet", cluster.replica_set(above=cluster.deployment(workload="cart")))
    else:
        make = cluster.stateful_set if kind == "StatefulSet" else cluster.daemon_set
        owned = ref(kind, make(workload="cart"))
    thing = pod(owned)
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))
    assert cluster.calls == []


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(pod(annotations=WORKLOAD), id="a pod of nobody"),
        pytest.param(pod(owner("Job", "j", "u"), annotations=WORKLOAD), id="a pod of a Job"),
        pytest.param(
            pod(owner("Job", "j", "u"), annotations=WORKLOAD, labels={"keptn.sh/holdfast": "task"}), id="a task's pod"
        ),
        pytest.param(
            pod(owner("Node", "n", "u"), annotations={**WORKLOAD, "kubernetes.io/config.mirror": "x"}, nodeName="n"),
            id="a mirror pod",
        ),
        pytest.param(pod(RS, annotations=WORKLOAD, nodeName="node-1"), id="a pod that has its node"),
    ],
)
async def test_pods_that_are_never_held(cluster: Cluster, thing: dict[str, Any]) -> None:
    async with running(cluster) as (gate, _):
        response = await gate(request(thing))
    assert response.is_allowed
    assert response.patch == ()
    assert cluster.calls == []


async def test_a_task_label_on_a_workloads_pod_is_no_way_around(cluster: Cluster) -> None:
    thing = pod(RS, annotations=WORKLOAD, labels={"keptn.sh/holdfast": "task"})
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


async def test_whoever_sets_the_node_is_told_that_checks_cannot_hold_the_pod(cluster: Cluster) -> None:
    async with running(cluster) as (gate, _):
        response = await gate(request(pod(RS, annotations=WORKLOAD, nodeName="node-1")))
    assert "spec.nodeName" in response.warnings[0]


@pytest.mark.parametrize(
    "more", [{"operation": "UPDATE"}, {"operation": "DELETE"}, {"subResource": "ephemeralcontainers"}]
)
async def test_only_the_creation_of_a_pod_itself_matters(cluster: Cluster, more: dict[str, Any]) -> None:
    async with running(cluster) as (gate, _):
        response = await gate(request(pod(RS, annotations=WORKLOAD), **more))
    assert response == Response(True)


@pytest.mark.parametrize("bare", [True, False])
async def test_a_pod_that_nobody_asked_about_is_left_as_it_is(cluster: Cluster, bare: bool) -> None:
    above = None if bare else cluster.deployment()
    thing = pod(ref("ReplicaSet", cluster.replica_set(above=above)), annotations={"keptn.sh/app": "shop"})
    async with running(cluster) as (gate, _):
        assert await gate(request(thing)) == Response(True)


async def test_the_trace_annotation_in_a_template_is_no_pass(cluster: Cluster) -> None:
    thing = pod(RS, annotations={**WORKLOAD, "keptn.sh/scheduling-gate-removed": "true"})
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


async def test_a_dry_run_gets_the_same_answer_and_nothing_is_ever_written(cluster: Cluster) -> None:
    thing = pod(ref("ReplicaSet", cluster.replica_set(above=cluster.deployment(workload="cart"))))
    async with running(cluster) as (gate, _):
        assert await gate(request(thing, dryRun=True)) == await gate(request(thing))
    assert cluster.writes(events=True) == []


async def test_a_second_call_for_the_same_pod_adds_nothing(cluster: Cluster) -> None:
    thing = pod(RS, annotations=WORKLOAD, schedulingGates=[{"name": "kueue.x-k8s.io/admission"}])
    async with running(cluster) as (gate, _):
        first = applied(thing, await gate(request(thing)))
        first["spec"]["schedulingGates"].insert(0, {"name": "somebody/else"})
        again = await gate(request(first))
    assert again.patch == ()
    assert gates_of(first) == ["somebody/else", "kueue.x-k8s.io/admission", GATE]


# What has passed


async def test_a_revision_of_a_deployment_that_has_passed_is_not_held(cluster: Cluster) -> None:
    replica_set = cluster.replica_set(above=cluster.deployment(workload="cart"))
    cluster.workload_version(replica_set["metadata"]["uid"])
    async with running(cluster) as (gate, _):
        assert await gate(request(pod(ref("ReplicaSet", replica_set)))) == Response(True)
    assert cluster.calls == []


@pytest.mark.parametrize(
    "passed",
    [
        {"state": "Progressing"},
        {"state": "Failed"},
        {"state": "Pending"},
        {"workload": "cart-other"},
        {"namespace": "elsewhere"},
    ],
)
async def test_only_a_pass_of_this_workload_in_this_namespace_counts(cluster: Cluster, passed: dict[str, Any]) -> None:
    replica_set = cluster.replica_set(above=cluster.deployment(workload="cart"))
    cluster.workload_version(replica_set["metadata"]["uid"], **passed)
    thing = pod(ref("ReplicaSet", replica_set))
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


async def test_another_revision_of_the_same_deployment_is_held(cluster: Cluster) -> None:
    deployment = cluster.deployment(workload="cart")
    cluster.workload_version(cluster.replica_set(above=deployment)["metadata"]["uid"])
    thing = pod(ref("ReplicaSet", cluster.replica_set("cart-77f", above=deployment)))
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


@pytest.mark.parametrize(("revision", "held"), [("db-1", False), ("db-2", True)])
async def test_a_stateful_sets_pass_is_for_the_revision_in_the_pods_label(
    cluster: Cluster, revision: str, held: bool
) -> None:
    stateful_set = cluster.stateful_set(workload="cart")
    cluster.workload_version(f"{stateful_set['metadata']['uid']}/db-1")
    thing = pod(ref("StatefulSet", stateful_set), labels={"controller-revision-hash": revision})
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing))) is held
    assert cluster.calls == []


@pytest.mark.parametrize(("image", "held"), [("shop:2.0", False), ("shop:3.0", True)])
async def test_a_bare_replica_sets_pass_is_for_its_template_as_it_is_now(
    cluster: Cluster, image: str, held: bool
) -> None:
    replica_set = cluster.replica_set()
    digest = template_digest(replica_set["spec"]["template"])
    cluster.workload_version(f"{replica_set['metadata']['uid']}/{digest}")
    cluster.replica_set(image=image)
    thing = pod(ref("ReplicaSet", replica_set), annotations=WORKLOAD)
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing))) is held
    assert reads(cluster) == [("replicasets", "cart-5d8")]


async def test_a_replica_set_is_not_taken_for_a_deployments_by_its_pods_word(cluster: Cluster) -> None:
    replica_set = cluster.replica_set()
    cluster.workload_version(replica_set["metadata"]["uid"])
    thing = pod(ref("ReplicaSet", replica_set), annotations=WORKLOAD, labels={"pod-template-hash": "5d8"})
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


async def test_a_template_with_our_gate_in_it_gets_the_label_so_that_the_worker_finds_it(cluster: Cluster) -> None:
    replica_set = cluster.replica_set(above=cluster.deployment(workload="cart"))
    cluster.workload_version(replica_set["metadata"]["uid"])
    thing = pod(ref("ReplicaSet", replica_set), schedulingGates=[{"name": GATE}])
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


# Caches that are behind, and reads that fail


async def test_owners_that_no_cache_knows_yet_are_read_once(cluster: Cluster) -> None:
    thing = pod(ref("ReplicaSet", cluster.replica_set(above=cluster.deployment(workload="cart"))))
    async with running(cluster, filled=False) as (gate, _):
        assert is_held(thing, await gate(request(thing)))
        assert is_held(thing, await gate(request(thing)))
    assert reads(cluster) == [("replicasets", "cart-5d8"), ("deployments", "cart")]


async def test_a_cache_that_has_not_heard_of_the_keys_yet_lets_nothing_through(cluster: Cluster) -> None:
    thing = pod(ref("ReplicaSet", cluster.replica_set(above=cluster.deployment())))
    async with running(cluster) as (gate, caches):
        cluster.stall()
        cluster.deployment(workload="cart")
        assert is_held(thing, await gate(request(thing)))
        assert caches.deployments.get(SHOP, "cart") is not None
    assert reads(cluster) == [("deployments", "cart")]


async def test_that_nobody_asked_is_confirmed_once_for_each_revision(cluster: Cluster) -> None:
    deployment = cluster.deployment()
    first, second = (pod(ref("ReplicaSet", cluster.replica_set(name, above=deployment))) for name in ("a", "b"))
    async with running(cluster) as (gate, _):
        for thing in (first, first, second, second, first):
            assert await gate(request(thing)) == Response(True)
    assert reads(cluster) == [("deployments", "cart")] * 2


@pytest.mark.parametrize(
    "error",
    [errors.Unavailable(0, "ConnectionFailed", "x"), errors.Forbidden(403, "Forbidden", "no"), RuntimeError("a bug")],
)
async def test_a_pod_whose_owner_cannot_be_read_is_held_and_says_why(cluster: Cluster, error: Exception) -> None:
    def fail(call: Call) -> None:
        raise error

    thing = pod(ref("ReplicaSet", cluster.replica_set(above=cluster.deployment())))
    async with running(cluster, filled=False) as (gate, _):
        cluster.before = fail
        response = await gate(request(thing))
    assert is_held(thing, response)
    assert "held for now" in response.warnings[0]


@pytest.mark.parametrize("uid", ["gone", "another"])
async def test_a_pod_whose_owner_is_gone_or_another_one_by_now_is_held(cluster: Cluster, uid: str) -> None:
    if uid == "another":
        cluster.replica_set(above=cluster.deployment())
    thing = pod(owner("ReplicaSet", "cart-5d8", uid))
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


@pytest.mark.parametrize("seconds", [0.1, 5.0])
async def test_a_read_that_hangs_holds_the_pod_in_time(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    async def hang(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(cluster, "get", hang)
    thing = pod(RS)
    async with running(cluster, filled=False, read_seconds=seconds) as (gate, _):
        async with asyncio.timeout(1):
            response = await gate(request(thing))
    assert is_held(thing, response)
    assert "within" in response.warnings[0]


@pytest.mark.parametrize("kind", ["Rollout", "Deployment"])
async def test_owners_whose_keys_are_not_read_leave_a_pod_without_its_own_alone(cluster: Cluster, kind: str) -> None:
    async with running(cluster) as (gate, _):
        assert await gate(request(pod(owner(kind, "x", "u")))) == Response(True)
        thing = pod(owner(kind, "x", "u"), annotations=WORKLOAD)
        assert is_held(thing, await gate(request(thing)))


@pytest.mark.parametrize("spec", [None, [], "x", {"schedulingGates": ["x"]}, {"schedulingGates": 1}])
async def test_what_cannot_be_a_pod_is_let_through_with_a_warning(cluster: Cluster, spec: object) -> None:
    async with running(cluster) as (gate, _):
        response = await gate(request(pod(RS, annotations=WORKLOAD) | {"spec": spec}))
    assert response.is_allowed
    assert response.patch == ()
    assert "not held" in response.warnings[0]


async def test_a_pod_with_a_field_that_we_misread_is_held(cluster: Cluster) -> None:
    thing = pod(RS, annotations=WORKLOAD)
    thing["spec"]["containers"] = [{"name": 7}]
    async with running(cluster) as (gate, _):
        assert is_held(thing, await gate(request(thing)))


# Advice


async def test_definitions_that_do_not_exist_are_named_with_where_they_were_looked_for(cluster: Cluster) -> None:
    cluster.definition("here")
    cluster.definition("everywhere", INSTALLATION)
    cluster.definition("elsewhere", "elsewhere")
    lists = {
        "keptn.sh/pre-deployment-tasks": "here, everywhere, elsewhere",
        "keptn.sh/post-deployment-tasks": "never",
    }
    thing = pod(RS, annotations={**WORKLOAD, **lists})
    async with running(cluster) as (gate, _):
        response = await gate(request(thing))
    assert is_held(thing, response)
    pre, post = response.warnings
    assert "keptn.sh/pre-deployment-tasks" in pre
    assert "'elsewhere' in namespace shop or keptn-system" in pre
    assert "'never'" in post


async def test_a_cache_that_is_not_full_yet_warns_of_nothing(cluster: Cluster) -> None:
    thing = pod(RS, annotations={**WORKLOAD, "keptn.sh/pre-deployment-tasks": "check"})
    async with running(cluster, filled=False) as (gate, _):
        assert (await gate(request(thing))).warnings == ()


@pytest.mark.parametrize(("policy", "warnings"), [("enforce", 0), ("warn", 0), ("observe", 0), ("obsreve", 1)])
async def test_a_check_policy_that_is_none_is_pointed_out_and_opens_nothing(
    cluster: Cluster, policy: str, warnings: int
) -> None:
    thing = pod(RS, annotations={**WORKLOAD, "keptn.sh/check-policy": policy})
    async with running(cluster) as (gate, _):
        response = await gate(request(thing))
    assert is_held(thing, response)
    assert len(response.warnings) == warnings
    assert all("'obsreve'" in warning for warning in response.warnings)


@pytest.mark.parametrize(("version", "warnings"), [("1.0", 0), ("", 1)])
async def test_a_container_key_that_names_no_container_is_pointed_out(
    cluster: Cluster, version: str, warnings: int
) -> None:
    keys = {"keptn.sh/workload": "cart", "keptn.sh/version": version, "keptn.sh/container": "mian"}
    async with running(cluster) as (gate, _):
        response = await gate(request(pod(RS, annotations=keys)))
    assert len(response.warnings) == warnings
    assert all("'mian', only main" in warning for warning in response.warnings)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    annotations=st.dictionaries(names, names, max_size=3),
    labels=st.dictionaries(names, names, max_size=3),
    foreign=st.lists(names.filter(lambda name: name != GATE), unique=True, max_size=3),
    own=st.booleans(),
    extra=st.dictionaries(names, st.recursive(st.none() | st.integers(-9, 9) | names, st.lists), max_size=3),
)
async def test_whatever_else_is_on_a_pod_stays_byte_for_byte(
    annotations: dict[str, str], labels: dict[str, str], foreign: list[str], own: bool, extra: dict[str, Any]
) -> None:
    cluster = Cluster()
    thing = pod(RS, annotations=annotations | (WORKLOAD if own else {}), labels=labels)
    thing["spec"] |= {f"x-{key}": value for key, value in extra.items()}
    if foreign:
        thing["spec"]["schedulingGates"] = [{"name": name} for name in foreign]
    async with running(cluster, filled=False) as (gate, _):
        response = await gate(request(thing))
        held = applied(thing, response)
        assert (await gate(request(held))).patch == ()
    assert gates_of(held) == [*foreign, GATE]
    for before, after, field in (
        (thing["spec"], held["spec"], "schedulingGates"),
        (thing["metadata"], held["metadata"], "labels"),
    ):
        assert {k: v for k, v in before.items() if k != field} == {k: v for k, v in after.items() if k != field}
    assert all(unicodedata.category(c)[0] != "C" for warning in response.warnings for c in warning)
