"""Definitions written for older versions mean the same in all of them, and come back as they went in."""

from typing import Any

import pytest
import yaml

from app.api.app import AppContextSpec
from app.api.conversion import app_lists
from app.api.wellknown import GROUP
from tests.e2e.kube.client import Kube, Refused
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, last_lines
from tests.e2e.manifests import deployment

SCRIPT: Json = {
    "inline": {"code": 'console.log("old", Deno.env.get("DATA"));'},
    "parameters": {"map": {"a": "1"}},
}
OLDEST = ("v1alpha1", "v1alpha2")
OLD = ("v1alpha3", "v1beta1")


def _definition(version: str, spec: Json) -> Json:
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "KeptnTaskDefinition",
        "metadata": {"name": "old", "annotations": {"mine": "stays"}},
        "spec": spec,
    }


def _read(kube: Kube, eyes: Eyes, version: str) -> Json:
    return kube.get("KeptnTaskDefinition", eyes.namespace, "old", version=f"{GROUP}/{version}")


@pytest.mark.parametrize("version", OLDEST + OLD)
def test_function_is_deno_in_v1_and_function_again_where_it_was_written(version: str, kube: Kube, eyes: Eyes) -> None:
    kube.create(_definition(version, {"function": SCRIPT}), eyes.namespace)
    assert _read(kube, eyes, "v1")["spec"]["deno"] == SCRIPT
    assert "function" not in _read(kube, eyes, "v1")["spec"]
    own = _read(kube, eyes, version)
    assert own["spec"]["function"] == SCRIPT
    assert "deno" not in own["spec"]
    assert own["metadata"]["annotations"] == {"mine": "stays"}
    kube.create(deployment("waiter", "old"), eyes.namespace)
    assert last_lines(eyes.passed("old")) == 'old {"a":"1"}'


@pytest.mark.parametrize("version", OLD)
def test_a_newer_runner_reads_back_as_it_was_written(version: str, kube: Kube, eyes: Eyes) -> None:
    spec = {"python": {"inline": {"code": "print(1)"}}, "retries": 2, "timeout": "30s"}
    kube.create(_definition(version, spec), eyes.namespace)
    for each in (version, "v1"):
        read = _read(kube, eyes, each)["spec"]
        assert {key: read[key] for key in spec} == spec


def test_what_the_oldest_version_cannot_say_survives_an_update_through_it(kube: Kube, eyes: Eyes) -> None:
    spec: Json = {"deno": SCRIPT | {"cmdParameters": "-x"}, "retries": 2, "timeout": "30s"}
    kube.create(_definition("v1", spec), eyes.namespace)
    # The worker writes its status; an update that has not seen it is a conflict, as it should be.
    kube.until_one(
        "KeptnTaskDefinition",
        eyes.namespace,
        "old",
        lambda definition: definition.get("status", {}).get("function", {}).get("configMap"),
        "its status names the ConfigMap",
    )
    old = _read(kube, eyes, "v1alpha2")
    assert old["spec"] == {"function": SCRIPT}
    old["spec"]["function"]["parameters"]["map"]["b"] = "2"
    where = f"/apis/{GROUP}/v1alpha2/namespaces/{eyes.namespace}/keptntaskdefinitions/old"
    kube.send("PUT", where, old)
    read = _read(kube, eyes, "v1")
    assert read["spec"]["deno"] == {
        **SCRIPT,
        "parameters": {"map": {"a": "1", "b": "2"}},
        "cmdParameters": "-x",
    }
    assert (read["spec"]["retries"], read["spec"]["timeout"]) == (2, "30s")


def _app(version: str, **spec: Any) -> str:
    body = {"apiVersion": f"{GROUP}/{version}", "kind": "KeptnApp", "metadata": {"name": "shop"}}
    return yaml.safe_dump({**body, "spec": {"version": "1", **spec}})


def _lists(kube: Kube, namespace: str) -> AppContextSpec | None:
    return app_lists(kube.get("KeptnApp", namespace, "shop")["metadata"].get("annotations", {}))


@pytest.mark.parametrize("how", [["--server-side"], []], ids=["server-side", "client-side"])
def test_the_lists_of_an_old_app_count_until_it_is_applied_in_a_newer_version(
    how: list[str], kube: Kube, kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(_app("v1alpha3", preDeploymentTasks=["check"]), "-n", namespace, *how)
    assert _lists(kube, namespace) == AppContextSpec(pre_deployment_tasks=("check",))
    kubectl.apply(_app("v1alpha3", postDeploymentTasks=["other"]), "-n", namespace, *how)
    assert _lists(kube, namespace) == AppContextSpec(post_deployment_tasks=("other",))
    kubectl.apply(_app("v1beta1"), "-n", namespace, *how)
    assert _lists(kube, namespace) is None


def test_more_than_a_version_can_hold_is_refused_with_the_way_out(kube: Kube, namespace: str) -> None:
    reference = {"uid": "u", "kind": "ReplicaSet", "name": "r"}
    spec = {"app": "shop", "version": "1", "resourceReference": reference, "metadata": {"a": "x" * 300_000}}
    metadata = {"name": "large", "namespace": namespace}
    kube.create({"apiVersion": f"{GROUP}/v1", "kind": "KeptnWorkload", "metadata": metadata, "spec": spec})
    with pytest.raises(Refused) as refused:
        kube.get("KeptnWorkload", namespace, "large", version=f"{GROUP}/v1alpha3")
    assert f"{namespace}/large: v1alpha3 cannot hold this KeptnWorkload" in refused.value.message
    assert "read it as v1" in refused.value.message
    assert kube.get("KeptnWorkload", namespace, "large", version=f"{GROUP}/v1beta1")["spec"] == spec


def test_what_an_old_app_asks_for_is_asked_of_its_version(kube: Kube, kubectl: Kubectl, eyes: Eyes) -> None:
    kube.create(_definition("v1alpha3", {"function": SCRIPT}), eyes.namespace)
    kubectl.apply(_app("v1alpha2", preDeploymentTasks=["old"]), "-n", eyes.namespace)
    assert last_lines(eyes.passed("old")) == 'old {"a":"1"}'
    (version,) = kube.all("KeptnAppVersion", eyes.namespace)
    assert version["spec"]["preDeploymentTasks"] == ["old"]
    assert version["spec"]["appName"] == "shop"
