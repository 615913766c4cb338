"""The KeptnTask that a version makes for one of its definitions (keptn-behaviour 3.8)."""

import re
from collections.abc import Mapping
from typing import Any

from app.api import wellknown
from app.api.app import AppVersion
from app.api.meta import controlled_by
from app.api.taskdefinition import TaskDefinition
from app.api.workload import WorkloadVersion
from app.lifecycle import durations
from app.lifecycle.phases import Phase

Json = dict[str, Any]

# What apply and the delivery tools write on a definition is about that object; on a task it would make them think
# that the task is theirs, and prune it.
_TRACKING = re.compile(
    r"^(kubectl\.kubernetes\.io/|argocd\.argoproj\.io/|meta\.helm\.sh/|helm\.sh/|kustomize\.toolkit\.fluxcd\.io/"
    r"|helm\.toolkit\.fluxcd\.io/|app\.kubernetes\.io/(managed-by|instance)$)"
)


def task_body(
    version: WorkloadVersion | AppVersion,
    definition: TaskDefinition,
    phase: Phase,
    name: str,
    metadata: Mapping[str, str],
) -> Json:
    """The KeptnTask `name` that runs `definition` for `version` in `phase`.

    `metadata` is what the app and the workload say of themselves, and the trace. Raises DurationError for a timeout
    from before there were rules.
    """
    kind = "KeptnWorkloadVersion" if isinstance(version, WorkloadVersion) else "KeptnAppVersion"
    timeout = durations.parse(definition.spec.timeout)
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnTask",
        "metadata": {
            "name": name,
            "namespace": version.metadata.namespace,
            "labels": _carried(definition.metadata.labels),
            "annotations": _carried(definition.metadata.annotations),
            "ownerReferences": [controlled_by(kind, version.metadata)],
        },
        "spec": {
            "taskDefinition": definition.metadata.name,
            "checkType": phase.check,
            "context": _context(version, phase) | ({"metadata": dict(metadata)} if metadata else {}),
            "retries": definition.spec.retries,
            "timeout": durations.format(timeout),
        },
    }


def _context(version: WorkloadVersion | AppVersion, phase: Phase) -> Json:
    if isinstance(version, WorkloadVersion):
        return {
            "workloadName": version.spec.workload_name,
            "appName": version.spec.app,
            "appVersion": "",
            "workloadVersion": version.spec.version,
            "taskType": phase.check,
            "objectType": "Workload",
        }
    return {
        "workloadName": "",
        "appName": version.spec.app_name,
        "appVersion": version.spec.version,
        "workloadVersion": "",
        "taskType": phase.check,
        "objectType": "App",
    }


def _carried(marks: dict[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in marks.items()
        if not _TRACKING.match(key) and not key.startswith(wellknown.CONVERSION)
    }
