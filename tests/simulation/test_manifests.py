from dataclasses import replace

import pytest

from app.api import wellknown
from app.lifecycle import keys
from tests.simulation.manifests import (
    INSTALLATION,
    KINDS,
    SHOP,
    Check,
    Script,
    Template,
    Workload,
    controller_of,
    held_by_us,
    namespace,
)

WEB = Workload("web", replicas=3, app="store", template=Template("shop/web:7", "7.0", ("a", "b")))


def test_a_script_is_read_back_as_it_was_written() -> None:
    script = Script(0.35, 2, pull=False)
    assert Script.parse(f"deno run {script}") == script


@pytest.mark.parametrize("runs", ["container", "inline", "configmap", "parent", "library"])
def test_every_kind_of_check_carries_its_script(runs: str) -> None:
    bodies = Check("check", Script(0.5, 1), runs=runs).bodies()
    assert bodies[-1]["metadata"]["name"] == "check"
    assert sum(str(Script(0.5, 1)) in str(body) for body in bodies) == 1
    assert {body["metadata"]["namespace"] for body in bodies} == {INSTALLATION if runs == "library" else SHOP}


def test_what_a_check_refers_to_comes_before_it() -> None:
    assert [body["kind"] for body in Check("check", runs="configmap").bodies()] == ["ConfigMap", "KeptnTaskDefinition"]
    assert [body["metadata"]["name"] for body in Check("check", runs="parent").bodies()] == ["check-parent", "check"]


def test_a_secret_is_named_where_the_check_looks_for_it() -> None:
    assert "envFrom" in Check("check", secret="token").bodies()[-1]["spec"]["container"]
    assert Check("check", runs="inline", secret="token").bodies()[-1]["spec"]["deno"]["secureParameters"]


def test_the_keys_stand_on_the_pods_or_above_them() -> None:
    wanted = {"keptn.sh/workload": "web", "keptn.sh/version": "7.0", "keptn.sh/app": "store", keys.PRE_TASKS: "a,b"}
    own, above = WEB.body(), replace(WEB, above=True).body()
    assert own["spec"]["template"]["metadata"]["annotations"] == {"team": "shop"} | wanted
    assert own["metadata"]["annotations"] == {}
    assert above["spec"]["template"]["metadata"]["annotations"] == {"team": "shop"}
    assert above["metadata"]["annotations"] == wanted


def test_a_workload_may_have_no_keys_or_no_version() -> None:
    nobody, silent = replace(WEB, managed=False).body(), replace(WEB, labelled=False).body()
    assert nobody["spec"]["template"]["metadata"]["annotations"] == {"team": "shop"}
    marks = silent["spec"]["template"]["metadata"]["annotations"]
    assert marks["keptn.sh/workload"] == "web"
    assert wellknown.VERSION not in marks


def test_each_kind_has_what_belongs_to_it() -> None:
    specs = {kind: replace(WEB, kind=kind).body()["spec"] for kind in KINDS}
    assert [kind for kind, spec in specs.items() if "replicas" in spec] == ["Deployment", "StatefulSet", "ReplicaSet"]
    assert "progressDeadlineSeconds" in specs["Deployment"]
    assert specs["StatefulSet"]["podManagementPolicy"] == "OrderedReady"


def test_a_namespace_is_opted_in_by_its_annotation() -> None:
    assert namespace("shop", opted_in=True)["metadata"]["annotations"] == {"keptn.sh/lifecycle-toolkit": "enabled"}
    assert "annotations" not in namespace("office", opted_in=False)["metadata"]


def test_a_pod_is_held_by_our_gate_only() -> None:
    assert held_by_us({"spec": {"schedulingGates": [{"name": "other"}, {"name": wellknown.GATE}]}})
    assert not held_by_us({"spec": {"schedulingGates": [{"name": "other"}]}})
    assert not held_by_us({"spec": {}})


def test_the_controller_is_the_owner_that_manages() -> None:
    owners = [{"name": "a"}, {"name": "b", "controller": True}]
    assert controller_of({"metadata": {"ownerReferences": owners}})["name"] == "b"
    assert controller_of({"metadata": {}}) == {}
