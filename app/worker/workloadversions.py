"""One KeptnWorkloadVersion: a KeptnTask for each of its definitions, and its own status from theirs."""

import asyncio
import math
import re

from app.api import wellknown
from app.api.meta import controlled_by
from app.api.taskdefinition import TaskDefinition
from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import AlreadyExists, Conflict, Invalid
from app.lifecycle import durations, workloadversions
from app.lifecycle.phases import LONG_NAMES, Phase
from app.lifecycle.states import State
from app.worker.caches import BY_OWNER
from app.worker.context import Context, together
from app.worker.links import Links, VersionKey

# What apply and the delivery tools write on a definition is about that object; on a task it would make them think
# that the task is theirs, and prune it.
_TRACKING = re.compile(
    r"^(kubectl\.kubernetes\.io/|argocd\.argoproj\.io/|meta\.helm\.sh/|helm\.sh/|kustomize\.toolkit\.fluxcd\.io/"
    r"|helm\.toolkit\.fluxcd\.io/|app\.kubernetes\.io/(managed-by|instance)$)"
)


# A version that has just begun says so this much later: its tasks' Jobs come first, and nobody waits for that word.
_UNSAID_SECONDS = 0.3


class WorkloadVersionReconciler:
    def __init__(self, context: Context, links: Links) -> None:
        self._context = context
        self._links = links
        self._began: dict[VersionKey, float] = {}  # when the tasks of a version that says nothing yet were made

    async def __call__(self, key: VersionKey) -> Outcome:
        caches = self._context.caches
        version = caches.versions.get(*key)
        if version is None:
            return Done()
        tasks = {task.metadata.name: task for task in caches.tasks.by_index(BY_OWNER, version.metadata.uid)}
        definitions = {
            name: found
            for name in version.spec.pre_deployment_tasks
            if (found := caches.definition(key[0], name, self._context.settings.namespace)) is not None
        }
        step = workloadversions.next_step(
            version,
            tasks,
            definitions.keys(),
            self._links.revisions(key, version.metadata.uid),
            self._context.stamp(),
        )
        if step.create:
            self._began.setdefault(key, asyncio.get_running_loop().time())
            await together([self._create(version, definitions[definition], name) for definition, name in step.create])
        if not step.fields:
            return Done()
        early = self._began.get(key, -math.inf) + _UNSAID_SECONDS - asyncio.get_running_loop().time()
        if step.began and step.verdict is None and early > 0:
            return After(early)
        self._began.pop(key, None)
        await self._context.write_status(resources.WORKLOAD_VERSIONS, version, dict(step.fields), caches.versions)
        self._tell(version, step)
        return Done()

    async def _create(self, version: WorkloadVersion, definition: TaskDefinition, name: str) -> None:
        cache, births = self._context.caches.tasks, self._context.births
        born = births[version.metadata.namespace, name] = asyncio.Event()
        try:
            made = await self._context.create(resources.TASKS, task_body(version, definition, name), cache)
            self._context.newborn.add(made["metadata"]["uid"])
        except (Invalid, durations.DurationError) as error:
            # A definition from before there were rules. Only its author can mend it, and that wakes us.
            where = f"{definition.metadata.namespace}/{definition.metadata.name}"
            message = f"KeptnTaskDefinition {where} cannot run as it is: {getattr(error, 'message', error)}"
            self._context.event("KeptnWorkloadVersion", version, "CreateTaskFailed", message, warning=True)
        except AlreadyExists:
            there = await self._context.api.get(resources.TASKS, name, version.metadata.namespace)
            owners = there["metadata"].get("ownerReferences") or []
            if not any(owner["uid"] == version.metadata.uid for owner in owners):
                raise Conflict(
                    409,
                    "NameTaken",
                    f"KeptnTask {version.metadata.namespace}/{name} exists and is not of KeptnWorkloadVersion "
                    f"{version.metadata.name}; delete it",
                ) from None
            cache.observe(there)
        finally:
            del births[version.metadata.namespace, name]
            born.set()

    def _tell(self, version: WorkloadVersion, step: workloadversions.Step) -> None:
        phase = Phase.PRE_TASKS
        if step.began:
            self._event(version, phase, "Started", "has started")
        if step.verdict is State.SUCCEEDED:
            self._event(version, phase, "Finished", "has finished")
        elif step.verdict is State.FAILED:
            self._event(version, phase, "Failed", "has failed", warning=True)

    def _event(self, version: WorkloadVersion, phase: Phase, suffix: str, text: str, *, warning: bool = False) -> None:
        meta = version.metadata
        message = (
            f"{LONG_NAMES[phase]}: {text} / Namespace: {meta.namespace}, Name: {meta.name}, "
            f"Version: {version.spec.version}"
        )
        self._context.event("KeptnWorkloadVersion", version, f"{phase.value}{suffix}", message, warning=warning)


def task_body(version: WorkloadVersion, definition: TaskDefinition, name: str) -> Json:
    """The KeptnTask that runs `definition` before the deployment of `version`. Source: keptn-behaviour 3.8."""
    meta = version.metadata
    context: Json = {
        "workloadName": version.spec.workload_name,
        "appName": version.spec.app,
        "appVersion": "",
        "workloadVersion": version.spec.version,
        "taskType": workloadversions.PRE,
        "objectType": "Workload",
    }
    if version.spec.metadata:
        context["metadata"] = dict(version.spec.metadata)
    timeout = durations.parse(definition.spec.timeout)
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnTask",
        "metadata": {
            "name": name,
            "namespace": meta.namespace,
            "labels": _carried(definition.metadata.labels),
            "annotations": _carried(definition.metadata.annotations),
            "ownerReferences": [controlled_by("KeptnWorkloadVersion", meta)],
        },
        "spec": {
            "taskDefinition": definition.metadata.name,
            "checkType": workloadversions.PRE,
            "context": context,
            "retries": definition.spec.retries,
            "timeout": durations.format(timeout),
        },
    }


def _carried(marks: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in marks.items() if not _TRACKING.match(key) and key != wellknown.CONVERSION}
