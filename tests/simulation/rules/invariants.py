"""What must hold after every step, whatever happens. Each breach is one sentence for a person.

I1 a task's Job is made once per owner, version, task and attempt     I5 a dry run writes nothing
I2 no gate of ours leaves a pod before its checks have passed          I6 an error of ours denies nobody's pod
I3 no gate stays once the verdict is there (see ``ending.py``)         I7 what is finished stays finished
I4 what is not ours stays as it is
"""

from collections.abc import Callable

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle.advance import SUPERSEDED
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import controller_of, held_by_us
from tests.simulation.rules.belongings import Belongings, is_our_app
from tests.simulation.rules.contexts import Contexts
from tests.simulation.rules.gates import Gates
from tests.simulation.rules.lasting import Lasting
from tests.simulation.rules.measures import Measures
from tests.simulation.rules.records import Records
from tests.simulation.rules.revising import Revising
from tests.simulation.rules.truth import Truth, VersionFacts, checks_in
from tests.simulation.rules.walks import Walks

_FINAL = ("Succeeded", "Failed", "Warning", "Deprecated")
# Seconds, within which two leaders do not know of each other's writes.
_AT_ONCE = 0.5
_OWNERS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Deployment", "Rollout")
_OURS = frozenset(
    {
        resources.TASKS,
        resources.WORKLOADS,
        resources.WORKLOAD_VERSIONS,
        resources.APP_VERSIONS,
        resources.EVALUATIONS,
        resources.JOBS,
        resources.EVENTS,
        resources.LEASES,
    }
)


class Invariants:
    """Looks at every change. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, server: Server, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self.duplicates = 0
        self.false_openings = 0
        self.opened = 0
        self.bypassed: set[str] = set()  # pods (uid) whose gate somebody else took off
        self._server = server
        self._truth = truth
        self._finding = finding
        self._records = Records(server, truth, finding)
        self._belongings = Belongings(truth, finding)
        self._lasting = Lasting(server, truth, finding)
        self._gates = Gates(truth, finding)
        self._walks = Walks(server, truth, self._gates, finding)
        self._measures = Measures(truth, finding)
        self._contexts = Contexts(truth, finding)
        self._revising = Revising(finding)

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        ours = change.by.startswith(("worker", "webhook"))
        if change.resource == resources.PODS:
            self._gate(change, ours=ours)
        elif change.resource == resources.JOBS and change.old is None:
            self._job(change)
        elif change.resource == resources.TASKS:
            self._task(change)
        elif change.resource == resources.WORKLOAD_VERSIONS:
            self._version(change)
        if ours:
            self._ours(change)
        self._records.check(change)
        self._belongings.check(change)
        self._lasting.check(change)
        self._gates.check(change)
        self._walks.check(change)
        self._measures.check(change)
        self._contexts.check(change)
        self._revising.check(change)

    # I1

    def _job(self, change: Change) -> None:
        owner = controller_of(change.body)
        if owner.get("kind") != "KeptnTask":
            return
        facts = self._truth.tasks.get(owner["uid"])
        name = change.body["metadata"]["name"]
        if facts is None:
            self._duplicate(f"Job {name} was made for a KeptnTask that never was")
            return
        late = change.time - self._truth.policies.late
        if facts.overtaken is not None and facts.overtaken >= late:
            return  # its Job was deleted, and the create of another leader was on its way: that one is deleted too
        if facts.verdict:
            self._duplicate(f"Job {name} was made although KeptnTask {facts.name} has its verdict, {facts.verdict}")
        if len(facts.jobs) > 1 + facts.lost:
            self._duplicate(
                f"Job {name} is the {len(facts.jobs)}. of KeptnTask {facts.name}, of which {facts.lost} were lost"
            )

    def _duplicate(self, text: str) -> None:
        self.duplicates += 1
        self._finding("I1", text)

    def _new_version(self, change: Change) -> None:
        """A content is checked by one version at a time, and no more once one has passed."""
        uid = change.body["metadata"]["uid"]
        content = change.body["metadata"]["annotations"].get(wellknown.CONTENT)
        name = change.body["metadata"]["name"]
        for other in self._server.owned(controller_of(change.body)["uid"]):
            meta = other["metadata"]
            if meta["uid"] == uid or meta["annotations"].get(wellknown.CONTENT) != content:
                continue
            facts = self._truth.versions[meta["uid"]]
            if facts.by != change.by and change.time - facts.made < _AT_ONCE and self._are_names_free_again(facts):
                continue  # two leaders in one moment, of whom one does not know yet; nobody waits for the second
            if "deletionTimestamp" not in meta and not facts.warned and _status(other).get("status") != "Failed":
                self._duplicate(f"KeptnWorkloadVersion {name} was made beside {meta['name']} of the same content")

    def _are_names_free_again(self, facts: VersionFacts) -> bool:
        """Whether a version of this workload and label was deleted, by which the next one's name is found."""
        return any(each.gone for each in self._truth.of(facts.namespace, facts.workload, facts.version))

    # I2

    def _gate(self, change: Change, *, ours: bool) -> None:
        old, new = change.old, change.new
        if new is None:
            return
        meta = new["metadata"]
        if old is None:
            owners = [owner["kind"] for owner in meta.get("ownerReferences") or ()]
            deployed = any(kind in _OWNERS for kind in owners) and not new["spec"].get("nodeName")
            if held_by_us(new) and not deployed:
                self._finding("I6", f"pod {meta['name']} of {owners or 'nobody'} was given our gate")
            if deployed and not held_by_us(new):
                self._unheld(new)
            return
        if not held_by_us(old) or held_by_us(new):
            return
        if not ours:
            self.bypassed.add(meta["uid"])
            return
        self.opened += 1
        asked = self._truth.asked_of(new)
        passed = any(self._is_pass(new, marks) for marks in asked)
        if asked and not passed and not self._gates.without_a_pass(new, asked):
            self.false_openings += 1
            self._finding("I2", f"the gate of pod {meta['name']} was opened although its checks have not passed")

    def _unheld(self, pod: Json) -> None:
        """A new pod that admission let go at once."""
        asked = self._truth.asked_of(pod)
        if pod["metadata"]["namespace"] not in self._truth.opted_in or not asked:
            return
        if not any(self._is_pass(pod, marks) for marks in asked):
            self.false_openings += 1
            self._finding("I2", f"pod {pod['metadata']['name']} was never held although its checks have not passed")

    def _is_pass(self, pod: Json, marks: dict[str, str]) -> bool:
        name = marks[wellknown.WORKLOAD]
        workload = f"{marks.get(wellknown.APP, name)}-{name}"
        image = pod["spec"]["containers"][0]["image"]
        version = marks.get(wellknown.VERSION, "")
        return self._truth.has_passed(pod["metadata"]["namespace"], workload, image, version, checks_in(marks))

    # I4

    def _ours(self, change: Change) -> None:
        """What we write of objects that are not ours: a gate, a label, a condition, a name in a status."""
        old, new, resource = change.old, change.new, change.resource
        if resource in _OURS or _is_our_config_map(change) or is_our_app(resource, old or change.body):
            return
        what = f"{resource.kind} {change.body['metadata']['name']}"
        if old is None or new is None:
            self._finding("I4", f"{what} was {change.verb}d by {change.by}, and it is not ours")
            return
        if resource == resources.PODS:
            same = _without_gate(old) == _without_gate(new)
        elif resource == resources.DEPLOYMENTS:
            same = _without_progress(old) == _without_progress(new)
        elif resource == resources.NAMESPACES:
            same = _without_label(old) == _without_label(new)
        elif resource in (resources.TASK_DEFINITIONS, resources.APPS):
            same = _bare(old, "status") == _bare(new, "status")
        else:
            same = False
        if not same:
            self._finding("I4", f"{change.by} changed more of {what} than is ours")

    # I7

    def _task(self, change: Change) -> None:
        old, new = change.old, change.new
        if new is None:
            return
        state = _status(new).get("status", "")
        facts = self._truth.tasks[new["metadata"]["uid"]]
        for attempt in _status(new).get("attempts") or ():
            if attempt["podName"] in facts.disrupted and not attempt.get("disrupted"):
                what = f"attempt {attempt['number']} of KeptnTask {facts.name}"
                self._finding("I7", f"{what} counts, and it was the cluster that ended its pod {attempt['podName']}")
        if old is not None and (was := _status(old).get("status", "")) in _FINAL and state != was:
            self._finding("I7", f"KeptnTask {facts.name} went from {was} back to {state or 'nothing'}")
        if old is None or state == _status(old).get("status", ""):
            return
        why = _status(new).get("reason")
        owner_facts = self._truth.version_of(facts.version_uid)
        since = owner_facts.overtaken if owner_facts is not None else None
        if why != SUPERSEDED and since is not None and since < change.time - self._truth.policies.late:
            self._finding(
                "I3", f"KeptnTask {facts.name} ran on for {change.time - since:.0f} s for an overtaken version"
            )
        if state == "Succeeded" and not facts.good:
            self._finding("I2", f"KeptnTask {facts.name} is Succeeded although no pod of it has ended well")
        tries = new["spec"].get("retries", 0) + 1
        failures = facts.bad + facts.lost
        if state == "Failed" and why == SUPERSEDED:
            owner = self._server.store.by_uid(facts.version_uid)
            if owner is not None and _status(owner).get("status") not in ("Failed", "Deprecated"):
                self._finding("I7", f"KeptnTask {facts.name} ends for a newer version, and its own goes on")
        elif state == "Failed" and not facts.stopped and failures < tries:
            had = f"{failures} of {tries} attempts have failed or were lost, {len(facts.disrupted)} were disrupted"
            self._finding("I7", f"KeptnTask {facts.name} is Failed ({why}) although only {had}")

    def _version(self, change: Change) -> None:
        old, new = change.old, change.new
        if new is None:
            return
        if old is None:
            self._new_version(change)
            return
        name = new["metadata"]["name"]
        facts = self._truth.versions[new["metadata"]["uid"]]
        if len(facts.images) > 1:
            self._finding("I2", f"KeptnWorkloadVersion {name} covers pods of different images: {list(facts.images)}")


def _status(body: Json) -> Json:
    status: Json = body.get("status") or {}
    return status


def _is_our_config_map(change: Change) -> bool:
    if change.resource != resources.CONFIGMAPS:
        return False
    return controller_of(change.body).get("kind") in ("KeptnTaskDefinition", "KeptnTask")


def _bare(body: Json, *fields: str) -> Json:
    meta = {k: v for k, v in body["metadata"].items() if k not in ("resourceVersion", "generation")}
    return {**{k: v for k, v in body.items() if k not in fields}, "metadata": meta}


def _without(mapping: dict[str, str] | None, key: str) -> dict[str, str]:
    return {k: v for k, v in (mapping or {}).items() if k != key}


def _without_label(body: Json) -> Json:
    bare = _bare(body)
    bare["metadata"]["labels"] = _without(bare["metadata"].get("labels"), wellknown.LABEL)
    return bare


def _without_gate(body: Json) -> Json:
    bare = _without_label(body)
    marks = _without(bare["metadata"].get("annotations"), wellknown.GATE_REMOVED)
    bare["metadata"]["annotations"] = _without(marks, wellknown.GATE_BYPASSED)
    gates = [gate for gate in bare["spec"].get("schedulingGates") or () if gate["name"] != wellknown.GATE]
    bare["spec"] = {**bare["spec"], "schedulingGates": gates}
    return bare


def _without_progress(body: Json) -> Json:
    status = {**_status(body)}
    status["conditions"] = [each for each in status.get("conditions") or () if each["type"] != "Progressing"]
    return {**_bare(body), "status": status}
