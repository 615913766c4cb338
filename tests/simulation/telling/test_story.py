"""Words for what happens to an object."""

from typing import Any

import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from tests import builders
from tests.builders import Builder
from tests.simulation import world
from tests.simulation.apiserver.server import NODES
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import Check, Template, Workload, namespace
from tests.simulation.telling.story import describe

WEB = Workload("web", replicas=2, template=Template("shop/web:1", "1.0", ("check-database",)))
POD = builders.pod("web-1-abcde").owned_by(builders.replica_set("web-1"))
CHECK_POD = builders.pod("pre-check-1-xyz").of_task()
JOB = builders.job("pre-check-1").owned_by(builders.task("pre-check"))
TASK = builders.task("pre-check").owned_by(builders.version("web-web-1.0")).status("Progressing", jobName="pre-check-1")
VERSION = builders.version("web-web-1.0").owned_by(builders.workload("web-web"))
DEPLOYMENT = builders.deployment("web")
REPLICA_SET = builders.replica_set("web-1").owned_by(DEPLOYMENT).changed({"spec": {"replicas": 1}})
ENABLED: Json = {"metadata": {"labels": {wellknown.LABEL: "enabled"}}}


def _raw(body: "Builder[Any] | Json | None") -> Json | None:
    return body.raw if isinstance(body, Builder) else body


def _said(
    resource: Resource, old: "Builder[Any] | Json | None", new: "Builder[Any] | Json | None", by: str = "worker-1"
) -> str:
    """Who, what and of which kind, "" for nothing."""
    verb = "create" if old is None else "delete" if new is None else "patch"
    entry = describe(Change(7, resource, _raw(old), _raw(new), by, verb, 1.5))
    if entry is None:
        return ""
    assert entry.time == 1.5
    return f"{entry.who} {entry.text} [{entry.kind}]"


def _lease(holder: str, renewed: str = "1") -> Json:
    spec = {"holderIdentity": holder, "renewTime": renewed}
    return {"kind": "Lease", "metadata": {"name": "leader"}, "spec": spec}


def _event(count: int = 1) -> Json:
    about = {"kind": "Pod", "name": "web-1-abcde"}
    said = {"reason": "Held", "message": "one\ntwo", "count": count}
    return {"kind": "Event", "metadata": {"name": "e"}, "involvedObject": about, **said}


def _config_map(code: str) -> Json:
    owner = {"kind": "KeptnTaskDefinition", "name": "check", "controller": True}
    meta = {"name": "keptnfn-check", "ownerReferences": [owner]}
    return {"kind": "ConfigMap", "metadata": meta, "data": {"code": code}}


@pytest.mark.parametrize(
    ("resource", "old", "new", "by", "said"),
    [
        pytest.param(
            resources.DEPLOYMENTS,
            None,
            WEB.body(),
            "user",
            "user applies Deployment web: image shop/web:1, 2 pods, version 1.0; asks for check-database to pass "
            "first [user]",
            id="applied",
        ),
        pytest.param(
            resources.DEPLOYMENTS,
            WEB.body(),
            Workload("web", replicas=2, template=Template("shop/web:2", "2.0", ())).body(),
            "user",
            "user rolls out another content of Deployment web: image shop/web:2, 2 pods, version 2.0; asks for no "
            "checks [user]",
            id="released",
        ),
        pytest.param(
            resources.DEPLOYMENTS,
            WEB.body(),
            Workload("web", replicas=4, template=WEB.template).body(),
            "user",
            "user scales Deployment web to 4 [user]",
            id="scaled",
        ),
        pytest.param(
            resources.DEPLOYMENTS,
            DEPLOYMENT,
            DEPLOYMENT.marked(wellknown.RETRY, "2"),
            "user",
            "user asks for another try of the checks of Deployment web: keptn.sh/retry [user]",
            id="retry",
        ),
        pytest.param(
            resources.DEPLOYMENTS,
            DEPLOYMENT,
            DEPLOYMENT.progressing("False", "ProgressDeadlineExceeded", "it failed"),
            "worker-1",
            'worker-1 fails the rollout of Deployment web: "it failed" [check]',
            id="rollout failed",
        ),
        pytest.param(
            resources.DEPLOYMENTS,
            DEPLOYMENT,
            DEPLOYMENT.progressing("True", "NewReplicaSetAvailable"),
            "deployment-controller",
            "deployment-controller says of Deployment web: all pods of the new revision are ready; the rollout is done "
            "[cluster]",
            id="rolled out",
        ),
        pytest.param(
            resources.REPLICASETS,
            None,
            REPLICA_SET,
            "deployment-controller",
            "deployment-controller makes ReplicaSet web-1 for Deployment web [cluster]",
            id="ReplicaSet",
        ),
        pytest.param(
            resources.PODS,
            None,
            POD.held(),
            "replicaset-controller",
            "webhook holds pod web-1-abcde, which is just being made: puts gate keptn-prechecks-gate on it [gate]",
            id="held",
        ),
        pytest.param(
            resources.PODS,
            None,
            POD,
            "replicaset-controller",
            "replicaset-controller makes pod web-1-abcde, without our gate [cluster]",
            id="not held",
        ),
        pytest.param(
            resources.PODS,
            POD.held(),
            POD,
            "worker-1",
            "worker-1 opens the gate of pod web-1-abcde [gate]",
            id="opened",
        ),
        pytest.param(
            resources.PODS,
            POD.held(),
            POD,
            "user:break-glass",
            "user:break-glass takes the gate off pod web-1-abcde, checked or not [gate]",
            id="glass broken",
        ),
        pytest.param(
            resources.PODS,
            POD.held("example.com/quota"),
            POD.held(),
            "gate-controller",
            "gate-controller takes gate example.com/quota off pod web-1-abcde [cluster]",
            id="another's gate",
        ),
        pytest.param(
            resources.PODS,
            POD,
            POD.changed({"spec": {"nodeName": "node-1"}}),
            "default-scheduler",
            "default-scheduler places pod web-1-abcde on node-1 [cluster]",
            id="placed",
        ),
        pytest.param(
            resources.PODS,
            CHECK_POD.running(),
            CHECK_POD.ended(1, "no\ndatabase"),
            "kubelet",
            'kubelet pod pre-check-1-xyz has failed: exit code 1, last words "no / database" [check]',
            id="check ended",
        ),
        pytest.param(
            resources.PODS,
            CHECK_POD.running(),
            CHECK_POD.ended(0).running(),
            "kubelet",
            "kubelet the container of pod pre-check-1-xyz has ended: exit code 0 [check]",
            id="container ended",
        ),
        pytest.param(
            resources.PODS,
            CHECK_POD.running(),
            CHECK_POD.evicted(),
            "kubelet",
            "kubelet pod pre-check-1-xyz has failed: Evicted [check]",
            id="evicted",
        ),
        pytest.param(
            resources.PODS,
            CHECK_POD.running(),
            CHECK_POD.running().disrupted(),
            "user",
            "user asks pod pre-check-1-xyz to leave its node: EvictionByEvictionAPI [check]",
            id="drained",
        ),
        pytest.param(
            resources.PODS,
            CHECK_POD,
            CHECK_POD.waiting("ImagePullBackOff"),
            "kubelet",
            "kubelet cannot start pod pre-check-1-xyz: ImagePullBackOff [check]",
            id="no image",
        ),
        pytest.param(
            resources.PODS, POD, POD.deleting(), "user", "user deletes pod web-1-abcde [user]", id="told to go"
        ),
        pytest.param(
            resources.PODS, POD.deleting(), None, "kubelet", "kubelet pod web-1-abcde is gone [cluster]", id="gone"
        ),
        pytest.param(
            resources.JOBS,
            None,
            JOB,
            "worker-1",
            "worker-1 makes Job pre-check-1, which runs the check as a pod [write]",
            id="Job",
        ),
        pytest.param(
            resources.JOBS,
            JOB,
            JOB.says("Failed", "DeadlineExceeded"),
            "job-controller",
            "job-controller says that Job pre-check-1 has failed: DeadlineExceeded [cluster]",
            id="Job failed",
        ),
        pytest.param(
            resources.TASKS,
            None,
            TASK,
            "worker-1",
            "worker-1 makes KeptnTask pre-check: to run check for KeptnWorkloadVersion web-web-1.0 [write]",
            id="task",
        ),
        pytest.param(
            resources.TASKS,
            TASK,
            TASK.status("Failed", reason="BackoffLimitExceeded"),
            "worker-1",
            "worker-1 writes the verdict into KeptnTask pre-check: Failed (BackoffLimitExceeded) [check]",
            id="verdict",
        ),
        pytest.param(
            resources.TASKS,
            TASK,
            TASK.status("Progressing", reason="ErrImagePull", message="not there"),
            "worker-1",
            'worker-1 notes in KeptnTask pre-check why it waits: ErrImagePull: "not there" [write]',
            id="waits",
        ),
        pytest.param(
            resources.TASKS,
            TASK,
            TASK.status("Progressing", attempts=[{"number": 1, "podName": "p", "status": "Failed", "exitCode": 1}]),
            "worker-1",
            "worker-1 notes in KeptnTask pre-check that attempt 1 has failed: exit code 1 [write]",
            id="attempt",
        ),
        pytest.param(
            resources.TASKS,
            TASK,
            TASK.status(
                "Progressing",
                attempts=[{"number": 1, "podName": "p", "status": "Failed", "reason": "Evicted", "disrupted": True}],
            ),
            "worker-1",
            "worker-1 notes in KeptnTask pre-check that the cluster ended attempt 1: Evicted [write]",
            id="disrupted",
        ),
        pytest.param(
            resources.WORKLOAD_VERSIONS,
            VERSION,
            VERSION.passed(),
            "worker-1",
            "worker-1 records in KeptnWorkloadVersion web-web-1.0 that its checks have passed [check]",
            id="passed",
        ),
        pytest.param(
            resources.WORKLOAD_VERSIONS,
            VERSION,
            VERSION.failed(),
            "worker-1",
            "worker-1 records in KeptnWorkloadVersion web-web-1.0 that its checks have failed: the pods stay held "
            "[check]",
            id="failed",
        ),
        pytest.param(
            resources.TASK_DEFINITIONS,
            None,
            Check("check", retries=2).bodies()[0],
            "user",
            "user applies KeptnTaskDefinition check: a container of the user's own, up to 3 attempts [user]",
            id="definition",
        ),
        pytest.param(
            resources.CONFIGMAPS,
            _config_map("old"),
            _config_map("new"),
            "worker-1",
            "worker-1 puts another script into ConfigMap keptnfn-check with the script of KeptnTaskDefinition check "
            "[write]",
            id="script",
        ),
        pytest.param(
            resources.NAMESPACES,
            namespace("shop", opted_in=True),
            builders.merged(namespace("shop", opted_in=True), ENABLED),
            "worker-1",
            "worker-1 mirrors the opt-in of namespace shop into its label: keptn.sh/holdfast=enabled [write]",
            id="mirrored",
        ),
        pytest.param(
            resources.LEASES,
            _lease(""),
            _lease("worker-2"),
            "worker-2",
            "worker-2 takes Lease leader: it leads now [write]",
            id="leads",
        ),
        pytest.param(
            resources.EVENTS,
            _event(),
            _event(3),
            "worker-1",
            'worker-1 event on pod web-1-abcde: Held: "one / two" (3 times by now) [event]',
            id="event",
        ),
        pytest.param(
            NODES,
            None,
            {"kind": "Node", "metadata": {"name": "node-1"}},
            "kubelet",
            "kubelet makes node node-1 [cluster]",
            id="any other kind",
        ),
        pytest.param(
            resources.TASKS,
            TASK,
            TASK.marked("example.com/note", "3"),
            "scribbler",
            "scribbler writes on KeptnTask pre-check: example.com/note=3 [cluster]",
            id="a stranger's note",
        ),
    ],
)
def test_a_change_is_told_in_words(
    resource: Resource, old: "Builder[Any] | Json | None", new: "Builder[Any] | Json | None", by: str, said: str
) -> None:
    assert _said(resource, old, new, by) == said


@pytest.mark.parametrize(
    ("resource", "old", "new", "by"),
    [
        pytest.param(resources.LEASES, _lease("a", "1"), _lease("a", "2"), "worker-1", id="a Lease renewed"),
        pytest.param(resources.EVENTS, _event(), None, "", id="an event that expires"),
        pytest.param(
            resources.REPLICASETS,
            REPLICA_SET,
            REPLICA_SET.marked(wellknown.RETRY, "2"),
            "deployment-controller",
            id="a mark copied to a ReplicaSet",
        ),
        pytest.param(
            resources.JOBS, JOB, JOB.changed({"status": {"active": 1}}), "job-controller", id="pods of a Job counted"
        ),
        pytest.param(
            resources.PODS,
            POD.held(),
            POD.held().marked("example.com/finalizer", "x"),
            "job-controller",
            id="a controller's own mark",
        ),
    ],
)
def test_what_is_nobodys_news_is_left_out(
    resource: Resource, old: "Builder[Any] | Json | None", new: "Builder[Any] | Json | None", by: str
) -> None:
    assert _said(resource, old, new, by) == ""


@pytest.mark.parametrize("seed", range(25))
def test_all_that_happens_can_be_told(seed: int) -> None:
    log = world.run(seed, keep_log=True).log
    assert log
    for entry in log:
        assert entry.who
        assert entry.text
        assert "None" not in entry.text
        assert "\n" not in entry.text or entry.kind == "finding"
    assert [entry.time for entry in log] == sorted(entry.time for entry in log)
