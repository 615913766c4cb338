"""Enforce, warn, observe: the same check, other words beside it, other outcomes, and all of them on record."""

import time

from app.api.wellknown import API_VERSION, CHECK_POLICY
from tests.e2e import manifests
from tests.e2e.kube.client import Answer, Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_held
from tests.e2e.namespaces import OPTED_IN, Namespaces

BAD = manifests.container("bad", "echo no >&2; exit 1")
# It does not end by itself: its timeout is its end.
HUNG = manifests.container("hung", "sleep 1000", timeout="8s")
WRONG = {**OPTED_IN, CHECK_POLICY: "wran"}
OPENED = "SchedulingGateOpenedByPolicy"


def _there(kube: Kube, namespaces: Namespaces, purpose: str, policy: str) -> Eyes:
    """A namespace with that policy."""
    return Eyes(kube, namespaces.new(purpose, annotations={**OPTED_IN, CHECK_POLICY: policy}))


def _opened(eyes: Eyes, workload: str) -> str:
    """What the workload says of pods that went without a pass."""
    event = eyes.event("Deployment", workload, lambda event: event["reason"] == OPENED, "its gate was opened by policy")
    assert event["type"] == "Warning"
    return str(event["message"])


def _version(kube: Kube, eyes: Eyes, workload: str) -> Json:
    """Its KeptnWorkloadVersion at its end."""
    name = f"{workload}-{workload}-1.0"
    version = kube.until_one(
        "KeptnWorkloadVersion",
        eyes.namespace,
        name,
        lambda version: version.get("status", {}).get("status") in ("Succeeded", "Failed"),
        "it has ended",
    )
    status: Json = version["status"]
    return status


def _warned(answer: Answer) -> None:
    """Whoever sent it has read that their word is none."""
    (warning,) = answer.warnings
    assert "'wran', which is none of enforce, warn and observe" in warning


def _held_for_good(eyes: Eyes, workload: str) -> None:
    assert "STAY HELD" in eyes.rollout_failed(workload).upper()
    assert [is_held(pod) for pod in eyes.pods(workload)] == [True]
    assert not [event for event in eyes.events("Deployment", workload) if event["reason"] == OPENED]


def test_observed_in_one_namespace_and_enforced_in_another_of_the_same_cluster(
    kube: Kube, namespaces: Namespaces
) -> None:
    lenient = _there(kube, namespaces, "observed", "observe")
    strict = _there(kube, namespaces, "enforced", "enforce")
    for eyes in (lenient, strict):
        kube.create_all(eyes.namespace, BAD, manifests.deployment("waiter", "bad"))
    lenient.released("waiter")
    _held_for_good(strict, "waiter")
    lenient.failed("bad")
    assert "the policy 'observe'" in _opened(lenient, "waiter")


def test_one_hung_check_three_policies_three_outcomes(kube: Kube, namespaces: Namespaces) -> None:
    there = {policy: _there(kube, namespaces, policy, policy) for policy in ("enforce", "warn", "observe")}
    start = time.monotonic()
    for eyes in there.values():
        kube.create_all(eyes.namespace, HUNG, manifests.deployment("waiter", "hung"))
    there["observe"].released("waiter", seconds=7)
    assert "have not ended yet" in _opened(there["observe"], "waiter")
    there["warn"].held("waiter")
    assert time.monotonic() - start < 8, "the check was still running then"
    there["warn"].released("waiter")
    assert "pre-deployment task hung failed" in _opened(there["warn"], "waiter")
    _held_for_good(there["enforce"], "waiter")
    for eyes in there.values():
        task = eyes.failed("hung")
        assert "DeadlineExceeded" in str(task["status"])


def test_a_failure_that_only_warns_is_a_warning_in_the_status_and_the_rest_goes_on(
    kube: Kube, namespaces: Namespaces
) -> None:
    eyes = _there(kube, namespaces, "warned", "warn")
    annotations = manifests.keys("waiter", "bad,good", post_deployment_tasks="bad")
    good = manifests.container("good", "exit 0")
    kube.create_all(eyes.namespace, BAD, good, manifests.workload("Deployment", "waiter", annotations))
    eyes.released("waiter")
    status = _version(kube, eyes, "waiter")
    assert (status["status"], status["currentPhase"]) == ("Succeeded", "Completed")
    assert (status["preDeploymentStatus"], status["postDeploymentStatus"]) == ("Warning", "Warning")
    items = {item["definitionName"]: item["status"] for item in status["preDeploymentTaskStatus"]}
    assert items == {"bad": "Failed", "good": "Succeeded"}
    assert [item["status"] for item in status["postDeploymentTaskStatus"]] == ["Failed"]


def test_a_workload_says_otherwise_than_its_namespace(kube: Kube, namespaces: Namespaces) -> None:
    eyes = _there(kube, namespaces, "otherwise", "warn")
    strict = manifests.workload("Deployment", "strict", manifests.keys("strict", "bad", check_policy="enforce"))
    lenient = manifests.workload("Deployment", "lenient", manifests.keys("lenient", "bad"))
    kube.create_all(eyes.namespace, BAD, strict, lenient)
    eyes.released("lenient")
    _held_for_good(eyes, "strict")


def test_what_is_held_already_goes_once_somebody_writes_the_policy_down(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, BAD, manifests.deployment("one", "bad"), manifests.deployment("two", "bad"))
    _held_for_good(eyes, "one")
    _held_for_good(eyes, "two")
    kube.patch("Deployment", eyes.namespace, "one", {"metadata": {"annotations": {CHECK_POLICY: "warn"}}})
    eyes.released("one")
    assert "pre-deployment task bad failed" in _opened(eyes, "one")
    assert [is_held(pod) for pod in eyes.pods("two")] == [True]
    kube.patch("Namespace", "", eyes.namespace, {"metadata": {"annotations": {CHECK_POLICY: "warn"}}})
    eyes.released("two")


def test_a_word_that_is_none_of_the_three_opens_nothing_and_is_told_to_whoever_wrote_it(
    kube: Kube, namespaces: Namespaces
) -> None:
    name = namespaces.new("wrong-word")
    eyes = Eyes(kube, name)
    _warned(kube.patch("Namespace", "", name, {"metadata": {"annotations": WRONG}}))
    event = kube.until(
        "Event",
        "default",
        lambda events: next((event for event in events if event["reason"] == "UnknownCheckPolicy"), None),
        "the namespace says so",
        fields=f"involvedObject.kind=Namespace,involvedObject.name={name}",
    )
    assert event["type"] == "Warning"
    kube.create_all(eyes.namespace, BAD, manifests.deployment("waiter", "bad"))
    _held_for_good(eyes, "waiter")
    _warned(kube.patch("Deployment", name, "waiter", {"metadata": {"annotations": WRONG}}))
    _warned(kube.create(manifests.workload("StatefulSet", "other", {**WRONG}, replicas=0), name))
    assert not kube.patch(
        "Deployment", name, "waiter", {"metadata": {"annotations": {CHECK_POLICY: " warn "}}}
    ).warnings
    eyes.released("waiter")
    answer = kube.create(eyes.owned_pod(manifests.keys("owner", check_policy="wran")), name, dry_run=True)
    _warned(answer)
    assert is_held(answer.body)


def test_the_policy_of_an_app_stands_on_its_keptn_app(kube: Kube, eyes: Eyes) -> None:
    app: Json = {
        "apiVersion": API_VERSION,
        "kind": "KeptnApp",
        "metadata": {"name": "shop", "annotations": {CHECK_POLICY: "warn"}},
        "spec": {"version": "1", "workloads": [{"name": "waiter", "version": "1.0"}]},
    }
    context: Json = {
        "apiVersion": API_VERSION,
        "kind": "KeptnAppContext",
        "metadata": {"name": "shop"},
        "spec": {"preDeploymentTasks": ["bad"]},
    }
    waiter = manifests.workload("Deployment", "waiter", manifests.keys("waiter", app="shop"))
    kube.create_all(eyes.namespace, BAD, context, app, waiter)
    eyes.failed("bad")
    eyes.released("waiter")
    version = kube.until(
        "KeptnAppVersion",
        eyes.namespace,
        lambda found: next((each for each in found if each.get("status", {}).get("status") == "Succeeded"), None),
        "the app has succeeded",
    )
    assert version["status"]["preDeploymentStatus"] == "Warning"
