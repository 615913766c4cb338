"""Objects as Keptn v2 leaves them when its operator goes away in the middle of things.

By keptn-behaviour 2.4, 3 and 4: names with random numbers, KeptnWorkloads owned by the ReplicaSet, statuses in Keptn's
own words, Jobs and gated pods without any label of ours. The namespace is not opted in while they are made, or our
webhook would have its say, and the worker must be away.
"""

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Any

from app.api.wellknown import API_VERSION, GATE, RESTARTED_AT
from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import gates

STAMP = "2025-06-01T10:00:00Z"
PHASES = (
    "preDeploymentStatus",
    "preDeploymentEvaluationStatus",
    "deploymentStatus",
    "postDeploymentStatus",
    "postDeploymentEvaluationStatus",
)


def item(definition: str, name: str, state: str) -> Json:
    """One line of a version's `preDeploymentTaskStatus`."""
    ended = {"endTime": STAMP} if state in ("Succeeded", "Failed") else {}
    return {"definitionName": definition, "name": name, "status": state, "startTime": STAMP} | ended


def version_status(phase: str, states: Sequence[str], status: str, *items: Json, **more: Any) -> Json:
    """A KeptnWorkloadVersion's: `states` are those of its five phases, in order."""
    named = dict(zip(PHASES, states, strict=True))
    lists = {"preDeploymentTaskStatus": list(items)} if items else {}
    ended = {"endTime": STAMP} if status in ("Succeeded", "Failed") else {}
    return named | lists | ended | {"currentPhase": phase, "status": status, "startTime": STAMP} | more


def app_status(phase: str, states: Sequence[str], status: str, *items: Json) -> Json:
    """A KeptnAppVersion's, whose deployment phase has another name. Promotion is off."""
    of_workload = version_status(phase, states, status, *items)
    of_workload["workloadOverallStatus"] = of_workload.pop("deploymentStatus")
    return of_workload | {"promotionStatus": "Pending"}


PASSED = ("Succeeded", "Succeeded")
DONE = ("Succeeded",) * 5
APP_DONE = app_status("Completed", DONE, "Succeeded")
APP_DEPLOYS = app_status("AppDeploy", (*PASSED, "Progressing", "Pending", "Pending"), "Progressing")


class Keptn:
    """Makes them in one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._apps: dict[str, Json] = {}

    def workload(
        self,
        name: str,
        checks: Sequence[str],
        status: Json,
        app: Json,
        *,
        gated: bool,
        post: Sequence[str] = (),
        kind: str = "Deployment",
    ) -> Json:
        """A workload of version 1.0 with all that Keptn makes of it; returns the KeptnWorkloadVersion."""
        keys = manifests.keys(name, ",".join(checks), post_deployment_tasks=",".join(post))
        gate = {"schedulingGates": [{"name": GATE}]} if gated else {}
        owner = self._kube.create(manifests.workload(kind, name, keys, pod=gate), self._namespace).body
        # The pod, and with it its ReplicaSet: Keptn writes all the rest when it sees it.
        self._kube.until(
            "Pod",
            self._namespace,
            lambda pods: next((pod for pod in pods if (GATE in gates(pod)) == gated), None),
            f"a pod of {name}",
            labels=f"app={name}",
        )
        above = kind
        if kind == "Deployment":
            above = "ReplicaSet"
            (owner,) = self._kube.all(above, self._namespace, labels=f"app={name}")
        reference = {"uid": owner["metadata"]["uid"], "kind": above, "name": owner["metadata"]["name"]}
        spec = {"app": name, "version": "1.0", "resourceReference": reference, "preDeploymentTasks": list(checks)}
        spec |= {"postDeploymentTasks": list(post)} if post else {}
        owners = [{"apiVersion": "apps/v1", **reference}]
        found = self.make("KeptnWorkload", f"{name}-{name}", spec, owners, {"currentVersion": "1.0"})
        self.app(name, app)
        version = {**spec, "workloadName": f"{name}-{name}", "traceId": {}}
        return self.make("KeptnWorkloadVersion", f"{name}-{name}-1.0", version, [controlled(found)], status)

    def restart(self, name: str) -> None:
        """`kubectl rollout restart` of a Deployment: Keptn puts the new ReplicaSet under the version that is there."""
        (old,) = self._kube.all("ReplicaSet", self._namespace, labels=f"app={name}")
        mark = {"template": {"metadata": {"annotations": {RESTARTED_AT: STAMP}}}}
        time.sleep(1.1)  # times of creation are whole seconds
        self._kube.patch("Deployment", self._namespace, name, {"spec": mark})
        new = self._kube.until(
            "ReplicaSet",
            self._namespace,
            lambda found: next((each for each in found if each["metadata"]["uid"] != old["metadata"]["uid"]), None),
            f"another ReplicaSet of {name}",
            labels=f"app={name}",
        )
        meta = new["metadata"]
        reference = {"resourceReference": {"uid": meta["uid"], "kind": "ReplicaSet", "name": meta["name"]}}
        for kind, thing in (("KeptnWorkload", f"{name}-{name}"), ("KeptnWorkloadVersion", f"{name}-{name}-1.0")):
            self._kube.patch(kind, self._namespace, thing, {"spec": reference})

    def app(self, name: str, status: Json, **lists: Sequence[str]) -> Json:
        """The app that Keptn makes for a workload without one; returns its KeptnAppVersion. Once for each name."""
        made = self._apps.get(name)
        if made is not None:
            return made
        spec = {"version": "1.0", "revision": 1, "workloads": [{"name": name, "version": "1.0"}]}
        found = self.make("KeptnApp", name, spec, [], {"currentVersion": "1.0"})
        version = {**spec, **{field: list(names) for field, names in lists.items()}, "appName": name, "traceId": {}}
        made = self.make("KeptnAppVersion", f"{name}-1.0-6b86b273", version, [controlled(found)], status)
        self._apps[name] = made
        return made

    def task(self, version: Json, name: str, definition: str, status: Json) -> Json:
        """A KeptnTask before the deployment, of a KeptnWorkloadVersion or a KeptnAppVersion."""
        of_app = version["kind"] == "KeptnAppVersion"
        spec = version["spec"]
        context = {
            "appName": spec["appName"] if of_app else spec["app"],
            "appVersion": "1.0" if of_app else "",
            "objectType": "App" if of_app else "Workload",
            "taskType": "pre",
            "workloadName": "" if of_app else spec["workloadName"],
            "workloadVersion": "" if of_app else "1.0",
        }
        asked = {"taskDefinition": definition, "checkType": "pre", "context": context, "retries": 3, "timeout": "5m0s"}
        asked |= {"parameters": {}, "secureParameters": {}}
        return self.make("KeptnTask", name, asked, [controlled(version)], status)

    def job(self, task: Json, name: str, script: str) -> None:
        """A Job that Keptn has started for a task."""
        meta = task["metadata"]
        marks = {"keptn.sh/app": task["spec"]["context"]["appName"], "keptn.sh/task-name": meta["name"]}
        container = {"name": "check", "image": manifests.APP_IMAGE, "command": ["sh", "-c", script]}
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "annotations": marks, "ownerReferences": [controlled(task)]},
            "spec": {
                "backoffLimit": 3,
                "activeDeadlineSeconds": 300,
                "ttlSecondsAfterFinished": 300,
                "template": {
                    "spec": {
                        "restartPolicy": "OnFailure",
                        "terminationGracePeriodSeconds": 0,
                        "containers": [container | {"imagePullPolicy": "IfNotPresent"}],
                    }
                },
            },
        }
        self._kube.create(body, self._namespace)

    def make(self, kind: str, name: str, spec: Json, owners: Sequence[Json], status: Mapping[str, Any]) -> Json:
        """Any of Keptn's objects, with its status, as it is stored then."""
        meta: Json = {"name": name, "namespace": self._namespace, "ownerReferences": list(owners)}
        if kind == "KeptnApp":
            meta["labels"] = {"app.kubernetes.io/managed-by": "keptn"}
            meta["annotations"] = {"keptn.sh/app-type": "single-service"}
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": copy.deepcopy(spec)}
        made = self._kube.create(body, self._namespace).body
        if not status:
            return made
        return self._kube.patch(kind, self._namespace, name, {"status": dict(status)}, subresource="status").body


def controlled(owner: Json) -> Json:
    """The reference by which Keptn's children name their parent."""
    meta = owner["metadata"]
    reference = {"apiVersion": API_VERSION, "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"]}
    return reference | {"controller": True, "blockOwnerDeletion": True}
