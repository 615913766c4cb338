"""KeptnConfig to Keptn's letter. These tests change the installation's KeptnConfig and take it away again.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 3.7 [T]: a workload that is not up within observabilityTimeout fails in its deploy phase, and its app with it
  -> test_a_workload_that_is_not_up_in_time
- 3.14, 3.4 [T]: blockDeployment false: failed checks are Warning, items Failed, the end Succeeded, promotion Pending
  -> test_nothing_blocks
- 3.14: true again: the next one is held, and what has ended stays as it was -> test_nothing_blocks
- 3.12: the log line "reconciling Keptn Config" -> test_the_log_line

Different on purpose (docs/differences-from-keptn.md): a failed pre-evaluation of the app lets its workloads go too, as
the setting says, where Keptn holds them for ever; the defaults are back when the KeptnConfig is deleted.
"""

import pytest

from tests.e2e import dump, keptnconfig
from tests.e2e.keptnconfig import KeptnConfig
from tests.e2e.kube.client import Kube
from tests.e2e.letters import Letters, text
from tests.e2e.looks import is_held

WARNED = """
currentPhase: Completed
preDeploymentStatus: Warning
preDeploymentEvaluationStatus: Warning
postDeploymentStatus: Warning
postDeploymentEvaluationStatus: Warning
preDeploymentTaskStatus: [{definitionName: fail, status: Failed}]
preDeploymentEvaluationTaskStatus: [{definitionName: available-cpus, status: Failed}]
postDeploymentTaskStatus: [{definitionName: fail, status: Failed}]
postDeploymentEvaluationTaskStatus: [{definitionName: available-cpus, status: Failed}]
status: Succeeded
"""


def status(fields: str, **more: str) -> str:
    lines = [*fields.strip().splitlines(), *(f"{field}: {word}" for field, word in more.items())]
    return "\n".join(["status:", *(f"  {line}" for line in lines)])


@pytest.fixture(scope="module", autouse=True)
def applied(letters: Letters) -> Letters:
    letters.new("never-ready", "checks", "never-ready")
    letters.new("everywhere", "checks")
    return letters


def test_a_workload_that_is_not_up_in_time(applied: Letters, keptn_config: KeptnConfig) -> None:
    letter = applied["never-ready"]
    name = "waiter-waiter-0.4"
    letter.has("KeptnWorkloadVersion", name, "status: {currentPhase: WorkloadDeploy, deploymentStatus: Progressing}")
    keptn_config.set(observabilityTimeout="3s")
    letter.has(
        "KeptnWorkloadVersion",
        name,
        """
        status:
          currentPhase: WorkloadDeploy
          preDeploymentStatus: Succeeded
          preDeploymentEvaluationStatus: Succeeded
          deploymentStatus: Failed
          postDeploymentStatus: Deprecated
          postDeploymentEvaluationStatus: Deprecated
          status: Failed
        """,
    )
    letter.has(
        "KeptnAppVersion",
        "waiter-0.4-6b86b273",
        """
        status:
          currentPhase: AppDeploy
          preDeploymentStatus: Succeeded
          preDeploymentEvaluationStatus: Succeeded
          workloadOverallStatus: Failed
          workloadStatus: [{status: Failed, workload: {name: waiter, version: "0.4"}}]
          postDeploymentStatus: Deprecated
          postDeploymentEvaluationStatus: Deprecated
          status: Failed
        """,
    )
    assert letter.tasks("pass")[1:] == []
    event = letter.event(
        "KeptnWorkloadVersion", name, lambda each: "has reached timeout" in each["message"], "it has timed out"
    )
    assert (event["reason"], event["type"]) == ("WorkloadDeployFinished", "Warning")


def test_nothing_blocks_until_it_is_switched_on_again(applied: Letters, keptn_config: KeptnConfig) -> None:
    letter = applied["everywhere"]
    keptn_config.set(blockDeployment=False)
    letter.apply("fails-everywhere")
    letter.kubectl("rollout", "status", "deployment/test", "--timeout=2m")
    version, app = "waiter-waiter-0.4", "waiter-0.4-6b86b273"
    letter.has("KeptnWorkloadVersion", version, status(WARNED, deploymentStatus="Succeeded"))
    letter.has("KeptnAppVersion", app, status(WARNED, workloadOverallStatus="Succeeded", promotionStatus="Pending"))
    keptn_config.set(blockDeployment=True)
    letter.apply_text(text("fails-everywhere").replace('"0.4"', '"0.5"'))
    letter.has(
        "KeptnWorkloadVersion",
        "waiter-waiter-0.5",
        "status: {currentPhase: WorkloadPreDeployTasks, preDeploymentStatus: Failed, deploymentStatus: Deprecated}",
    )
    letter.has("KeptnAppVersion", "waiter-0.5-d4735e3a", "status: {preDeploymentStatus: Failed, status: Failed}")
    assert sorted(is_held(pod) for pod in letter.pods("test")) == [False, True]
    letter.has("KeptnWorkloadVersion", version, status(WARNED, deploymentStatus="Succeeded"), seconds=1)
    letter.has("KeptnAppVersion", app, status(WARNED), seconds=1)


def test_the_log_line(kube: Kube, keptn_config: KeptnConfig) -> None:
    keptn_config.set(observabilityTimeout="6m")
    assert keptnconfig.LINE == "reconciling Keptn Config"
    assert any(keptnconfig.LINE in line for line in dump.logs(kube, "worker"))
