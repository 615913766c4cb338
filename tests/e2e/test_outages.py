"""What happens while parts of Holdfast are away: nothing starts unchecked, and nothing else waits."""

import json
import time

import pytest

from tests.e2e import dump, manifests
from tests.e2e.kube.client import SECONDS, Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.recording import Recording
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, gates, is_held, of
from tests.e2e.namespaces import Namespaces
from tests.e2e.outages import WEBHOOK, WORKER, without


def test_without_the_worker_what_has_passed_runs_and_what_has_not_is_held_until_it_is_back(
    kube: Kube, eyes: Eyes
) -> None:
    kube.create_all(eyes.namespace, manifests.container("check", "exit 0"), manifests.deployment("passed", "check"))
    (old,) = eyes.released("passed")

    def two_new_pods(pods: list[Json]) -> list[Json] | None:
        fresh = [pod for pod in pods if pod["metadata"]["uid"] != old["metadata"]["uid"]]
        return fresh if len(fresh) == 2 else None

    with without(kube, WORKER):
        kube.delete("Pod", eyes.namespace, old["metadata"]["name"])
        kube.patch("Deployment", eyes.namespace, "passed", {"spec": {"replicas": 2}})
        pods = kube.until("Pod", eyes.namespace, two_new_pods, "two new pods", labels=of("passed"))
        assert [gates(pod) for pod in pods] == [[], []]
        eyes.running("passed", 2)
        kube.create(manifests.deployment("new", "check"), eyes.namespace)
        assert len(eyes.held("new")) == 1
    eyes.released("new")


def test_without_the_webhook_pods_elsewhere_run_and_held_namespaces_wait_and_recover_alone(
    kube: Kube, namespaces: Namespaces, eyes: Eyes
) -> None:
    plain = Eyes(kube, namespaces.new("plain", annotations={}))
    kube.create(manifests.container("check", "exit 0"), eyes.namespace)
    with Recording(kube, "Pod", eyes.namespace, labels=of("waiter")) as pods:
        with without(kube, WEBHOOK):
            kube.create(manifests.deployment("waiter", "check"), eyes.namespace)
            kube.create(manifests.deployment("waiter", "check"), plain.namespace)
            plain.running("waiter")
            (replica_set,) = kube.all("ReplicaSet", eyes.namespace)
            refused = eyes.event(
                "ReplicaSet",
                replica_set["metadata"]["name"],
                lambda event: event["reason"] == "FailedCreate",
                "a refusal",
            )
            assert "mpod.keptn.sh" in refused["message"]
            assert pods.made == []
        eyes.released("waiter", seconds=90)
        assert all(is_held(seen.object) for seen in pods.seen if seen.type == "ADDED")


def test_a_rollout_of_the_webhook_itself_refuses_no_pod_and_lets_none_through_unheld(
    kube: Kube, kubectl: Kubectl, eyes: Eyes
) -> None:
    body = eyes.owned_pod(manifests.keys("waiter", "later"))
    labels = "app.kubernetes.io/component=webhook"
    old = {pod["metadata"]["uid"] for pod in kube.all("Pod", dump.INSTALLATION, labels=labels)}
    asked = 0
    kubectl("-n", dump.INSTALLATION, "rollout", "restart", f"deployment/{WEBHOOK}")
    end = time.monotonic() + SECONDS
    while old & {pod["metadata"]["uid"] for pod in kube.all("Pod", dump.INSTALLATION, labels=labels)}:
        assert time.monotonic() < end, "the webhook's old pods are still there"
        for _ in range(10):
            assert is_held(kube.create(body, eyes.namespace, dry_run=True).body)
            asked += 1
            time.sleep(0.02)
    assert asked > 20


def test_ten_rollouts_at_once_each_run_their_check_once(kube: Kube, eyes: Eyes) -> None:
    names = [f"waiter-{number}" for number in range(10)]
    with Recording(kube, "Job", eyes.namespace) as jobs:
        kube.create(manifests.container("check", "exit 0"), eyes.namespace)
        kube.create_all(eyes.namespace, *[manifests.deployment(name, "check") for name in names])
        for name in names:
            eyes.released(name)
        assert len(jobs.made) == 10
    assert len(eyes.tasks("check")) == 10


def test_a_namespace_deleted_in_the_middle_of_everything_is_gone_soon_and_no_error_is_logged(
    kube: Kube, namespaces: Namespaces
) -> None:
    name = namespaces.new("doomed")
    for number in range(5):
        kube.create(manifests.python(f"check-{number}", "import time\ntime.sleep(5)\n"), name)
        kube.create(manifests.deployment(f"waiter-{number}", f"check-{number},later"), name)
    kube.delete("Namespace", "", name)
    kube.until("Namespace", "", lambda found: not found, f"{name} is gone", fields=f"metadata.name={name}")
    lines = [json.loads(line) for line in dump.logs(kube, "worker", containing=name) if line.startswith("{")]
    assert [line["message"] for line in lines if line["level"] in ("warning", "error")] == []


@pytest.mark.parametrize("late", ["passes", "fails"])
def test_an_overtaken_revisions_verdict_changes_nothing_for_the_one_that_overtook_it(
    late: str, kube: Kube, eyes: Eyes
) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("slow", f"sleep 6; {'exit 0' if late == 'passes' else 'exit 1'}"),
        manifests.container("good", "exit 0"),
        manifests.deployment("waiter", "slow", "1"),
    )
    eyes.held("waiter")
    with Recording(kube, "Deployment", eyes.namespace) as deployments:
        template = manifests.deployment("waiter", "good", "2")["spec"]["template"]
        kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": template}})
        eyes.released("waiter")
        eyes.task("slow")
        (pod,) = eyes.running("waiter")
        assert pod["metadata"]["annotations"]["keptn.sh/version"] == "2"
        messages = [
            (condition["status"], condition["reason"])
            for seen in deployments.seen
            for condition in seen.object["status"].get("conditions", [])
            if condition["type"] == "Progressing"
        ]
    assert not [reason for status, reason in messages if status == "False"]


def test_an_evaluation_without_its_definition_holds_the_pods_and_says_so(kube: Kube, eyes: Eyes) -> None:
    keys = manifests.keys("waiter", "check", pre_deployment_evaluations="load")
    kube.create_all(
        eyes.namespace, manifests.container("check", "exit 0"), manifests.workload("Deployment", "waiter", keys)
    )
    eyes.passed("check")
    words = f"there is no KeptnEvaluationDefinition load in namespace {eyes.namespace}"
    eyes.event("Deployment", "waiter", lambda event: words in event["message"], "why it is held")
    assert len(eyes.held("waiter")) == 1


def test_tasks_after_the_deployment_do_not_hold_it(kube: Kube, eyes: Eyes) -> None:
    keys = manifests.keys("waiter", "check", post_deployment_tasks="smoke")
    kube.create_all(
        eyes.namespace, manifests.container("check", "exit 0"), manifests.workload("Deployment", "waiter", keys)
    )
    eyes.released("waiter")
    version = kube.get("KeptnWorkloadVersion", eyes.namespace, "waiter-waiter-1.0")
    assert version["spec"]["postDeploymentTasks"] == ["smoke"]
