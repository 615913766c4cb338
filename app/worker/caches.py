"""What the worker knows of the cluster: one informer per kind, each object cut down to what a decision needs."""

import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from app.api import wellknown
from app.api.app import App, AppContext, AppCreationRequest, AppVersion
from app.api.config import Config
from app.api.core import DaemonSet, Deployment, Job, Namespace, Parent, Pod, StatefulSet
from app.api.evaluation import Evaluation, EvaluationDefinition
from app.api.meta import Object
from app.api.task import Task
from app.api.taskdefinition import TaskDefinition
from app.api.workload import Workload, WorkloadVersion
from app.cluster import resources
from app.cluster.api import Api, Json
from app.cluster.informer import Informer
from app.lifecycle import config, gates
from app.lifecycle.functions import function_ref, runner
from app.lifecycle.identity import owner_of
from app.lifecycle.revisions import template_digest
from app.lifecycle.states import is_completed
from app.worker.links import RevisionKey, revision_key_of

T = TypeVar("T")

_KEPT_PREFIXES = (
    "keptn.sh/",
    "app.kubernetes.io/",
    "deployment.kubernetes.io/",
    "pod-security.kubernetes.io/",
    wellknown.ROLLOUT_POD_HASH,
)

BY_OWNER = "owner"  # uid of the owner that manages it
BY_UID = "uid"
BY_NAMESPACE = "namespace"
# Of pods that we hold and nobody deletes. A workload may have thousands of others, and each change of one of them has
# somebody look for these.
HELD_OF_OWNER = "held of owner"  # uid of whoever deploys it
HELD_OF_REVISION = "held of revision"  # a RevisionKey's value
BY_DEFINITION = "definition"  # namespace/name of a definition that is used
BY_WORKLOAD = "workload"  # namespace/name of the KeptnWorkload
BY_APP = "app"  # namespace/name of the KeptnApp
BY_REVISION = "revision"  # what status.revisions lists, and what it was made for
GOING_OF_APP = "going of app"  # as BY_APP, of versions that have not ended: over the years there are many others
UNFINISHED = "unfinished"  # uids of whoever deploys the pods, of versions that have not ended
BY_CONFIG_MAP = "configmap"  # name of the ConfigMap that a definition's code lies in
BY_PARENT = "parent"  # namespace/name of the definition that a functionRef names


def scoped(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


class Quota(Object):
    """A ResourceQuota; `computes` says that it asks pods for CPU or memory."""

    computes: bool = False


class Complaint(Object):
    """The Job controller's event that it could make no pod of a Job: a quota or a policy is in the way."""

    job: str  # uid
    message: str = ""


@dataclass(frozen=True, slots=True)
class Caches:
    pods: Informer[Pod]
    jobs: Informer[Job]
    tasks: Informer[Task]
    definitions: Informer[TaskDefinition]
    workloads: Informer[Workload]
    versions: Informer[WorkloadVersion]
    deployments: Informer[Deployment]
    replica_sets: Informer[Parent]
    stateful_sets: Informer[StatefulSet]
    daemon_sets: Informer[DaemonSet]
    namespaces: Informer[Namespace]
    config_maps: Informer[Object]
    quotas: Informer[Quota]
    complaints: Informer[Complaint]
    apps: Informer[App]
    app_contexts: Informer[AppContext]
    app_versions: Informer[AppVersion]
    app_requests: Informer[AppCreationRequest]
    evaluation_definitions: Informer[EvaluationDefinition]
    evaluations: Informer[Evaluation]
    configs: Informer[Config]  # of all namespaces, so that one in the wrong place can be told so

    def all(self) -> list[Informer[Any]]:
        return [getattr(self, field.name) for field in fields(self)]

    def definition(self, namespace: str, name: str, installation: str) -> TaskDefinition | None:
        """The definition that a task in `namespace` means: its own namespace's, else the installation namespace's."""
        return self.definitions.get(namespace, name) or self.definitions.get(installation, name)

    def evaluation_definition(self, namespace: str, name: str, installation: str) -> EvaluationDefinition | None:
        """The definition that an evaluation in `namespace` means, found like a task's."""
        return self.evaluation_definitions.get(namespace, name) or self.evaluation_definitions.get(installation, name)

    def config(self, installation: str) -> config.Config:
        """What the KeptnConfig in the installation namespace says now."""
        return config.effective(self.configs_of(installation))

    def configs_of(self, namespace: str) -> list[Config]:
        """The KeptnConfigs there."""
        return [each for each in self.configs.all() if each.metadata.namespace == namespace]


def build(api: Api, rng: random.Random) -> Caches:
    """All informers, not running yet."""
    return Caches(
        pods=Informer(
            api,
            resources.PODS,
            Pod.model_validate,
            label_selector=wellknown.LABEL,
            indexes={BY_OWNER: _pod_owner, HELD_OF_OWNER: _held_of_owner, HELD_OF_REVISION: _held_of_revision},
            rng=rng,
        ),
        jobs=Informer(
            api,
            resources.JOBS,
            Job.model_validate,
            label_selector=f"{wellknown.LABEL}={wellknown.LABEL_TASK}",
            indexes={BY_UID: lambda job: [job.metadata.uid]},
            rng=rng,
        ),
        tasks=Informer(
            api,
            resources.TASKS,
            Task.model_validate,
            indexes={BY_OWNER: _owner, BY_DEFINITION: lambda task: [task.spec.task_definition]},
            rng=rng,
        ),
        definitions=Informer(
            api,
            resources.TASK_DEFINITIONS,
            TaskDefinition.model_validate,
            indexes={
                BY_PARENT: lambda definition: [ref] if (ref := function_ref(definition)) else [],
                BY_CONFIG_MAP: _config_map,
            },
            rng=rng,
        ),
        workloads=Informer(
            api,
            resources.WORKLOADS,
            Workload.model_validate,
            indexes={BY_APP: lambda workload: [scoped(workload.metadata.namespace, workload.spec.app)]},
            rng=rng,
        ),
        versions=Informer(
            api,
            resources.WORKLOAD_VERSIONS,
            WorkloadVersion.model_validate,
            indexes={
                BY_WORKLOAD: lambda version: [scoped(version.metadata.namespace, version.spec.workload_name)],
                BY_DEFINITION: _asked_for,
                BY_REVISION: _revisions,
                UNFINISHED: _unfinished,
                BY_APP: lambda version: [scoped(version.metadata.namespace, version.spec.app)],
                GOING_OF_APP: lambda version: _going(version, version.spec.app),
            },
            rng=rng,
        ),
        deployments=Informer(api, resources.DEPLOYMENTS, _pruned(Deployment.model_validate), rng=rng),
        replica_sets=Informer(
            api,
            resources.REPLICASETS,
            _pruned(Parent.model_validate),
            metadata_only=True,
            indexes={BY_OWNER: _owner, BY_UID: lambda replica_set: [replica_set.metadata.uid]},
            rng=rng,
        ),
        stateful_sets=Informer(api, resources.STATEFULSETS, _pruned(StatefulSet.model_validate), rng=rng),
        daemon_sets=Informer(api, resources.DAEMONSETS, _pruned(_daemon_set), rng=rng),
        namespaces=Informer(api, resources.NAMESPACES, _pruned(Namespace.model_validate), rng=rng),
        config_maps=Informer(api, resources.CONFIGMAPS, _pruned(Object.model_validate), metadata_only=True, rng=rng),
        quotas=Informer(
            api,
            resources.RESOURCEQUOTAS,
            _quota,
            indexes={BY_NAMESPACE: lambda quota: [quota.metadata.namespace]},
            rng=rng,
        ),
        complaints=Informer(
            api,
            resources.EVENTS,
            _complaint,
            field_selector="involvedObject.kind=Job,reason=FailedCreate",
            indexes={BY_OWNER: lambda complaint: [complaint.job]},
            rng=rng,
        ),
        apps=Informer(api, resources.APPS, App.model_validate, rng=rng),
        app_contexts=Informer(api, resources.APP_CONTEXTS, AppContext.model_validate, rng=rng),
        app_versions=Informer(
            api,
            resources.APP_VERSIONS,
            AppVersion.model_validate,
            indexes={
                BY_APP: lambda version: [scoped(version.metadata.namespace, version.spec.app_name)],
                GOING_OF_APP: lambda version: _going(version, version.spec.app_name),
                BY_DEFINITION: lambda version: [*_asked_for(version), *version.spec.promotion_tasks],
            },
            rng=rng,
        ),
        app_requests=Informer(api, resources.APP_CREATION_REQUESTS, AppCreationRequest.model_validate, rng=rng),
        evaluation_definitions=Informer(
            api, resources.EVALUATION_DEFINITIONS, EvaluationDefinition.model_validate, rng=rng
        ),
        evaluations=Informer(
            api,
            resources.EVALUATIONS,
            Evaluation.model_validate,
            indexes={BY_OWNER: _owner, BY_DEFINITION: lambda evaluation: [evaluation.spec.evaluation_definition]},
            rng=rng,
        ),
        configs=Informer(api, resources.CONFIGS, Config.model_validate, rng=rng),
    )


def _owner(item: Any) -> list[str]:
    controller = item.metadata.controller
    return [controller.uid] if controller else []


def _asked_for(version: WorkloadVersion | AppVersion) -> list[str]:
    """Every definition that a version names, whether of tasks or of evaluations."""
    spec = version.spec
    lists = (
        spec.pre_deployment_tasks,
        spec.post_deployment_tasks,
        spec.pre_deployment_evaluations,
        spec.post_deployment_evaluations,
    )
    return list(dict.fromkeys(name for each in lists for name in each))


def _pod_owner(pod: Pod) -> list[str]:
    """Whoever deploys a pod counts even if it does not say that it controls it, as at admission."""
    above = owner_of(pod)
    return [above.uid] if above else _owner(pod)


def _held_of_owner(pod: Pod) -> list[str]:
    key = _held_key(pod)
    return [key.owner_uid] if key else []


def _held_of_revision(pod: Pod) -> list[str]:
    key = _held_key(pod)
    return [key.value] if key else []


def _held_key(pod: Pod) -> RevisionKey | None:
    return revision_key_of(pod) if gates.is_held(pod) and not pod.metadata.deletion_timestamp else None


def _revisions(version: WorkloadVersion) -> list[str]:
    made_for = version.metadata.annotations.get(wellknown.REVISION)
    return list(dict.fromkeys([*version.status.revisions, *([made_for] if made_for else [])]))


def revisions_of(version: WorkloadVersion) -> list[str]:
    """The pod revisions that it stands for, as `lifecycle.deployed` takes them."""
    return list(dict.fromkeys([*_revisions(version), version.spec.resource_reference.uid]))


def _going(version: WorkloadVersion | AppVersion, app: str) -> list[str]:
    return [] if is_completed(version.status.status) else [scoped(version.metadata.namespace, app)]


def _unfinished(version: WorkloadVersion) -> list[str]:
    if is_completed(version.status.status):
        return []
    return list(dict.fromkeys(revision.partition("/")[0] for revision in revisions_of(version)))


def _config_map(definition: TaskDefinition) -> list[str]:
    script = runner(definition)
    return [script[1].config_map_ref.name] if script and script[1].config_map_ref else []


def _pruned(decode: Callable[[Json], T]) -> Callable[[Json], T]:
    """Decodes with only the labels and annotations that can matter: others' are most of an object's size."""

    def pruned(raw: Json) -> T:
        metadata = dict(raw["metadata"])
        for field in ("labels", "annotations"):
            values: dict[str, str] = metadata.get(field) or {}
            metadata[field] = {key: value for key, value in values.items() if key.startswith(_KEPT_PREFIXES)}
        return decode({**raw, "metadata": metadata})

    return pruned


def _daemon_set(raw: Json) -> DaemonSet:
    return DaemonSet.model_validate({**raw, "template": template_digest(raw["spec"]["template"])})


def _quota(raw: Json) -> Quota:
    hard = (raw.get("spec") or {}).get("hard") or {}
    computes = any("cpu" in name or "memory" in name for name in hard)
    return Quota.model_validate({**raw, "computes": computes})


def _complaint(raw: Json) -> Complaint:
    return Complaint.model_validate({**raw, "job": raw["involvedObject"].get("uid", "")})
