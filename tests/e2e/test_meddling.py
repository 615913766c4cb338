"""People delete and change things in the middle of a rollout, and it still comes to its verdict."""

import hashlib

from app.api.wellknown import LABEL, LABEL_TASK
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_running, status


def test_our_objects_deleted_in_mid_check_are_made_again_and_the_pods_released(kube: Kube, eyes: Eyes) -> None:
    kube.create(manifests.container("check", "sleep 3"), eyes.namespace)
    waiters = ("one", "two", "three")
    kube.create_all(eyes.namespace, *[manifests.deployment(name, "check") for name in waiters])

    def all_run(tasks: list[Json]) -> dict[str, str] | None:
        running = [task for task in tasks if task.get("status", {}).get("jobName")]
        names = {task["spec"]["context"]["appName"]: task["metadata"]["name"] for task in running}
        return names if len(names) == len(waiters) else None

    tasks = kube.until("KeptnTask", eyes.namespace, all_run, "all three checks run")
    kube.delete("KeptnTask", eyes.namespace, tasks["one"])
    kube.delete("KeptnWorkloadVersion", eyes.namespace, "two-two-1.0")
    kube.delete("KeptnWorkload", eyes.namespace, "three-three")
    for name in waiters:
        eyes.released(name)


def test_a_restart_in_mid_check_joins_the_check_that_is_under_way(kube: Kube, kubectl: Kubectl, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, manifests.container("check", "sleep 5"), manifests.deployment("waiter", "check"))
    eyes.held("waiter")
    kubectl("-n", eyes.namespace, "rollout", "restart", "deployment/waiter")
    kubectl("-n", eyes.namespace, "rollout", "status", "deployment/waiter", "--timeout=40s")
    eyes.released("waiter")
    assert len(eyes.tasks("check")) == 1


def test_verdicts_outlive_the_revisions_that_they_were_made_for(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("check", "exit 0"),
        manifests.deployment("waiter", "check", "1", revisionHistoryLimit=0),
    )
    eyes.released("waiter")
    template = manifests.deployment("waiter", "check", "2")["spec"]["template"]
    kube.patch("Deployment", eyes.namespace, "waiter", {"spec": {"template": template}})
    kube.until("KeptnTask", eyes.namespace, lambda tasks: len(tasks) == 2, "a check of version 2")
    kube.until(
        "ReplicaSet",
        eyes.namespace,
        lambda sets: [s["spec"]["template"]["metadata"]["annotations"]["keptn.sh/version"] for s in sets] == ["2"],
        "the old ReplicaSet is gone",
    )
    versions = kube.all("KeptnWorkloadVersion", eyes.namespace)
    assert sorted(v["spec"]["version"] for v in versions) == ["1", "2"]
    assert {v["status"]["preDeploymentStatus"] for v in versions} == {"Succeeded"}
    assert [status(task) for task in kube.all("KeptnTask", eyes.namespace)] == ["Succeeded", "Succeeded"]


def test_what_a_deleted_deployment_left_behind_is_collected(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.python("check", "import time\ntime.sleep(60)\n"),
        manifests.deployment("waiter", "check"),
    )
    eyes.task("check", done=lambda task: task.get("status", {}).get("jobName"))
    kube.delete("Deployment", eyes.namespace, "waiter")
    for kind in ("Pod", "KeptnWorkload", "KeptnWorkloadVersion", "KeptnTask", "Job"):
        kube.until(kind, eyes.namespace, lambda left: not left, f"no {kind} is left")


def test_a_definition_edited_while_its_check_runs_counts_from_the_next_check_on(kube: Kube, eyes: Eyes) -> None:
    code = "import time\ntime.sleep(3)\nprint('before')\n"
    kube.create_all(eyes.namespace, manifests.python("check", code), manifests.deployment("waiter", "check"))
    task_pods = f"{LABEL}={LABEL_TASK}"
    kube.until("Pod", eyes.namespace, lambda pods: any(map(is_running, pods)), "its pod runs", labels=task_pods)
    fresh = {"spec": {"python": {"inline": {"code": "import sys\nsys.exit('after')\n"}}}}
    kube.patch("KeptnTaskDefinition", eyes.namespace, "check", fresh)
    (attempt,) = eyes.passed("check")["status"]["attempts"]
    assert attempt["lastLines"] == "before"
    assert attempt["codeDigest"] == f"sha256:{hashlib.sha256(code.encode()).hexdigest()[:16]}"
    kube.create(manifests.deployment("next", "check"), eyes.namespace)
    assert "after" in eyes.rollout_failed("next")
