"""Only namespaces that opted in by the annotation come to Holdfast, and they from their first moment on."""

import re

from app.api.wellknown import LABEL, LABEL_NAMESPACE, NAMESPACE_OPT_IN, NAMESPACE_OPT_IN_VALUE
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl, documents
from tests.e2e.kube.recording import Recording
from tests.e2e.looks import Eyes, gates, is_held
from tests.e2e.namespaces import OPTED_IN, Namespaces, fresh_name, manifest

COUNTER = re.compile(r'^apiserver_admission_webhook_request_total\{.*name="mpod\.keptn\.sh".*\} (\d+)$', re.MULTILINE)


def _calls(kube: Kube) -> int:
    """How often the API server has asked the pod webhook so far."""
    return sum(int(count) for count in COUNTER.findall(kube.text("/metrics")))


def _label(kube: Kube, namespace: str) -> str | None:
    labels: dict[str, str] = kube.get("Namespace", "", namespace)["metadata"].get("labels") or {}
    return labels.get(LABEL)


def _calls_for_a_deployment(kube: Kube, eyes: Eyes, name: str) -> int:
    before = _calls(kube)
    kube.create(manifests.deployment(name, "check"), eyes.namespace)
    (pod,) = eyes.running(name)
    assert gates(pod) == []
    assert LABEL not in pod["metadata"]["labels"]
    return _calls(kube) - before


def _never_called(kube: Kube, eyes: Eyes) -> bool:
    # Pods of earlier tests may still be coming and going elsewhere, and each of them counts: so more than one look.
    return any(_calls_for_a_deployment(kube, eyes, f"waiter-{number}") == 0 for number in range(3))


def test_the_webhook_is_never_called_for_a_namespace_that_did_not_opt_in(kube: Kube, namespaces: Namespaces) -> None:
    plain = Eyes(kube, namespaces.new("plain", annotations={}))
    assert _never_called(kube, plain)
    assert kube.all("KeptnWorkload", plain.namespace) == []


def test_a_label_of_the_same_name_does_not_opt_a_namespace_in(kube: Kube, namespaces: Namespaces) -> None:
    labels = {NAMESPACE_OPT_IN: NAMESPACE_OPT_IN_VALUE}
    labelled = Eyes(kube, namespaces.new("labelled", annotations={}, labels=labels))
    assert _never_called(kube, labelled)
    assert _label(kube, labelled.namespace) is None


def test_another_value_of_the_annotation_does_not_opt_a_namespace_in(kube: Kube, namespaces: Namespaces) -> None:
    disabled = Eyes(kube, namespaces.new("disabled", annotations={NAMESPACE_OPT_IN: "disabled"}))
    assert _never_called(kube, disabled)


def test_the_webhook_is_called_for_a_namespace_that_opted_in(kube: Kube, eyes: Eyes) -> None:
    before = _calls(kube)
    kube.create(manifests.deployment("waiter", "later"), eyes.namespace)
    eyes.held("waiter")
    assert _calls(kube) > before


def test_a_namespace_gets_its_label_in_the_same_request(kube: Kube, namespaces: Namespaces) -> None:
    name = fresh_name("born")
    namespaces.adopt(name)
    answer = kube.create(manifest(name, OPTED_IN, {}))
    assert answer.body["metadata"]["labels"][LABEL] == LABEL_NAMESPACE


def test_a_namespace_and_its_deployments_in_one_apply_are_all_held(
    kube: Kube, kubectl: Kubectl, namespaces: Namespaces
) -> None:
    name = fresh_name("one-apply")
    namespaces.adopt(name)
    bodies = [manifests.deployment(f"waiter-{number}", "later", replicas=2) for number in range(5)]
    for body in bodies:
        body["metadata"]["namespace"] = name
    with Recording(kube, "Pod", name) as pods:
        kubectl.apply(documents(manifest(name, OPTED_IN, {}), *bodies))
        pods.wait(lambda _: len(set(pods.made)) == 10, "ten pods")
        assert all(is_held(seen.object) for seen in pods.seen)


def test_a_namespace_that_takes_its_annotation_off_loses_its_label_and_its_pods_run_free(
    kube: Kube, eyes: Eyes
) -> None:
    kube.patch("Namespace", "", eyes.namespace, {"metadata": {"annotations": {NAMESPACE_OPT_IN: None}}})
    kube.until_one(
        "Namespace",
        "",
        eyes.namespace,
        lambda ns: LABEL not in ns["metadata"]["labels"],
        "its label is gone",
        seconds=10,
    )
    kube.create(manifests.deployment("waiter", "later"), eyes.namespace)
    (pod,) = eyes.running("waiter")
    assert gates(pod) == []


def test_a_namespace_that_opts_in_later_gets_its_label_in_the_same_request(kube: Kube, namespaces: Namespaces) -> None:
    eyes = Eyes(kube, namespaces.new("later", annotations={}))
    answer = kube.patch("Namespace", "", eyes.namespace, {"metadata": {"annotations": OPTED_IN}})
    assert answer.body["metadata"]["labels"][LABEL] == LABEL_NAMESPACE
    kube.create(manifests.deployment("waiter", "later"), eyes.namespace)
    assert len(eyes.held("waiter")) == 1


def test_a_label_that_the_webhook_did_not_see_go_comes_back(kube: Kube, eyes: Eyes) -> None:
    # Through the status, which no webhook of ours is asked about: as with a namespace that was there before us.
    answer = kube.patch("Namespace", "", eyes.namespace, {"metadata": {"labels": {LABEL: None}}}, subresource="status")
    assert LABEL not in answer.body["metadata"]["labels"]
    kube.until_one(
        "Namespace",
        "",
        eyes.namespace,
        lambda ns: ns["metadata"]["labels"].get(LABEL) == LABEL_NAMESPACE,
        "its label is back",
        seconds=10,
    )
