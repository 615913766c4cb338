"""Promotion tasks to Keptn's letter.

These tests switch PROMOTION_TASKS_ENABLED of the installation on, as the chart's promotionTasksEnabled does, and off
again in the end: the worker is replaced twice.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 3.4, 3.8: promotion tasks after all the rest, checkType and taskType `promotion` -> test_an_app_that_is_promoted
- 3.4: a failed one: PromotionTasks Failed, nothing before it is touched -> test_an_app_whose_promotion_fails
- 3.4 [T]: switched on, without any: Succeeded -> test_an_app_without_promotion_tasks
- 3.4 [T]: off: Pending -> test_keptns_letter_names.py, test_keptns_letter_config.py
- 6.1 [T]: keptn_promotion_count_total -> test_the_metric
- 6.3: PromotionTasksStarted, Finished and Failed -> test_the_events
"""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.e2e import worker
from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json
from tests.e2e.letters import Letter, Letters

OPERATOR = "deployment/lifecycle-operator"
BEFORE = """
  preDeploymentStatus: Succeeded
  preDeploymentEvaluationStatus: Succeeded
  workloadOverallStatus: Succeeded
  postDeploymentStatus: Succeeded
  postDeploymentEvaluationStatus: Succeeded
"""


def switch(kube: Kube, kubectl: Kubectl, word: str) -> None:
    """Returns when worker pods with that setting are there, one of which leads."""
    old = {pod["metadata"]["name"] for pod in worker.pods(kube)}
    kubectl("-n", INSTALLATION, "set", "env", OPERATOR, f"PROMOTION_TASKS_ENABLED={word}")
    kubectl("-n", INSTALLATION, "rollout", "status", OPERATOR, "--timeout=2m")
    worker.all_ready(kube, without=old)


@pytest.fixture(scope="module")
def letter(kube: Kube, kubectl: Kubectl, letters: Letters) -> Iterator[Letter]:
    found = kube.get("Deployment", INSTALLATION, "lifecycle-operator")["spec"]["template"]["spec"]["containers"][0][
        "env"
    ]
    (before,) = [entry["value"] for entry in found if entry["name"] == "PROMOTION_TASKS_ENABLED"]
    try:
        switch(kube, kubectl, "true")
        yield letters.new("promotion", "checks", "promotion")
    finally:
        switch(kube, kubectl, before)


def test_an_app_that_is_promoted(letter: Letter) -> None:
    done = letter.has(
        "KeptnAppVersion",
        "promoted-0.4-6b86b273",
        f"""
status:
{BEFORE}
  currentPhase: Completed
  promotionStatus: Succeeded
  promotionTaskStatus: [{{definitionName: pass, status: Succeeded}}]
  status: Succeeded
""",
    )
    (item,) = done["status"]["promotionTaskStatus"]
    assert item["name"].startswith("promotion-pass-")
    task = letter.has(
        "KeptnTask",
        item["name"],
        """
        spec:
          checkType: promotion
          context: {appName: promoted, appVersion: "0.4", objectType: App, taskType: promotion,
                    workloadName: "", workloadVersion: ""}
        """,
    )
    assert task["status"]["startTime"] >= done["status"]["postDeploymentTaskStatus"][0]["endTime"]


def test_an_app_whose_promotion_fails(letter: Letter) -> None:
    letter.has(
        "KeptnAppVersion",
        "not-promoted-0.4-6b86b273",
        f"""
status:
{BEFORE}
  currentPhase: PromotionTasks
  promotionStatus: Failed
  promotionTaskStatus: [{{definitionName: fail, status: Failed}}]
  status: Failed
""",
    )
    letter.kubectl("rollout", "status", "deployment/not-promoted", "--timeout=30s")


def test_an_app_without_promotion_tasks(letter: Letter) -> None:
    letter.has(
        "KeptnAppVersion",
        "nothing-to-promote-0.4-6b86b273",
        f"status:\n{BEFORE}\n  promotionStatus: Succeeded\n  status: Succeeded\n  currentPhase: Completed",
    )
    row = letter.kubectl("get", "kav", "nothing-to-promote-0.4-6b86b273", "-o", "wide", "--no-headers")
    assert row.split()[-1] == "Succeeded"


def _reads(message: str, event: Json) -> bool:
    return bool(event["message"] == message)


def test_the_events(letter: Letter) -> None:
    for name, suffix, words in (("promoted", "Finished", "has finished"), ("not-promoted", "Failed", "has failed")):
        version = f"{name}-0.4-6b86b273"
        wanted = f"Promotion Tasks: {words} / Namespace: {letter.namespace}, Name: {version}, Version: 0.4"
        found = letter.event("KeptnAppVersion", version, partial(_reads, wanted), wanted)
        assert found["reason"] == f"PromotionTasks{suffix}"


def test_the_metric(kube: Kube, letter: Letter) -> None:
    letter.has("KeptnAppVersion", "promoted-0.4-6b86b273", "status: {status: Succeeded}")
    service = "lifecycle-operator-metrics-service:2222"
    text = kube.text(f"/api/v1/namespaces/{INSTALLATION}/services/{service}/proxy/metrics")
    (line,) = [
        line
        for line in text.splitlines()
        if line.startswith("keptn_promotion_count_total{")
        and letter.namespace in line
        and 'app_name="promoted"' in line
    ]
    for label in ('app_version="0.4"', f'app_namespace="{letter.namespace}"', 'app_status="Succeeded"'):
        assert f"keptn_deployment_{label}" in line
    assert line.endswith(" 1.0") or line.endswith(" 1")
