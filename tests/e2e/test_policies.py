"""Who may do what: the gate is the worker's, the webhook's account is for dry runs, and Secrets are nobody's."""

import pytest

from tests.e2e import manifests
from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import JSON_PATCH, Kube, Refused
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, gates

BREAK_GLASS = "holdfast:break-glass"
WORKER = f"system:serviceaccount:{INSTALLATION}:lifecycle-operator"
WEBHOOK = f"system:serviceaccount:{INSTALLATION}:lifecycle-operator-webhook"
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{INSTALLATION}", "system:authenticated")
JOB: Json = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "asked"},
    "spec": {
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "check", "image": "busybox:1.36"}]}}
    },
}


def _held_pod(kube: Kube, eyes: Eyes) -> str:
    kube.create(manifests.deployment("waiter", "later"), eyes.namespace)
    (pod,) = eyes.held("waiter")
    name: str = pod["metadata"]["name"]
    return name


def test_a_cluster_admin_cannot_take_our_gate_off_a_pod(kube: Kube, eyes: Eyes) -> None:
    name = _held_pod(kube, eyes)
    for patch in (
        [{"op": "remove", "path": "/spec/schedulingGates"}],
        [{"op": "remove", "path": "/spec/schedulingGates/0"}],
    ):
        with pytest.raises(Refused) as refused:
            kube.patch("Pod", eyes.namespace, name, patch, content=JSON_PATCH)
        assert BREAK_GLASS in refused.value.message
        assert name in refused.value.message
    assert len(eyes.held("waiter")) == 1


def test_a_person_who_breaks_the_glass_can_take_it_off(kubectl: Kubectl, kube: Kube, eyes: Eyes) -> None:
    name = _held_pod(kube, eyes)
    patch = '{"spec": {"schedulingGates": []}}'
    arguments = ("-n", eyes.namespace, "patch", "pod", name, "--type=merge", "-p", patch)
    refused = kubectl.try_(*arguments)
    assert refused.code != 0
    assert f"--as-group={BREAK_GLASS}" in refused.err
    kubectl(*arguments, "--as=jane", f"--as-group={BREAK_GLASS}", "--as-group=system:masters")
    (pod,) = eyes.running("waiter")
    assert gates(pod) == []


def test_other_changes_to_a_held_pod_are_everybodys(kube: Kube, eyes: Eyes) -> None:
    name = _held_pod(kube, eyes)
    kube.patch("Pod", eyes.namespace, name, {"metadata": {"labels": {"mine": "yes"}}})
    assert len(eyes.held("waiter")) == 1


def test_the_webhooks_account_can_create_jobs_as_dry_runs_only(kube: Kube, eyes: Eyes) -> None:
    with kube.as_(WEBHOOK, GROUPS) as webhook:
        webhook.create(JOB, eyes.namespace, dry_run=True)
        with pytest.raises(Refused, match="dry runs only"):
            webhook.create(JOB, eyes.namespace)
    assert kube.all("Job", eyes.namespace) == []


@pytest.mark.parametrize("kind", ["ConfigMap", "KeptnTask", "KeptnTaskDefinition", "Deployment"])
def test_the_webhooks_account_can_write_nothing(kind: str, kube: Kube, eyes: Eyes) -> None:
    bodies = {
        "ConfigMap": manifests.config_map("x", {}),
        "KeptnTask": manifests.task("x", "x"),
        "KeptnTaskDefinition": manifests.deno("x", "1"),
        "Deployment": manifests.deployment("x"),
    }
    with kube.as_(WEBHOOK, GROUPS) as webhook, pytest.raises(Refused, match="forbidden"):
        webhook.create(bodies[kind], eyes.namespace)


@pytest.mark.parametrize("account", [WORKER, WEBHOOK])
def test_no_account_of_ours_can_read_a_users_secret(account: str, kube: Kube, eyes: Eyes) -> None:
    kube.create(manifests.secret("token", SECURE_DATA="x"), eyes.namespace)
    with kube.as_(account, GROUPS) as ours:
        for read in (lambda: ours.get("Secret", eyes.namespace, "token"), lambda: ours.all("Secret", eyes.namespace)):
            with pytest.raises(Refused, match="forbidden"):
                read()
