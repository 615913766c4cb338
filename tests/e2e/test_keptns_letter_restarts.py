"""What runs again and what does not, to Keptn's letter.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 3.13 [T]: further pods of a version that is deployed go at once, and nothing is checked again
  -> test_more_pods_of_a_deployed_version
- 3.6: kubectl rollout restart of a version that is deployed runs no tasks -> test_a_restarted_deployment
- 3.3, 3.1 [T]: a further revision of a KeptnApp runs the app's checks again under the next name, the version before
  is Deprecated in all fields -> test_an_app_by_revisions
- 3.7, 3.8, 4.1: metadata of the app and of the workload in KEPTN_CONTEXT, to the letter -> test_metadata_of_app...
- 3.3: previousVersion -> test_the_next_version

Different on purpose: a pod of a deployed version is never held, so it has no `keptn.sh/scheduling-gate-removed`
(design.md: a verdict belongs to content). A KeptnAppVersion of an earlier version that had not ended comes to an end,
where Keptn's waits for ever (docs/differences-from-keptn.md), see test_apps.py.
"""

import pytest

from tests.e2e.kube.resources import Json
from tests.e2e.letters import Letter, Letters, text
from tests.e2e.looks import is_held

DONE = "status: {status: Succeeded, currentPhase: Completed}"
DEPRECATED = """
status:
  currentPhase: Completed
  preDeploymentStatus: Deprecated
  preDeploymentEvaluationStatus: Deprecated
  workloadOverallStatus: Deprecated
  postDeploymentStatus: Deprecated
  postDeploymentEvaluationStatus: Deprecated
  promotionStatus: Deprecated
  status: Deprecated
"""
OF_APP = (
    '{"workloadName":"","appName":"waiter","appVersion":"0.4","workloadVersion":"","taskType":"%s","objectType":"App",'
    '"metadata":{"stage":"dev","team":"payments"}}'
)
OF_WORKLOAD = (
    '{"workloadName":"waiter-waiter","appName":"waiter","appVersion":"","workloadVersion":"0.4","taskType":"pre",'
    '"objectType":"Workload","metadata":{"owner":"me","stage":"prod","team":"payments"}}'
)


@pytest.fixture(scope="module", autouse=True)
def applied(letters: Letters) -> Letters:
    letters.new("pods", "checks", "simple")
    letters.new("app", "app", "checks")
    letters.new("next", "checks", "simple")
    return letters


def tasks(letter: Letter) -> list[str]:
    return sorted(each["spec"]["taskDefinition"] for each in letter.kube.all("KeptnTask", letter.namespace))


def context_of(task: Json, letter: Letter) -> str:
    (container,) = letter.job(task)["spec"]["template"]["spec"]["containers"]
    return str(next(each["value"] for each in container["env"] if each["name"] == "KEPTN_CONTEXT"))


def test_more_pods_of_a_deployed_version(applied: Letters) -> None:
    letter = applied["pods"]
    done = letter.has("KeptnWorkloadVersion", "waiter-waiter-0.4", DONE)
    letter.kubectl("scale", "deployment/test", "--replicas=2")
    letter.kubectl("rollout", "status", "deployment/test", "--timeout=1m")
    letter.has("Deployment", "test", "status: {availableReplicas: 2}")
    assert not any(is_held(pod) for pod in letter.pods("test"))
    assert tasks(letter) == ["post-deployment-hello", "pre-deployment-hello"]
    after = letter.get("KeptnWorkloadVersion", "waiter-waiter-0.4")
    assert after["status"]["endTime"] == done["status"]["endTime"]


def test_a_restarted_deployment(applied: Letters) -> None:
    letter = applied["pods"]
    letter.has("KeptnWorkloadVersion", "waiter-waiter-0.4", DONE)
    old = {pod["metadata"]["name"] for pod in letter.pods("test")}
    letter.kubectl("rollout", "restart", "deployment/test")
    letter.kubectl("rollout", "status", "deployment/test", "--timeout=1m")
    assert not old & {pod["metadata"]["name"] for pod in letter.running("test", 2)}
    assert tasks(letter) == ["post-deployment-hello", "pre-deployment-hello"]
    assert len(letter.kube.all("KeptnWorkloadVersion", letter.namespace)) == 1


def test_metadata_of_app_and_workload(applied: Letters) -> None:
    letter = applied["app"]
    letter.has("KeptnAppVersion", "waiter-0.4-6b86b273", "spec: {metadata: {team: payments, stage: dev}}\n" + DONE)
    letter.has(
        "KeptnWorkloadVersion",
        "waiter-waiter-0.4",
        "spec: {metadata: {stage: prod, owner: me}}\nstatus: {appContextMetadata: {stage: dev, team: payments}}",
    )
    (before,) = letter.tasks("pre-deployment-hello")
    assert context_of(before, letter) == OF_APP % "pre"
    found = {each["spec"]["context"]["objectType"]: each for each in letter.tasks("pass")}
    assert context_of(found["App"], letter) == OF_APP % "post"
    assert context_of(found["Workload"], letter) == OF_WORKLOAD
    assert letter.job(before)["metadata"]["annotations"]["keptn.sh/version"] == "0.4"
    assert "keptn.sh/workload" not in letter.job(before)["metadata"]["annotations"]


def test_an_app_by_revisions(applied: Letters) -> None:
    letter = applied["app"]
    letter.has("KeptnAppVersion", "waiter-0.4-6b86b273", "spec: {revision: 1}\n" + DONE)
    written = text("app").replace("revision: 1", "revision: %d")
    letter.apply_text(written % 2)
    again = letter.has("KeptnAppVersion", "waiter-0.4-d4735e3a", "spec: {revision: 2, appName: waiter}\n" + DONE)
    assert not again["spec"].get("previousVersion")
    letter.has("KeptnAppVersion", "waiter-0.4-6b86b273", DEPRECATED)
    letter.kubectl("patch", "keptnapp", "waiter", "--type=merge", "--patch", '{"spec": {"revision": 3}}')
    letter.has("KeptnAppVersion", "waiter-0.4-4e074085", "spec: {revision: 3}\n" + DONE)
    letter.has("KeptnAppVersion", "waiter-0.4-d4735e3a", DEPRECATED)
    # The app's two checks three times, the workload's own once.
    assert tasks(letter) == ["pass"] * 4 + ["pre-deployment-hello"] * 3
    assert len(letter.kube.all("KeptnWorkloadVersion", letter.namespace)) == 1
    letter.has("KeptnWorkloadVersion", "waiter-waiter-0.4", DONE)


def test_the_next_version(applied: Letters) -> None:
    letter = applied["next"]
    letter.has("KeptnAppVersion", "waiter-0.4-6b86b273", DONE)
    letter.apply_text(text("simple").replace('"0.4"', '"0.5"'))
    letter.has("KeptnWorkloadVersion", "waiter-waiter-0.5", 'spec: {previousVersion: "0.4"}\n' + DONE)
    letter.has("KeptnAppVersion", "waiter-0.5-d4735e3a", 'spec: {previousVersion: "0.4"}\n' + DONE)
    letter.has("KeptnApp", "waiter", 'status: {currentVersion: "0.5"}')
    letter.has("KeptnWorkload", "waiter-waiter", 'spec: {version: "0.5"}\nstatus: {currentVersion: "0.5"}')
    letter.has("KeptnAppVersion", "waiter-0.4-6b86b273", DONE)
    assert tasks(letter) == ["post-deployment-hello"] * 2 + ["pre-deployment-hello"] * 2
