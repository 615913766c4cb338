"""F55, F56: somebody takes our gate off, or does not let us; both can be read on the pod and on its workload."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.api.wellknown import GATE_BYPASSED, LABEL
from tests.e2e import manifests
from tests.e2e.kube.client import JSON_PATCH, Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition

BREAK_GLASS = "holdfast:break-glass"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


def _policy(namespace: str) -> tuple[Json, Json]:
    """That in this namespace nobody changes a pod's gates, and its binding."""
    name = f"{namespace}.holdfast.example"
    about: Json = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": here},
        "validations": [
            {
                "expression": "has(object.spec.schedulingGates) == has(oldObject.spec.schedulingGates)",
                "message": "gates are frozen",
            }
        ],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return (
        {**about, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**about, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    )


@contextmanager
def _frozen_gates(kube: Kube, namespace: str) -> Iterator[None]:
    policy, binding = _policy(namespace)
    try:
        kube.send("POST", POLICIES, policy)
        kube.send("POST", BINDINGS, binding)
        yield
    finally:
        kube.send("DELETE", f"{BINDINGS}/{binding['metadata']['name']}")
        kube.send("DELETE", f"{POLICIES}/{policy['metadata']['name']}")


def test_a_pod_let_go_by_somebody_else_is_told_of_and_marked(kube: Kube, eyes: Eyes) -> None:
    kube.create(manifests.deployment("waiter", "later"), eyes.namespace)
    (pod,) = eyes.held("waiter")
    name = pod["metadata"]["name"]
    with kube.as_("jane", [BREAK_GLASS, "system:masters"]) as jane:
        wipe = [{"op": "remove", "path": "/spec/schedulingGates"}]
        jane.patch("Pod", eyes.namespace, name, wipe, content=JSON_PATCH)

    def told(event: Json) -> bool:
        return str(event["reason"]) == "SchedulingGateBypassed"

    for kind, of in (("Pod", name), ("Deployment", "waiter")):
        event = eyes.event(kind, of, told, f"an event on {kind} {of}")
        assert f"pod {name} went without its checks having passed" in event["message"]
    marked = kube.until_one(
        "Pod", eyes.namespace, name, lambda pod: LABEL not in pod["metadata"]["labels"], "it is selected no more"
    )
    assert marked["metadata"]["annotations"][GATE_BYPASSED] == "true"


def test_a_gate_that_a_policy_freezes_says_so_on_the_workload_and_opens_once_it_may(kube: Kube, eyes: Eyes) -> None:
    with _frozen_gates(kube, eyes.namespace):
        kube.create_all(
            eyes.namespace, manifests.container("check", "sleep 5"), manifests.deployment("waiter", "check")
        )
        eyes.passed("check")
        found = kube.until_one(
            "Deployment",
            eyes.namespace,
            "waiter",
            lambda d: "cannot be removed" in condition(d, "Progressing").get("message", ""),
            "its condition says that the gate cannot be removed",
        )
        assert "gates are frozen" in condition(found, "Progressing")["message"]
        event = eyes.event("Deployment", "waiter", lambda e: e["reason"] == "SchedulingGateNotRemoved", "an event")
        assert "all checks have passed" in event["message"]
        assert len(eyes.held("waiter")) == 1
    eyes.released("waiter", seconds=25)
