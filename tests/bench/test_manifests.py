from bench import manifests


def test_a_rollout_of_ours_asks_for_the_check_and_has_no_gate_of_its_own() -> None:
    template = manifests.deployment("one-01", check="one-second")["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "keptn.sh/pre-deployment-tasks": "one-second",
        "keptn.sh/version": "1",
        "keptn.sh/workload": "one-01",
    }
    assert "schedulingGates" not in template["spec"]


def test_an_app_is_named_only_when_asked_for() -> None:
    template = manifests.deployment("app-01", check="one-second", app="bench")["spec"]["template"]
    assert template["metadata"]["annotations"]["keptn.sh/app"] == "bench"


def test_a_rollout_of_the_floor_has_its_own_gate_and_nothing_that_holdfast_reads() -> None:
    template = manifests.deployment("bare-01")["spec"]["template"]
    assert template["spec"]["schedulingGates"] == [{"name": manifests.FLOOR_GATE}]
    assert template["metadata"]["annotations"] == {}


def test_both_sorts_run_the_same_pod_but_for_the_gate() -> None:
    ours = manifests.deployment("x", check="one-second")["spec"]["template"]["spec"]
    floor = manifests.deployment("x")["spec"]["template"]["spec"]
    floor.pop("schedulingGates")
    assert ours == floor


def test_the_floors_job_runs_the_same_but_belongs_to_nobody() -> None:
    original = {
        "metadata": {"name": "pre-one-second-1", "uid": "u", "ownerReferences": [{"kind": "KeptnTask"}]},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": 120,
            "ttlSecondsAfterFinished": 300,
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
            "template": {
                "metadata": {
                    "labels": {
                        "batch.kubernetes.io/controller-uid": "u",
                        "batch.kubernetes.io/job-name": "pre-one-second-1",
                        "controller-uid": "u",
                        "job-name": "pre-one-second-1",
                        "keptn.sh/holdfast": "task",
                        "team": "blue",
                    }
                },
                "spec": {"containers": [{"name": "check"}]},
            },
        },
    }
    job = manifests.same_job(original, "bare-01")
    assert job["metadata"] == {
        "name": "floor-bare-01",
        "annotations": {"keptn.sh/workload": "bare-01-bare-01"},
    }
    assert job["spec"] == {
        "backoffLimit": 0,
        "activeDeadlineSeconds": 120,
        "template": {"metadata": {"labels": {"team": "blue"}}, "spec": {"containers": [{"name": "check"}]}},
    }


def test_checks_for_afterwards_are_asked_for_beside_those_before() -> None:
    template = manifests.deployment("x", check="one-second", after="one-second", app="shop")["spec"]["template"]
    assert template["metadata"]["annotations"]["keptn.sh/post-deployment-tasks"] == "one-second"
    context = manifests.app_context("shop", "one-second")
    assert context["spec"] == {"preDeploymentTasks": ["one-second"], "postDeploymentTasks": ["one-second"]}


def test_a_pod_that_gets_ready_late_is_the_same_but_for_its_probe() -> None:
    body = manifests.deployment("x", check="one-second")
    late = manifests.gets_ready_late(body, 3)
    (container,) = late["spec"]["template"]["spec"]["containers"]
    assert container.pop("readinessProbe")["initialDelaySeconds"] == 3
    assert late == body


def test_a_job_of_an_apps_floor_is_marked_as_holdfasts_own() -> None:
    original = {
        "metadata": {"name": "pre-one-second-1"},
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 120, "template": {"spec": {"containers": []}}},
    }
    job = manifests.same_app_job(original, "shop", "shop-1", "post")
    assert job["metadata"]["name"] == "floor-post-shop-1"
    assert job["metadata"]["annotations"]["keptn.sh/workload"] == "shop-shop-1"
    assert job["metadata"]["annotations"]["keptn.sh/task-name"].startswith("post-")
    of_app = manifests.same_app_job(original, "shop", "", "pre")
    assert of_app["metadata"]["name"] == "floor-pre-shop"
    assert "keptn.sh/workload" not in of_app["metadata"]["annotations"]
