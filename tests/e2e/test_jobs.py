"""A task's Job is what users' automation knows: names, environment, volumes, and what the definition asks for."""

from typing import Any

import pytest

from app.api.wellknown import LABEL, LABEL_TASK
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes

CONTEXT = (
    '{"workloadName":"waiter-waiter","appName":"waiter","appVersion":"","workloadVersion":"0.4",'
    '"taskType":"pre","objectType":"Workload"}'
)
RUNNER_ENV = ["DATA", "KEPTN_CONTEXT", "CMD_ARGS", "SECURE_DATA", "SCRIPT"]


def _job(kube: Kube, eyes: Eyes, definition: Json) -> Json:
    """The Job of a definition that a Deployment asks for, as soon as it is there."""
    kube.create_all(eyes.namespace, definition, manifests.deployment("waiter", definition["metadata"]["name"], "0.4"))
    task = eyes.task(definition["metadata"]["name"], done=lambda task: task.get("status", {}).get("jobName"))
    return eyes.job(task)


def _pod(job: Json) -> Json:
    spec: Json = job["spec"]["template"]["spec"]
    return spec


def _only_container(job: Json) -> Json:
    (container,) = _pod(job)["containers"]
    found: Json = container
    return found


@pytest.mark.parametrize(("runner", "ending"), [("deno", "ts"), ("python", "py")])
def test_a_scripts_container_has_keptns_name_environment_and_mount(
    runner: str, ending: str, kube: Kube, eyes: Eyes
) -> None:
    body = {"inline": {"code": "1"}, "cmdParameters": "-u" if runner == "python" else ""}
    body |= manifests.inputs({"b": "2", "a": "1"}, "token")
    kube.create(manifests.secret("token", SECURE_DATA="4711"), eyes.namespace)
    job = _job(kube, eyes, manifests.definition("check", runner, body))
    container = _only_container(job)
    assert container["name"] == "keptn-function-runner"
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert f"{runner}-runtime" in container["image"]
    assert [entry["name"] for entry in container["env"]] == RUNNER_ENV
    env = {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}
    script = f"/var/data/function.{ending}"
    assert env["DATA"] == '{"a":"1","b":"2"}'
    assert env["KEPTN_CONTEXT"] == CONTEXT
    assert (env["CMD_ARGS"] or "") == body["cmdParameters"]
    assert env["SECURE_DATA"] == {"secretKeyRef": {"name": "token", "key": "SECURE_DATA"}}
    assert env["SCRIPT"] == script
    assert container["volumeMounts"] == [
        {"name": "function-mount", "mountPath": script, "subPath": "code", "readOnly": True}
    ]
    (volume,) = _pod(job)["volumes"]
    assert (volume["name"], volume["configMap"]["name"]) == ("function-mount", "keptnfn-check")


def test_without_parameters_and_secret_their_variables_are_left_out(kube: Kube, eyes: Eyes) -> None:
    container = _only_container(_job(kube, eyes, manifests.deno("check", "1")))
    assert [entry["name"] for entry in container["env"]] == ["KEPTN_CONTEXT", "CMD_ARGS", "SCRIPT"]


def test_a_fetched_script_is_named_by_its_url_and_nothing_is_mounted(kube: Kube, eyes: Eyes) -> None:
    url = "http://127.0.0.1:9/hello.ts"
    job = _job(kube, eyes, manifests.definition("check", "deno", {"httpRef": {"url": url}}))
    container = _only_container(job)
    assert container["env"][-1] == {"name": "SCRIPT", "value": url}
    assert not container.get("volumeMounts")
    assert not _pod(job).get("volumes")


def test_a_container_runs_as_it_is_written_with_the_context_added(kube: Kube, eyes: Eyes) -> None:
    mine = {"env": [{"name": "MINE", "value": "1"}], "workingDir": "/tmp"}
    container = _only_container(_job(kube, eyes, manifests.container("check", "exit 0", of=mine)))
    assert (container["name"], container["image"], container["workingDir"]) == ("check", "busybox:1.36", "/tmp")
    assert container["command"] == ["sh", "-c", "exit 0"]
    assert container["env"] == [{"name": "MINE", "value": "1"}, {"name": "KEPTN_CONTEXT", "value": CONTEXT}]


@pytest.mark.parametrize(("limit", "size"), [("", "1Gi"), ("64Mi", "32Mi"), ("1Gi", "512Mi")])
def test_a_containers_volume_is_one_gibibyte_or_half_of_its_memory(
    limit: str, size: str, kube: Kube, eyes: Eyes
) -> None:
    mine: Json = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
    if limit:
        mine["resources"] = {"limits": {"memory": limit}}
    job = _job(kube, eyes, manifests.container("check", "echo x > /scratch/file", of=mine))
    assert _pod(job)["volumes"] == [{"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]
    eyes.passed("check")


def test_what_a_definition_asks_of_its_job_reaches_the_job(kube: Kube, eyes: Eyes) -> None:
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "checker"}}, eyes.namespace)
    definition = manifests.python(
        "check",
        "print(1)",
        retries=3,
        timeout="1m30s",
        ttlSecondsAfterFinished=100,
        serviceAccount={"name": "checker"},
        automountServiceAccountToken={"type": False},
        imagePullSecrets=[{"name": "pull"}],
    )
    definition["metadata"]["labels"] = {"team": "payments"}
    job = _job(kube, eyes, definition)
    spec: dict[str, Any] = job["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (3, 90, 100)
    pod = _pod(job)
    assert pod["restartPolicy"] == "Never"
    assert pod["serviceAccountName"] == "checker"
    assert pod["automountServiceAccountToken"] is False
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert job["metadata"]["labels"]["team"] == spec["template"]["metadata"]["labels"]["team"] == "payments"


def test_a_task_copies_the_definitions_retries_and_its_timeout_in_gos_words(kube: Kube, eyes: Eyes) -> None:
    _job(kube, eyes, manifests.deno("check", "1", retries=4, timeout="5m"))
    task = eyes.passed("check")
    assert (task["spec"]["retries"], task["spec"]["timeout"]) == (4, "5m0s")


def test_a_definition_that_says_nothing_has_keptns_defaults(kube: Kube, eyes: Eyes) -> None:
    definition = manifests.deno("check", "1")
    del definition["spec"]["retries"], definition["spec"]["timeout"]
    spec = _job(kube, eyes, definition)["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (10, 300, 300)


def test_a_task_gets_no_identity_unless_its_definition_names_one(kube: Kube, eyes: Eyes) -> None:
    code = 'import os\nprint(os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"))\n'
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "checker"}}, eyes.namespace)
    kube.create_all(
        eyes.namespace,
        manifests.python("without", code),
        manifests.python("with", code, serviceAccount={"name": "checker"}),
        manifests.deployment("waiter", "without,with"),
    )
    assert [attempt["lastLines"] for attempt in eyes.passed("without")["status"]["attempts"]] == ["False"]
    assert [attempt["lastLines"] for attempt in eyes.passed("with")["status"]["attempts"]] == ["True"]


def test_a_job_says_whose_it_is_and_belongs_to_its_task(kube: Kube, eyes: Eyes) -> None:
    job = _job(kube, eyes, manifests.deno("check", "1"))
    task = eyes.task("check")
    marks = job["metadata"]["annotations"]
    assert {key: marks.get(f"keptn.sh/{key}") for key in ("app", "workload", "version", "task-name")} == {
        "app": "waiter",
        "workload": "waiter-waiter",
        "version": "0.4",
        "task-name": task["metadata"]["name"],
    }
    assert job["metadata"]["labels"][LABEL] == LABEL_TASK
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("KeptnTask", task["metadata"]["uid"], True)
    (owner,) = task["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("KeptnWorkloadVersion", "waiter-waiter-0.4")
    assert task["metadata"]["name"].startswith("pre-check-")
    assert job["metadata"]["name"].startswith(task["metadata"]["name"])
