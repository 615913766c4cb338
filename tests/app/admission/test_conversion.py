from typing import Any

from app.admission.conversion import convert


def definition(name: str, version: str = "v1alpha2") -> dict[str, Any]:
    return {
        "apiVersion": f"lifecycle.keptn.sh/{version}",
        "kind": "KeptnTaskDefinition",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"function": {"inline": {"code": "x"}}},
    }


def review(*objects: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "ConversionReview",
        "request": {"uid": "u1", "desiredAPIVersion": "lifecycle.keptn.sh/v1", "objects": list(objects)},
    }


def test_every_object_is_converted_in_its_order() -> None:
    answer = convert(review(definition("a"), definition("b", "v1beta1")))
    assert answer["apiVersion"] == "apiextensions.k8s.io/v1"
    assert answer["kind"] == "ConversionReview"
    response = answer["response"]
    assert response["uid"] == "u1"
    assert response["result"] == {"status": "Success"}
    assert [obj["metadata"]["name"] for obj in response["convertedObjects"]] == ["a", "b"]
    assert all(obj["apiVersion"] == "lifecycle.keptn.sh/v1" for obj in response["convertedObjects"])
    assert all(obj["spec"]["deno"] == {"inline": {"code": "x"}} for obj in response["convertedObjects"])


def test_objects_of_every_kind_are_converted() -> None:
    app = {
        "apiVersion": "lifecycle.keptn.sh/v1alpha3",
        "kind": "KeptnApp",
        "metadata": {"name": "shop"},
        "spec": {"version": "1", "preDeploymentTasks": ["a"]},
    }
    (converted,) = convert(review(app))["response"]["convertedObjects"]
    assert converted["spec"] == {"version": "1"}
    assert converted["metadata"]["annotations"] == {"conversion.keptn.sh/spec.preDeploymentTasks": '["a"]'}


def test_one_that_cannot_be_converted_is_named_and_fails_the_review() -> None:
    response = convert(review(definition("good"), definition("odd", "v7"), definition("strange", "v8")))["response"]
    assert response["convertedObjects"] == []
    assert response["result"]["status"] == "Failed"
    assert response["result"]["message"] == (
        "not converted to lifecycle.keptn.sh/v1: "
        "shop/odd: KeptnTaskDefinition has no version 'v7'; it has v1, v1beta1, v1alpha3, v1alpha2, v1alpha1; "
        "shop/strange: KeptnTaskDefinition has no version 'v8'; it has v1, v1beta1, v1alpha3, v1alpha2, v1alpha1"
    )


def test_a_review_of_nothing_is_answered() -> None:
    assert convert(review())["response"]["convertedObjects"] == []
    assert convert({})["response"] == {"uid": "", "convertedObjects": [], "result": {"status": "Success"}}
