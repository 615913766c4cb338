from typing import Any

import pytest

from examples.demo import shop


def _workloads() -> list[dict[str, Any]]:
    return [body for body in shop.documents() if "template" in body.get("spec", {})]


def test_the_shop_has_one_of_each_kind_with_each_runner_and_one_that_fails() -> None:
    found = {one.name: (one.kind, one.runner) for one in shop.expected(shop.documents())}
    assert found == {
        "storefront": ("Deployment", "deno"),
        "cart-db": ("StatefulSet", "python"),
        "node-agent": ("DaemonSet", "container"),
        "checkout": ("Deployment", "container"),
    }
    assert shop.FAILING in found


def test_the_namespace_comes_first_and_is_opted_in() -> None:
    first = shop.documents()[0]
    assert first["kind"] == "Namespace"
    assert first["metadata"]["annotations"] == {"keptn.sh/lifecycle-toolkit": "enabled"}


def test_every_object_is_of_a_kind_that_the_demo_can_apply_and_in_the_shop() -> None:
    for body in shop.documents():
        assert body["kind"] in shop._KINDS
        assert body["kind"] == "Namespace" or body["metadata"]["namespace"] == shop.NAMESPACE


@pytest.mark.parametrize("body", _workloads(), ids=lambda body: body["metadata"]["name"])
def test_pods_end_quickly_and_fit_the_restricted_standard(body: dict[str, Any]) -> None:
    spec = body["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] <= 5
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert "trap 'exit 0' TERM" in container["command"][-1]
        assert container["image"] == "busybox:1.36"
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_failing_check_has_one_try_and_the_mended_one_differs_only_in_what_it_is_given() -> None:
    (broken,) = [body for body in shop.documents() if body["metadata"]["name"] == "checkout-payments"]
    (mended,) = shop.documents(shop.FOLDER.parent / "mended")
    assert broken["spec"]["retries"] == 0
    assert "sandbox" in broken["spec"]["container"]["env"][0].pop("value")
    assert "sandbox" not in mended["spec"]["container"]["env"][0].pop("value")
    assert broken == mended
