"""A real receiver over real HTTP gets what Keptn's receivers got, and no rollout waits for it."""

import base64
import time
from datetime import datetime, timedelta

import pytest

from tests.e2e import dump, manifests
from tests.e2e.dump import INSTALLATION
from tests.e2e.keptnconfig import KeptnConfig
from tests.e2e.kube.client import Kube
from tests.e2e.looks import Eyes
from tests.e2e.receiver import Receiver, data

PRE = "Workload Pre-Deployment Tasks"
VERSION = "waiter-waiter-1.0"


@pytest.fixture
def receiver(kube: Kube, eyes: Eyes, python_image: str) -> Receiver:
    """Announced, but nobody listens yet."""
    found = Receiver(kube, eyes.namespace, python_image)
    found.announce()
    return found


def _deploy(kube: Kube, eyes: Eyes, script: str = "exit 0") -> None:
    kube.create_all(eyes.namespace, manifests.container("check", script), manifests.deployment("waiter", "check"))


def test_each_phase_is_posted_in_binary_mode(
    kube: Kube, eyes: Eyes, receiver: Receiver, keptn_config: KeptnConfig
) -> None:
    receiver.start()
    keptn_config.set(cloudEventsEndpoint=receiver.url)
    _deploy(kube, eyes)
    eyes.released("waiter")
    receiver.until(eyes.namespace, VERSION, "Workload Completed.Finished")
    events = receiver.events(eyes.namespace, VERSION)
    types = [event.get_type() for event in events if "Reconcile" not in event.get_type()]
    assert types == [
        f"{PRE}.Started",
        f"{PRE}.Finished",
        "Workload Pre-Deployment Evaluations.Started",
        "Workload Pre-Deployment Evaluations.Finished",
        "Workload Deployment.Started",
        "Workload Deployment.Finished",
        "Workload Post-Deployment Tasks.Started",
        "Workload Post-Deployment Tasks.Finished",
        "Workload Post-Deployment Evaluations.Started",
        "Workload Post-Deployment Evaluations.Finished",
        "Workload Completed.Finished",
    ]
    assert len({event.get_id() for event in events}) == len(events)
    first = events[0]
    assert first.get_source() == "keptn.sh"
    assert first.get_specversion() == "1.0"
    assert first.get_datacontenttype() == "application/json"
    created = kube.get("KeptnWorkloadVersion", eyes.namespace, VERSION)["metadata"]["creationTimestamp"]
    said = first.get_time()
    assert said is not None
    assert abs(said - datetime.fromisoformat(created)) < timedelta(minutes=1)
    message = f"{PRE}: has started / Namespace: {eyes.namespace}, Name: {VERSION}, Version: 1.0"
    resource = {
        "group": "lifecycle.keptn.sh",
        "kind": "KeptnWorkloadVersion",
        "version": "v1",
        "name": VERSION,
        "namespace": eyes.namespace,
    }
    assert data(first) == {"message": message, "type": "Normal", "version": "1.0", "resource": resource}
    (request, *_) = receiver.requests()
    assert request.path == "/events"
    assert {"ce-id", "ce-source", "ce-specversion", "ce-type", "ce-time", "content-type"} <= request.headers.keys()


def test_it_says_the_same_as_the_kubernetes_event(
    kube: Kube, eyes: Eyes, receiver: Receiver, keptn_config: KeptnConfig
) -> None:
    receiver.start()
    keptn_config.set(cloudEventsEndpoint=receiver.url)
    _deploy(kube, eyes, "exit 1")
    eyes.rollout_failed("waiter")
    failed = data(receiver.until(eyes.namespace, VERSION, f"{PRE}.Failed"))
    assert failed["type"] == "Warning"
    event = eyes.event(
        "KeptnWorkloadVersion",
        VERSION,
        lambda event: event["reason"] == "WorkloadPreDeployTasksFailed",
        "it has failed",
    )
    assert event["type"] == "Warning"
    assert event["message"] == failed["message"]
    assert event["source"]["component"] == "keptnworkloadversion-controller"
    assert event["metadata"]["annotations"] == {
        "namespace": eyes.namespace,
        "name": VERSION,
        "phase": "WorkloadPreDeployTasks",
        "traceparent": event["metadata"]["annotations"]["traceparent"],
        "appName": "waiter",
        "workloadName": "waiter-waiter",
        "workloadVersion": "1.0",
        "workloadVersionName": VERSION,
    }
    assert data(receiver.until(eyes.namespace, VERSION, "Workload Completed.Failed"))["type"] == "Warning"


def test_a_receiver_that_is_not_there_delays_nothing_and_gets_all_once_it_listens(
    kube: Kube, eyes: Eyes, receiver: Receiver, keptn_config: KeptnConfig
) -> None:
    keptn_config.set(cloudEventsEndpoint=receiver.url)
    start = time.monotonic()
    _deploy(kube, eyes)
    eyes.released("waiter")
    assert time.monotonic() - start < 15, "one attempt alone may take 5 s"
    receiver.start()
    receiver.until(eyes.namespace, VERSION, "Workload Completed.Finished")
    assert receiver.events(eyes.namespace, VERSION)[0].get_type() == f"{PRE}.Started"


def test_a_slow_receiver_delays_nothing(kube: Kube, eyes: Eyes, receiver: Receiver, keptn_config: KeptnConfig) -> None:
    receiver.start(answers_after=4)
    keptn_config.set(cloudEventsEndpoint=receiver.url)
    _deploy(kube, eyes)
    eyes.released("waiter")
    version = kube.until_one(
        "KeptnWorkloadVersion",
        eyes.namespace,
        VERSION,
        lambda version: version.get("status", {}).get("currentPhase") == "Completed",
        "it has come to its end",
        seconds=15,
    )
    assert version["status"]["status"] == "Succeeded"
    assert len(receiver.events(eyes.namespace, VERSION)) < 5, "the receiver has not heard of most of it by then"


def test_the_endpoint_is_the_one_that_the_config_says_at_that_moment(
    kube: Kube, eyes: Eyes, receiver: Receiver, keptn_config: KeptnConfig, python_image: str
) -> None:
    other = Receiver(kube, eyes.namespace, python_image, "other")
    other.announce()
    receiver.start()
    other.start()
    keptn_config.set(cloudEventsEndpoint=receiver.url)
    kube.create(manifests.deployment("waiter"), eyes.namespace)
    receiver.until(eyes.namespace, VERSION, "Workload Completed.Finished")
    keptn_config.set(cloudEventsEndpoint=other.url)
    kube.create(manifests.deployment("second"), eyes.namespace)
    other.until(eyes.namespace, "second-second-1.0", "Workload Completed.Finished")
    keptn_config.delete()
    kube.create(manifests.deployment("third"), eyes.namespace)
    kube.until_one(
        "KeptnWorkloadVersion",
        eyes.namespace,
        "third-third-1.0",
        lambda version: version.get("status", {}).get("currentPhase") == "Completed",
        "it has come to its end",
    )
    assert not receiver.events(eyes.namespace, "second")
    assert not other.events(eyes.namespace, "waiter")
    assert not [*receiver.events(eyes.namespace, "third"), *other.events(eyes.namespace, "third")]


def test_a_password_in_the_url_goes_to_the_receiver_and_to_nobody_else(
    kube: Kube, eyes: Eyes, receiver: Receiver, keptn_config: KeptnConfig
) -> None:
    keptn_config.set(cloudEventsEndpoint=f"http://robot:hunter2@{receiver.host}/?token=hunter3")
    kube.create(manifests.deployment("waiter"), eyes.namespace)
    eyes.running("waiter")
    receiver.start()
    receiver.until(eyes.namespace, VERSION, "Workload Completed.Finished")
    (request, *_) = receiver.requests()
    assert request.headers["authorization"] == f"Basic {base64.b64encode(b'robot:hunter2').decode()}"
    assert request.path == "/?token=hunter3"
    logged = list(dump.logs(kube, "worker", containing="CloudEvent"))
    assert any(receiver.host in line for line in logged), "that it did not answer at first is on record"
    everything = [*dump.logs(kube, "worker"), *(event["message"] for event in kube.all("Event", INSTALLATION))]
    assert not [line for line in everything if "hunter" in line]
