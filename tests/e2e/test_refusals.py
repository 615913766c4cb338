"""A definition that cannot work is refused, in words that say where and what to write; of a doubtful one is warned."""

import time
from collections.abc import Iterator

import pytest

from app.api.wellknown import GROUP
from tests.e2e import manifests
from tests.e2e.kube.client import Kube, Refused
from tests.e2e.kube.kubectl import Kubectl, documents
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition
from tests.e2e.refusals import CASES, Case

SCRATCH = "scratch.holdfast.example"


@pytest.fixture(scope="module")
def scratch(kube: Kube) -> Iterator[str]:
    """A copy of the definitions' CRD in a group that no webhook knows: what it refuses, the schema refuses."""
    crd = kube.get("CustomResourceDefinition", "", f"keptntaskdefinitions.{GROUP}")
    name = f"keptntaskdefinitions.{SCRATCH}"
    copy: Json = {
        "apiVersion": crd["apiVersion"],
        "kind": crd["kind"],
        "metadata": {"name": name},
        "spec": {**crd["spec"], "group": SCRATCH, "conversion": {"strategy": "None"}},
    }
    kube.create(copy)
    kube.until_one(
        "CustomResourceDefinition",
        "",
        name,
        lambda crd: condition(crd, "Established").get("status") == "True",
        "it is established",
    )
    _until_served(kube)
    yield SCRATCH
    kube.delete("CustomResourceDefinition", "", name)


def _until_served(kube: Kube) -> None:
    """The API server takes a moment to serve what is established."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            kube.send("GET", f"/apis/{SCRATCH}/v1/keptntaskdefinitions")
        except Refused:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"{SCRATCH} is not served")


def _refusal(kube: Kube, body: Json, namespace: str) -> str:
    with pytest.raises(Refused) as refused:
        kube.create(body, namespace)
    assert refused.value.status in (400, 403, 422)
    return refused.value.message


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_definition_is_refused_with_the_field_and_what_to_write(case: Case, kube: Kube, shared: Eyes) -> None:
    message = _refusal(kube, case.body(), shared.namespace)
    assert case.field in message
    assert case.words in message


@pytest.mark.parametrize("case", [case for case in CASES if case.cel], ids=lambda case: case.id)
def test_the_structural_rules_hold_without_the_webhook(case: Case, kube: Kube, shared: Eyes, scratch: str) -> None:
    message = _refusal(kube, case.body(scratch), shared.namespace)
    assert case.field in message
    assert case.words in message


def test_without_the_webhook_a_good_definition_is_still_taken(kube: Kube, shared: Eyes, scratch: str) -> None:
    body = manifests.deno("good", "1") | {"apiVersion": f"{scratch}/v1"}
    assert kube.create(body, shared.namespace).body["spec"]["deno"] == {"inline": {"code": "1"}}


def test_a_good_definition_is_changed_for_the_worse_in_vain(kube: Kube, shared: Eyes) -> None:
    kube.create(manifests.deno("good", "1"), shared.namespace)
    with pytest.raises(Refused, match=r"spec\.timeout"):
        kube.patch("KeptnTaskDefinition", shared.namespace, "good", {"spec": {"timeout": "5"}})
    with pytest.raises(Refused, match="keep one of"):
        kube.patch("KeptnTaskDefinition", shared.namespace, "good", {"spec": {"python": {"inline": {"code": "1"}}}})


def test_kubectl_shows_the_refusal(kubectl: Kubectl, shared: Eyes) -> None:
    body = manifests.python("broken", "def broken(:\n    pass\n")
    result = kubectl.try_("apply", "-n", shared.namespace, "-f", "-", stdin=documents(body))
    assert result.code != 0
    assert "spec.python.inline.code" in result.err
    assert "line 1" in result.err


def test_a_reference_to_what_does_not_exist_yet_is_taken_with_a_warning(
    kube: Kube, kubectl: Kubectl, shared: Eyes
) -> None:
    function = manifests.definition("by-function", "deno", {"functionRef": {"name": "not-there-yet"}})
    code = manifests.definition("by-config-map", "python", {"configMapRef": {"name": "not-there-yet"}})
    for body in (function, code):
        (warning,) = kube.create(body, shared.namespace).warnings
        assert "not-there-yet" in warning
    shown = kubectl.apply(
        documents(manifests.definition("again", "deno", function["spec"]["deno"])), "-n", shared.namespace
    )
    assert "Warning: " in shown.err
    assert "not-there-yet" in shown.err


def test_a_reference_to_what_exists_is_taken_without_a_warning(kube: Kube, shared: Eyes) -> None:
    kube.create_all(shared.namespace, manifests.config_map("there", {"code": "1"}), manifests.deno("base", "1"))
    function = manifests.definition("on-base", "deno", {"functionRef": {"name": "base"}})
    code = manifests.definition("on-config-map", "python", {"configMapRef": {"name": "there"}})
    assert kube.create(manifests.container("check", "exit 0"), shared.namespace).warnings == ()
    for body in (function, code):
        assert kube.create(body, shared.namespace).warnings == ()


def test_a_refused_definition_leaves_nothing_behind(kube: Kube, eyes: Eyes) -> None:
    before = [item["metadata"]["name"] for item in kube.all("ConfigMap", eyes.namespace)]
    broken = manifests.python("broken", "def broken(:\n    pass\n")
    _refusal(kube, broken, eyes.namespace)
    kube.create(manifests.python("fine", "print(1)"), eyes.namespace, dry_run=True)
    kube.create(manifests.container("job", "exit 0"), eyes.namespace)
    assert kube.find("KeptnTaskDefinition", eyes.namespace, "fine") is None
    assert kube.all("Job", eyes.namespace) == []
    assert before == [item["metadata"]["name"] for item in kube.all("ConfigMap", eyes.namespace)]
