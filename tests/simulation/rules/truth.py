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

_PASSED = ("Succeeded", "Warning")


@dataclass(slots=True)
class VersionFacts:
    """A KeptnWorkloadVersion: the images of the revisions that it covers, and how its checks really went."""

    namespace: str
    workload: str
    version: str
    reference: str
    images: dict[str, None] = field(default_factory=dict)
    passed: dict[str, None] = field(default_factory=dict)  # definitions of which a pod ended well
    recorded: bool = False  # its status says that all have passed
    listed: tuple[str, ...] = ()  # revisions that its status covers
    retry: str = ""
    gone: bool = False


@dataclass(slots=True)
class TaskFacts:
    """A KeptnTask: its Jobs and what became of their pods."""

    namespace: str
    name: str
    definition: str
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


class Truth:
    def __init__(self, server: Server) -> None:
        self.versions: dict[str, VersionFacts] = {}
        self.tasks: dict[str, TaskFacts] = {}
        self.opted_in: set[str] = set()  # namespaces that have ever had the label that the webhook is called by
        self.asked: dict[tuple[str, str], list[dict[str, str]]] = {}  # keys that ever stood on a workload, newest last
        self._images: dict[str, str] = {}  # of a revision, by the name under which a status lists it
        self._jobs: dict[str, str] = {}  # uid of a Job → uid of its task
        self._ended: set[str] = set()  # pods (uid) that are counted
        self._server = server

    def see(self, change: Change) -> None:
        """Takes note of a change; the invariants look afterwards."""
        handler = {
            resources.REPLICASETS: self._workload,
            resources.STATEFULSETS: self._workload,
            resources.DAEMONSETS: self._workload,
            resources.DEPLOYMENTS: self._workload,
            resources.CONTROLLERREVISIONS: self._revision,
            resources.WORKLOAD_VERSIONS: self._version,
            resources.TASKS: self._task,
            resources.JOBS: self._job,
            resources.PODS: self._pod,
            resources.NAMESPACES: self._namespace,
        }.get(change.resource)
        if handler is not None:
            handler(change)

    def has_passed(self, namespace: str, workload: str, image: str, version: str, checks: tuple[str, ...]) -> bool:
        """Whether each of the checks has run well for that content, all for one version of the workload."""
        return any(
            facts.recorded and image in facts.images and all(check in facts.passed for check in checks)
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

    def covers(self, revision: str, *, there: bool = False) -> bool:
        """Whether a recorded pass lists the revision; of a ReplicaSet of nobody, any content of it.

        `there`: one that is still there.
        """
        return any(
            revision in (each, each.partition("/")[0])
            for facts in self.versions.values()
            if facts.recorded and not (there and facts.gone)
            for each in facts.listed
        )

    def has_failed(self, reference: str) -> bool:
        """Whether a check of the content of that ReplicaSet (uid) has the verdict Failed."""
        image = self.image_of(reference)
        return any(
            task.verdict == "Failed" and facts is not None and image in facts.images
            for task in self.tasks.values()
            for facts in (self.versions.get(task.version_uid),)
        )

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
            facts = VersionFacts(meta["namespace"], spec["workloadName"], spec["version"], reference)
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
        if all(state in _PASSED for state in states):
            facts.recorded = True

    def _task(self, change: Change) -> None:
        meta = change.body["metadata"]
        facts = self.tasks.get(meta["uid"])
        if facts is None:
            owner = controller_of(change.body)
            definition = change.body["spec"]["taskDefinition"]
            tries = change.body["spec"].get("retries", DEFAULT_RETRIES) + 1
            facts = TaskFacts(meta["namespace"], meta["name"], definition, owner.get("uid", ""), tries)
            self.tasks[meta["uid"]] = facts
        state = (change.body.get("status") or {}).get("status", "")
        if state in ("Succeeded", "Failed", "Warning", "Deprecated"):
            facts.verdict = facts.verdict or state

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
            version = self.versions.get(facts.version_uid)
            if version is not None:
                version.passed[facts.definition] = None
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


def checks_in(marks: dict[str, str]) -> tuple[str, ...]:
    """The checks before the deployment that these keys ask for."""
    return tuple(name.strip() for name in marks.get(keys.PRE_TASKS, "").split(",") if name.strip())
