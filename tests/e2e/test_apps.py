"""Workloads that belong together: their app is found, checked before and after them, and checked again when asked."""

import json
import time
from collections.abc import Callable

import pytest

from app.lifecycle.names import app_version_name
from tests.e2e import manifests
from tests.e2e.kube.client import MERGE, Kube
from tests.e2e.kube.kubectl import Kubectl, documents
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition, is_held, status

PASS, FAIL = "exit 0", "echo no; exit 1"
CART_AND_PAY = "121092757b"  # of shop-cart 1.0 and shop-pay 2.0


def part(name: str, version: str = "1.0", tasks: str = "", *, app: str = "shop") -> Json:
    """A Deployment of an app."""
    return manifests.workload("Deployment", name, manifests.keys(name, tasks, version, app=app))


def version(kube: Kube, eyes: Eyes, name: str, state: str = "Succeeded", *, seconds: float = 60) -> Json:
    """The KeptnAppVersion of that name once it is in `state`."""
    return kube.until_one(
        "KeptnAppVersion", eyes.namespace, name, lambda each: status(each) == state, f"it is {state}", seconds=seconds
    )


def apply(kubectl: Kubectl, eyes: Eyes, *bodies: Json) -> None:
    kubectl("-n", eyes.namespace, "apply", "-f", "-", stdin=documents(*bodies))


def stays(eyes: Eyes, workload: str, seconds: float = 4.0) -> list[Json]:
    """The pods of a workload that is held, and still is so much later."""
    eyes.held(workload)
    time.sleep(seconds)
    pods = eyes.pods(workload)
    assert all(is_held(pod) for pod in pods), f"{workload} was let go"
    return pods


def has_passed(task: Json) -> bool:
    return status(task) == "Succeeded"


def test_a_workload_without_an_app_is_one(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, manifests.deployment("waiter", version="0.4"))
    eyes.released("waiter")
    done = version(kube, eyes, "waiter-0.4-6b86b273")
    assert done["spec"] == {
        "appName": "waiter",
        "version": "0.4",
        "revision": 1,
        "workloads": [{"name": "waiter", "version": "0.4"}],
    }
    found = kube.get("KeptnApp", eyes.namespace, "waiter")
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "keptn"}
    assert found["metadata"]["annotations"]["keptn.sh/app-type"] == "single-service"
    assert found["status"] == {"currentVersion": "0.4"}
    (owner,) = done["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("KeptnApp", "waiter", True)
    of_workload = kube.until_one(
        "KeptnWorkloadVersion", eyes.namespace, "waiter-waiter-0.4", has_passed, "it has succeeded"
    )
    for each in (done, of_workload):
        assert each["status"]["currentPhase"] == "Completed"
        assert condition(each, "Ready")["status"] == "True"
    assert done["status"]["workloadStatus"] == [
        {"workload": {"name": "waiter", "version": "0.4"}, "status": "Succeeded"}
    ]


ORDERS: list[Callable[[list[Json], Json], list[Json]]] = [
    lambda parts, context: [context, *parts],
    lambda parts, context: [*parts, context],
]


@pytest.mark.parametrize("order", ORDERS, ids=["the context first", "the context last"])
def test_three_services_and_their_context_in_one_apply(
    kube: Kube, kubectl: Kubectl, eyes: Eyes, order: Callable[[list[Json], Json], list[Json]]
) -> None:
    context = manifests.app_context(
        "shop", preDeploymentTasks=["before"], postDeploymentTasks=["after"], metadata={"team": "payments"}
    )
    parts = [part("pay", "2.0", "own"), part("cart", "1.0", "own"), part("web", "3.0")]
    checks = [manifests.container(name, PASS) for name in ("before", "own", "after")]
    apply(kubectl, eyes, *checks, *order(parts, context))
    for name in ("cart", "pay", "web"):
        eyes.released(name)
    app = kube.get("KeptnApp", eyes.namespace, "shop")
    assert app["spec"]["workloads"] == [
        {"name": "cart", "version": "1.0"},
        {"name": "pay", "version": "2.0"},
        {"name": "web", "version": "3.0"},
    ]
    name = app_version_name("shop", app["spec"]["version"], app["metadata"]["generation"])
    done = version(kube, eyes, name)
    assert done["spec"]["preDeploymentTasks"] == ["before"]
    assert [item["status"] for item in done["status"]["postDeploymentTaskStatus"]] == ["Succeeded"]
    (before,), (after,), own = eyes.tasks("before"), eyes.tasks("after"), eyes.tasks("own")
    assert len(own) == 2
    before["spec"]["context"]["metadata"].pop("traceparent", None)  # there if another test has switched traces on
    assert before["spec"]["context"] == {
        "workloadName": "",
        "appName": "shop",
        "appVersion": app["spec"]["version"],
        "workloadVersion": "",
        "taskType": "pre",
        "objectType": "App",
        "metadata": {"team": "payments"},
    }
    assert after["spec"]["context"]["taskType"] == "post"
    released = [pod["status"]["startTime"] for each in ("cart", "pay", "web") for pod in eyes.pods(each)]
    assert before["status"]["endTime"] <= min(released)
    assert max(released) <= after["status"]["startTime"]


def test_the_version_of_an_app_of_several_is_keptns(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, part("cart", "1.0"), part("pay", "2.0"))
    eyes.released("cart")
    eyes.released("pay")
    done = version(kube, eyes, f"shop-{CART_AND_PAY}-6b86b273")
    assert done["spec"]["version"] == CART_AND_PAY
    assert "keptn.sh/app-type" not in kube.get("KeptnApp", eyes.namespace, "shop")["metadata"]["annotations"]


def test_a_check_of_the_app_that_fails_holds_all_until_its_next_revision(
    kube: Kube, kubectl: Kubectl, eyes: Eyes
) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("before", FAIL),
        manifests.app_context("shop", preDeploymentTasks=["before"]),
        part("cart", "1.0"),
        part("pay", "2.0"),
    )
    failed = version(kube, eyes, f"shop-{CART_AND_PAY}-6b86b273", "Failed")
    assert failed["status"]["preDeploymentStatus"] == "Failed"
    assert failed["status"]["workloadOverallStatus"] == failed["status"]["postDeploymentStatus"] == "Deprecated"
    assert failed["status"]["currentPhase"] == "AppPreDeployTasks"
    stays(eyes, "cart")
    stays(eyes, "pay", 0)
    message = eyes.rollout_failed("cart")
    command = f"kubectl -n {eyes.namespace} patch keptnapp shop --type merge -p "
    assert command in message
    fixed: Json = manifests.container("before", PASS)["spec"]
    kube.patch("KeptnTaskDefinition", eyes.namespace, "before", {"spec": fixed})
    wanted = message.partition(command)[2].split("'")[1]
    assert json.loads(wanted) == {"spec": {"revision": 2}}
    kubectl("-n", eyes.namespace, "patch", "keptnapp", "shop", "--type", "merge", "-p", wanted)
    eyes.released("cart")
    eyes.released("pay")
    version(kube, eyes, f"shop-{CART_AND_PAY}-d4735e3a")
    old = kube.get("KeptnAppVersion", eyes.namespace, f"shop-{CART_AND_PAY}-6b86b273")["status"]
    assert old["status"] == old["preDeploymentStatus"] == old["promotionStatus"] == "Deprecated"
    assert old["currentPhase"] == "AppPreDeployTasks"


def test_a_finished_app_runs_all_of_its_checks_again_with_its_next_revision(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("before", PASS),
        manifests.app_context("waiter", preDeploymentTasks=["before"]),
        manifests.app("waiter", "0.4", waiter="0.4"),
        part("waiter", "0.4", app="waiter"),
    )
    version(kube, eyes, "waiter-0.4-6b86b273")
    kube.patch("KeptnApp", eyes.namespace, "waiter", {"spec": {"revision": 2}}, content=MERGE)
    again = version(kube, eyes, "waiter-0.4-d4735e3a")
    assert "previousVersion" not in again["spec"]
    old = version(kube, eyes, "waiter-0.4-6b86b273", "Deprecated")["status"]
    assert old["currentPhase"] == "Completed"
    assert len(eyes.tasks("before")) == 2
    assert len(kube.all("KeptnWorkloadVersion", eyes.namespace)) == 1


def test_another_version_takes_over_from_one_that_runs(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("before", "sleep 50"),
        manifests.app_context("shop", preDeploymentTasks=["before"]),
        part("cart", "1.0"),
    )
    eyes.task("before", done=lambda task: status(task) == "Progressing")
    kube.patch("KeptnTaskDefinition", eyes.namespace, "before", {"spec": manifests.container("before", PASS)["spec"]})
    fresh = part("cart", "1.1")["spec"]["template"]
    kube.patch("Deployment", eyes.namespace, "cart", {"spec": {"template": fresh}})
    version(kube, eyes, "shop-1.1-d4735e3a", seconds=30)
    old = kube.get("KeptnAppVersion", eyes.namespace, "shop-1.0-6b86b273")
    assert status(old) == "Failed"
    assert old["status"]["preDeploymentStatus"] == "Deprecated"
    assert old["status"]["endTime"]
    assert condition(old, "Ready")["reason"] == "Superseded"
    assert kube.get("KeptnAppVersion", eyes.namespace, "shop-1.1-d4735e3a")["spec"]["previousVersion"] == "1.0"
    kube.until(
        "KeptnTask",
        eyes.namespace,
        lambda tasks: sorted(map(status, tasks)) == ["Failed", "Succeeded"],
        "the task of the one that was overtaken has ended",
        seconds=15,
    )


def test_an_app_that_a_person_wrote_is_not_touched_and_says_what_is_missing(kube: Kube, eyes: Eyes) -> None:
    written = manifests.app("shop", "2024-05", cart="0.9")
    kube.create_all(eyes.namespace, written, part("cart", "1.0"))
    pods = stays(eyes, "cart")
    assert kube.get("KeptnApp", eyes.namespace, "shop")["spec"] == written["spec"] | {"revision": 1}
    words = 'Write {name: cart, version: "1.0"} into its spec.workloads.'
    eyes.event("Pod", pods[0]["metadata"]["name"], lambda event: words in event["message"], "it says what to write")
    listed: Json = manifests.app("shop", "2024-05", cart="1.0")["spec"]
    kube.patch("KeptnApp", eyes.namespace, "shop", {"spec": listed})
    eyes.released("cart")
    version(kube, eyes, "shop-2024-05-d4735e3a")


def test_an_edit_of_the_context_reaches_the_phase_that_has_not_begun(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("before", "sleep 8"),
        manifests.container("after", PASS),
        manifests.app_context("shop", preDeploymentTasks=["before"]),
        part("cart", "1.0"),
    )
    eyes.task("before", done=lambda task: status(task) == "Progressing")
    edit = {"spec": {"preDeploymentTasks": ["not-there"], "postDeploymentTasks": ["after"]}}
    kube.patch("KeptnAppContext", eyes.namespace, "shop", edit)
    done = version(kube, eyes, "shop-1.0-6b86b273")
    assert done["spec"]["preDeploymentTasks"] == ["before"]
    eyes.passed("after")


def test_new_content_of_the_same_version_has_its_app_checked_again(kube: Kube, eyes: Eyes) -> None:
    kube.create_all(
        eyes.namespace,
        manifests.container("before", PASS),
        manifests.app_context("shop", preDeploymentTasks=["before"]),
        part("cart", "1.0", "before"),
    )
    version(kube, eyes, "shop-1.0-6b86b273")
    time.sleep(1)
    fresh = part("cart", "1.0", "before")["spec"]["template"]
    fresh["spec"]["containers"][0]["env"] = [{"name": "NEW", "value": "1"}]
    kube.patch("Deployment", eyes.namespace, "cart", {"spec": {"template": fresh}})
    version(kube, eyes, "shop-1.0-d4735e3a")
    assert kube.get("KeptnApp", eyes.namespace, "shop")["spec"]["revision"] == 2
    assert len(eyes.tasks("before")) == 4  # each twice: the app's and the workload's


def test_a_rollback_to_what_has_passed_takes_the_app_back(kube: Kube, kubectl: Kubectl, eyes: Eyes) -> None:
    kube.create_all(eyes.namespace, manifests.container("bad", FAIL), part("cart", "1.0"), part("pay", "2.0"))
    version(kube, eyes, f"shop-{CART_AND_PAY}-6b86b273")
    fresh = part("cart", "1.1", "bad")["spec"]["template"]
    kube.patch("Deployment", eyes.namespace, "cart", {"spec": {"template": fresh}})
    eyes.rollout_failed("cart")
    kubectl("-n", eyes.namespace, "rollout", "undo", "deployment/cart")
    version(kube, eyes, f"shop-{CART_AND_PAY}-4e074085", seconds=30)
    refs = kube.get("KeptnApp", eyes.namespace, "shop")["spec"]["workloads"]
    assert refs == [{"name": "cart", "version": "1.0"}, {"name": "pay", "version": "2.0"}]
    assert kube.get("KeptnWorkload", eyes.namespace, "shop-cart")["spec"]["version"] == "1.0"
    assert [is_held(pod) for pod in eyes.running("cart")] == [False]


def test_a_request_that_keptn_left_is_answered(kube: Kube, eyes: Eyes) -> None:
    request: Json = {
        "apiVersion": "lifecycle.keptn.sh/v1",
        "kind": "KeptnAppCreationRequest",
        "metadata": {"name": "shop"},
        "spec": {"appName": "shop"},
    }
    kube.create_all(eyes.namespace, request, part("cart", "1.0"))
    eyes.released("cart")
    kube.until("KeptnAppCreationRequest", eyes.namespace, lambda there: not there, "it is deleted", seconds=10)
    version(kube, eyes, "shop-1.0-6b86b273")
