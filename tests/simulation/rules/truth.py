"""What has really happened, told from what the cluster did and never from what Holdfast says of it.

A check has passed for a content if a pod of its Job ended well; a content is an image and a version of a workload.
"""

from dataclasses import dataclass, field

from app.api import wellknown
from app.api.taskdefinition import DEFAULT_RETRIES
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import keys
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import objects
from tests.simulation.manifests import controller_of
from tests.simulation.rules.apptruth import FINAL, PASSED, AppFacts, AppTruth, is_overtaken
from tests.simulation.rules.policytruth import PolicyTruth
from tests.simulation.rules.uptruth import UpTruth

Item = tuple[str, str]


@dataclass(slots=True)
class VersionFacts:
    """A KeptnWorkloadVersion: the images of the revisions that it covers, and how its checks really went."""

    namespace: str
    workload: str
    version: str
    reference: str
    made: float = 0.0
    by: str = ""  # the process that made it
    images: dict[str, None] = field(default_factory=dict)
    # Of which a pod ended well, or whose metrics met what was asked: phase's check (pre, post-eval...) and definition.
    passed: dict[Item, None] = field(default_factory=dict)
    ended_checks: dict[Item, str] = field(default_factory=dict)  # the same → verdict
    recorded: bool = False  # its status says that all before the deployment have passed
    warned: bool = False  # and some of them with a Warning
    started: bool = False  # its status says that its pods may go
    done: bool = False  # its status says that all of it has ended well
    over: bool = False  # its status says that nothing of it goes on
    overtaken: float | None = None  # since when it says so, and that none of its phases has failed
    listed: tuple[str, ...] = ()  # revisions that its status covers
    retry: str = ""
    gone: bool = False
    app: str = ""
    owner: tuple[str, str] = ("", "")  # kind and name of the Deployment, StatefulSet... that it is of

    @property
    def failed(self) -> bool:
        """Whether a check before the deployment has failed."""
        return any(verdict == "Failed" and check.startswith("pre") for (check, _), verdict in self.ended_checks.items())


@dataclass(slots=True)
class TaskFacts:
    """A KeptnTask: its Jobs and what became of their pods."""

    namespace: str
    name: str
    definition: str
    check: str
    version_uid: str
    tries: int  # how often the check may run
    pods: int = 0  # that were ever made for it
    spared: dict[str, None] = field(default_factory=dict)  # those that its Job may do again, even if they ended before
    jobs: dict[str, None] = field(default_factory=dict)  # uids of all that were ever made
    lost: int = 0  # Jobs that were gone before the task had its verdict
    good: int = 0
    bad: int = 0
    disrupted: dict[str, None] = field(default_factory=dict)  # names of pods that the cluster has ended
    stopped: bool = False  # by a Job's deadline
    verdict: str = ""
    overtaken: float | None = None  # since when its verdict is that nobody waits for it


class Truth:
    def __init__(self, server: Server) -> None:
        self.versions: dict[str, VersionFacts] = {}
        self.tasks: dict[str, TaskFacts] = {}
        self.apps = AppTruth()
        self.policies = PolicyTruth()
        self.arrived = UpTruth()
        self.opted_in: set[str] = set()  # namespaces that have ever had the label that the webhook is called by
        self.asked: dict[tuple[str, str], list[dict[str, str]]] = {}  # keys that ever stood on a workload, newest last
        self._images: dict[str, str] = {}  # of a revision, by the name under which a status lists it
        self._jobs: dict[str, str] = {}  # uid of a Job → uid of its task
        self._ended: set[str] = set()  # pods (uid) that are counted
        self._server = server

    def see(self, change: Change) -> None:
        """Takes note of a change; the invariants look afterwards."""
        self.apps.see(change)
        self.policies.see(change)
        self.arrived.see(change)
        handler = {
            resources.REPLICASETS: self._workload,
            resources.STATEFULSETS: self._workload,
            resources.DAEMONSETS: self._workload,
            resources.DEPLOYMENTS: self._workload,
            resources.CONTROLLERREVISIONS: self._revision,
            resources.WORKLOAD_VERSIONS: self._version,
            resources.TASKS: self._task,
            resources.EVALUATIONS: self._evaluation,
            resources.JOBS: self._job,
            resources.PODS: self._pod,
            resources.NAMESPACES: self._namespace,
        }.get(change.resource)
        if handler is not None:
            handler(change)

    def has_passed(self, namespace: str, workload: str, image: str, version: str, checks: tuple[Item, ...]) -> bool:
        """Whether each of the checks has run well for that content, all for one version of the workload.

        And that version's pods may go as far as its app is concerned, which is judged by itself (see ``gates.py``).
        """
        return any(
            facts.started
            and facts.recorded
            and image in facts.images
            and (facts.warned or all(check in facts.passed for check in checks))
            for facts in self.of(namespace, workload, version)
        )

    def of(self, namespace: str, workload: str, version: str) -> list[VersionFacts]:
        """The versions of a workload that there ever were under that label, or all of them if it has none."""
        wanted = (namespace, workload, version)
        return [
            each
            for each in self.versions.values()
            if (each.namespace, each.workload, each.version if version else "") == wanted
        ]

    def about(self, pod: Json, marks: dict[str, str]) -> list[VersionFacts]:
        """The versions that there ever were of this pod's content, if its workload asks by these words."""
        name = marks[wellknown.WORKLOAD]
        workload = f"{marks.get(wellknown.APP, name)}-{name}"
        image = pod["spec"]["containers"][0]["image"]
        known = self.of(pod["metadata"]["namespace"], workload, marks.get(wellknown.VERSION, ""))
        return [facts for facts in known if image in facts.images]

    def covers(self, revision: str, *, there: bool = False) -> bool:
        """Whether a recorded pass lists the revision; of a ReplicaSet of nobody, any content of it.

        `there`: one that is still there.
        """
        return any(
            revision in (each, each.partition("/")[0])
            for facts in self.versions.values()
            if facts.recorded and facts.started and not (there and facts.gone)
            for each in facts.listed
        )

    def is_listed(self, revision: str) -> bool:
        """Whether any version lists the revision, which it also does before it goes by a person's word."""
        return any(
            revision in (each, each.partition("/")[0]) for facts in self.versions.values() for each in facts.listed
        )

    def has_failed(self, reference: str) -> bool:
        """Whether a check of the content of that ReplicaSet (uid) has the verdict Failed."""
        image = self.image_of(reference)
        return any(facts.failed and image in facts.images for facts in self.versions.values())

    def version_of(self, uid: str) -> VersionFacts | AppFacts | None:
        """What is known of a KeptnWorkloadVersion or KeptnAppVersion."""
        return self.versions.get(uid) or self.apps.versions.get(uid)

    def image_of(self, revision: str) -> str:
        """The image of a revision, by the name under which a status lists it; "" if that is not known."""
        return self._images.get(revision, "")

    def task_of(self, pod: Json) -> TaskFacts | None:
        """What is known of the KeptnTask that a check's pod runs for."""
        return self.tasks.get(self._jobs.get(controller_of(pod).get("uid", ""), ""))

    def asked_of(self, pod: Json) -> list[dict[str, str]]:
        """The keys that ever counted for a pod: its own, or all that stood on the workload above it; [] for none."""
        own = pod["metadata"].get("annotations") or {}
        if wellknown.WORKLOAD in own:
            return [own]
        owner = controller_of(pod)
        name, kind = owner.get("name", ""), owner.get("kind", "")
        if kind == "ReplicaSet":
            replica_set = self._server.find(resources.REPLICASETS, name, pod["metadata"]["namespace"])
            name = controller_of(replica_set).get("name", "") if replica_set else ""
        return [each for each in self.asked.get((pod["metadata"]["namespace"], name), []) if wellknown.WORKLOAD in each]

    # What there is to see

    def _workload(self, change: Change) -> None:
        body = change.new
        if body is None:
            return
        meta = body["metadata"]
        if change.resource == resources.REPLICASETS:
            self._images[meta["uid"]] = _image(body["spec"]["template"])
            return
        marks = meta.get("annotations") or {}
        known = self.asked.setdefault((meta["namespace"], meta["name"]), [])
        if not known or known[-1] != marks:
            known.append(marks)

    def _namespace(self, change: Change) -> None:
        meta = change.body["metadata"]
        if (meta.get("labels") or {}).get(wellknown.LABEL) == wellknown.LABEL_NAMESPACE:
            self.opted_in.add(meta["name"])

    def _revision(self, change: Change) -> None:
        if change.new is None:
            return
        meta = change.new["metadata"]
        owner = controller_of(change.new)
        image = _image(change.new["data"]["spec"]["template"])
        # A StatefulSet's pods carry the record's whole name, a DaemonSet's what comes after the workload's.
        for hash_ in (meta["name"], meta["name"].removeprefix(f"{owner['name']}-")):
            self._images[f"{owner['uid']}/{hash_}"] = image

    def _version(self, change: Change) -> None:
        meta = change.body["metadata"]
        spec = change.body["spec"]
        facts = self.versions.get(meta["uid"])
        if facts is None:
            reference = spec["resourceReference"]["uid"]
            facts = VersionFacts(
                meta["namespace"],
                spec["workloadName"],
                spec["version"],
                reference,
                change.time,
                change.by,
                app=spec["app"],
            )
            workload = self._server.store.by_uid(controller_of(change.body).get("uid", ""))
            above = (workload or {"metadata": {}})["metadata"].get("ownerReferences") or ()
            if above:
                facts.owner = (above[0]["kind"], above[0]["name"])
            facts.retry = (meta.get("annotations") or {}).get(wellknown.RETRY, "")
            self.versions[meta["uid"]] = facts
            if reference in self._images:
                facts.images[self._images[reference]] = None
        facts.gone = change.new is None
        status = change.body.get("status") or {}
        facts.listed = tuple(status.get("revisions") or ())
        for revision in facts.listed:
            image = self._images.get(revision.partition("/")[0]) or self._images.get(revision)
            if image:
                facts.images[image] = None
        states = (status.get("preDeploymentStatus"), status.get("preDeploymentEvaluationStatus"))
        if all(state in PASSED for state in states):
            facts.recorded = True
            facts.warned = "Warning" in states
        facts.started = facts.started or bool(status.get("deploymentStartTime"))
        facts.done = facts.done or status.get("status") == "Succeeded"
        facts.over = facts.over or status.get("status") in FINAL
        if facts.overtaken is None and is_overtaken(status):
            facts.overtaken = change.time

    def _task(self, change: Change) -> None:
        meta = change.body["metadata"]
        facts = self.tasks.get(meta["uid"])
        if facts is None:
            owner = controller_of(change.body)
            definition = change.body["spec"]["taskDefinition"]
            tries = change.body["spec"].get("retries", DEFAULT_RETRIES) + 1
            check = change.body["spec"].get("checkType", "")
            facts = TaskFacts(meta["namespace"], meta["name"], definition, check, owner.get("uid", ""), tries)
            self.tasks[meta["uid"]] = facts
        state = (change.body.get("status") or {}).get("status", "")
        if state in ("Succeeded", "Failed", "Warning", "Deprecated"):
            facts.verdict = facts.verdict or state
            if facts.overtaken is None and (change.body.get("status") or {}).get("reason") == "Superseded":
                facts.overtaken = change.time
            owner_facts = self.version_of(facts.version_uid)
            if owner_facts is not None:
                verdict = "Superseded" if facts.overtaken is not None else facts.verdict
                owner_facts.ended_checks.setdefault((facts.check, facts.definition), verdict)

    def _evaluation(self, change: Change) -> None:
        facts = self.apps.evaluations[change.body["metadata"]["uid"]]
        owner = self.version_of(facts.owner)
        if owner is None or not facts.verdict:
            return
        owner.ended_checks.setdefault((facts.check, facts.definition), facts.verdict)
        results = (change.body.get("status") or {}).get("evaluationStatus") or {}
        if facts.verdict == "Succeeded" and not self.apps.is_met(facts, results):
            owner.passed[facts.check, facts.definition] = None

    def _job(self, change: Change) -> None:
        meta = change.body["metadata"]
        owner = controller_of(change.body)
        facts = self.tasks.get(owner.get("uid", ""))
        if facts is None:
            return
        facts.jobs[meta["uid"]] = None
        self._jobs[meta["uid"]] = owner["uid"]
        for condition in (change.body.get("status") or {}).get("conditions") or ():
            if condition["status"] == "True" and condition.get("reason") == "DeadlineExceeded":
                facts.stopped = True
        is_lost = change.new is None or (
            "deletionTimestamp" in meta and change.old is not None and "deletionTimestamp" not in change.old["metadata"]
        )
        if is_lost and not facts.verdict and f"{meta['uid']}/lost" not in self._ended:
            self._ended.add(f"{meta['uid']}/lost")
            facts.lost += 1

    def _pod(self, change: Change) -> None:
        meta = change.body["metadata"]
        if (meta.get("labels") or {}).get(wellknown.LABEL) != wellknown.LABEL_TASK:
            return
        facts = self.task_of(change.body)
        if facts is None:
            return
        facts.pods += change.old is None
        if _is_disrupted(change.body):
            facts.spared[meta["name"]] = None
        if meta["uid"] in self._ended:
            return
        phase = (change.body.get("status") or {}).get("phase")
        gone = change.new is None
        if phase == "Succeeded":
            facts.good += 1
            version = self.version_of(facts.version_uid)
            if version is not None:
                version.passed[facts.check, facts.definition] = None
        elif phase == "Failed" and _is_disrupted(change.body):
            facts.disrupted[meta["name"]] = None
        elif (phase == "Failed" or gone) and not self._went_with_its_job(change.body):
            facts.bad += 1
        elif gone:
            pass  # its Job was deleted, and counts as lost already
        else:
            return
        self._ended.add(meta["uid"])

    def _went_with_its_job(self, pod: Json) -> bool:
        return "deletionTimestamp" in pod["metadata"] and f"{controller_of(pod)['uid']}/lost" in self._ended


def _is_disrupted(pod: Json) -> bool:
    found = objects.condition(pod, wellknown.DISRUPTION)
    return found is not None and found["status"] == "True"


def _image(template: Json) -> str:
    return str(template["spec"]["containers"][0]["image"])


def checks_in(marks: dict[str, str]) -> tuple[Item, ...]:
    """The tasks and evaluations before the deployment that these keys ask for."""
    return tuple(
        (check, name.strip())
        for check, key in (("pre", keys.PRE_TASKS), ("pre-eval", keys.PRE_EVALUATIONS))
        for name in marks.get(key, "").split(",")
        if name.strip()
    )
