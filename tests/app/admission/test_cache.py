"""What of the cluster is kept."""

import asyncio
import random

import pytest

from app.admission.cache import Caches, parent, passed_version, replica_set
from app.cluster import errors
from tests.app.admission.builders import SHOP, Cluster, owner, running
from tests.fakes.api import Call


def test_only_keys_that_count_are_kept_of_a_workload() -> None:
    kept = parent(
        {
            "metadata": {
                "name": "cart",
                "namespace": SHOP,
                "uid": "u",
                "resourceVersion": "7",
                "labels": {"app.kubernetes.io/name": "cart", "app": "cart"},
                "annotations": {"keptn.sh/app": "shop", "kubectl.kubernetes.io/last-applied-configuration": "x" * 9},
                "managedFields": [{}],
            }
        }
    ).metadata
    assert (kept.labels, kept.annotations) == ({"app.kubernetes.io/name": "cart"}, {"keptn.sh/app": "shop"})
    assert (kept.namespace, kept.name, kept.uid, kept.resource_version) == (SHOP, "cart", "u", "7")


def test_what_controls_a_replica_set_is_kept_whatever_its_kind() -> None:
    owners = [{**owner("Deployment", "other", "o"), "controller": False}, owner("Rollout", "cart", "u")]
    above = replica_set({"metadata": {"name": "r", "ownerReferences": owners}}).above
    assert above is not None
    assert (above.kind, above.uid) == ("Rollout", "u")
    assert replica_set({"metadata": {"name": "r"}}).above is None


@pytest.mark.parametrize(
    ("tasks", "evaluations", "deployment", "revisions", "kept"),
    [
        ("Succeeded", "Succeeded", "Progressing", ["r"], True),
        ("Warning", "Succeeded", "Failed", ["r"], True),
        ("Succeeded", "Succeeded", "Pending", ["r"], False),  # its app's checks have not passed
        ("Succeeded", "Succeeded", "Deprecated", ["r"], False),
        ("Succeeded", "Succeeded", "Progressing", [], False),
        ("Succeeded", "Pending", "Progressing", ["r"], False),
        ("Failed", "Succeeded", "Progressing", ["r"], False),
        ("Deprecated", "Deprecated", "Deprecated", ["r"], False),
    ],
)
def test_a_version_is_kept_once_it_has_passed(
    tasks: str, evaluations: str, deployment: str, revisions: list[str], kept: bool
) -> None:
    status = {
        "preDeploymentStatus": tasks,
        "preDeploymentEvaluationStatus": evaluations,
        "deploymentStatus": deployment,
        "revisions": revisions,
    }
    body = {"metadata": {"name": "v"}, "spec": {"workloadName": "w"}, "status": status}
    assert (passed_version(body) is not None) is kept


def test_a_version_without_a_status_has_not_passed() -> None:
    assert passed_version({"metadata": {"name": "v"}, "spec": {"workloadName": "w"}}) is None


async def test_a_pass_is_known_by_workload_and_namespace() -> None:
    cluster = Cluster()
    cluster.workload_version("a", "b")
    cluster.workload_version("c", namespace="elsewhere")
    async with running(cluster) as (_, caches):
        assert caches.revisions_passed(SHOP, "cart-cart") == {"a", "b"}
        assert caches.revisions_passed("elsewhere", "cart-cart") == {"c"}
        assert caches.revisions_passed(SHOP, "cart") == frozenset()


async def test_what_could_not_be_listed_yet_is_named() -> None:
    cluster = Cluster()

    def fail(call: Call) -> None:
        if call.resource == "daemonsets":
            raise errors.Forbidden(403, "Forbidden", "no")

    cluster.before = fail
    caches = Caches.build(cluster, random.Random(1))
    assert len(caches.missing) == 6
    task = asyncio.create_task(caches.run())
    for informer in (caches.replica_sets, caches.task_definitions, caches.passed, caches.deployments):
        await informer.synced()
    await caches.stateful_sets.synced()
    assert caches.missing == ["daemonsets"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
