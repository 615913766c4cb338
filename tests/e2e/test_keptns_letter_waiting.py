"""What never begins and what Keptn keeps out of, to its letter.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 3.8 [T]: an app one of whose two tasks nobody has defined: Pending, the missing one is not in the list
  -> test_an_app_one_of_whose_tasks...
- 3.8 [T]: a workload whose task or evaluation nobody has defined: Pending -> test_a_workload_whose_check...
- 3.8: it goes on by itself when the definition is there -> test_..._goes_on_when_somebody_defines_it
- 2.1 [T]: a namespace with another annotation, or only with the label -> test_a_namespace_that_has_not_opted_in
- 2.1 [T]: pods without an owner that Keptn supports -> test_pods_that_nothing_supported_owns
"""

import pytest

from tests.e2e.letters import Letter, Letters, text
from tests.e2e.looks import gates, is_held

NAMESPACE = "keptn.sh/lifecycle-toolkit"
KINDS = ("KeptnApp", "KeptnAppVersion", "KeptnWorkload", "KeptnWorkloadVersion", "KeptnTask", "KeptnAppCreationRequest")
NOT_OPTED_IN = {
    "another-value": ({NAMESPACE: "disabled"}, {}),
    "in-capitals": ({NAMESPACE: "Enabled"}, {}),
    "only-the-label": ({}, {NAMESPACE: "enabled"}),
}


@pytest.fixture(scope="module", autouse=True)
def applied(letters: Letters) -> Letters:
    letters.new("missing", "missing-definitions", "checks")
    letters.new("no-owner", "checks", "no-owner")
    for name, (annotations, labels) in NOT_OPTED_IN.items():
        letters.new(name, "checks", "not-opted-in", annotations=annotations, **labels)
    return letters


@pytest.fixture
def missing(applied: Letters) -> Letter:
    return applied["missing"]


@pytest.mark.parametrize("name", NOT_OPTED_IN)
def test_a_namespace_that_has_not_opted_in(name: str, applied: Letters) -> None:
    letter = applied[name]
    letter.kubectl("rollout", "status", "deployment/test", "--timeout=2m")
    (pod,) = letter.running("test")
    assert not any(key.startswith("keptn.sh/scheduling-gate") for key in pod["metadata"]["annotations"])
    assert [kind for kind in KINDS if letter.kube.all(kind, letter.namespace)] == []


@pytest.mark.parametrize("name", ["bare", "job"])
def test_pods_that_nothing_supported_owns(name: str, applied: Letters) -> None:
    letter = applied["no-owner"]
    (pod,) = letter.running(name)
    assert gates(pod) == []
    assert [kind for kind in KINDS if letter.kube.all(kind, letter.namespace)] == []


def test_an_app_one_of_whose_tasks_nobody_has_defined(missing: Letter) -> None:
    done = missing.has(
        "KeptnAppVersion",
        "shop-1.3-6b86b273",
        """
        status:
          currentPhase: AppPreDeployTasks
          preDeploymentStatus: Pending
          preDeploymentEvaluationStatus: Pending
          preDeploymentTaskStatus: [{definitionName: pass, status: Succeeded}]
          workloadOverallStatus: Pending
          postDeploymentStatus: Pending
          postDeploymentEvaluationStatus: Pending
          promotionStatus: Pending
          status: Progressing
        """,
    )
    assert "endTime" not in done["status"]
    (pod,) = missing.pods("shop")
    assert is_held(pod)


@pytest.mark.parametrize(
    ("name", "phase", "field", "items"),
    [
        ("task", "WorkloadPreDeployTasks", "preDeployment", "preDeploymentTaskStatus"),
        ("evaluation", "WorkloadPreDeployEvaluations", "preDeploymentEvaluation", "preDeploymentEvaluationTaskStatus"),
        ("post-task", "WorkloadPostDeployTasks", "postDeployment", "postDeploymentTaskStatus"),
        (
            "post-evaluation",
            "WorkloadPostDeployEvaluations",
            "postDeploymentEvaluation",
            "postDeploymentEvaluationTaskStatus",
        ),
    ],
)
def test_a_workload_whose_check_nobody_has_defined(
    name: str, phase: str, field: str, items: str, missing: Letter
) -> None:
    done = missing.has(
        "KeptnWorkloadVersion",
        f"{name}-{name}-0.5",
        f"status: {{currentPhase: {phase}, {field}Status: Pending, status: Progressing}}",
    )
    listed = [each["definitionName"] for each in done["status"].get(items) or []]
    assert listed == (["pass"] if name == "post-task" else [])
    (pod,) = missing.pods(name)
    assert is_held(pod) is not name.startswith("post-")
    missing.has("KeptnAppVersion", f"{name}-0.5-6b86b273", "status: {workloadOverallStatus: Progressing}")


def test_what_waits_goes_on_when_somebody_defines_it(missing: Letter) -> None:
    missing.has("KeptnWorkloadVersion", "task-task-0.5", "status: {preDeploymentStatus: Pending}")
    missing.apply_text(text("checks").partition("---")[0].replace("name: pass", "name: not-there"))
    for version in ("task-task-0.5", "post-task-post-task-0.5", "shop-waiter-0.5"):
        missing.has("KeptnWorkloadVersion", version, "status: {status: Succeeded, currentPhase: Completed}")
    missing.has("KeptnAppVersion", "shop-1.3-6b86b273", "status: {status: Succeeded}")
