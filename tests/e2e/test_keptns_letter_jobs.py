"""KeptnTasks and Jobs to Keptn's letter: what automation compares literally.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 3.1, 3.8: names, owners and context of tasks -> test_the_tasks_of_a_workload
- 3.8, 4 [T]: retries, timeout `5m0s`, ttl, account, token, pull secrets -> test_what_the_definition_asks_for...
- 4 [T]: the owner of a Job, its annotations -> test_a_job_belongs_to_its_task
- 4.1 [T]: env in order, KEPTN_CONTEXT and DATA to the letter, name, mount -> test_the_container_of_a_script
- 4.2 [T]: DATA of a functionRef: {"data":"mydata","other":"data",...} -> test_a_function_reference
- 4.3: the container as it is written, and KEPTN_CONTEXT behind -> test_a_container_as_it_is_written
- 3.9 [T]: BackoffLimitExceeded and DeadlineExceeded with Kubernetes' words -> test_what_a_failed_job_says
- 3.9 [T]: tasks by hand, in any namespace, with their own retries -> test_a_task_by_hand, ..._in_full, ..._of_old
- 3.10: keptnfn-<name> with the code, and the definition's status -> test_inline_code_is_in_a_config_map

Different on purpose (docs/differences-from-keptn.md): restartPolicy Never, so that each attempt keeps its log; a Memory
volume of 1Gi, where Keptn's is one byte; `function` is read as `deno`; hex digits at the ends of names.
"""

import pytest

from tests.e2e.kube.resources import Json
from tests.e2e.letters import PATIENCE, Letter, Letters
from tests.e2e.looks import last_lines, status

CONTEXT = (
    '{"workloadName":"waiter-waiter","appName":"waiter","appVersion":"","workloadVersion":"0.4",'
    '"taskType":"pre","objectType":"Workload"}'
)
BY_HAND = (
    '{"workloadName":"my-workload","appName":"my-app","appVersion":"1.0.0","workloadVersion":"1.0.0",'
    '"taskType":"%s","objectType":"%s"}'
)
EMPTY = '{"workloadName":"","appName":"","appVersion":"","workloadVersion":"","taskType":"","objectType":""}'
SECRET = {"name": "SECURE_DATA", "valueFrom": {"secretKeyRef": {"key": "SECURE_DATA", "name": "my-secret"}}}


@pytest.fixture(scope="module", autouse=True)
def applied(letters: Letters) -> Letters:
    letters.new("jobs", "asks-for-jobs", "jobs", "checks")
    # Nobody has opted this one in: what is done by hand needs no annotation.
    letters.new("by-hand", "by-hand", "jobs", "checks", annotations={})
    return letters


@pytest.fixture
def letter(applied: Letters) -> Letter:
    return applied["jobs"]


@pytest.fixture
def plain(applied: Letters) -> Letter:
    return applied["by-hand"]


def task(letter: Letter, definition: str, check: str = "pre") -> Json:
    """The version's one task of a definition, over."""
    found = letter.task(definition, seconds=PATIENCE)
    assert found["metadata"]["name"].startswith(f"{check}-{definition}-")
    return found


def container(job: Json) -> Json:
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_the_tasks_of_a_workload(letter: Letter) -> None:
    for definition in ("all-of-it", "child", "of-old", "in-python", "in-a-container"):
        name = letter.job_of(f"pre-{definition}-")["metadata"]["annotations"]["keptn.sh/task-name"]
        letter.has(
            "KeptnTask",
            name,
            f"""
            metadata:
              ownerReferences:
                - {{apiVersion: lifecycle.keptn.sh/v1, kind: KeptnWorkloadVersion, name: waiter-waiter-0.4,
                   controller: true, blockOwnerDeletion: true}}
            spec:
              taskDefinition: {definition}
              checkType: pre
              context: {{appName: waiter, appVersion: "", objectType: Workload, taskType: pre,
                         workloadName: waiter-waiter, workloadVersion: "0.4"}}
            status: {{status: Succeeded}}
            """,
        )


def test_what_the_definition_asks_for_reaches_task_and_job(letter: Letter) -> None:
    found = task(letter, "all-of-it")
    assert (found["spec"]["retries"], found["spec"]["timeout"]) == (2, "5m0s")
    assert found["metadata"]["labels"]["team"] == "payments"
    letter.has(
        "Job",
        found["status"]["jobName"],
        """
        metadata: {labels: {team: payments}}
        spec:
          backoffLimit: 2
          activeDeadlineSeconds: 300
          ttlSecondsAfterFinished: 100
          template:
            metadata: {labels: {team: payments}}
            spec:
              restartPolicy: Never
              serviceAccountName: my-service-account
              automountServiceAccountToken: false
              imagePullSecrets: [{name: my-registry}]
        """,
    )


def test_a_definition_that_says_nothing_has_the_defaults(letter: Letter) -> None:
    found = task(letter, "in-python")
    assert (found["spec"]["retries"], found["spec"]["timeout"]) == (10, "5m0s")
    spec = letter.job(found)["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (10, 300, 300)
    pod = spec["template"]["spec"]
    assert not {"serviceAccountName", "imagePullSecrets"} & pod.keys()


def test_a_job_belongs_to_its_task_and_says_for_what_it_runs(letter: Letter) -> None:
    found = task(letter, "child")
    meta = letter.job(found)["metadata"]
    assert meta["name"].startswith(found["metadata"]["name"])
    assert meta["ownerReferences"] == [
        {
            "apiVersion": "lifecycle.keptn.sh/v1",
            "kind": "KeptnTask",
            "name": found["metadata"]["name"],
            "uid": found["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    assert {key: value for key, value in meta["annotations"].items() if key.startswith("keptn.sh/")} == {
        "keptn.sh/app": "waiter",
        "keptn.sh/task-name": found["metadata"]["name"],
        "keptn.sh/version": "0.4",
        "keptn.sh/workload": "waiter-waiter",
    }


def test_the_container_of_a_script(letter: Letter) -> None:
    script = "/var/data/function.ts"
    job = letter.job(task(letter, "all-of-it"))
    found = container(job)
    assert (found["name"], found["imagePullPolicy"]) == ("keptn-function-runner", "IfNotPresent")
    assert found["env"] == [
        {"name": "DATA", "value": '{"data":"mydata","user":"myuser"}'},
        {"name": "KEPTN_CONTEXT", "value": CONTEXT},
        {"name": "CMD_ARGS", "value": "--quiet"},
        SECRET,
        {"name": "SCRIPT", "value": script},
    ]
    assert found["volumeMounts"] == [
        {"mountPath": script, "name": "function-mount", "readOnly": True, "subPath": "code"}
    ]
    assert job["spec"]["template"]["spec"]["volumes"] == [
        {"configMap": {"defaultMode": 420, "name": "keptnfn-all-of-it"}, "name": "function-mount"}
    ]
    plain = container(letter.job(task(letter, "in-python")))
    assert plain["env"] == [
        {"name": "KEPTN_CONTEXT", "value": CONTEXT},
        {"name": "CMD_ARGS"},
        {"name": "SCRIPT", "value": "/var/data/function.py"},
    ]


def test_a_function_reference(letter: Letter) -> None:
    found = task(letter, "child")
    env = container(letter.job(found))["env"]
    data = '{"data":"mydata","other":"data","user":"myuser"}'
    assert env[0] == {"name": "DATA", "value": data}
    assert [each["name"] for each in env] == ["DATA", "KEPTN_CONTEXT", "CMD_ARGS", "SCRIPT"]
    assert last_lines(found) == data


def test_a_container_as_it_is_written(letter: Letter) -> None:
    job = letter.job(task(letter, "in-a-container"))
    found = container(job)
    assert found["name"] == "testy-test"
    assert found["args"] == ["echo $KEPTN_CONTEXT > /cache/context"]
    assert found["env"] == [{"name": "MINE", "value": "1"}, {"name": "KEPTN_CONTEXT", "value": CONTEXT}]
    assert job["spec"]["template"]["spec"]["volumes"] == [
        {"name": "logger", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}
    ]


def test_inline_code_is_in_a_config_map(letter: Letter) -> None:
    task(letter, "all-of-it")
    made = letter.get("ConfigMap", "keptnfn-all-of-it")
    assert made["data"] == {"code": 'console.log(Deno.env.get("DATA"));\n'}
    letter.has("KeptnTaskDefinition", "all-of-it", "status: {function: {configMap: keptnfn-all-of-it}}")
    letter.has("KeptnTaskDefinition", "in-python", "status: {function: {configMap: my-code}}")


def test_what_a_failed_job_says(letter: Letter, plain: Letter) -> None:
    late = task(letter, "deadline", "post")
    assert status(late) == "Failed"
    assert late["status"]["reason"] == "DeadlineExceeded"
    assert late["status"]["message"] == "Job was active longer than specified deadline"
    plain.has(
        "KeptnTask",
        "by-hand",
        """
        spec: {taskDefinition: fail, retries: 0, timeout: 3m}
        status: {status: Failed, reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}
        """,
    )


def test_a_task_by_hand_has_its_own_retries_and_timeout(plain: Letter) -> None:
    job = plain.job_of("by-hand-")
    found = plain.get("KeptnTask", "by-hand")
    job = plain.job(found)
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (0, 180)
    assert container(job)["env"] == [{"name": "KEPTN_CONTEXT", "value": EMPTY}]


def test_a_task_by_hand_in_full(plain: Letter) -> None:
    found = plain.has("KeptnTask", "by-hand-in-full", "status: {status: Succeeded}")
    job = plain.job(found)
    assert found["status"]["jobName"] == job["metadata"]["name"]
    assert (job["spec"]["backoffLimit"], job["spec"]["ttlSecondsAfterFinished"]) == (10, 100)
    assert container(job)["env"] == [
        {"name": "DATA", "value": '{"data":"mydata","more":"5","user":"myuser"}'},
        {"name": "KEPTN_CONTEXT", "value": BY_HAND % ("pre", "Workload")},
        {"name": "CMD_ARGS", "value": "--quiet"},
        SECRET,
        {"name": "SCRIPT", "value": "/var/data/function.ts"},
    ]


def test_a_task_by_hand_of_old(plain: Letter) -> None:
    found = plain.has("KeptnTask", "by-hand-of-old", "status: {status: Succeeded}")
    env = container(plain.job(found))["env"]
    assert env[0] == {"name": "KEPTN_CONTEXT", "value": BY_HAND % ("", "")}
