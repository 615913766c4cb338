"""What is left of a rollout in which a check failed, to Keptn's letter: all status fields of both versions.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 3.4 [T]: a workload's failed phase: Failed, all later ones Deprecated -> test_a_workload_whose_check_fails
- 3.4, 3.5 [T]: its app fails in AppDeploy -> test_the_app_of_a_workload_that_failed
- 3.4 [T]: an app's failed phase: Failed, all later ones Deprecated -> test_an_app_whose_check_fails
- 3.4: a failed object keeps the name of the phase -> all three
- 3.11: an evaluation without its metric fails after its retries -> test_an_evaluation_whose_metric...
- 6.3: the events' reasons and texts -> test_the_events_of_a_failure

Different on purpose: a failed check never opens a gate, where Keptn's opens about half a minute later (design.md 1);
kubectl rollout status fails at once (design.md).
"""

import pytest

from tests.e2e.letters import Letter, Letters
from tests.e2e.looks import is_held, was_released

WORKLOAD = ("preDeployment", "preDeploymentEvaluation", "deployment", "postDeployment", "postDeploymentEvaluation")
APP = (
    "preDeployment",
    "preDeploymentEvaluation",
    "workloadOverall",
    "postDeployment",
    "postDeploymentEvaluation",
    "promotion",
)
CASES = (
    ("pre-task", "PreDeployTasks", 0),
    ("pre-evaluation", "PreDeployEvaluations", 1),
    ("post-task", "PostDeployTasks", 3),
    ("post-evaluation", "PostDeployEvaluations", 4),
)


def states(fields: tuple[str, ...], failed: int) -> str:
    """A status in YAML whose phase number `failed` has failed."""
    words = ["Succeeded"] * failed + ["Failed"] + ["Deprecated"] * (len(fields) - failed - 1)
    return ", ".join(f"{field}Status: {word}" for field, word in zip(fields, words, strict=True))


@pytest.fixture(scope="module", autouse=True)
def applied(letters: Letters) -> Letters:
    letters.new("workloads", "failing-workloads", "checks")
    letters.new("apps", "checks", "failing-apps")
    return letters


@pytest.fixture
def workloads(applied: Letters) -> Letter:
    return applied["workloads"]


@pytest.fixture
def apps(applied: Letters) -> Letter:
    return applied["apps"]


@pytest.mark.parametrize(("name", "phase", "failed"), CASES)
def test_a_workload_whose_check_fails(name: str, phase: str, failed: int, workloads: Letter) -> None:
    done = workloads.has(
        "KeptnWorkloadVersion",
        f"{name}-{name}-0.5",
        f"status: {{currentPhase: Workload{phase}, status: Failed, {states(WORKLOAD, failed)}}}",
    )
    assert done["status"]["endTime"]
    (pod,) = workloads.pods(name)
    assert is_held(pod) if failed < 2 else was_released(pod)


@pytest.mark.parametrize("name", [name for name, _, _ in CASES])
def test_the_app_of_a_workload_that_failed(name: str, workloads: Letter) -> None:
    workloads.has(
        "KeptnAppVersion",
        f"{name}-0.5-6b86b273",
        f"""
        status:
          {{currentPhase: AppDeploy, status: Failed, {states(APP, 2)},
          workloadStatus: [{{status: Failed, workload: {{name: {name}, version: "0.5"}}}}]}}
        """,
    )


@pytest.mark.parametrize(("name", "phase", "failed"), CASES)
def test_an_app_whose_check_fails(name: str, phase: str, failed: int, apps: Letter) -> None:
    done = apps.has(
        "KeptnAppVersion",
        f"{name}-1.3-6b86b273",
        f"status: {{currentPhase: App{phase}, status: Failed, {states(APP, failed)}}}",
    )
    assert done["status"]["endTime"]
    if failed > 2:
        apps.has("KeptnWorkloadVersion", f"{name}-waiter-0.5", "status: {status: Succeeded}")
        apps.kubectl("rollout", "status", f"deployment/{name}", "--timeout=1m")
    else:
        (pod,) = apps.pods(name)
        assert is_held(pod)


def test_a_failed_task_of_an_app_is_in_its_list(apps: Letter) -> None:
    done = apps.has(
        "KeptnAppVersion",
        "pre-task-1.3-6b86b273",
        "status: {preDeploymentTaskStatus: [{definitionName: fail, status: Failed}]}",
    )
    (item,) = done["status"]["preDeploymentTaskStatus"]
    assert item["name"].startswith("pre-fail-")
    apps.has(
        "KeptnTask",
        item["name"],
        """
        spec:
          taskDefinition: fail
          checkType: pre
          retries: 0
          timeout: 30s
          context: {appName: pre-task, appVersion: "1.3", objectType: App, taskType: pre,
                    workloadName: "", workloadVersion: ""}
        status: {status: Failed, reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}
        """,
    )


def test_an_evaluation_whose_metric_is_not_there_fails_after_its_retries(workloads: Letter) -> None:
    done = workloads.has(
        "KeptnWorkloadVersion",
        "pre-evaluation-pre-evaluation-0.5",
        "status: {preDeploymentEvaluationTaskStatus: [{definitionName: available-cpus, status: Failed}]}",
    )
    (item,) = done["status"]["preDeploymentEvaluationTaskStatus"]
    assert item["name"].startswith("pre-eval-available-cpus-")
    workloads.has(
        "KeptnEvaluation",
        item["name"],
        """
        metadata: {ownerReferences: [{kind: KeptnWorkloadVersion, controller: true}]}
        spec: {checkType: pre-eval, evaluationDefinition: available-cpus, retries: 1, retryInterval: 1s,
               appName: pre-evaluation, workload: pre-evaluation-pre-evaluation, workloadVersion: "0.5"}
        status:
          overallStatus: Failed
          retryCount: 1
          evaluationStatus: {available-cpus: {status: Failed, value: ""}}
        """,
    )


def test_the_events_of_a_failure(workloads: Letter) -> None:
    name = "pre-task-pre-task-0.5"
    workloads.has("KeptnWorkloadVersion", name, "status: {status: Failed}")
    where = f"Namespace: {workloads.namespace}, Name: {name}, Version: 0.5"
    for reason, kind, words in (
        ("WorkloadPreDeployTasksStarted", "Normal", "Workload Pre-Deployment Tasks: has started"),
        ("WorkloadPreDeployTasksFailed", "Warning", "Workload Pre-Deployment Tasks: has failed"),
        ("WorkloadCompletedFailed", "Warning", "Workload Completed: has failed"),
    ):
        event = workloads.event("KeptnWorkloadVersion", name, lambda each: each["reason"] == reason, reason)  # noqa: B023
        assert event["type"] == kind
        assert event["source"]["component"] == "keptnworkloadversion-controller"
        assert words in event["message"]
        assert where in event["message"]
