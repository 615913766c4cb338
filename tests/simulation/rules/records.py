"""What must hold of rollouts and of what is written about them, beside the invariants of each object.

The words of a pass come before the gates that it opens; a rollout fails by its own check only; what has passed is not
checked again; nothing that admission found on a pod gets lost; the same event is one object.
"""

from collections.abc import Callable

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import controller_of, held_by_us
from tests.simulation.rules.truth import Truth

_CHECKS = ("KeptnTask", "KeptnEvaluation")


class Records:
    """Looks at every change. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, server: Server, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self._server = server
        self._truth = truth
        self._finding = finding
        self._events: dict[tuple[str, ...], str] = {}

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        old, new = change.old, change.new
        if new is None:
            return
        ours = change.by.startswith("worker")
        if change.resource == resources.PODS and old is None:
            self._admitted(new)
        elif change.resource == resources.PODS and ours and old and held_by_us(old) and not held_by_us(new):
            self._on_record(new)
        elif change.resource == resources.DEPLOYMENTS and ours and old and _failed(new) and not _failed(old):
            self._failed_rightly(new)
        elif change.resource == resources.WORKLOAD_VERSIONS and old is None:
            self._checked_once(new)
        elif change.resource in (resources.TASKS, resources.EVALUATIONS) and old is None:
            self._made_once(new)
        elif change.resource == resources.EVENTS and ours and old is None:
            self._told_once(new)

    def _admitted(self, pod: Json) -> None:
        owner = controller_of(pod)
        if owner.get("kind") != "ReplicaSet":
            return
        replica_set = self._server.store.by_uid(owner["uid"])
        if replica_set is None:
            return
        template = replica_set["spec"]["template"]
        gates = {gate["name"] for gate in pod["spec"].get("schedulingGates") or ()}
        lost = [gate["name"] for gate in template["spec"].get("schedulingGates") or () if gate["name"] not in gates]
        for field in ("labels", "annotations"):
            have = pod["metadata"].get(field) or {}
            wanted = template["metadata"].get(field) or {}
            lost += [key for key, value in wanted.items() if have.get(key) != value]
        if lost:
            self._finding("I4", f"pod {pod['metadata']['name']} has lost {', '.join(lost)} at admission")

    def _on_record(self, pod: Json) -> None:
        """Else its next pods are held, and with the worker down they wait for it, although all has passed (F46)."""
        if not self._truth.asked_of(pod) or self._truth.is_listed(revision_of(pod)):
            return
        name = pod["metadata"]["name"]
        self._finding("I3", f"the gate of pod {name} was opened before its revision was on the record of a pass")

    def _failed_rightly(self, deployment: Json) -> None:
        meta = deployment["metadata"]
        number = _number(deployment)
        newest = [
            owned
            for owned in self._server.owned(meta["uid"])
            if owned.get("kind") == "ReplicaSet" and _number(owned) == number
        ]
        if any(self._truth.has_failed(owned["metadata"]["uid"]) for owned in newest):
            return
        of_apps = (
            app.failed
            for facts in self._truth.versions.values()
            if facts.owner == ("Deployment", meta["name"]) and facts.namespace == meta["namespace"]
            for app in self._truth.apps.of(facts.namespace, facts.app)
        )
        if any(of_apps):
            return
        self._finding("I7", f"Deployment {meta['name']} was failed by a check that is not of its newest revision")

    def _checked_once(self, version: Json) -> None:
        image = self._truth.image_of(version["spec"]["resourceReference"]["uid"])
        for other in self._server.owned(controller_of(version)["uid"]) if image else ():
            meta = other["metadata"]
            if meta["uid"] == version["metadata"]["uid"] or "deletionTimestamp" in meta:
                continue
            facts = self._truth.versions.get(meta["uid"])
            passed = facts is not None and facts.started and not facts.warned and image in facts.images
            if passed and _asked(other) == _asked(version) and not _is_tried_again(other, version):
                name = version["metadata"]["name"]
                self._finding("I1", f"KeptnWorkloadVersion {name} checks again what {meta['name']} has passed")

    def _made_once(self, task: Json) -> None:
        owner = controller_of(task).get("uid", "")
        what = (task["kind"], task["spec"].get("checkType"), _definition(task))
        name = task["metadata"]["name"]
        for other in self._server.owned(owner):
            meta = other["metadata"]
            same = other["kind"] in _CHECKS and what == (
                other["kind"],
                other["spec"].get("checkType"),
                _definition(other),
            )
            if same and meta["uid"] != task["metadata"]["uid"] and "deletionTimestamp" not in meta:
                self._finding("I1", f"{task['kind']} {name} was made beside {meta['name']}, for the same check")

    def _told_once(self, event: Json) -> None:
        name = event["metadata"]["name"]
        said = (event["involvedObject"].get("uid", ""), event["type"], event["reason"], event["message"])
        if self._events.setdefault(said, name) != name:
            self._finding("quiet", f"the event {event['reason']} was written as {self._events[said]} and as {name}")


def revision_of(pod: Json) -> str:
    """As a status lists it; for a ReplicaSet of nobody without the digest of its template."""
    owner = controller_of(pod)
    if owner.get("kind") == "ReplicaSet":
        return str(owner["uid"])
    labels = pod["metadata"].get("labels") or {}
    return f"{owner.get('uid', '')}/{labels.get(wellknown.CONTROLLER_REVISION_HASH, '')}"


def _failed(deployment: Json) -> bool:
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Progressing" and each["status"] == "False" for each in conditions)


def _number(body: Json) -> str:
    marks: dict[str, str] = body["metadata"].get("annotations") or {}
    return marks.get(wellknown.DEPLOYMENT_REVISION, "")


def _definition(check: Json) -> str:
    return str(check["spec"].get("taskDefinition") or check["spec"].get("evaluationDefinition"))


def _is_tried_again(failed: Json, version: Json) -> bool:
    """Whether a version failed after its pods had gone, and somebody has asked for another try."""
    was, now = ((each["metadata"].get("annotations") or {}).get(wellknown.RETRY, "") for each in (failed, version))
    return (failed.get("status") or {}).get("status") == "Failed" and now not in ("", was)


def _asked(version: Json) -> tuple[str, ...]:
    spec = version["spec"]
    return (spec["version"], *spec.get("preDeploymentTasks", ()), "", *spec.get("preDeploymentEvaluations", ()))
