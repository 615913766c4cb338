"""The pod of a check to the letter, for a workload and for an app: users' automation compares it literally."""

from typing import Any

import pytest

from app.api.wellknown import API_VERSION
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, last_lines

WORKLOAD = (
    '{"workloadName":"waiter-waiter","appName":"waiter","appVersion":"","workloadVersion":"0.4",'
    '"taskType":"pre","objectType":"Workload"}'
)
APP = (
    '{"workloadName":"","appName":"waiter","appVersion":"0.4","workloadVersion":"","taskType":"pre","objectType":"App"}'
)
SHOW = {
    "deno": 'console.log(Deno.env.get("DATA"), Deno.env.get("KEPTN_CONTEXT"));\n',
    "python": 'import os\nprint(os.environ["DATA"], os.environ["KEPTN_CONTEXT"])\n',
}


def _context(name: str, **spec: Any) -> Json:
    return {"apiVersion": API_VERSION, "kind": "KeptnAppContext", "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(("level", "context"), [("workload", WORKLOAD), ("app", APP)])
@pytest.mark.parametrize(("runner", "ending"), [("deno", "ts"), ("python", "py")])
def test_a_checks_pod_is_keptns_to_the_letter(
    level: str, context: str, runner: str, ending: str, kube: Kube, eyes: Eyes
) -> None:
    body = {"inline": {"code": SHOW[runner]}} | manifests.inputs({"b": "2", "a": "1"}, "token")
    kube.create_all(
        eyes.namespace,
        manifests.secret("token", SECURE_DATA="4711"),
        manifests.definition("check", runner, body),
        _context("waiter", preDeploymentTasks=["check"] if level == "app" else []),
        manifests.deployment("waiter", "check" if level == "workload" else "", "0.4"),
    )
    task = eyes.passed("check")
    labels = f"batch.kubernetes.io/job-name={task['status']['jobName']}"
    (pod,) = kube.all("Pod", eyes.namespace, labels=labels)
    (container,) = pod["spec"]["containers"]
    script = f"/var/data/function.{ending}"
    assert container["name"] == "keptn-function-runner"
    assert container["env"] == [
        {"name": "DATA", "value": '{"a":"1","b":"2"}'},
        {"name": "KEPTN_CONTEXT", "value": context},
        {"name": "CMD_ARGS"},
        {"name": "SECURE_DATA", "valueFrom": {"secretKeyRef": {"name": "token", "key": "SECURE_DATA"}}},
        {"name": "SCRIPT", "value": script},
    ]
    assert container["volumeMounts"] == [
        {"name": "function-mount", "mountPath": script, "subPath": "code", "readOnly": True}
    ]
    assert pod["spec"]["volumes"] == [
        {"name": "function-mount", "configMap": {"name": "keptnfn-check", "defaultMode": 420}}
    ]
    assert not pod["spec"].get("initContainers")
    assert last_lines(task) == f'{{"a":"1","b":"2"}} {context}'
    marks = eyes.job(task)["metadata"]["annotations"]
    owner = {"keptn.sh/workload": "waiter-waiter"} if level == "workload" else {}
    assert {key: value for key, value in marks.items() if key.startswith("keptn.sh/")} == {
        "keptn.sh/app": "waiter",
        "keptn.sh/task-name": task["metadata"]["name"],
        "keptn.sh/version": "0.4",
        **owner,
    }
    eyes.released("waiter")
