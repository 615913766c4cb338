"""Names and versions to Keptn's letter: what automation looks for by exact name.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 2.2: app.kubernetes.io keys count where keptn.sh ones are missing -> test_kubernetes_own_labels_count...
- 2.2, 2.4: keys of the owner, lower case, `_` to `-` -> test_keys_of_a_stateful_set...
- 2.3 [T]: the tag of the container that is named is the version -> test_the_version_is_the_tag...
- 2.3: else FNV-1a of names, images and environments -> test_the_version_is_a_hash...
- 2.4 [T]: waiter, waiter-waiter, waiter-waiter-0.4, waiter-0.4-6b86b273 -> test_a_service_without_an_app...
- 2.1, 3.1: gate and its trace, owners -> test_who_owns_whom, test_the_gate...
- 3.2 [T]: podtato-head, found by its labels: 95a0b0ddca -> test_an_app_of_six...

Different on purpose: a KeptnWorkload belongs to the Deployment, where Keptn's belongs to the newest ReplicaSet;
a KeptnAppCreationRequest is never made; a pod's keys stay as they were sent, computed ones are in the KeptnWorkload
(docs/differences-from-keptn.md).
"""

import pytest

from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.letters import Letter, Letters
from tests.e2e.looks import was_released

HASH = "3757549136"
SIX = ("entry", "hat", "left-arm", "left-leg", "right-arm", "right-leg")


@pytest.fixture(scope="module", autouse=True)
def applied(letters: Letters) -> Letters:
    letters.new("simple", "simple", "checks")
    letters.new("podtato-head", "podtato-head")
    for name in ("parent", "container-key", "no-version", "kubernetes-labels"):
        letters.new(name, "checks", name)
    return letters


@pytest.fixture
def simple(applied: Letters) -> Letter:
    return applied["simple"]


def test_a_service_without_an_app(simple: Letter) -> None:
    simple.kubectl("rollout", "status", "deployment/test", "--timeout=2m")
    app = simple.has(
        "KeptnApp",
        "waiter",
        """
        metadata:
          labels: {app.kubernetes.io/managed-by: keptn}
          annotations: {keptn.sh/app-type: single-service}
        spec: {version: "0.4", revision: 1, workloads: [{name: waiter, version: "0.4"}]}
        status: {currentVersion: "0.4"}
        """,
    )
    assert app["metadata"]["generation"] == 1
    simple.has(
        "KeptnAppVersion",
        "waiter-0.4-6b86b273",
        """
        spec: {appName: waiter, version: "0.4", revision: 1, workloads: [{name: waiter, version: "0.4"}]}
        status:
          currentPhase: Completed
          preDeploymentStatus: Succeeded
          preDeploymentEvaluationStatus: Succeeded
          workloadOverallStatus: Succeeded
          workloadStatus: [{status: Succeeded, workload: {name: waiter, version: "0.4"}}]
          postDeploymentStatus: Succeeded
          postDeploymentEvaluationStatus: Succeeded
          promotionStatus: Pending
          status: Succeeded
        """,
    )
    simple.has(
        "KeptnWorkload",
        "waiter-waiter",
        """
        spec:
          app: waiter
          version: "0.4"
          preDeploymentTasks: [pre-deployment-hello]
          postDeploymentTasks: [post-deployment-hello]
        status: {currentVersion: "0.4"}
        """,
    )
    done = simple.has(
        "KeptnWorkloadVersion",
        "waiter-waiter-0.4",
        """
        spec:
          app: waiter
          version: "0.4"
          workloadName: waiter-waiter
          preDeploymentTasks: [pre-deployment-hello]
          postDeploymentTasks: [post-deployment-hello]
        status:
          currentPhase: Completed
          deploymentStatus: Succeeded
          preDeploymentStatus: Succeeded
          preDeploymentEvaluationStatus: Succeeded
          preDeploymentTaskStatus: [{definitionName: pre-deployment-hello, status: Succeeded}]
          postDeploymentStatus: Succeeded
          postDeploymentEvaluationStatus: Succeeded
          postDeploymentTaskStatus: [{definitionName: post-deployment-hello, status: Succeeded}]
          status: Succeeded
        """,
    )
    (before,) = done["status"]["preDeploymentTaskStatus"]
    assert before["name"].startswith("pre-pre-deployment-hello-")
    assert before["startTime"] <= before["endTime"]
    (after,) = done["status"]["postDeploymentTaskStatus"]
    assert after["name"].startswith("post-post-deployment-hello-")
    assert done["status"]["startTime"] <= done["status"]["deploymentStartTime"] <= done["status"]["endTime"]
    for kind in ("KeptnApp", "KeptnAppVersion", "KeptnWorkload", "KeptnWorkloadVersion"):
        assert len(simple.kube.all(kind, simple.namespace)) == 1, kind


def test_who_owns_whom(simple: Letter) -> None:
    owners = (
        ("KeptnWorkload", "waiter-waiter", "Deployment", "test"),
        ("KeptnWorkloadVersion", "waiter-waiter-0.4", "KeptnWorkload", "waiter-waiter"),
        ("KeptnAppVersion", "waiter-0.4-6b86b273", "KeptnApp", "waiter"),
    )
    for kind, name, owner_kind, owner in owners:
        found = simple.has(kind, name, f"metadata: {{ownerReferences: [{{kind: {owner_kind}, name: {owner}}}]}}")
        (reference,) = found["metadata"]["ownerReferences"]
        assert reference.get("controller", False) is (kind != "KeptnWorkload")
    for task in simple.kube.all("KeptnTask", simple.namespace):
        (reference,) = task["metadata"]["ownerReferences"]
        assert (reference["kind"], reference["name"]) == ("KeptnWorkloadVersion", "waiter-waiter-0.4")
        assert reference["controller"] is True


def test_the_gate_is_gone_and_its_trace_is_there(simple: Letter) -> None:
    simple.has("KeptnWorkloadVersion", "waiter-waiter-0.4", "status: {deploymentStatus: Succeeded}")
    (pod,) = simple.pods("test")
    assert was_released(pod)
    assert pod["spec"]["schedulerName"] == "default-scheduler"


def test_keys_of_a_stateful_set_count_for_its_pods_in_lower_case(applied: Letters) -> None:
    letter = applied["parent"]
    letter.has("KeptnWorkload", "shop-waiter-one", 'spec: {app: shop, version: "0.4-rc1"}')
    letter.has(
        "KeptnWorkloadVersion",
        "shop-waiter-one-0.4-rc1",
        "status: {currentPhase: Completed, status: Succeeded, preDeploymentTaskStatus: [{definitionName: pass}]}",
    )
    letter.kubectl("rollout", "status", "statefulset/test", "--timeout=1m")


def test_the_version_is_the_tag_of_the_container_that_is_named(applied: Letters) -> None:
    letter = applied["container-key"]
    letter.has("KeptnWorkloadVersion", "waiter-waiter-1.36", 'spec: {version: "1.36"}\nstatus: {status: Succeeded}')
    letter.has("KeptnAppVersion", "waiter-1.36-6b86b273", "status: {status: Succeeded}")


def test_the_version_is_a_hash_of_what_the_containers_are_if_nobody_says_more(applied: Letters) -> None:
    letter = applied["no-version"]
    letter.has("KeptnWorkloadVersion", f"waiter-waiter-{HASH}", "status: {status: Succeeded}")
    letter.has("KeptnAppVersion", f"waiter-{HASH}-6b86b273", "status: {status: Succeeded}")


def test_kubernetes_own_labels_count_where_keptns_are_missing(applied: Letters) -> None:
    letter = applied["kubernetes-labels"]
    letter.has("KeptnWorkload", "shop-waiter", 'spec: {app: shop, version: "2.0", preDeploymentTasks: [pass]}')
    letter.has("KeptnWorkloadVersion", "shop-waiter-2.0", "status: {status: Succeeded}")
    letter.has("KeptnAppVersion", "shop-2.0-6b86b273", "status: {status: Succeeded}")


def test_an_app_of_six_services_that_nobody_wrote_down(applied: Letters, kubectl: Kubectl) -> None:
    letter = applied["podtato-head"]
    refs = ", ".join(f"{{name: podtato-head-{part}, version: 0.1.0}}" for part in SIX)
    letter.has("KeptnApp", "podtato-head", f"spec: {{version: 95a0b0ddca, workloads: [{refs}]}}")
    states = ", ".join(
        f"{{status: Succeeded, workload: {{name: podtato-head-{part}, version: 0.1.0}}}}" for part in SIX
    )
    letter.has(
        "KeptnAppVersion",
        "podtato-head-95a0b0ddca-6b86b273",
        f"status: {{status: Succeeded, currentPhase: Completed, workloadStatus: [{states}]}}",
    )
    for part in SIX:
        name = f"podtato-head-podtato-head-{part}"
        letter.has("KeptnWorkload", name, "status: {currentVersion: 0.1.0}")
        letter.has("KeptnWorkloadVersion", f"{name}-0.1.0", "status: {status: Succeeded}")
    assert letter.kube.all("KeptnAppCreationRequest", letter.namespace) == []
