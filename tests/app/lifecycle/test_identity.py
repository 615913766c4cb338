"""Who a pod is."""

from typing import Any

import pytest

from app.api.core import Parent, Pod
from app.lifecycle import names, versions
from app.lifecycle.identity import has_own_keys, identify, owner_of


def pod(annotations: dict[str, str] | None = None, *owners: str, labels: dict[str, str] | None = None) -> Pod:
    return Pod.model_validate(
        {
            "metadata": {
                "annotations": annotations or {},
                "labels": labels or {},
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": kind, "name": f"n{i}", "uid": f"u{i}"}
                    for i, kind in enumerate(owners)
                ],
            },
            "spec": {"containers": [{"name": "main", "image": "shop:2.0"}]},
        }
    )


def parent(**annotations: str) -> Parent:
    meta: dict[str, Any] = {
        "annotations": {f"keptn.sh/{key.replace('_', '-')}": text for key, text in annotations.items()}
    }
    return Parent.model_validate({"metadata": meta})


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ((), None),
        (("Job",), None),
        (("Node",), None),
        (("ReplicaSet",), "n0"),
        (("StatefulSet",), "n0"),
        (("DaemonSet",), "n0"),
        (("Rollout",), "n0"),
        (("ReplicaSet", "StatefulSet"), "n1"),
        (("ReplicaSet", "Foo"), "n0"),
    ],
)
def test_the_owner_is_the_last_one_of_a_kind_that_deploys(owners: tuple[str, ...], expected: str | None) -> None:
    owner = owner_of(pod(None, *owners))
    assert (owner.name if owner else None) == expected


def test_a_pod_that_names_its_workload_ignores_its_parent() -> None:
    it = pod({"keptn.sh/workload": "cart", "keptn.sh/version": "1.0"})
    who = identify(it, parent(workload="other", pre_deployment_tasks="check", app="shop"))
    assert has_own_keys(it)
    assert who is not None
    assert (who.workload, who.app, who.version, who.pre_deployment_tasks) == ("cart", "cart", "1.0", ())


def test_a_pod_without_a_workload_takes_everything_from_its_parent() -> None:
    it = pod({"keptn.sh/version": "9", "keptn.sh/pre-deployment-tasks": "mine"})
    who = identify(
        it,
        parent(
            workload="cart",
            app="Shop",
            version="1.0-RC",
            pre_deployment_tasks="a, b",
            post_deployment_tasks="c",
            pre_deployment_evaluations="d",
            post_deployment_evaluations="e",
            metadata="k=v",
        ),
    )
    assert who is not None
    assert (who.app, who.workload, who.version, who.single_service) == ("shop", "cart", "1.0-rc", False)
    assert (who.pre_deployment_tasks, who.post_deployment_tasks) == (("a", "b"), ("c",))
    assert (who.pre_deployment_evaluations, who.post_deployment_evaluations) == (("d",), ("e",))
    assert who.metadata == {"k": "v"}
    assert (who.workload_name, who.version_name) == ("shop-cart", "shop-cart-1.0-rc")


@pytest.mark.parametrize("above", [None, parent(), parent(app="shop", pre_deployment_tasks="check")])
def test_nobody_asked_for_checks_without_a_workload(above: Parent | None) -> None:
    assert identify(pod({"keptn.sh/app": "shop"}), above) is None


def test_a_workload_without_an_app_is_an_app_of_its_own() -> None:
    who = identify(pod(labels={"app.kubernetes.io/name": "waiter"}), None)
    assert who is not None
    assert (who.app, who.single_service, who.workload_name) == ("waiter", True, "waiter-waiter")


def test_a_version_that_nobody_gave_is_computed_from_the_pod() -> None:
    it = pod()
    who = identify(it, parent(workload="cart"))
    assert who is not None
    assert who.version == versions.fingerprint(it.spec.containers)


@pytest.mark.parametrize("where", ["pod", "parent"])
def test_the_container_key_is_read_where_the_workload_is(where: str) -> None:
    keys = {"keptn.sh/workload": "cart", "keptn.sh/container": "main"}
    who = identify(pod(keys), None) if where == "pod" else identify(pod(), parent(workload="cart", container="main"))
    assert who is not None
    assert who.version == "2.0"


def test_an_app_name_that_kubernetes_would_refuse_is_made_valid() -> None:
    who = identify(pod({"keptn.sh/workload": "cart", "keptn.sh/app": "my shop!"}), None)
    assert who is not None
    assert names.is_dns_subdomain(who.app)
    assert who.workload_name == f"{who.app}-cart"
