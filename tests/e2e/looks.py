"""What the tests look for: gates, verdicts, conditions, events."""

from collections.abc import Callable, Mapping
from typing import Any

from app.api.wellknown import GATE, GATE_REMOVED
from tests.e2e import manifests
from tests.e2e.kube.client import SECONDS, Kube
from tests.e2e.kube.resources import Json


def gates(pod: Json) -> list[str]:
    return [gate["name"] for gate in pod["spec"].get("schedulingGates") or []]


def is_held(pod: Json) -> bool:
    return GATE in gates(pod)


def was_released(pod: Json) -> bool:
    """Our gate was there and has been taken off, as the trace says."""
    annotations: dict[str, str] = pod["metadata"].get("annotations") or {}
    return not is_held(pod) and annotations.get(GATE_REMOVED) == "true"


def is_running(pod: Json) -> bool:
    return str(pod.get("status", {}).get("phase")) == "Running"


def condition(thing: Json, type: str) -> Json:
    """That condition of an object, {} if it has none."""
    conditions: list[Json] = thing.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == type), {})


def failed_rollout(deployment: Json) -> bool:
    progressing = condition(deployment, "Progressing")
    return progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded"


def status(thing: Json) -> str:
    """The state of a KeptnTask or KeptnWorkloadVersion."""
    return str((thing.get("status") or {}).get("status", ""))


def is_over(task: Json) -> bool:
    return status(task) in ("Succeeded", "Failed")


def of(workload: str) -> str:
    """The label selector of the pods of `manifests.workload`."""
    return f"app={workload}"


class Eyes:
    """Waits for what a person would watch, in one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace

    def pods(self, workload: str) -> list[Json]:
        return self.kube.all("Pod", self.namespace, labels=of(workload))

    def held(self, workload: str, count: int = 1, *, seconds: float = SECONDS) -> list[Json]:
        """The workload's held pods, once there are that many."""

        def look(pods: list[Json]) -> list[Json] | None:
            found = [pod for pod in pods if is_held(pod)]
            return found if len(found) == count else None

        what = f"{count} held pod(s) of {workload} in {self.namespace}"
        return self.kube.until("Pod", self.namespace, look, what, labels=of(workload), seconds=seconds)

    def running(self, workload: str, count: int = 1, *, seconds: float = SECONDS) -> list[Json]:
        """The workload's running pods, once there are that many and no others."""

        def look(pods: list[Json]) -> list[Json] | None:
            alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
            return alive if len(alive) == count and all(is_running(pod) for pod in alive) else None

        what = f"{count} running pod(s) of {workload} in {self.namespace}"
        return self.kube.until("Pod", self.namespace, look, what, labels=of(workload), seconds=seconds)

    def released(self, workload: str, count: int = 1, *, seconds: float = SECONDS) -> list[Json]:
        """The workload's pods once that many have been let go by the worker and run."""
        pods = self.running(workload, count, seconds=seconds)
        assert all(was_released(pod) for pod in pods), f"{workload} runs, but was never held"
        return pods

    def task(self, definition: str, *, seconds: float = SECONDS, done: Callable[[Json], bool] = is_over) -> Json:
        """The one KeptnTask for a definition, once it is over (or `done`)."""

        def look(tasks: list[Json]) -> Json | None:
            return next((t for t in tasks if t["spec"]["taskDefinition"] == definition and done(t)), None)

        what = f"a verdict on the KeptnTask of {definition} in {self.namespace}"
        return self.kube.until("KeptnTask", self.namespace, look, what, seconds=seconds)

    def tasks(self, definition: str) -> list[Json]:
        return [t for t in self.kube.all("KeptnTask", self.namespace) if t["spec"]["taskDefinition"] == definition]

    def passed(self, definition: str, *, seconds: float = SECONDS) -> Json:
        """The KeptnTask for a definition; it must succeed."""
        task = self.task(definition, seconds=seconds)
        assert status(task) == "Succeeded", f"{definition}: {task['status']}"
        return task

    def failed(self, definition: str, *, seconds: float = SECONDS) -> Json:
        """The KeptnTask for a definition; it must fail."""
        task = self.task(definition, seconds=seconds)
        assert status(task) == "Failed", f"{definition}: {task['status']}"
        return task

    def job(self, task: Json) -> Json:
        return self.kube.get("Job", self.namespace, task["status"]["jobName"])

    def rollout_failed(self, name: str, *, seconds: float = SECONDS) -> str:
        """What the Deployment says about its failed rollout."""
        found = self.kube.until_one(
            "Deployment", self.namespace, name, failed_rollout, "its rollout has failed", seconds=seconds
        )
        return str(condition(found, "Progressing")["message"])

    def owned_pod(self, annotations: Mapping[str, str], pod: Json | None = None) -> Json:
        """A pod such as the ReplicaSet `owner` would make, which is there and makes none. For dry runs."""
        owner = manifests.workload("ReplicaSet", "owner", annotations, replicas=0)
        uid = self.kube.create(owner, self.namespace).body["metadata"]["uid"]
        body: Json = {"apiVersion": "v1", "kind": "Pod", **manifests.template("owner", annotations, pod)}
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "owner", "uid": uid, "controller": True}
        body["metadata"] |= {"name": "owned", "ownerReferences": [reference]}
        return body

    def events(self, kind: str, name: str) -> list[Json]:
        return self.kube.all("Event", self.namespace, fields=f"involvedObject.kind={kind},involvedObject.name={name}")

    def event(self, kind: str, name: str, done: Callable[[Json], bool], what: str, *, seconds: float = 15) -> Json:
        fields = f"involvedObject.kind={kind},involvedObject.name={name}"

        def look(events: list[Json]) -> Json | None:
            return next((event for event in events if done(event)), None)

        return self.kube.until("Event", self.namespace, look, what, fields=fields, seconds=seconds)


def last_lines(task: Json) -> str:
    """What the last attempt of a KeptnTask printed."""
    attempts: list[Any] = task["status"].get("attempts") or []
    return str(attempts[-1].get("lastLines", "")) if attempts else ""
