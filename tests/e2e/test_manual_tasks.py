"""KeptnTasks that people make, for deployments outside Kubernetes, in a namespace that nobody has opted in."""

import time
from collections.abc import Iterator

import pytest

from app.api.wellknown import LABEL, LABEL_TASK
from tests.e2e import manifests
from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition, is_over, is_running, last_lines, status
from tests.e2e.namespaces import Namespaces

# As Keptn's documentation has it: objectType and taskType are empty.
CONTEXT: Json = {
    "appName": "shop",
    "appVersion": "1.0.0",
    "objectType": "",
    "taskType": "",
    "workloadName": "my-workload",
    "workloadVersion": "1.0.0",
}
CONTEXT_TEXT = (
    '{"workloadName":"my-workload","appName":"shop","appVersion":"1.0.0","workloadVersion":"1.0.0",'
    '"taskType":"","objectType":""}'
)
SHOW = 'import os\nprint(os.environ.get("DATA"), os.environ.get("SECURE_DATA") == "the-tasks")\n'


@pytest.fixture(scope="module")
def plain(kube: Kube, namespaces: Namespaces) -> Iterator[Eyes]:
    """A namespace without any annotation, for all of this module."""
    name = namespaces.new("manual-tasks", annotations={})
    yield Eyes(kube, name)
    namespaces.delete(name)


def _make(eyes: Eyes, name: str, definition: str, **spec: object) -> None:
    """A KeptnTask with just these fields, so that the rest has its defaults."""
    body = manifests.task(name, definition)
    body["spec"] = {"taskDefinition": definition, **spec}
    eyes.kube.create(body, eyes.namespace)


def _over(eyes: Eyes, name: str, *, seconds: float = 60) -> Json:
    """That KeptnTask, once it is over."""
    return eyes.kube.until_one("KeptnTask", eyes.namespace, name, is_over, "it is over", seconds=seconds)


def _begun(eyes: Eyes, name: str) -> Json:
    """Its Job."""
    task = eyes.kube.until_one(
        "KeptnTask", eyes.namespace, name, lambda task: task.get("status", {}).get("jobName"), "its Job is there"
    )
    return eyes.job(task)


def _pod(eyes: Eyes, job: Json) -> Json:
    """The one pod of a Job."""
    labels = f"batch.kubernetes.io/job-name={job['metadata']['name']}"
    return eyes.kube.until("Pod", eyes.namespace, lambda pods: pods[0] if pods else None, "its pod", labels=labels)


@pytest.mark.parametrize(("runner", "ending"), [("deno", "ts"), ("python", "py")])
def test_a_pod_has_exactly_keptns_environment_volume_and_mount(runner: str, ending: str, plain: Eyes) -> None:
    name = f"letter-{runner}"
    body = {"inline": {"code": "1"}} | manifests.inputs({"b": "<2>", "a": "1"}, name)
    plain.kube.create(manifests.secret(name, SECURE_DATA="x"), plain.namespace)
    plain.kube.create(manifests.definition(name, runner, body), plain.namespace)
    _make(plain, name, name, context=CONTEXT)
    job = _begun(plain, name)
    pod = _pod(plain, job)
    (container,) = pod["spec"]["containers"]
    script = f"/var/data/function.{ending}"
    assert container["name"] == "keptn-function-runner"
    assert not {"command", "args"} & container.keys()
    assert container["env"] == [
        {"name": "DATA", "value": r'{"a":"1","b":"\u003c2\u003e"}'},
        {"name": "KEPTN_CONTEXT", "value": CONTEXT_TEXT},
        {"name": "CMD_ARGS"},
        {"name": "SECURE_DATA", "valueFrom": {"secretKeyRef": {"name": name, "key": "SECURE_DATA"}}},
        {"name": "SCRIPT", "value": script},
    ]
    assert container["volumeMounts"] == [
        {"name": "function-mount", "mountPath": script, "subPath": "code", "readOnly": True}
    ]
    assert pod["spec"]["volumes"] == [
        {"name": "function-mount", "configMap": {"name": f"keptnfn-{name}", "defaultMode": 420}}
    ]
    marks = job["metadata"]["annotations"]
    assert {key: value for key, value in marks.items() if key.startswith("keptn.sh/")} == {
        "keptn.sh/app": "shop",
        "keptn.sh/task-name": name,
        "keptn.sh/version": "1.0.0",
        "keptn.sh/workload": "my-workload",
    }
    assert not any(key.startswith("keptn.sh/") for key in pod["metadata"].get("annotations") or {})
    assert status(_over(plain, name)) == "Succeeded"


def test_retries_and_timeout_are_the_tasks_own_and_the_rest_is_the_definitions(plain: Eyes) -> None:
    check = manifests.container("limits", "exit 0", retries=1, timeout="20s", ttlSecondsAfterFinished=100)
    plain.kube.create(check, plain.namespace)
    _make(plain, "limits-default", "limits")
    _make(plain, "limits-own", "limits", retries=3, timeout="1m30s")
    jobs = [_begun(plain, name)["spec"] for name in ("limits-default", "limits-own")]
    assert [(j["backoffLimit"], j["activeDeadlineSeconds"]) for j in jobs] == [(10, 300), (3, 90)]
    assert {j["ttlSecondsAfterFinished"] for j in jobs} == {100}


def test_parameters_and_secret_of_the_task_go_before_the_definitions(plain: Eyes) -> None:
    plain.kube.create_all(
        plain.namespace,
        manifests.secret("definitions", SECURE_DATA="the-definitions"),
        manifests.secret("tasks", SECURE_DATA="the-tasks"),
        manifests.python("show", SHOW, parameters={"user": "definition", "data": "definition"}, secret="definitions"),
    )
    own = {"map": {"user": "task", "more": "task"}}
    _make(plain, "show-own", "show", parameters=own, secureParameters={"secret": "tasks"})
    _make(plain, "show-none", "show")
    assert last_lines(_over(plain, "show-own")) == '{"data":"definition","more":"task","user":"task"} True'
    assert last_lines(_over(plain, "show-none")) == '{"data":"definition","user":"definition"} False'


def test_a_rerun_is_a_task_under_a_new_name_and_nothing_else_is(kubectl: Kubectl, plain: Eyes) -> None:
    plain.kube.create(manifests.container("again", "exit 0"), plain.namespace)
    _make(plain, "again-1", "again")
    first = _over(plain, "again-1")
    plain.kube.patch("KeptnTask", plain.namespace, "again-1", {"spec": {"parameters": {"map": {"x": "y"}}}})
    edited = plain.kube.until_one(
        "KeptnTask",
        plain.namespace,
        "again-1",
        lambda task: task["status"]["observedGeneration"] == task["metadata"]["generation"] == 2,
        "it has seen the edit",
    )
    assert (edited["status"]["endTime"], edited["status"]["runs"]) == (first["status"]["endTime"], 1)
    _make(plain, "again-2", "again")
    assert status(_over(plain, "again-2")) == "Succeeded"
    table = kubectl("-n", plain.namespace, "get", "keptntasks").out.splitlines()
    rows = {line.split()[0]: line for line in table[1:]}
    assert "JOB NAME" in table[0]
    assert first["status"]["jobName"] in rows["again-1"]
    assert rows["again-2"].split()[-1] == "Succeeded"


def test_the_table_of_tasks_shows_for_what_they_ran(kubectl: Kubectl, plain: Eyes) -> None:
    plain.kube.create(manifests.container("table", "exit 0"), plain.namespace)
    _make(plain, "table", "table", context=CONTEXT)
    job = _over(plain, "table")["status"]["jobName"]
    row = kubectl("-n", plain.namespace, "get", "keptntasks", "table", "--no-headers").out.split()
    assert row == ["table", "shop", "1.0.0", "my-workload", "1.0.0", job, "Succeeded"]


def test_kubectl_can_wait_for_a_verdict(kubectl: Kubectl, plain: Eyes) -> None:
    plain.kube.create_all(
        plain.namespace, manifests.container("good", "sleep 1"), manifests.container("bad", "sleep 1; exit 4")
    )
    _make(plain, "good", "good", retries=0)
    _make(plain, "bad", "bad", retries=0)
    kubectl("-n", plain.namespace, "wait", "--for=condition=Ready", "keptntask/good", "--timeout=30s")
    kubectl("-n", plain.namespace, "wait", "--for=condition=Stalled", "keptntask/bad", "--timeout=30s")
    bad, good = _over(plain, "bad"), _over(plain, "good")
    assert [condition(good, type_)["status"] for type_ in ("Ready", "Progressing")] == ["True", "False"]
    assert [condition(bad, type_)["status"] for type_ in ("Ready", "Progressing")] == ["False", "False"]
    ready = condition(bad, "Ready")
    assert (ready["reason"], ready["message"]) == (bad["status"]["reason"], bad["status"]["message"])
    assert ready["observedGeneration"] == bad["metadata"]["generation"]


def test_a_job_that_is_deleted_in_mid_run_is_one_more_attempt(plain: Eyes) -> None:
    plain.kube.create(manifests.container("mid-run", "sleep 2"), plain.namespace)
    for retries, verdict in ((1, "Succeeded"), (0, "Failed")):
        name = f"mid-run-{retries}"
        _make(plain, name, "mid-run", retries=retries)
        job = _begun(plain, name)
        assert _pod(plain, job)
        plain.kube.delete("Job", plain.namespace, job["metadata"]["name"])
        task = _over(plain, name)
        assert status(task) == verdict
        assert task["status"]["attempts"][0]["reason"] == "JobDeleted"
        assert task["status"]["runs"] == retries + 1


def test_a_missing_config_map_and_secret_are_named_and_their_task_goes_on_when_they_are_there(plain: Eyes) -> None:
    check = {"configMapRef": {"name": "later"}} | manifests.inputs(secret="later")
    plain.kube.create(manifests.definition("lacking", "python", check), plain.namespace)
    _make(plain, "lacking", "lacking")

    def says(reason: str, *words: str) -> Json:
        def told(task: Json) -> bool:
            said = task.get("status") or {}
            return said.get("reason") == reason and all(word in said["message"] for word in words)

        return plain.kube.until_one(
            "KeptnTask", plain.namespace, "lacking", told, f"{reason} in its status", seconds=15
        )

    says("ConfigMapNotFound", "ConfigMap later", "the task starts by itself")
    plain.kube.create(manifests.config_map("later", {"code": SHOW}), plain.namespace)
    task = says("CreateContainerConfigError", 'secret "later" not found', "the kubelet starts the pod by itself")
    assert condition(task, "Progressing")["reason"] == "CreateContainerConfigError"
    plain.kube.create(manifests.secret("later", SECURE_DATA="the-tasks"), plain.namespace)
    # The kubelet looks again only every ten seconds or so.
    done = _over(plain, "lacking", seconds=45)
    assert (status(done), last_lines(done), done["status"]["reason"]) == ("Succeeded", "None True", "")
    assert len(done["status"]["attempts"]) == 1


def test_a_config_map_that_goes_between_two_attempts_is_named_and_the_second_begins_when_it_is_back(
    plain: Eyes,
) -> None:
    plain.kube.create(manifests.config_map("going", {"code": "import sys\nsys.exit(1)\n"}), plain.namespace)
    check = manifests.definition("going", "python", {"configMapRef": {"name": "going"}})
    plain.kube.create(check, plain.namespace)
    _make(plain, "going", "going", retries=1)

    def says(reason: str) -> Json:
        return plain.kube.until_one(
            "KeptnTask", plain.namespace, "going", lambda task: task.get("status", {}).get("reason") == reason, reason
        )

    says("BackOff")
    plain.kube.delete("ConfigMap", plain.namespace, "going")
    said = says("FailedMount")["status"]["message"]
    assert said.startswith(f"there is no ConfigMap going in namespace {plain.namespace} any more")
    plain.kube.create(manifests.config_map("going", {"code": "print('back')\n"}), plain.namespace)
    task = _over(plain, "going", seconds=130)
    assert (status(task), last_lines(task), task["status"]["reason"]) == ("Succeeded", "back", "")


def test_a_missing_image_is_no_attempt_and_the_timeout_ends_it(plain: Eyes) -> None:
    missing = manifests.container("no-image", "exit 0", of={"image": "holdfast.invalid/no-such-image:1"})
    plain.kube.create(missing, plain.namespace)
    _make(plain, "no-image", "no-image", retries=0, timeout="12s")
    waiting = plain.kube.until_one(
        "KeptnTask",
        plain.namespace,
        "no-image",
        lambda task: task.get("status", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff"),
        "it says that its image cannot be had",
    )
    assert waiting["status"]["status"] == "Progressing"
    assert waiting["status"]["message"].endswith("that is no failed attempt; the timeout of 12s runs on")
    task = _over(plain, "no-image")
    assert task["status"]["reason"] == "DeadlineExceeded"
    assert (
        task["status"]["message"].startswith(
            "Job was active longer than specified deadline; its pod never ran: ErrImagePull"
        )
        or "its pod never ran: ImagePullBackOff" in task["status"]["message"]
    )


def test_the_time_between_two_attempts_is_in_the_status(plain: Eyes) -> None:
    plain.kube.create(manifests.container("backoff", "exit 5"), plain.namespace)
    _make(plain, "backoff", "backoff", retries=1)
    waiting = plain.kube.until_one(
        "KeptnTask",
        plain.namespace,
        "backoff",
        lambda task: task.get("status", {}).get("reason") == "BackOff",
        "it says that Kubernetes waits",
    )
    words, _, due = waiting["status"]["message"].partition(" at about ")
    assert words == "attempt 1 of 2 failed with exit code 5; Kubernetes makes the next one"
    task = _over(plain, "backoff")
    assert (task["status"]["reason"], len(task["status"]["attempts"])) == ("BackoffLimitExceeded", 2)
    begun = task["status"]["attempts"][1]["startTime"]
    apart = _seconds(begun) - _seconds(due)
    assert -1 <= apart <= 4, f"the next attempt was to begin at {due}, and began at {begun}"


def _seconds(stamp: str) -> float:
    return time.mktime(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


def test_a_task_of_a_definition_in_holdfasts_own_namespace_runs_here(plain: Eyes) -> None:
    name = f"shared-{plain.namespace[-6:]}"
    plain.kube.create(manifests.python(name, SHOW), INSTALLATION)
    try:
        _make(plain, "shared", name)
        assert status(_over(plain, "shared")) == "Succeeded"
    finally:
        plain.kube.delete("KeptnTaskDefinition", INSTALLATION, name)


def test_nothing_of_a_task_runs_on_when_it_is_deleted(plain: Eyes) -> None:
    plain.kube.create(manifests.container("dropped", manifests.ENDLESS), plain.namespace)
    _make(plain, "dropped", "dropped")
    pod = _pod(plain, _begun(plain, "dropped"))["metadata"]["name"]
    plain.kube.until_one("Pod", plain.namespace, pod, is_running, "it runs")
    plain.kube.delete("KeptnTask", plain.namespace, "dropped")

    def gone(pods: list[Json]) -> bool:
        return pod not in {each["metadata"]["name"] for each in pods}

    plain.kube.until("Pod", plain.namespace, gone, "its pod is gone", labels=f"{LABEL}={LABEL_TASK}")
