"""Whose a pod is, when caches and the cluster differ."""

import random

import pytest

from app.admission import parents
from app.admission.cache import Caches
from app.admission.parents import Parents, Unreadable
from app.api.core import Pod
from app.api.meta import OwnerReference
from app.cluster import errors, resources
from app.lifecycle.revisions import template_digest
from tests.app.admission.builders import SHOP, Cluster, Json, pod, reads, ref
from tests.fakes.api import Call


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def unfilled(cluster: Cluster) -> Parents:
    return Parents(cluster, Caches.build(cluster, random.Random(1)), read_seconds=0.05)


def of(reference: Json, **labels: str) -> tuple[str, Pod, OwnerReference]:
    labels = {key.replace("_", "-"): value for key, value in labels.items()}
    return SHOP, Pod.model_validate(pod(reference, labels=labels)), OwnerReference.model_validate(reference)


async def test_the_parent_of_a_deployments_pod_is_the_deployment(cluster: Cluster) -> None:
    replica_set = cluster.replica_set(above=cluster.deployment(workload="cart"))
    found = await unfilled(cluster).parent(*of(ref("ReplicaSet", replica_set)))
    assert found is not None
    assert (found.metadata.name, found.metadata.annotations) == ("cart", {"keptn.sh/workload": "cart"})


async def test_a_replica_set_of_nobody_or_of_another_tool_has_no_parent(cluster: Cluster) -> None:
    bare = ref("ReplicaSet", cluster.replica_set("bare"))
    assert await unfilled(cluster).parent(*of(bare)) is None
    assert await unfilled(cluster).parent(*of(ref("ReplicaSet", under(cluster, "CloneSet")))) is None


def under(cluster: Cluster, kind: str) -> Json:
    """A ReplicaSet of a cart of that kind."""
    body = cluster.replica_set("rolled", above=cluster.rollout(workload="cart"))
    body["metadata"]["ownerReferences"][0]["kind"] = kind
    return cluster.put(body)


async def test_the_parent_of_a_rollouts_pod_is_the_rollout_as_it_is_now(cluster: Cluster) -> None:
    replica_set, finder = under(cluster, "Rollout"), unfilled(cluster)
    for version in ("1", "2"):
        cluster.edit(resources.ROLLOUTS, "cart", {"metadata": {"annotations": {"keptn.sh/version": version}}})
        found = await finder.parent(*of(ref("ReplicaSet", replica_set)))
        assert found is not None
        assert found.metadata.annotations == {"keptn.sh/workload": "cart", "keptn.sh/version": version}


async def test_a_pod_whose_rollout_is_gone_cannot_be_judged(cluster: Cluster) -> None:
    replica_set = under(cluster, "Rollout")
    cluster.remove(resources.ROLLOUTS, "cart")
    cluster.put(replica_set)  # which the garbage collector has not got to yet
    with pytest.raises(Unreadable, match="Rollout cart does not exist any more"):
        await unfilled(cluster).parent(*of(ref("ReplicaSet", replica_set)))


async def test_without_the_kind_nobody_can_have_asked_on_a_rollout(cluster: Cluster) -> None:
    replica_set = under(cluster, "Rollout")

    def without(call: Call) -> None:
        if call.resource == "rollouts":
            raise errors.from_status(404, {})

    cluster.before = without
    assert await unfilled(cluster).parent(*of(ref("ReplicaSet", replica_set))) is None


@pytest.mark.parametrize("managed", [True, False])
async def test_a_replica_sets_revision_has_its_template_in_it_only_if_that_may_change(
    cluster: Cluster, managed: bool
) -> None:
    replica_set = cluster.replica_set(above=cluster.deployment() if managed else None)
    revision = await unfilled(cluster).revision(*of(ref("ReplicaSet", replica_set)))
    uid = replica_set["metadata"]["uid"]
    digest = template_digest(replica_set["spec"]["template"])
    assert revision == (uid if managed else f"{uid}/{digest}")


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_a_sets_revision_is_in_its_pods_label_and_costs_no_read(cluster: Cluster, kind: str) -> None:
    reference = ref(kind, cluster.stateful_set())
    revision = await unfilled(cluster).revision(*of(reference, controller_revision_hash="db-1"))
    assert revision == f"{reference['uid']}/db-1"
    assert reads(cluster) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.Unavailable(0, "ConnectionFailed", "x"), r"StatefulSet db could not be read \(ConnectionFailed\)"),
        (errors.NotFound(404, "NotFound", "x"), "StatefulSet db does not exist any more"),
        (TimeoutError(), r"StatefulSet db could not be read within 0\.05 s"),
    ],
)
async def test_what_could_not_be_read_is_named_with_the_reason(
    cluster: Cluster, error: Exception, message: str
) -> None:
    def fail(call: Call) -> None:
        raise error

    reference = ref("StatefulSet", cluster.stateful_set())
    cluster.before = fail
    with pytest.raises(Unreadable, match=message):
        await unfilled(cluster).parent(*of(reference))


async def test_another_object_of_the_same_name_is_not_the_owner(cluster: Cluster) -> None:
    reference = ref("StatefulSet", cluster.stateful_set(workload="db")) | {"uid": "an-older-one"}
    with pytest.raises(Unreadable, match="another one by now"):
        await unfilled(cluster).parent(*of(reference))


async def test_what_is_remembered_has_a_limit(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parents, "_REMEMBERED", 2)
    finder = unfilled(cluster)
    reference = ref("DaemonSet", cluster.daemon_set())
    for revision in ("1", "2", "3", "3", "2", "1"):
        await finder.parent(*of(reference, controller_revision_hash=revision))
    assert len(reads(cluster)) == 4
