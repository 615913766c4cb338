"""What happens to a version, a task or an app, in the words of Keptn's events (keptn-behaviour 6.3, 6.4).

One happening is told twice: as a Kubernetes event on its object, and as a CloudEvent to whoever asked for them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.api.app import App, AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import Workload, WorkloadVersion
from app.lifecycle.phases import Phase
from app.lifecycle.states import State

# What is no phase of a version but has the same form: a reason's start and a title.
APP_COMPLETED: Final = Phase("AppCompleted", "App Completed", "")
WORKLOAD_COMPLETED: Final = Phase("WorkloadCompleted", "Workload Completed", "")
RECONCILE_TASK: Final = Phase("ReconcileTask", "Reconcile Task", "")
RECONCILE_EVALUATION: Final = Phase("ReconcileEvaluation", "Reconcile Evaluation", "")
RECONCILE_WORKLOAD: Final = Phase("ReconcileWorkload", "Reconcile Workloads", "")
CREATE_TASK: Final = Phase("CreateTask", "Create Task", "")
CREATE_EVALUATION: Final = Phase("CreateEvaluation", "Create Evaluation", "")
CREATE_APP_VERSION: Final = Phase("CreateAppVersion", "Create AppVersion", "")
DEPRECATE_APP_VERSION: Final = Phase("DeprecateAppVersion", "Deprecate AppVersion", "")
CREATE_WORKLOAD: Final = Phase("CreateWorkload", "Create Workload", "")
UPDATE_WORKLOAD: Final = Phase("UpdateWorkload", "Update Workload", "")
CREATE_WORKLOAD_VERSION: Final = Phase("CreateWorkloadVersion", "Create WorkloadVersion", "")
CREATE_APP_CREATION_REQUEST: Final = Phase("CreateAppCreationRequest", "Create AppCreationRequest", "")

STARTED: Final = "Started"
FINISHED: Final = "Finished"
FAILED: Final = "Failed"
STATUS_CHANGED: Final = "StatusChanged"
RECONCILE_ERROR: Final = "ReconcileError"
RECONCILE_TIMEOUT: Final = "ReconcileTimeout"
NOT_FOUND: Final = "NotFound"

SOURCE: Final = "keptn.sh"

_COMPONENTS: Final = {
    "KeptnTask": "keptntask-controller",
    "KeptnTaskDefinition": "keptntaskdefinition-controller",
    "ConfigMap": "keptntaskdefinition-controller",  # the code of a definition
    "KeptnApp": "keptnapp-controller",
    "KeptnAppVersion": "keptnappversion-controller",
    "KeptnAppCreationRequest": "keptnappcreationrequest-controller",
    "KeptnWorkload": "keptnworkload-controller",
    "KeptnWorkloadVersion": "keptnworkloadversion-controller",
    "KeptnEvaluation": "keptnevaluation-controller",
    "KeptnConfig": "keptnconfig-controller",
}
_TRACEPARENT: Final = "traceparent"


class Regarded(Protocol):
    """What a happening is about."""

    @property
    def metadata(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Happening:
    """Reason, message and annotations of the Kubernetes event, type and data of the CloudEvent."""

    reason: str
    message: str
    annotations: dict[str, str]
    type: str
    data: dict[str, Any]


def item_changes(
    phases: Iterable[Phase], before: Mapping[str, Any], fields: Mapping[str, Any]
) -> list[tuple[Phase, str]]:
    """What to tell of the tasks and evaluations whose state `fields` changes in a version's status.

    `before` is that status, both as JSON. An item that is not there yet counts as Pending. Source: keptn-behaviour 3.8.
    """
    told = []
    for phase in phases:
        known = {item["definitionName"]: item["status"] for item in before.get(phase.items) or ()}
        for item in fields.get(phase.items) or ():
            old, new = known.get(item["definitionName"]) or State.PENDING.value, item["status"]
            if old != new:
                what = RECONCILE_EVALUATION if phase.evaluates else RECONCILE_TASK
                told.append((what, f"status changed from {old} to {new}"))
    return told


def component(kind: str) -> str:
    """Who says something about an object of this kind, as Keptn's controllers are called; "" for others' kinds."""
    return _COMPONENTS.get(kind, "")


def happening(
    api_version: str, kind: str, obj: Regarded, phase: Phase, suffix: str, text: str, *, warning: bool = False
) -> Happening:
    """What to tell of `obj`, whose `phase` (or one of this module's constants) has come to `suffix`.

    `text` says it for people, such as "has started". Group, kind and version of the CloudEvent's resource, which Keptn
    leaves empty, are those of the object.
    """
    meta = obj.metadata
    version = _version(obj)
    message = f"{phase.title}: {text} / Namespace: {meta.namespace}, Name: {meta.name}"
    message += f", Version: {version}" if version else ""
    annotations = {"namespace": meta.namespace, "name": meta.name, "phase": phase.name}
    annotations |= _about(obj)
    annotations[_TRACEPARENT] = meta.annotations.get(_TRACEPARENT, "")
    group, _, served = api_version.rpartition("/")
    return Happening(
        reason=f"{phase.name}{suffix}",
        message=message,
        annotations=annotations,
        type=f"{phase.title}.{suffix}",
        data={
            "message": message,
            "type": "Warning" if warning else "Normal",
            "version": version,
            "resource": {
                "group": group,
                "kind": kind,
                "version": served,
                "name": meta.name,
                "namespace": meta.namespace,
            },
        },
    )


def _version(obj: Regarded) -> str:
    return obj.spec.version if isinstance(obj, App | AppVersion | Workload | WorkloadVersion) else ""


def _about(obj: Regarded) -> dict[str, str]:
    """Which app, workload, task or evaluation it is, under the names that Keptn's annotations have."""
    match obj:
        case AppVersion(metadata=meta, spec=spec):
            return {"appName": spec.app_name, "appVersion": spec.version, "appVersionName": meta.name}
        case App(metadata=meta, spec=spec):
            revision = hashlib.sha256(str(meta.generation).encode()).hexdigest()[:8]
            return {"appName": meta.name, "appVersion": spec.version, "appRevision": revision}
        case WorkloadVersion(metadata=meta, spec=spec):
            return {
                "appName": spec.app,
                "workloadName": spec.workload_name,
                "workloadVersion": spec.version,
                "workloadVersionName": meta.name,
            }
        case Workload(metadata=meta, spec=spec):
            return {"appName": spec.app, "workloadName": meta.name, "workloadVersion": spec.version}
        case Task(metadata=meta, spec=spec):
            return {
                "appName": spec.context.app_name,
                "appVersion": spec.context.app_version,
                "workloadName": spec.context.workload_name,
                "workloadVersion": spec.context.workload_version,
                "taskName": meta.name,
                "taskDefinitionName": spec.task_definition,
            }
        case Evaluation(metadata=meta, spec=spec):
            return {
                "appName": spec.app_name,
                "appVersion": spec.app_version,
                "workloadName": spec.workload,
                "workloadVersion": spec.workload_version,
                "evaluationName": meta.name,
                "evaluationDefinitionName": spec.evaluation_definition,
            }
        case _:
            return {}
