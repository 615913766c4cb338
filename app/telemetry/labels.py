"""The label sets of Keptn's metrics for each kind of object (keptn-behaviour 6.1)."""

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.lifecycle.revisions import was_superseded
from app.lifecycle.states import State
from app.telemetry.exposition import keptn


def app_active(version: AppVersion) -> str:
    return keptn(**_app(version))


def app_ended(version: AppVersion) -> str:
    return keptn(**_app(version), app_status=_end(version))


def app_previous(version: AppVersion) -> str:
    spec = version.spec
    return keptn(
        app_name=spec.app_name,
        app_namespace=version.metadata.namespace,
        app_version=spec.version,
        app_previousversion=spec.previous_version,
    )


def workload_active(version: WorkloadVersion) -> str:
    return keptn(**_workload(version))


def workload_ended(version: WorkloadVersion) -> str:
    return keptn(**_workload(version), workload_status=_end(version))


def workload_previous(version: WorkloadVersion) -> str:
    spec = version.spec
    return keptn(
        app_name=spec.app,
        workload_name=spec.workload_name,
        workload_namespace=version.metadata.namespace,
        workload_version=spec.version,
        workload_previousversion=spec.previous_version,
    )


def task_active(task: Task) -> str:
    return keptn(**_task(task))


def task_ended(task: Task) -> str:
    return keptn(**_task(task), task_status=task.status.status)


def evaluation_active(evaluation: Evaluation) -> str:
    return keptn(**_evaluation(evaluation))


def evaluation_ended(evaluation: Evaluation) -> str:
    return keptn(**_evaluation(evaluation), evaluation_status=evaluation.status.overall_status)


def _end(version: AppVersion | WorkloadVersion) -> str:
    """How a version ended. One that a newer one has overtaken did not fail, whatever word its status had to take."""
    return State.DEPRECATED if was_superseded(version.status) else version.status.status


def _app(version: AppVersion) -> dict[str, str]:
    spec = version.spec
    return {"app_name": spec.app_name, "app_version": spec.version, "app_namespace": version.metadata.namespace}


def _workload(version: WorkloadVersion) -> dict[str, str]:
    spec = version.spec
    return {
        "app_name": spec.app,
        "workload_name": spec.workload_name,
        "workload_version": spec.version,
        "workload_namespace": version.metadata.namespace,
    }


def _task(task: Task) -> dict[str, str]:
    context = task.spec.context
    return {
        "app_name": context.app_name,
        "app_version": context.app_version,
        "workload_name": context.workload_name,
        "workload_version": context.workload_version,
        "task_name": task.metadata.name,
        "task_type": task.spec.check_type,
    }


def _evaluation(evaluation: Evaluation) -> dict[str, str]:
    spec = evaluation.spec
    return {
        "app_name": spec.app_name,
        "app_version": spec.app_version,
        "workload_name": spec.workload,
        "workload_version": spec.workload_version,
        "evaluation_name": evaluation.metadata.name,
        "evaluation_type": spec.check_type,
    }
