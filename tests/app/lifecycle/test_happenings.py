"""Keptn's words, letter by letter."""

from typing import Any

import pytest

from app.api.app import App, AppVersion
from app.api.evaluation import Evaluation
from app.api.meta import Object
from app.api.task import Task
from app.api.workload import Workload, WorkloadVersion
from app.lifecycle import happenings, phases
from app.lifecycle.happenings import component, happening

V1 = "lifecycle.keptn.sh/v1"
META = {"name": "it", "namespace": "shop", "generation": 2}
REFERENCE = {"uid": "u", "kind": "ReplicaSet", "name": "rs"}
WORKLOAD = {"app": "podtato", "version": "1.0", "resourceReference": REFERENCE}
VERSION = WorkloadVersion.model_validate({"metadata": META, "spec": {**WORKLOAD, "workloadName": "podtato-web"}})


def test_a_phase_is_told_in_keptns_words() -> None:
    told = happening(V1, "KeptnWorkloadVersion", VERSION, phases.WORKLOAD_DEPLOY, happenings.STARTED, "has started")
    assert told.reason == "WorkloadDeployStarted"
    assert told.message == "Workload Deployment: has started / Namespace: shop, Name: it, Version: 1.0"
    assert told.annotations == {
        "namespace": "shop",
        "name": "it",
        "phase": "WorkloadDeploy",
        "traceparent": "",
        "appName": "podtato",
        "workloadName": "podtato-web",
        "workloadVersion": "1.0",
        "workloadVersionName": "it",
    }
    assert told.type == "Workload Deployment.Started"
    assert told.data == {
        "message": told.message,
        "type": "Normal",
        "version": "1.0",
        "resource": {
            "group": "lifecycle.keptn.sh",
            "kind": "KeptnWorkloadVersion",
            "version": "v1",
            "name": "it",
            "namespace": "shop",
        },
    }


TASK = {
    "taskDefinition": "check",
    "context": {"appName": "podtato", "appVersion": "2", "workloadName": "w", "workloadVersion": "1.0"},
}
EVALUATION = {
    "evaluationDefinition": "slo",
    "appName": "podtato",
    "appVersion": "2",
    "workload": "w",
    "workloadVersion": "1.0",
}


@pytest.mark.parametrize(
    ("kind", "model", "spec", "about", "version"),
    [
        (
            "KeptnAppVersion",
            AppVersion,
            {"appName": "podtato", "version": "2"},
            {"appName": "podtato", "appVersion": "2", "appVersionName": "it"},
            "2",
        ),
        # The hash of generation 2, as in the name of the KeptnAppVersion.
        ("KeptnApp", App, {"version": "2"}, {"appName": "it", "appVersion": "2", "appRevision": "d4735e3a"}, "2"),
        (
            "KeptnWorkload",
            Workload,
            WORKLOAD,
            {"appName": "podtato", "workloadName": "it", "workloadVersion": "1.0"},
            "1.0",
        ),
        ("KeptnTask", Task, TASK, TASK["context"] | {"taskName": "it", "taskDefinitionName": "check"}, ""),  # type: ignore[operator]
        (
            "KeptnEvaluation",
            Evaluation,
            EVALUATION,
            {
                "appName": "podtato",
                "appVersion": "2",
                "workloadName": "w",
                "workloadVersion": "1.0",
                "evaluationName": "it",
                "evaluationDefinitionName": "slo",
            },
            "",
        ),
        ("ConfigMap", Object, {}, {}, ""),
    ],
)
def test_the_annotations_say_which_object_it_is(kind: str, model: Any, spec: Any, about: Any, version: str) -> None:
    obj = model.model_validate({"metadata": META, "spec": spec})
    told = happening(V1, kind, obj, happenings.CREATE_TASK, happenings.FAILED, "no", warning=True)
    common = {"namespace": "shop", "name": "it", "phase": "CreateTask", "traceparent": ""}
    assert told.annotations == common | about
    assert told.data["version"] == version
    assert told.data["type"] == "Warning"
    assert told.message == "Create Task: no / Namespace: shop, Name: it" + (f", Version: {version}" if version else "")


def test_the_trace_of_the_object_goes_along() -> None:
    traced = VERSION.model_copy(
        update={"metadata": VERSION.metadata.model_copy(update={"annotations": {"traceparent": "00-1-2-01", "a": "b"}})}
    )
    told = happening(V1, "KeptnWorkloadVersion", traced, phases.WORKLOAD_DEPLOY, "Started", "has started")
    assert told.annotations["traceparent"] == "00-1-2-01"
    assert "a" not in told.annotations


def test_a_core_object_has_no_group() -> None:
    told = happening("v1", "ConfigMap", Object(), happenings.RECONCILE_TASK, happenings.FAILED, "no")
    assert (told.data["resource"]["group"], told.data["resource"]["version"]) == ("", "v1")
    assert told.reason == "ReconcileTaskFailed"


@pytest.mark.parametrize(
    ("thing", "suffix", "reason", "type"),
    [
        (
            phases.APP_PRE_EVALUATIONS,
            "NotFound",
            "AppPreDeployEvaluationsNotFound",
            "App Pre-Deployment Evaluations.NotFound",
        ),
        (phases.PROMOTION, "Finished", "PromotionTasksFinished", "Promotion Tasks.Finished"),
        (happenings.APP_COMPLETED, "Finished", "AppCompletedFinished", "App Completed.Finished"),
        (happenings.WORKLOAD_COMPLETED, "Failed", "WorkloadCompletedFailed", "Workload Completed.Failed"),
        (
            happenings.RECONCILE_TASK,
            happenings.STATUS_CHANGED,
            "ReconcileTaskStatusChanged",
            "Reconcile Task.StatusChanged",
        ),
        (
            happenings.RECONCILE_EVALUATION,
            happenings.RECONCILE_TIMEOUT,
            "ReconcileEvaluationReconcileTimeout",
            "Reconcile Evaluation.ReconcileTimeout",
        ),
        (
            happenings.RECONCILE_EVALUATION,
            happenings.RECONCILE_ERROR,
            "ReconcileEvaluationReconcileError",
            "Reconcile Evaluation.ReconcileError",
        ),
        (
            happenings.RECONCILE_WORKLOAD,
            happenings.NOT_FOUND,
            "ReconcileWorkloadNotFound",
            "Reconcile Workloads.NotFound",
        ),
        (happenings.CREATE_TASK, "NotFound", "CreateTaskNotFound", "Create Task.NotFound"),
        (happenings.CREATE_EVALUATION, "Failed", "CreateEvaluationFailed", "Create Evaluation.Failed"),
        (happenings.CREATE_APP_VERSION, "Failed", "CreateAppVersionFailed", "Create AppVersion.Failed"),
        (happenings.DEPRECATE_APP_VERSION, "Failed", "DeprecateAppVersionFailed", "Deprecate AppVersion.Failed"),
        (happenings.CREATE_WORKLOAD, "Failed", "CreateWorkloadFailed", "Create Workload.Failed"),
        (happenings.UPDATE_WORKLOAD, "Failed", "UpdateWorkloadFailed", "Update Workload.Failed"),
        (happenings.CREATE_WORKLOAD_VERSION, "Failed", "CreateWorkloadVersionFailed", "Create WorkloadVersion.Failed"),
        (
            happenings.CREATE_APP_CREATION_REQUEST,
            "Failed",
            "CreateAppCreationRequestFailed",
            "Create AppCreationRequest.Failed",
        ),
    ],
)
def test_reasons_and_types_are_keptns(thing: phases.Phase, suffix: str, reason: str, type: str) -> None:
    told = happening(V1, "KeptnWorkloadVersion", VERSION, thing, suffix, "text")
    assert (told.reason, told.type) == (reason, type)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("KeptnTask", "keptntask-controller"),
        ("KeptnTaskDefinition", "keptntaskdefinition-controller"),
        ("ConfigMap", "keptntaskdefinition-controller"),
        ("KeptnApp", "keptnapp-controller"),
        ("KeptnAppVersion", "keptnappversion-controller"),
        ("KeptnWorkload", "keptnworkload-controller"),
        ("KeptnWorkloadVersion", "keptnworkloadversion-controller"),
        ("KeptnEvaluation", "keptnevaluation-controller"),
        ("Pod", ""),
    ],
)
def test_each_kind_has_its_controller_as_source(kind: str, source: str) -> None:
    assert component(kind) == source


def items(**states: str) -> list[dict[str, str]]:
    return [{"definitionName": name, "name": f"pre-{name}-1", "status": state} for name, state in states.items()]


def test_what_becomes_of_tasks_and_evaluations_is_told_from_the_status() -> None:
    before = {"preDeploymentTaskStatus": items(a="Progressing", b="Progressing"), "postDeploymentTaskStatus": []}
    fields = {
        "preDeploymentTaskStatus": items(a="Succeeded", b="Progressing", c="Progressing"),
        "preDeploymentEvaluationTaskStatus": items(slo="Progressing"),
        "status": "Progressing",
    }
    assert happenings.item_changes(phases.WORKLOAD_PHASES, before, fields) == [
        (happenings.RECONCILE_TASK, "status changed from Progressing to Succeeded"),
        (happenings.RECONCILE_TASK, "status changed from Pending to Progressing"),
        (happenings.RECONCILE_EVALUATION, "status changed from Pending to Progressing"),
    ]
    assert happenings.item_changes((phases.WORKLOAD_POST_TASKS,), before, fields) == []
