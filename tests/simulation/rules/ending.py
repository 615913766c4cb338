"""All that can finish has finished: what is still held or running when the faults are over, and has no reason to be."""

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import names
from app.lifecycle.explain import PREFIX
from tests.simulation.apiserver.server import Server
from tests.simulation.manifests import INSTALLATION, controller_of, held_by_us
from tests.simulation.rules.arrivals import Arrivals
from tests.simulation.rules.concluding import Conclusions
from tests.simulation.rules.gates import lists
from tests.simulation.rules.policytruth import OBSERVE, WARN
from tests.simulation.rules.truth import Truth, VersionFacts, checks_in

_FINAL = ("Succeeded", "Failed", "Warning", "Deprecated")


class Ending:
    def __init__(self, server: Server, truth: Truth) -> None:
        self._server = server
        self._truth = truth
        self._arrivals = Arrivals(server)
        self._conclusions = Conclusions(server, truth, self._is_excused)

    def unfinished(self) -> list[str]:
        """A sentence for each pod and task that waits without a reason."""
        pods = [self._pod(pod) for pod in self._server.list(resources.PODS)]
        tasks = [self._task(task) for task in self._server.list(resources.TASKS)]
        scripts = [self._script(each) for each in self._server.list(resources.TASK_DEFINITIONS)]
        ended = (*self._conclusions.missing(), *self._arrivals.missing())
        return [*(text for text in (*pods, *tasks, *scripts) if text), *ended]

    def silent(self) -> list[str]:
        """A sentence for each task that waits for what is not there, and does not say so."""
        return [
            f"KeptnTask {task['metadata']['name']} waits for what is not there, and does not say so"
            for task in self._server.list(resources.TASKS)
            if "deletionTimestamp" not in task["metadata"]
            and not self._truth.tasks[task["metadata"]["uid"]].jobs
            and not (task.get("status") or {}).get("reason")
            and self._is_excused(task)
        ]

    def overdue(self) -> dict[str, str]:
        """Pods (uid and name) that are held although their checks have passed."""
        held = [pod for pod in self._server.list(resources.PODS) if held_by_us(pod)]
        return {
            pod["metadata"]["uid"]: pod["metadata"]["name"]
            for pod in held
            if "deletionTimestamp" not in pod["metadata"] and self._passed(pod, self._truth.asked_of(pod))
        }

    def _pod(self, pod: Json) -> str:
        meta = pod["metadata"]
        if not held_by_us(pod) or "deletionTimestamp" in meta:
            return ""
        asked = self._truth.asked_of(pod)
        if not asked:
            return f"pod {meta['name']} is held although nobody asked for checks"
        versions = self._versions(pod, asked)
        if self._passed(pod, asked):
            return f"pod {meta['name']} is held although its checks have passed"
        if (word := self._let_go(versions)) and not self._is_outdated(pod):
            return f"pod {meta['name']} is held although {word}"
        if any(facts.failed and not facts.recorded for facts in versions):
            return self._untold(pod) or self._unheard(pod, versions)
        if any(self._app_failed(facts) for facts in versions):
            return self._untold(pod)
        checks = {item: None for marks in asked for item in checks_in(marks)}
        missing = [name for check, name in checks if not self._is_there(meta["namespace"], check, name)]
        if missing or any(self._waits(facts) for facts in versions):
            return ""
        if any(self._conclusions.app_is_shut(facts) for facts in versions):
            return ""
        return f"pod {meta['name']} is held, and nothing says what for"

    def _versions(self, pod: Json, asked: list[dict[str, str]]) -> list[VersionFacts]:
        """The versions that are about this pod's content, by whatever words its workload asked for checks."""
        namespace = pod["metadata"]["namespace"]
        image = pod["spec"]["containers"][0]["image"]
        of: dict[int, VersionFacts] = {}
        for marks in asked:
            name = marks[wellknown.WORKLOAD]
            workload = f"{marks.get(wellknown.APP, name)}-{name}"
            of |= {id(each): each for each in self._truth.of(namespace, workload, marks.get(wellknown.VERSION, ""))}
        return [facts for facts in of.values() if not facts.gone and image in facts.images]

    def _passed(self, pod: Json, asked: list[dict[str, str]]) -> bool:
        """Whether a version that is there has a record of all that was asked for this pod.

        Where the words on its workload have changed, nobody can tell by which of them an older pod is to be judged, if
        nobody had looked at it before: then it must have passed by all of them, or be on the record of a pass.
        """
        by_words = [
            any(
                facts.started
                and facts.recorded
                and not facts.warned  # its pods went by a person's word, however its checks ended in the end
                and all(item in facts.passed for item in checks_in(marks))
                for facts in self._versions(pod, [marks])
            )
            for marks in asked
        ]
        return bool(by_words) and (all(by_words) or self._is_on_record(pod))

    def _is_on_record(self, pod: Json) -> bool:
        """Whether a version that has passed lists the pod's revision."""
        meta, owner = pod["metadata"], controller_of(pod).get("uid", "")
        hash_ = (meta.get("labels") or {}).get(wellknown.CONTROLLER_REVISION_HASH, "")
        return any(
            self._truth.versions[version["metadata"]["uid"]].started
            and not self._truth.versions[version["metadata"]["uid"]].warned
            and {owner, f"{owner}/{hash_}"} & {*((version.get("status") or {}).get("revisions") or ())}
            for version in self._server.list(resources.WORKLOAD_VERSIONS, meta["namespace"])
        )

    def _is_outdated(self, pod: Json) -> bool:
        """Whether it goes by words on its workload, which are about a newer revision by now."""
        if wellknown.WORKLOAD in (pod["metadata"].get("annotations") or {}):
            return False
        owner, namespace = controller_of(pod), pod["metadata"]["namespace"]
        if owner["kind"] == "ReplicaSet":
            return self._deployment(pod) is None
        found = self._server.find(resources.STATEFULSETS, owner["name"], namespace)
        newest = ((found or {}).get("status") or {}).get("updateRevision")
        return bool(newest) and pod["metadata"]["labels"].get(wellknown.CONTROLLER_REVISION_HASH) != newest

    def _let_go(self, versions: list[VersionFacts]) -> str:
        """By whose word the pods of these versions go, "" if nobody has said so."""
        for facts in versions:
            word = self._truth.policies.now(facts.namespace, *facts.owner)
            if word == OBSERVE:
                return "nobody waits for its checks: its policy is observe"
            # One whose own checks have ended with a warning waits for its app like any other; and what failed before,
            # and was let go, is checked again.
            has_failed = facts.failed and not facts.recorded and facts is max(versions, key=lambda each: each.made)
            if word == WARN and (has_failed or self._app_failed(facts)):
                return "its checks have ended, and its policy is warn"
        return ""

    def _app_failed(self, facts: VersionFacts) -> bool:
        """Whether the checks of the app version that counts have failed."""
        listing = [each for each in self._truth.apps.of(facts.namespace, facts.app) if lists(each, facts)]
        # What one said that has been overtaken in the middle of its checks counts no more.
        standing = [each for each in listing[-1:] if not each.gone and not each.deprecated and each.overtaken is None]
        return any(each.failed for each in standing)

    def _deployment(self, pod: Json) -> Json | None:
        """The Deployment of which this is a pod of the newest revision."""
        owner = controller_of(pod)
        replica_set = self._server.find(resources.REPLICASETS, owner["name"], pod["metadata"]["namespace"])
        above = controller_of(replica_set) if replica_set and owner["kind"] == "ReplicaSet" else {}
        if replica_set is None or above.get("kind") != "Deployment":
            return None
        deployment = self._server.find(resources.DEPLOYMENTS, above["name"], pod["metadata"]["namespace"])
        return deployment if deployment and _revision(deployment) == _revision(replica_set) else None

    def _unheard(self, pod: Json, versions: list[VersionFacts]) -> str:
        """Of a pod whose check failed: if another try was asked for, there must have been one."""
        deployment = self._deployment(pod)
        retry = ((deployment or pod)["metadata"].get("annotations") or {}).get(wellknown.RETRY, "")
        if deployment is None or not retry or any(facts.retry == retry for facts in versions):
            return ""
        return f"pod {pod['metadata']['name']} is held although another try was asked for ({retry}) and never made"

    def _untold(self, pod: Json) -> str:
        """Of a pod whose check failed: its Deployment must say so, if it is the newest."""
        deployment = self._deployment(pod)
        if deployment is None:
            return ""
        for condition in (deployment.get("status") or {}).get("conditions") or ():
            failed = condition["type"] == "Progressing" and condition["status"] == "False"
            if failed and condition["message"].startswith(PREFIX):
                return ""
        return f"the check of pod {pod['metadata']['name']} has failed, and its Deployment does not say so"

    def _script(self, definition: Json) -> str:
        """Of a definition with a script of its own: the ConfigMap must hold what is written there."""
        meta = definition["metadata"]
        inline = ((definition["spec"].get("deno") or {}).get("inline") or {}).get("code")
        home = self._server.find(resources.NAMESPACES, meta["namespace"])
        if not inline or "deletionTimestamp" in meta or home is None or "deletionTimestamp" in home["metadata"]:
            return ""
        held = self._server.find(resources.CONFIGMAPS, names.function_config_map(meta["name"]), meta["namespace"])
        if held is not None and held["data"] == {"code": inline}:
            return ""
        return f"the script of KeptnTaskDefinition {meta['name']} is not in its ConfigMap as it is now"

    def _task(self, task: Json) -> str:
        state = (task.get("status") or {}).get("status", "")
        if state in _FINAL or "deletionTimestamp" in task["metadata"] or self._is_excused(task):
            return ""
        return f"KeptnTask {task['metadata']['name']} is {state or 'silent'}, and nothing says why"

    def _waits(self, facts: VersionFacts) -> bool:
        """Whether a task of the version waits for something that is really not there."""
        for task in self._server.list(resources.TASKS):
            if self._truth.versions.get(controller_of(task).get("uid", "")) is facts and self._is_excused(task):
                return True
        return False

    def _is_excused(self, task: Json) -> bool:
        namespace = task["metadata"]["namespace"]
        definition = task["spec"]["taskDefinition"]
        found = self._found(namespace, definition)
        if found is None:
            return True
        for runtime in ("deno", "python"):
            spec = found["spec"].get(runtime) or {}
            config_map = (spec.get("configMapRef") or {}).get("name")
            if (
                config_map
                and self._server.find(resources.CONFIGMAPS, config_map, found["metadata"]["namespace"]) is None
            ):
                return True
            parent = (spec.get("functionRef") or {}).get("name")
            if parent and not self._defined(namespace, parent):
                return True
        return False

    def _is_there(self, namespace: str, check: str, name: str) -> bool:
        if not check.endswith("eval"):
            return self._defined(namespace, name)
        find = self._server.find
        places = (namespace, INSTALLATION)
        return any(find(resources.EVALUATION_DEFINITIONS, name, place) is not None for place in places)

    def _defined(self, namespace: str, name: str) -> bool:
        return self._found(namespace, name) is not None

    def _found(self, namespace: str, name: str) -> Json | None:
        find = self._server.find
        return find(resources.TASK_DEFINITIONS, name, namespace) or find(resources.TASK_DEFINITIONS, name, INSTALLATION)


def _revision(body: Json) -> str:
    marks: dict[str, str] = body["metadata"].get("annotations") or {}
    return marks.get(wellknown.DEPLOYMENT_REVISION, "")
