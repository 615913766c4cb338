"""Objects as the API server would send them, said in a few words: ``pod("web-1").held().owned_by(replica_set("web"))``.

Each step returns a new builder, so one can be the start of several. ``raw`` is the JSON, ``view`` what the code reads.
"""

import copy
from typing import Any, ClassVar, Generic, Self, TypeVar

from app.api import core, wellknown
from app.api.app import App, AppContext, AppVersion
from app.api.evaluation import Evaluation, EvaluationDefinition
from app.api.meta import Model, Object
from app.api.task import Task
from app.api.taskdefinition import TaskDefinition
from app.api.workload import Workload, WorkloadVersion
from app.lifecycle import names
from app.lifecycle.phases import APP_PHASES, APP_PRE_TASKS, failed_at

Json = dict[str, Any]
T = TypeVar("T", bound=Object)

SHOP = "shop"
START = "2026-01-01T00:00:00Z"


def merged(base: Json, change: Json) -> Json:
    """`base` with `change` laid over it, level by level; lists are replaced."""
    result = copy.deepcopy(base)
    for key, value in change.items():
        there = result.get(key)
        result[key] = merged(there, value) if isinstance(value, dict) and isinstance(there, dict) else value
    return result


class Builder(Generic[T]):
    API_VERSION: ClassVar[str] = wellknown.API_VERSION
    KIND: ClassVar[str] = ""
    MODEL: ClassVar[type[Model]]

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": "1", "creationTimestamp": START}
        if namespace:
            metadata["namespace"] = namespace
        self._raw: Json = {"apiVersion": self.API_VERSION, "kind": self.KIND, "metadata": metadata}

    def changed(self, change: Json) -> Self:
        """With `change` laid over it."""
        new = copy.copy(self)
        new._raw = merged(self._raw, change)
        return new

    @property
    def raw(self) -> Json:
        return copy.deepcopy(self._raw)

    @property
    def view(self) -> T:
        view: Any = self.MODEL.model_validate(self._raw)
        result: T = view
        return result

    @property
    def name(self) -> str:
        return str(self._raw["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self._raw["metadata"]["uid"])

    def with_uid(self, uid: str) -> Self:
        return self.changed({"metadata": {"uid": uid}})

    def in_namespace(self, namespace: str) -> Self:
        return self.changed({"metadata": {"namespace": namespace}})

    def labelled(self, **labels: str) -> Self:
        return self.changed({"metadata": {"labels": _keys(labels)}})

    def annotated(self, **annotations: str) -> Self:
        return self.changed({"metadata": {"annotations": _keys(annotations)}})

    def marked(self, key: str, value: str) -> Self:
        """With an annotation whose key cannot be a Python name."""
        return self.changed({"metadata": {"annotations": {key: value}}})

    def created(self, stamp: str) -> Self:
        return self.changed({"metadata": {"creationTimestamp": stamp}})

    def deleting(self) -> Self:
        return self.changed({"metadata": {"deletionTimestamp": START}})

    def owned_by(self, owner: "Builder[Any]", *, controller: bool = True) -> Self:
        reference = {
            "apiVersion": owner.API_VERSION,
            "kind": owner.KIND,
            "name": owner.name,
            "uid": owner.uid,
            "controller": controller,
        }
        return self.changed({"metadata": {"ownerReferences": [reference]}})


class PodBuilder(Builder[core.Pod]):
    API_VERSION, KIND, MODEL = "v1", "Pod", core.Pod

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        self._raw["spec"] = {"containers": [{"name": "main", "image": "web:1"}]}

    def image(self, image: str) -> Self:
        return self.changed({"spec": {"containers": [{"name": "main", "image": image}]}})

    def gated(self, *gates: str) -> Self:
        return self.changed({"spec": {"schedulingGates": [{"name": gate} for gate in gates]}})

    def held(self, *others: str) -> Self:
        """As admission leaves it: our gate after those of others, and the worker's label."""
        label = {"metadata": {"labels": {wellknown.LABEL: wellknown.LABEL_HELD}}}
        return self.gated(*others, wellknown.GATE).changed(label)

    def revision(self, hash_: str) -> Self:
        return self.changed({"metadata": {"labels": {wellknown.CONTROLLER_REVISION_HASH: hash_}}})

    def of_task(self) -> Self:
        return self.changed({"metadata": {"labels": {wellknown.LABEL: wellknown.LABEL_TASK}}})

    def phase(self, phase: str) -> Self:
        return self.changed({"status": {"phase": phase}})

    def running(self) -> Self:
        return self.phase("Running")

    def waiting(self, reason: str, message: str = "") -> Self:
        state = {"waiting": {"reason": reason, "message": message}}
        return self.changed({"status": {"phase": "Pending", "containerStatuses": [{"name": "main", "state": state}]}})

    def unschedulable(self, message: str) -> Self:
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        return self.changed({"status": {"phase": "Pending", "conditions": [condition]}})

    def ended(self, exit_code: int = 0, said: str = "") -> Self:
        terminated = {
            "exitCode": exit_code,
            "reason": "Error" if exit_code else "Completed",
            "message": said,
            "startedAt": START,
            "finishedAt": START,
        }
        phase = "Failed" if exit_code else "Succeeded"
        statuses = [{"name": "main", "state": {"terminated": terminated}}]
        return self.changed({"status": {"phase": phase, "containerStatuses": statuses}})

    def ran(self, digest: str) -> Self:
        """With that code, as a runner of ours says it: before what the script has printed last."""
        (container,) = self.raw["status"]["containerStatuses"]
        ended = container["state"]["terminated"]
        ended["message"] = f"code {digest}\n{ended['message']}"
        return self.changed({"status": {"containerStatuses": [container | {"name": "keptn-function-runner"}]}})

    def disrupted(self, reason: str = "EvictionByEvictionAPI", message: str = "Eviction API: evicting") -> Self:
        """With the condition that says that the cluster ends it."""
        condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
        return self.changed({"status": {"conditions": [condition]}})

    def evicted(self) -> Self:
        return self.changed({"status": {"phase": "Failed", "reason": "Evicted", "message": "node low on memory"}})


class JobBuilder(Builder[core.Job]):
    API_VERSION, KIND, MODEL = "batch/v1", "Job", core.Job

    def says(self, type_: str, reason: str = "", message: str = "", status: str = "True") -> Self:
        """With this condition."""
        condition = {"type": type_, "status": status, "reason": reason, "message": message}
        return self.changed({"status": {"conditions": [condition]}})

    def failures(self, number: int) -> Self:
        return self.changed({"status": {"failed": number}})


class TaskBuilder(Builder[Task]):
    KIND, MODEL = "KeptnTask", Task

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        self._raw["spec"] = {"taskDefinition": "check"}

    def spec(self, **fields: Any) -> Self:
        return self.changed({"spec": fields})

    def status(self, state: str, **fields: Any) -> Self:
        return self.changed({"status": {"status": state, **fields}})


class DefinitionBuilder(Builder[TaskDefinition]):
    KIND, MODEL = "KeptnTaskDefinition", TaskDefinition

    def spec(self, **fields: Any) -> Self:
        return self.changed({"spec": fields})

    def inline(self, code: str, runtime: str = "deno", **more: Any) -> Self:
        return self.spec(**{runtime: {"inline": {"code": code}, **more}})


class WorkloadBuilder(Builder[Workload]):
    KIND, MODEL = "KeptnWorkload", Workload

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        reference = {"kind": "ReplicaSet", "name": "web-1", "uid": "uid-web-1"}
        self._raw["spec"] = {"app": "web", "version": "1.0", "resourceReference": reference}


class VersionBuilder(Builder[WorkloadVersion]):
    KIND, MODEL = "KeptnWorkloadVersion", WorkloadVersion

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        reference = {"kind": "ReplicaSet", "name": "web-1", "uid": "uid-web-1"}
        self._raw["spec"] = {
            "app": "web",
            "version": "1.0",
            "workloadName": "web-web",
            "resourceReference": reference,
        }

    def checks(self, *definitions: str) -> Self:
        return self.changed({"spec": {"preDeploymentTasks": list(definitions)}})

    def evaluations(self, *definitions: str) -> Self:
        return self.changed({"spec": {"preDeploymentEvaluations": list(definitions)}})

    def content(self, digest: str, retry: str = "") -> Self:
        new = self.marked(wellknown.CONTENT, digest)
        return new.marked(wellknown.RETRY, retry) if retry else new

    def covers(self, *revisions: str) -> Self:
        return self.status(revisions=list(revisions))

    def status(self, **fields: Any) -> Self:
        return self.changed({"status": fields})

    def checked(self) -> Self:
        """Its own checks before the deployment have passed."""
        return self.status(preDeploymentStatus="Succeeded", preDeploymentEvaluationStatus="Succeeded")

    def passed(self) -> Self:
        """Its pods may go."""
        return self.checked().status(
            currentPhase="WorkloadDeploy",
            deploymentStatus="Progressing",
            deploymentStartTime=START,
            status="Progressing",
        )

    def failed(self) -> Self:
        return self.status(preDeploymentStatus="Failed", status="Failed")

    def superseded(self) -> Self:
        return self.status(status="Failed", deploymentStatus="Deprecated", endTime=START)


class AppBuilder(Builder[App]):
    KIND, MODEL = "KeptnApp", App

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        self._raw["metadata"]["generation"] = 1
        self._raw["spec"] = {"version": "1.0", "revision": 1, "workloads": []}

    def version(self, version: str, generation: int = 1) -> Self:
        return self.changed({"metadata": {"generation": generation}, "spec": {"version": version}})

    def lists(self, **workloads: str) -> Self:
        """With these workloads, each with its version."""
        return self.changed({"spec": {"workloads": _refs(workloads)}})

    def discovered(self) -> Self:
        """As one that is made from its workloads."""
        return self.changed({"metadata": {"labels": {wellknown.MANAGED_BY: wellknown.MANAGED_BY_VALUE}}})


class AppContextBuilder(Builder[AppContext]):
    KIND, MODEL = "KeptnAppContext", AppContext

    def spec(self, **fields: Any) -> Self:
        return self.changed({"spec": fields})


class AppVersionBuilder(Builder[AppVersion]):
    """A version of `app` as it is."""

    KIND, MODEL = "KeptnAppVersion", AppVersion

    def __init__(self, app: AppBuilder) -> None:
        meta = app.view.metadata
        super().__init__(names.app_version_name(app.name, app.view.spec.version, meta.generation), meta.namespace)
        self._raw = self.owned_by(app).marked(wellknown.APP_GENERATION, str(meta.generation)).raw
        self._raw["spec"] = app.raw["spec"] | {"appName": app.name}

    def status(self, **fields: Any) -> Self:
        return self.changed({"status": fields})

    def passed(self) -> Self:
        """Its checks before the deployment have."""
        return self.status(
            currentPhase="AppDeploy", preDeploymentStatus="Succeeded", preDeploymentEvaluationStatus="Succeeded"
        )

    def ended(self, at: str = START) -> Self:
        return self.passed().status(status="Succeeded", currentPhase="Completed", endTime=at)

    def failed(self, at: str = START) -> Self:
        """In its tasks before the deployment."""
        fields = failed_at(APP_PHASES, APP_PRE_TASKS)
        return self.status(**fields, endTime=at)


class EvaluationDefinitionBuilder(Builder[EvaluationDefinition]):
    KIND, MODEL = "KeptnEvaluationDefinition", EvaluationDefinition

    def objective(self, metric: str, target: str, query: str = "", namespace: str = "") -> Self:
        """With one more."""
        reference = {"name": metric} | ({"namespace": namespace} if namespace else {})
        new: Json = {"keptnMetricRef": reference, "evaluationTarget": target} | ({"query": query} if query else {})
        return self.changed({"spec": {"objectives": [*self._raw.get("spec", {}).get("objectives", []), new]}})

    def provider(self, **fields: Any) -> Self:
        return self.changed({"spec": {"provider": fields}})


class EvaluationBuilder(Builder[Evaluation]):
    KIND, MODEL = "KeptnEvaluation", Evaluation

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        self._raw["spec"] = {"evaluationDefinition": "slo", "workloadVersion": "1.0"}

    def spec(self, **fields: Any) -> Self:
        return self.changed({"spec": fields})

    def status(self, state: str, **fields: Any) -> Self:
        return self.changed({"status": {"overallStatus": state, **fields}})


class DeploymentBuilder(Builder[core.Deployment]):
    API_VERSION, KIND, MODEL = "apps/v1", "Deployment", core.Deployment

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        self._raw["spec"] = {"progressDeadlineSeconds": 600}
        self._raw["metadata"]["generation"] = 1
        self._raw["status"] = {"observedGeneration": 1, "conditions": [_progressing("True", "ReplicaSetUpdated", "")]}

    def deadline(self, seconds: int | None) -> Self:
        return self.changed({"spec": {"progressDeadlineSeconds": seconds}})

    def progressing(
        self, status: str = "True", reason: str = "ReplicaSetUpdated", message: str = "", updated: str = START
    ) -> Self:
        return self.changed({"status": {"conditions": [_progressing(status, reason, message, updated)]}})


class ReplicaSetBuilder(Builder[core.Parent]):
    API_VERSION, KIND, MODEL = "apps/v1", "ReplicaSet", core.Parent


class StatefulSetBuilder(Builder[core.StatefulSet]):
    API_VERSION, KIND, MODEL = "apps/v1", "StatefulSet", core.StatefulSet


class DaemonSetBuilder(Builder[core.DaemonSet]):
    API_VERSION, KIND, MODEL = "apps/v1", "DaemonSet", core.DaemonSet

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        self._raw["spec"] = {"template": {}}


class RolloutBuilder(Builder[core.Rollout]):
    API_VERSION, KIND, MODEL = "argoproj.io/v1alpha1", "Rollout", core.Rollout

    def __init__(self, name: str, namespace: str = SHOP) -> None:
        super().__init__(name, namespace)
        self._raw["metadata"]["generation"] = 1
        self._raw["status"] = {"observedGeneration": "1"}

    def newest(self, hash_: str) -> Self:
        return self.changed({"status": {"currentPodHash": hash_}})

    def observed(self, generation: str) -> Self:
        return self.changed({"status": {"observedGeneration": generation}})

    def status(self, phase: str, replicas: int, updated: int, **more: Any) -> Self:
        return self.changed({"status": {"phase": phase, "replicas": replicas, "updatedReplicas": updated, **more}})


pod = PodBuilder
job = JobBuilder
task = TaskBuilder
definition = DefinitionBuilder
workload = WorkloadBuilder
version = VersionBuilder
app = AppBuilder
app_context = AppContextBuilder
app_version = AppVersionBuilder
evaluation = EvaluationBuilder
evaluation_definition = EvaluationDefinitionBuilder
deployment = DeploymentBuilder
replica_set = ReplicaSetBuilder
stateful_set = StatefulSetBuilder
daemon_set = DaemonSetBuilder
rollout = RolloutBuilder


def _progressing(status: str, reason: str, message: str, updated: str = START) -> Json:
    return {
        "type": "Progressing",
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": updated,
        "lastTransitionTime": START,
    }


def _refs(workloads: dict[str, str]) -> list[Json]:
    return [{"name": name, "version": version} for name, version in workloads.items()]


def _keys(marks: dict[str, str]) -> dict[str, str]:
    """``pre_deployment_tasks`` is the key ``keptn.sh/pre-deployment-tasks``."""
    return {f"keptn.sh/{name.replace('_', '-')}": value for name, value in marks.items()}
