"""A KeptnConfig is read live, from the installation namespace only, and says itself what of it does not count."""

import json

from tests.e2e import keptnconfig, manifests
from tests.e2e.dump import INSTALLATION
from tests.e2e.keptnconfig import NAME, KeptnConfig
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_held


def _complaint(eyes: Eyes, name: str, words: str) -> Json:
    return eyes.event("KeptnConfig", name, lambda event: words in event["message"], f"it says {words!r}")


def _goes_at_once(kube: Kube, eyes: Eyes, workload: str) -> None:
    kube.create(manifests.deployment(workload, "bad"), eyes.namespace)
    eyes.released(workload)


def _stays_held(kube: Kube, eyes: Eyes, workload: str) -> None:
    kube.create(manifests.deployment(workload, "bad"), eyes.namespace)
    eyes.rollout_failed(workload)
    assert [is_held(pod) for pod in eyes.pods(workload)] == [True]


def test_blocking_or_not_follows_each_edit_and_the_default_is_back_when_it_is_deleted(
    kube: Kube, eyes: Eyes, keptn_config: KeptnConfig
) -> None:
    kube.create(manifests.container("bad", "exit 1"), eyes.namespace)
    _stays_held(kube, eyes, "before")
    keptn_config.set(blockDeployment=False)
    eyes.released("before")
    _goes_at_once(kube, eyes, "lenient")
    keptn_config.set(blockDeployment=True)
    _stays_held(kube, eyes, "strict")
    keptn_config.set(blockDeployment=False)
    eyes.released("strict")
    keptn_config.delete()
    _stays_held(kube, eyes, "after")


def test_the_observability_timeout_is_the_one_that_it_says_at_that_moment(
    kube: Kube, eyes: Eyes, keptn_config: KeptnConfig
) -> None:
    """Of a rollout that waits by the default of 5 m already."""
    never = {"readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1}}
    body = manifests.deployment("never")
    body["spec"]["template"]["spec"]["containers"][0] |= never
    kube.create(body, eyes.namespace)
    eyes.running("never")
    keptn_config.set(observabilityTimeout="1s")
    version = kube.until(
        "KeptnWorkloadVersion",
        eyes.namespace,
        lambda found: next((each for each in found if each.get("status", {}).get("status") == "Failed"), None),
        "the version has failed",
        seconds=15,
    )
    assert version["status"]["deploymentStatus"] == "Failed"
    assert version["status"]["currentPhase"] == "WorkloadDeploy"
    event = eyes.event(
        "KeptnWorkloadVersion",
        version["metadata"]["name"],
        lambda event: event["reason"] == "WorkloadDeployFinished",
        "it has timed out",
    )
    assert event["type"] == "Warning"
    assert "has reached timeout" in event["message"]


def test_a_value_that_makes_no_sense_is_told_of_on_the_object_and_the_rest_counts(
    kube: Kube, eyes: Eyes, keptn_config: KeptnConfig
) -> None:
    kube.create(manifests.container("bad", "exit 1"), eyes.namespace)
    keptn_config.set(cloudEventsEndpoint="receiver:8080", blockDeployment=False)
    event = _complaint(Eyes(kube, INSTALLATION), NAME, "spec.cloudEventsEndpoint")
    assert event["type"] == "Warning"
    assert event["source"]["component"] == "keptnconfig-controller"
    _goes_at_once(kube, eyes, "lenient")


def test_one_in_another_namespace_changes_nothing_and_says_so(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("bad", "exit 1"),
        keptnconfig.manifest("mine", blockDeployment=False),
    )
    assert f"namespace {INSTALLATION}" in _complaint(eyes, "mine", "is not read")["message"]
    _stays_held(kube, eyes, "strict")


def test_a_second_one_changes_nothing_and_says_so(kube: Kube, eyes: Eyes, keptn_config: KeptnConfig) -> None:
    kube.create(manifests.container("bad", "exit 1"), eyes.namespace)
    keptn_config.set(blockDeployment=True)
    try:
        kube.create(keptnconfig.manifest("z-second", blockDeployment=False), INSTALLATION)
        assert f"{NAME} is older" in _complaint(Eyes(kube, INSTALLATION), "z-second", "is not read")["message"]
        _stays_held(kube, eyes, "strict")
    finally:
        kube.delete("KeptnConfig", INSTALLATION, "z-second")


def test_users_scripts_find_their_line_in_the_log(kube: Kube, keptn_config: KeptnConfig) -> None:
    keptn_config.set(observabilityTimeout="7m")
    lines = [line for line in keptnconfig.lines(kube) if line["config"] == NAME]
    assert keptnconfig.LINE in json.dumps(lines[-1])
    assert lines[-1]["read"] is True
