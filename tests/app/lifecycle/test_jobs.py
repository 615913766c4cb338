from dataclasses import replace
from typing import Any

import pytest

from app.lifecycle import jobs
from app.lifecycle.functions import Container, Function, InlineCode, RemoteCode
from app.lifecycle.jobs import Mounted, Policy
from app.lifecycle.names import job_name
from tests.builders import DefinitionBuilder, TaskBuilder, definition, task

Json = dict[str, Any]

POLICY = Policy(
    images={"deno": "deno:1", "python": "python:1"},
    requests={"cpu": "50m", "memory": "64Mi"},
    limits={"cpu": "1", "memory": "256Mi"},
)
CONTEXT = {
    "workloadName": "waiter-waiter",
    "appName": "waiter",
    "workloadVersion": "0.4",
    "taskType": "pre",
    "objectType": "Workload",
}
TASK = task("pre-check-0123456789").spec(context=CONTEXT, retries=3, timeout="90s500ms")
CHECK = definition("check").spec(ttlSecondsAfterFinished=100)
CONTEXT_TEXT = (
    '{"workloadName":"waiter-waiter","appName":"waiter","appVersion":"","workloadVersion":"0.4","taskType":"pre",'
    '"objectType":"Workload"}'
)


def function(**more: Any) -> Function:
    base = Function("deno", InlineCode("shop", "check", "1"), {}, "", "")
    return replace(base, **more)


def job(
    what: Function | Container | None = None,
    of: TaskBuilder = TASK,
    by: DefinitionBuilder = CHECK,
    policy: Policy = POLICY,
    run: int = 1,
    failures: int = 0,
    mounted: Mounted | None = None,
) -> Json:
    what = what or function()
    if isinstance(what, Function) and not isinstance(what.code, RemoteCode):
        mounted = mounted or Mounted("keptnfn-check")
    return jobs.build(of.view, by.view, what, mounted, policy, run=run, failures=failures)


def pod_spec(*args: Any, **more: Any) -> Json:
    spec: Json = job(*args, **more)["spec"]["template"]["spec"]
    return spec


def container(*args: Any, **more: Any) -> Json:
    (only,) = pod_spec(*args, **more)["containers"]
    result: Json = only
    return result


class TestTheJob:
    def test_has_the_limits_of_task_and_definition(self) -> None:
        spec = job()["spec"]
        assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (3, 90, 100)

    def test_makes_again_what_the_cluster_ends_and_does_not_count_it(self) -> None:
        (rule,) = job()["spec"]["podFailurePolicy"]["rules"]
        assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        assert pod_spec()["restartPolicy"] == "Never"  # what a podFailurePolicy asks for

    def test_of_a_later_run_has_fewer_attempts_and_another_name(self) -> None:
        later = job(run=2, failures=2)
        assert later["spec"]["backoffLimit"] == 1
        assert later["metadata"]["name"] != job()["metadata"]["name"]
        assert later["metadata"]["name"] == job_name(TASK.name, TASK.uid, 2)

    def test_with_no_time_at_all_still_has_a_second(self) -> None:
        assert job(of=TASK.spec(timeout="10ms"))["spec"]["activeDeadlineSeconds"] == 1

    def test_belongs_to_its_task(self) -> None:
        (owner,) = job()["metadata"]["ownerReferences"]
        assert owner == {
            "apiVersion": "lifecycle.keptn.sh/v1",
            "kind": "KeptnTask",
            "name": TASK.name,
            "uid": TASK.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }

    def test_carries_the_tasks_marks_and_says_what_it_is_for(self) -> None:
        meta = job(of=TASK.labelled(team="x").marked("note", "n"))["metadata"]
        assert meta["labels"] == {"keptn.sh/team": "x", "keptn.sh/holdfast": "task"}
        assert meta["annotations"] == {
            "note": "n",
            "keptn.sh/app": "waiter",
            "keptn.sh/task-name": TASK.name,
            "keptn.sh/workload": "waiter-waiter",
            "keptn.sh/version": "0.4",
        }

    def test_of_an_app_says_the_apps_version(self) -> None:
        app = {"workloadName": "", "appName": "shop", "appVersion": "2.0", "workloadVersion": "", "objectType": "App"}
        annotations = job(of=task("t").spec(context=app))["metadata"]["annotations"]
        assert annotations["keptn.sh/version"] == "2.0"
        assert "keptn.sh/workload" not in annotations

    def test_has_pods_that_the_worker_sees_with_the_marks_of_the_task(self) -> None:
        meta = job(of=TASK.marked("note", "n"))["spec"]["template"]["metadata"]
        assert meta["labels"] == {"keptn.sh/holdfast": "task"}
        assert meta["annotations"] == {"note": "n"}

    def test_leaves_each_attempts_pod(self) -> None:
        assert pod_spec()["restartPolicy"] == "Never"


class TestIdentity:
    def test_is_none_unless_somebody_asked_for_one(self) -> None:
        spec = pod_spec()
        assert spec["automountServiceAccountToken"] is False
        assert "serviceAccountName" not in spec
        assert "imagePullSecrets" not in spec

    def test_of_a_service_account_comes_with_its_token(self) -> None:
        spec = pod_spec(by=CHECK.spec(serviceAccount={"name": "deployer"}))
        assert spec["serviceAccountName"] == "deployer"
        assert "automountServiceAccountToken" not in spec

    @pytest.mark.parametrize("mount", [True, False])
    def test_token_is_mounted_as_the_definition_says(self, mount: bool) -> None:
        by = CHECK.spec(serviceAccount={"name": "deployer"}, automountServiceAccountToken={"type": mount})
        assert pod_spec(by=by)["automountServiceAccountToken"] is mount

    def test_to_pull_images_is_handed_on(self) -> None:
        by = CHECK.spec(imagePullSecrets=[{"name": "a"}, {"name": "b"}])
        assert pod_spec(by=by)["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]


class TestScripts:
    def test_get_their_environment_in_keptns_order(self) -> None:
        env = container(function(parameters={"b": "2", "a": "1"}, secret="s", cmd_parameters="-O"))["env"]
        assert env == [
            {"name": "DATA", "value": '{"a":"1","b":"2"}'},
            {"name": "KEPTN_CONTEXT", "value": CONTEXT_TEXT},
            {"name": "CMD_ARGS", "value": "-O"},
            {"name": "SECURE_DATA", "valueFrom": {"secretKeyRef": {"name": "s", "key": "SECURE_DATA"}}},
            {"name": "SCRIPT", "value": "/var/data/function.ts"},
        ]

    @pytest.mark.parametrize(
        ("context", "text"),
        [
            (CONTEXT, CONTEXT_TEXT),
            (
                CONTEXT | {"metadata": {"traceparent": "00-1-2-01", "commit": "<a&b>"}},
                CONTEXT_TEXT[:-1] + r',"metadata":{"commit":"\u003ca\u0026b\u003e","traceparent":"00-1-2-01"}}',
            ),
            (
                {"appName": "shop", "appVersion": "2.0", "taskType": "promotion", "objectType": "App"},
                '{"workloadName":"","appName":"shop","appVersion":"2.0","workloadVersion":"","taskType":"promotion",'
                '"objectType":"App"}',
            ),
            (
                {"appName": "shop", "appVersion": "2.0", "workloadName": "db", "workloadVersion": "1", "taskType": ""},
                '{"workloadName":"db","appName":"shop","appVersion":"2.0","workloadVersion":"1","taskType":"",'
                '"objectType":""}',
            ),
            (
                {},
                '{"workloadName":"","appName":"","appVersion":"","workloadVersion":"","taskType":"","objectType":""}',
            ),
        ],
        ids=["workload", "metadata", "app", "manual", "nothing"],
    )
    def test_are_told_their_context_to_the_letter(self, context: Json, text: str) -> None:
        of = task("t").spec(context=context)
        assert container(of=of)["env"][0] == {"name": "KEPTN_CONTEXT", "value": text}
        assert container(own(image="i"), of)["env"] == [{"name": "KEPTN_CONTEXT", "value": text}]

    def test_without_parameters_and_secret_get_neither(self) -> None:
        assert [each["name"] for each in container()["env"]] == ["KEPTN_CONTEXT", "CMD_ARGS", "SCRIPT"]

    def test_take_parameters_and_secret_of_the_task_over_those_of_the_definition(self) -> None:
        of = TASK.spec(parameters={"map": {"a": "task"}}, secureParameters={"secret": "tasks"})
        env = container(function(parameters={"a": "1", "b": "2"}, secret="s"), of)["env"]
        assert env[0]["value"] == '{"a":"task","b":"2"}'
        assert env[3]["valueFrom"]["secretKeyRef"]["name"] == "tasks"

    @pytest.mark.parametrize(("runtime", "path"), [("deno", "function.ts"), ("python", "function.py")])
    def test_are_mounted_read_only(self, runtime: str, path: str) -> None:
        spec = pod_spec(function(runtime=runtime))
        (only,) = spec["containers"]
        assert only["name"] == "keptn-function-runner"
        assert (only["image"], only["imagePullPolicy"]) == (f"{runtime}:1", "IfNotPresent")
        assert not {"command", "args"} & only.keys()
        mount = {"name": "function-mount", "mountPath": f"/var/data/{path}", "subPath": "code", "readOnly": True}
        assert only["volumeMounts"] == [mount]
        assert spec["volumes"] == [{"name": "function-mount", "configMap": {"name": "keptnfn-check"}}]

    def test_from_elsewhere_are_fetched_by_the_pod(self) -> None:
        spec = pod_spec(function(code=RemoteCode("https://x/y.ts")))
        (only,) = spec["containers"]
        assert only["env"][-1] == {"name": "SCRIPT", "value": "https://x/y.ts"}
        assert "volumes" not in spec
        assert "volumeMounts" not in only

    def test_run_in_restricted_namespaces_and_under_quotas(self) -> None:
        spec = pod_spec()
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        (only,) = spec["containers"]
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert only["resources"] == {"requests": POLICY.requests, "limits": POLICY.limits}

    def test_run_as_the_images_user_where_the_platform_chooses(self) -> None:
        assert "runAsUser" not in pod_spec(policy=replace(POLICY, run_as_user=None))["securityContext"]


def own(**fields: Any) -> Container:
    return Container({"name": "check", "image": "i", **fields})


def context_of(value: Json) -> list[Json]:
    return [each for each in value["env"] if each["name"] == "KEPTN_CONTEXT"]


class TestContainers:
    def test_run_as_they_were_written(self) -> None:
        spec = pod_spec(own(command=["x"], resources={"limits": {"cpu": "1"}}, futureField=1))
        assert "securityContext" not in spec
        (only,) = spec["containers"]
        assert only.pop("env") == [{"name": "KEPTN_CONTEXT", "value": CONTEXT_TEXT}]
        assert only.pop("terminationMessagePolicy") == "FallbackToLogsOnError"
        assert only == own(command=["x"], resources={"limits": {"cpu": "1"}}, futureField=1).spec

    def test_find_the_context_where_they_put_it(self) -> None:
        env = [{"name": "A", "value": "1"}, {"name": "KEPTN_CONTEXT", "value": "mine"}, {"name": "B", "value": "2"}]
        made = container(own(env=env))
        assert [each["name"] for each in made["env"]] == ["A", "KEPTN_CONTEXT", "B"]
        assert context_of(made) == [{"name": "KEPTN_CONTEXT", "value": CONTEXT_TEXT}]
        assert env[1]["value"] == "mine"

    @pytest.mark.parametrize(
        "secret",
        [
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            {"envFrom": [{"secretRef": {"name": "s"}}]},
            {"terminationMessagePolicy": "File"},
        ],
    )
    def test_that_know_a_secret_do_not_have_their_output_kept(self, secret: Json) -> None:
        assert container(own(**secret)).get("terminationMessagePolicy") != "FallbackToLogsOnError"

    @pytest.mark.parametrize(
        ("limit", "size"),
        [(None, "1Gi"), ("1Gi", "512Mi"), ("100M", "50000000"), (67108864, "32Mi"), ("lots", "1Gi")],
    )
    def test_with_a_mount_get_a_volume_of_half_their_memory(self, limit: object, size: str) -> None:
        resources = {"resources": {"limits": {"memory": limit}}} if limit else {}
        spec = pod_spec(own(volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}], **resources))
        assert spec["volumes"] == [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]

    def test_without_a_mount_get_none(self) -> None:
        assert "volumes" not in pod_spec(own())

    def test_in_a_restricted_namespace_get_what_they_lack(self) -> None:
        spec = pod_spec(own(), policy=replace(POLICY, harden=True))
        assert spec["securityContext"]["runAsUser"] == 1000
        assert spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False

    def test_in_a_restricted_namespace_keep_what_they_say(self) -> None:
        given = {"runAsUser": 7, "readOnlyRootFilesystem": True, "capabilities": {"add": ["NET_BIND_SERVICE"]}}
        spec = pod_spec(own(securityContext=given), policy=replace(POLICY, harden=True))
        assert "runAsUser" not in spec["securityContext"]
        made = spec["containers"][0]["securityContext"]
        assert made["capabilities"] == {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
        assert made["readOnlyRootFilesystem"] is True
        assert given["capabilities"] == {"add": ["NET_BIND_SERVICE"]}

    @pytest.mark.parametrize(
        ("given", "requests", "limits"),
        [
            ({}, {"cpu": "50m", "memory": "64Mi"}, {"cpu": "1", "memory": "256Mi"}),
            ({"limits": {"cpu": "10m"}}, {"cpu": "10m", "memory": "64Mi"}, {"cpu": "10m", "memory": "256Mi"}),
            ({"requests": {"cpu": "4"}}, {"cpu": "4", "memory": "64Mi"}, {"cpu": "4", "memory": "256Mi"}),
            ({"requests": {"cpu": "10m"}}, {"cpu": "10m", "memory": "64Mi"}, {"cpu": "1", "memory": "256Mi"}),
            (
                {"requests": {"gpu": "1"}, "limits": {"gpu": "1"}},
                {"cpu": "50m", "memory": "64Mi", "gpu": "1"},
                {"cpu": "1", "memory": "256Mi", "gpu": "1"},
            ),
        ],
    )
    def test_under_a_quota_get_resources_that_go_together(self, given: Json, requests: Json, limits: Json) -> None:
        made = container(own(resources=given), policy=replace(POLICY, quota=True))
        assert made["resources"] == {"requests": requests, "limits": limits}


def test_a_dry_run_has_the_container_as_it_was_written() -> None:
    spec = own(volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}]).spec
    body = jobs.dry_run("d" * 60, "shop", spec)
    assert body["metadata"] == {"generateName": f"{'d' * 40}-", "namespace": "shop"}
    pod = body["spec"]["template"]["spec"]
    assert pod["containers"] == [spec]
    assert pod["volumes"][0]["name"] == "tmp"
