"""All that can finish has finished, of versions and evaluations: come to its end, or overtaken."""

from collections.abc import Callable, Iterator

from app.cluster import resources
from app.cluster.api import Json, Resource
from app.lifecycle import names
from tests.simulation.apiserver.server import Server
from tests.simulation.manifests import INSTALLATION, KINDS, controller_of, held_by_us
from tests.simulation.rules.apptruth import FINAL, PASSED, AppFacts
from tests.simulation.rules.gates import lists
from tests.simulation.rules.truth import Truth, VersionFacts
from tests.simulation.rules.walks import PHASES


class Conclusions:
    """`is_excused` says whether a KeptnTask waits for something that is really not there."""

    def __init__(self, server: Server, truth: Truth, is_excused: Callable[[Json], bool]) -> None:
        self._server = server
        self._truth = truth
        self._is_excused = is_excused

    def missing(self) -> Iterator[str]:
        """A sentence for each version, evaluation and Job that goes on without a reason."""
        for version in self._alive(resources.WORKLOAD_VERSIONS):
            if text := self._workload_version(version):
                yield text
        for version in self._alive(resources.APP_VERSIONS):
            if text := self._app_version(version):
                yield text
        for evaluation in self._alive(resources.EVALUATIONS):
            state = _status(evaluation).get("overallStatus")
            if state not in FINAL and self._measured(evaluation["spec"]["evaluationDefinition"], evaluation):
                yield f"KeptnEvaluation {evaluation['metadata']['name']} is {state or 'silent'}, and nothing says why"
        for task in self._alive(resources.TASKS):
            if _status(task).get("reason") == "Superseded":
                yield from self._left_over(task)

    def app_is_shut(self, facts: VersionFacts) -> bool:
        """Whether the app of a workload version has a reason not to let it go (yet)."""
        listing = [each for each in self._truth.apps.of(facts.namespace, facts.app) if lists(each, facts)]
        if any(not each.gone and (each.failed or not each.over) for each in listing):
            return True  # one that goes on without a reason is told of by itself
        app = self._server.find(resources.APPS, facts.app, facts.namespace)
        if app is None:
            return False
        meant = any(
            names.workload_name(facts.app, each["name"]) == facts.workload
            and each["version"].lower() == facts.version.lower()
            for each in app["spec"].get("workloads") or ()
        )
        if meant:
            return False
        return not self._truth.apps.is_made(app) or not self._is_wanted(facts)

    def _workload_version(self, version: Json) -> str:
        meta, status = version["metadata"], _status(version)
        facts = self._truth.versions[meta["uid"]]
        if not status.get("revisions") or _has_ended(status) or self._waits(version):
            return ""
        name = f"KeptnWorkloadVersion {meta['name']}"
        if self._is_overtaken(version, facts):
            return f"{name} has been overtaken, and goes on"
        own = [status.get("preDeploymentStatus"), status.get("preDeploymentEvaluationStatus")]
        if all(state in PASSED for state in own) and not facts.started and self.app_is_shut(facts):
            return ""
        return f"{name} has not ended ({status.get('currentPhase')}), and nothing says why"

    def _app_version(self, version: Json) -> str:
        meta, status, facts = (
            version["metadata"],
            _status(version),
            self._truth.apps.versions[version["metadata"]["uid"]],
        )
        if _has_ended(status):
            return ""
        name = f"KeptnAppVersion {meta['name']}"
        app = self._server.find(resources.APPS, facts.app, facts.namespace)
        if app is not None and facts.generation < app["metadata"]["generation"]:
            return f"{name} has been overtaken, and goes on"
        if self._waits(version) or any(self._is_open(facts, *ref) for ref in facts.refs):
            return ""
        return f"{name} has not ended ({status.get('currentPhase')}), and nothing says why"

    def _is_open(self, app: AppFacts, name: str, number: str) -> bool:
        """Whether a workload that an app lists is not there, or has not ended itself."""
        workload = names.workload_name(app.app, name)
        there = [
            each
            for each in self._alive(resources.WORKLOAD_VERSIONS)
            if each["metadata"]["namespace"] == app.namespace
            and each["spec"]["workloadName"] == workload
            and each["spec"]["version"].lower() == number.lower()
        ]
        newest = max(there, key=_age, default=None)
        return newest is None or not _has_ended(_status(newest)) or _was_superseded(_status(newest))

    def _waits(self, version: Json) -> bool:
        """Whether a definition that the version asks for is missing, or a task of it waits for something that is."""
        spec, home = version["spec"], version["metadata"]["namespace"]
        for phase in PHASES:
            for name in spec.get(phase.asked) or ():
                if phase.check.endswith("eval"):
                    if not self._measured(name, version):
                        return True
                elif not self._there(resources.TASK_DEFINITIONS, name, home):
                    return True
        return any(
            child["kind"] == "KeptnTask" and _status(child).get("status") not in FINAL and self._is_excused(child)
            for child in self._server.owned(version["metadata"]["uid"])
        )

    def _measured(self, definition: str, thing: Json) -> bool:
        return self._there(resources.EVALUATION_DEFINITIONS, definition, thing["metadata"]["namespace"])

    def _there(self, resource: Resource, name: str, namespace: str) -> bool:
        find = self._server.find
        return find(resource, name, namespace) is not None or find(resource, name, INSTALLATION) is not None

    def _is_overtaken(self, version: Json, facts: VersionFacts) -> bool:
        """Whether a newer version has begun, and nothing of what this one is about is held or to be run."""
        if self._is_wanted(facts) or any(held_by_us(pod) for pod in self._pods_of(version, facts)):
            return False
        age = _age(version)
        return any(
            _age(other) > age and _status(other).get("currentPhase")
            for other in self._server.owned(controller_of(version)["uid"])
            if "deletionTimestamp" not in other["metadata"]
        )

    def _is_wanted(self, facts: VersionFacts) -> bool:
        """Whether its content is what its workload is to run now."""
        kind, name = facts.owner
        body = self._server.find(KINDS[kind], name, facts.namespace) if kind in KINDS else None
        if body is None:
            return False
        return body["spec"]["template"]["spec"]["containers"][0]["image"] in facts.images

    def _pods_of(self, version: Json, facts: VersionFacts) -> Iterator[Json]:
        for pod in self._server.list(resources.PODS, facts.namespace):
            if pod["spec"]["containers"][0]["image"] in facts.images:
                yield pod

    def _left_over(self, task: Json) -> Iterator[str]:
        for job in self._server.owned(task["metadata"]["uid"]):
            if (
                job["kind"] == "Job"
                and "deletionTimestamp" not in job["metadata"]
                and not _status(job).get("conditions")
            ):
                yield f"Job {job['metadata']['name']} runs on for KeptnTask {task['metadata']['name']}, which has ended"

    def _alive(self, resource: Resource) -> list[Json]:
        """Those that nobody deletes, in namespaces that nobody deletes."""
        return [
            body
            for body in self._server.list(resource)
            if "deletionTimestamp" not in body["metadata"] and not self._goes(body["metadata"]["namespace"])
        ]

    def _goes(self, namespace: str) -> bool:
        home = self._server.find(resources.NAMESPACES, namespace)
        return home is None or "deletionTimestamp" in home["metadata"]


def _has_ended(status: Json) -> bool:
    return bool(status.get("endTime")) or status.get("status") in ("Failed", "Deprecated")


def _was_superseded(status: Json) -> bool:
    return status.get("status") == "Failed" and "Failed" not in (
        *(status.get(phase.state) for phase in PHASES),
        status.get("deploymentStatus"),
    )


def _age(body: Json) -> tuple[str, str]:
    return body["metadata"]["creationTimestamp"], body["metadata"]["name"]


def _status(body: Json) -> Json:
    status: Json = body.get("status") or {}
    return status
