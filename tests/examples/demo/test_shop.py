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
        "recommendations": ("Deployment", "container"),
        "checkout": ("Deployment", "container"),
    }
    assert {shop.FAILING, shop.WARNED} <= set(found)


def test_all_but_the_failing_one_are_of_the_application_and_only_one_warns() -> None:
    assert {one.name for one in shop.expected(shop.documents()) if not one.app} == {shop.FAILING}
    policies = {
        body["metadata"]["name"]: body["spec"]["template"]["metadata"]
        .get("annotations", {})
        .get("keptn.sh/check-policy")
        for body in _workloads()
    }
    assert {name: policy for name, policy in policies.items() if policy} == {shop.WARNED: "warn"}


def test_every_check_that_is_asked_for_is_there_and_no_name_is_part_of_another() -> None:
    objects = shop.documents()
    app = shop.expected_app(objects)
    asked = [app.definition, app.after]
    for one in shop.expected(objects):
        asked += [one.definition] + ([one.after] if one.after else [])
    there = [body["metadata"]["name"] for body in objects if body["kind"] == "KeptnTaskDefinition"]
    assert sorted(asked) == sorted(there)
    assert not [(one, other) for one in asked for other in asked if one != other and one in other]
    assert app.evaluation in [
        body["metadata"]["name"] for body in objects if body["kind"] == "KeptnEvaluationDefinition"
    ]


def test_our_own_image_is_taken_from_the_registry_that_it_was_pushed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def images(registry: str) -> set[str]:
        bodies = shop.images_of(_workloads(), registry)
        return {c["image"] for body in bodies for c in body["spec"]["template"]["spec"]["containers"]}

    assert images("") == {"busybox:1.36", "holdfast/prometheus:test"}
    monkeypatch.setenv("TAG", "v2")
    assert images("registry.example.com/platform") == {"busybox:1.36", "registry.example.com/platform/prometheus:v2"}


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
        if container["image"] != "holdfast/prometheus:test":
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
