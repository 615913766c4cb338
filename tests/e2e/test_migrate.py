"""Taking over from Keptn v2: what is finished stays finished, what is under way goes on, what is held is judged."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from app.api.wellknown import GATE, LABEL, NAMESPACE_OPT_IN, RETRY
from app.cli import cli
from tests.e2e import keptns, manifests
from tests.e2e.keptns import APP_DEPLOYS, APP_DONE, DONE, PASSED, Keptn, app_status, item, version_status
from tests.e2e.kube.client import Kube
from tests.e2e.kube.recording import Recording
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_held, is_over, status
from tests.e2e.namespaces import Namespaces
from tests.e2e.outages import WORKER, without

KINDS = ("KeptnApp", "KeptnAppVersion", "KeptnWorkload", "KeptnWorkloadVersion", "KeptnTask")
FINISHED = ("done", "broken", "db", "restarted")


@dataclass(frozen=True)
class Before:
    """What there was when Keptn had gone and Holdfast had not come, and what `migrate --check` said of it."""

    objects: dict[tuple[str, str], Json]
    findings: list[Json]


@dataclass(frozen=True)
class World:
    eyes: Eyes
    before: Before
    jobs: Recording


def objects(kube: Kube, namespace: str) -> dict[tuple[str, str], Json]:
    return {(kind, each["metadata"]["name"]): each for kind in KINDS for each in kube.all(kind, namespace)}


def leave(keptn: Keptn) -> None:
    """One workload for each state that Keptn can leave one in."""
    finished = version_status("Completed", DONE, "Succeeded", item("check", "pre-check-10001", "Succeeded"))
    done = keptn.workload("done", ["check"], finished, APP_DONE, gated=False)
    ended = {"startTime": keptns.STAMP, "endTime": keptns.STAMP}
    keptn.task(done, "pre-check-10001", "check", {"status": "Succeeded", "jobName": "pre-check-10001-20001", **ended})

    # Its check failed, and Keptn let its pod go all the same.
    states = ("Failed", "Deprecated", "Deprecated", "Deprecated", "Deprecated")
    failed = version_status("WorkloadPreDeployTasks", states, "Failed", item("check", "pre-check-10002", "Failed"))
    app_failed = app_status("AppDeploy", (*PASSED, "Failed", "Deprecated", "Deprecated"), "Failed")
    broken = keptn.workload("broken", ["check"], failed, app_failed, gated=False)
    words = {"reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}
    verdict = {"status": "Failed", "jobName": "pre-check-10002-20002", **words, **ended}
    keptn.task(broken, "pre-check-10002", "check", verdict)

    # Keptn stopped between the pass and the gate.
    deploys = version_status(
        "WorkloadDeploy",
        (*PASSED, "Progressing", "Pending", "Pending"),
        "Progressing",
        item("check", "pre-check-10003", "Succeeded"),
        deploymentStartTime=keptns.STAMP,
    )
    passed = keptn.workload("passed", ["check"], deploys, APP_DEPLOYS, gated=True)
    keptn.task(passed, "pre-check-10003", "check", {"status": "Succeeded", "jobName": "pre-check-10003-20003", **ended})

    # Its check runs, in a Job of Keptn's.
    checks = version_status(
        "WorkloadPreDeployTasks",
        ("Progressing", "Pending", "Pending", "Pending", "Pending"),
        "Progressing",
        item("check", "pre-check-10004", "Progressing"),
    )
    runs = keptn.workload("runs", ["check"], checks, APP_DEPLOYS, gated=True, post=["after"])
    going = {"status": "Progressing", "jobName": "pre-check-10004-20004", "startTime": keptns.STAMP}
    keptn.job(keptn.task(runs, "pre-check-10004", "check", going), "pre-check-10004-20004", "sleep 20")

    # Its check ran in a Job that is gone, and nobody saw how it ended.
    lost = keptn.workload(
        "lost",
        ["check"],
        checks | {"preDeploymentTaskStatus": [item("check", "pre-check-10005", "Progressing")]},
        APP_DEPLOYS,
        gated=True,
    )
    keptn.task(lost, "pre-check-10005", "check", going | {"jobName": "pre-check-10005-20005"})

    # It waits for its app, which has only just begun.
    keptn.workload("waits", ["check"], {}, {}, gated=True)

    # It waits for its app, whose own check runs.
    asks = app_status(
        "AppPreDeployTasks",
        ("Progressing", "Pending", "Pending", "Pending", "Pending"),
        "Progressing",
        item("check", "pre-check-10006", "Progressing"),
    )
    app = keptn.app("member", asks, preDeploymentTasks=["check"])
    going = going | {"jobName": "pre-check-10006-20006"}
    keptn.job(keptn.task(app, "pre-check-10006", "check", going), "pre-check-10006-20006", "sleep 20")
    keptn.workload("member", ["check"], {}, {}, gated=True)

    # It was restarted later, which made another ReplicaSet of the same content.
    restarted = keptn.workload("restarted", ["check"], finished, APP_DONE, gated=False)
    keptn.task(
        restarted, "pre-check-10008", "check", {"status": "Succeeded", "jobName": "pre-check-10008-20008", **ended}
    )
    keptn.restart("restarted")

    # A StatefulSet's revision is in a ControllerRevision.
    listed = version_status("Completed", DONE, "Succeeded", item("check", "pre-check-10007", "Succeeded"))
    db = keptn.workload("db", ["check"], listed, APP_DONE, gated=False, kind="StatefulSet")
    keptn.task(db, "pre-check-10007", "check", {"status": "Succeeded", "jobName": "pre-check-10007-20007", **ended})


@pytest.fixture(scope="module")
def world(kube: Kube, namespaces: Namespaces, monkeypatch_module: pytest.MonkeyPatch) -> Iterator[World]:
    namespace = namespaces.new("migrate", annotations={})
    kube.create_all(namespace, manifests.container("check", "exit 0"), manifests.container("after", "exit 0"))
    with Recording(kube, "Job", namespace) as jobs:
        with without(kube, WORKER):
            leave(Keptn(kube, namespace))
            shown = CliRunner().invoke(cli, ["migrate", "--check", "--output", "json"])
            findings = [each for each in json.loads(shown.stdout)["findings"] if f" {namespace}/" in each["about"]]
            before = Before(objects(kube, namespace), findings)
            kube.patch("Namespace", "", namespace, {"metadata": {"annotations": {NAMESPACE_OPT_IN: "enabled"}}})
        yield World(Eyes(kube, namespace), before, jobs)


@pytest.fixture(scope="module")
def monkeypatch_module(kubeconfig: Any) -> Iterator[pytest.MonkeyPatch]:
    """`holdfast` finds the cluster of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        yield patch


def jobs_of(world: World, task: str) -> list[str]:
    return [name for name in world.jobs.made if name.startswith(task)]


def ended(world: World, name: str) -> Json:
    """A workload's version once it is Succeeded."""
    return world.eyes.kube.until_one(
        "KeptnWorkloadVersion",
        world.eyes.namespace,
        f"{name}-{name}-1.0",
        lambda each: status(each) == "Succeeded",
        "it is Succeeded",
        seconds=60,
    )


def said(world: World, about: str) -> str:
    (found,) = (each["what"] for each in world.before.findings if each["about"] == about)
    return str(found)


def test_migrate_check_says_what_will_become_of_each(world: World) -> None:
    ns = world.eyes.namespace
    pods = {
        pod["metadata"]["labels"]["app"]: pod["metadata"]["name"]
        for pod in world.eyes.kube.all("Pod", ns, labels="app")
    }
    assert "has passed: its gate will be opened" in said(world, f"Pod {ns}/{pods['passed']}")
    assert "goes on from WorkloadPreDeployTasks" in said(world, f"Pod {ns}/{pods['runs']}")
    assert "goes on from the beginning" in said(world, f"Pod {ns}/{pods['waits']}")
    assert "which goes on" in said(world, f"KeptnTask {ns}/pre-check-10004")
    assert "counts as a failed attempt" in said(world, f"KeptnTask {ns}/pre-check-10005")
    assert f"Pod {ns}/{pods['done']}" not in {each["about"] for each in world.before.findings}


def test_a_recorded_pass_opens_the_gate_and_nothing_runs_again(world: World) -> None:
    world.eyes.released("passed")
    assert ended(world, "passed")["status"]["preDeploymentTaskStatus"] == [
        item("check", "pre-check-10003", "Succeeded")
    ]
    assert jobs_of(world, "pre-check-10003") == []
    assert len([each for each in world.eyes.tasks("check") if owner(each) == "passed-passed-1.0"]) == 1


def owner(thing: Json) -> str:
    return str(thing["metadata"]["ownerReferences"][0]["name"])


def test_a_check_that_runs_goes_on_in_its_own_job(world: World) -> None:
    world.eyes.released("runs", seconds=90)
    task = world.eyes.kube.get("KeptnTask", world.eyes.namespace, "pre-check-10004")
    assert (status(task), task["status"]["jobName"]) == ("Succeeded", "pre-check-10004-20004")
    assert jobs_of(world, "pre-check-10004") == ["pre-check-10004-20004"]
    assert len([each for each in world.eyes.tasks("check") if owner(each) == "runs-runs-1.0"]) == 1
    done = ended(world, "runs")  # and after it, what comes after the deployment
    assert [each["status"] for each in done["status"]["postDeploymentTaskStatus"]] == ["Succeeded"]


def test_a_check_whose_end_nobody_saw_is_tried_again(world: World) -> None:
    world.eyes.released("lost", seconds=60)
    task = world.eyes.kube.get("KeptnTask", world.eyes.namespace, "pre-check-10005")
    assert [attempt["status"] for attempt in task["status"]["attempts"]] == ["Failed", "Succeeded"]
    assert len(jobs_of(world, "pre-check-10005")) == 1


def test_what_had_not_begun_begins(world: World) -> None:
    world.eyes.released("waits", seconds=60)
    ended(world, "waits")
    (task,) = (each for each in world.eyes.tasks("check") if owner(each) == "waits-waits-1.0")
    assert is_over(task)


def test_an_apps_check_that_runs_goes_on_in_its_own_job(world: World) -> None:
    world.eyes.released("member", seconds=90)
    ended(world, "member")
    app = world.eyes.kube.get("KeptnAppVersion", world.eyes.namespace, "member-1.0-6b86b273")
    (line,) = app["status"]["preDeploymentTaskStatus"]
    assert (line["name"], line["status"]) == ("pre-check-10006", "Succeeded")
    assert jobs_of(world, "pre-check-10006") == ["pre-check-10006-20006"]


def test_finished_things_stay_as_they_are(world: World) -> None:
    for name in ("passed", "waits"):
        ended(world, name)  # the worker has been through all of them
    now = objects(world.eyes.kube, world.eyes.namespace)
    for (kind, name), was in world.before.objects.items():
        assert (kind, name) in now, f"{kind} {name} is gone"
        assert now[kind, name]["metadata"]["uid"] == was["metadata"]["uid"]
        if name.startswith((*FINISHED, "pre-check-10001", "pre-check-10002", "pre-check-10007")):
            assert now[kind, name]["status"] == was["status"], f"{kind} {name}"
            assert now[kind, name]["spec"] == was["spec"], f"{kind} {name}"
    assert jobs_of(world, "pre-check-10001") == jobs_of(world, "pre-check-10002") == []
    assert {key for key in now if key[1].startswith(FINISHED)} == {
        key for key in world.before.objects if key[1].startswith(FINISHED)
    }


@pytest.mark.parametrize(
    ("kind", "name", "task"),
    [
        ("Deployment", "done", "pre-check-10001"),
        ("Deployment", "restarted", "pre-check-10008"),
        ("StatefulSet", "db", "pre-check-10007"),
    ],
)
def test_a_further_pod_of_what_has_passed_runs_without_another_check(
    kind: str, name: str, task: str, world: World
) -> None:
    world.eyes.kube.patch(kind, world.eyes.namespace, name, {"spec": {"replicas": 2}})
    world.eyes.running(name, 2)
    assert [owner(each) for each in world.eyes.tasks("check")].count(f"{name}-{name}-1.0") == 1
    assert jobs_of(world, task) == []


def test_a_further_pod_of_what_has_failed_is_held_until_it_is_tried_again(world: World) -> None:
    kube, namespace = world.eyes.kube, world.eyes.namespace
    kube.patch("Deployment", namespace, "broken", {"spec": {"replicas": 2}})
    (pod,) = world.eyes.held("broken")
    assert pod["metadata"]["labels"][LABEL] == "held"
    world.eyes.rollout_failed("broken")
    assert is_held(kube.get("Pod", namespace, pod["metadata"]["name"]))
    kube.patch("Deployment", namespace, "broken", {"metadata": {"annotations": {RETRY: "again"}}})
    world.eyes.running("broken", 2, seconds=60)
    assert GATE not in json.dumps(kube.get("Pod", namespace, pod["metadata"]["name"])["spec"])
