"""Apps and versions that a person has made, without anything deployed, to Keptn's letter.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 3.3, 3.8, 3.5 [T]: an app whose workloads nobody has deployed has its checks all the same, with their retries and
  timeouts as they stand -> test_an_app_whose_check_fails_with_retries
- 3.7, 3.8 [T]: a KeptnWorkloadVersion begins once its app lets it; a task or evaluation that nobody has defined
  -> test_a_workload_version_with_a_missing_task, test_a_workload_version_with_a_missing_evaluation
- 3.7: a KeptnAppVersion without a KeptnApp counts too -> test_a_workload_version_with_a_missing_evaluation
- 3.2: a KeptnAppCreationRequest makes the KeptnApp and is gone then -> test_a_creation_request
"""

import pytest

from tests.e2e.letters import Letter, Letters


@pytest.fixture(scope="module")
def letter(letters: Letters) -> Letter:
    return letters.new("versions-by-hand", "versions-by-hand", "checks")


def test_an_app_whose_check_fails_with_retries(letter: Letter) -> None:
    done = letter.has(
        "KeptnAppVersion",
        "failing-1.3-6b86b273",
        """
        status:
          currentPhase: AppPreDeployTasks
          preDeploymentStatus: Failed
          preDeploymentEvaluationStatus: Deprecated
          preDeploymentTaskStatus: [{definitionName: fail-twice, status: Failed}]
          workloadOverallStatus: Deprecated
          postDeploymentStatus: Deprecated
          postDeploymentEvaluationStatus: Deprecated
          status: Failed
        """,
    )
    (item,) = done["status"]["preDeploymentTaskStatus"]
    task = letter.has(
        "KeptnTask",
        item["name"],
        """
        spec:
          taskDefinition: fail-twice
          retries: 1
          timeout: 2m0s
          context: {appName: failing, appVersion: "1.3", objectType: App, taskType: pre}
        status: {status: Failed, reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}
        """,
    )
    job = letter.job(task)
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (1, 120)


def test_a_workload_version_with_a_missing_task(letter: Letter) -> None:
    done = letter.has(
        "KeptnWorkloadVersion",
        "some-app-task-0.5",
        """
        status:
          currentPhase: WorkloadPreDeployTasks
          preDeploymentStatus: Pending
          preDeploymentEvaluationStatus: Pending
          deploymentStatus: Pending
          postDeploymentStatus: Pending
          postDeploymentEvaluationStatus: Pending
          status: Progressing
        """,
    )
    assert not done["status"].get("preDeploymentTaskStatus")


def test_a_workload_version_with_a_missing_evaluation(letter: Letter) -> None:
    letter.has("KeptnAppVersion", "without-app-1.0-6b86b273", "status: {preDeploymentStatus: Succeeded}")
    done = letter.has(
        "KeptnWorkloadVersion",
        "without-app-evaluation-0.5",
        """
        status:
          currentPhase: WorkloadPreDeployEvaluations
          preDeploymentStatus: Succeeded
          preDeploymentTaskStatus: [{definitionName: pass, status: Succeeded}]
          preDeploymentEvaluationStatus: Pending
          deploymentStatus: Pending
          status: Progressing
        """,
    )
    assert not done["status"].get("preDeploymentEvaluationTaskStatus")


def test_a_creation_request(letter: Letter) -> None:
    letter.apply_text(
        """
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnWorkload
metadata:
  name: found-waiter
spec:
  app: found
  version: "0.4"
  resourceReference: {kind: ReplicaSet, name: nobody, uid: 0c5b0cd7-1c5b-4a5c-8b3c-6c2a1d9e7f12}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnAppCreationRequest
metadata:
  name: found
spec:
  appName: found
"""
    )
    letter.has(
        "KeptnApp",
        "found",
        """
        metadata: {labels: {app.kubernetes.io/managed-by: keptn}}
        spec: {version: "0.4", workloads: [{name: waiter}]}
        """,
    )
    letter.kubectl("wait", "keptnappcreationrequest/found", "--for=delete", "--timeout=20s")
