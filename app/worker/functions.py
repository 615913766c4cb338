"""Scripts as ConfigMaps: one for each definition's inline code, and a copy for a task in another namespace."""

from app.api import wellknown
from app.api.task import Task
from app.api.taskdefinition import TaskDefinition
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.controller import Done, Outcome
from app.cluster.errors import AlreadyExists, NotFound
from app.lifecycle import functions, names
from app.lifecycle.functions import CODE_KEY, Code, ConfigMapCode, InlineCode, Problem, RemoteCode
from app.lifecycle.jobs import Mounted
from app.worker.context import Context


class FunctionReconciler:
    """Keeps the ConfigMap of a definition's inline code, before any task needs it, and says its name in the status."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, key: tuple[str, str]) -> Outcome:
        definition = self._context.caches.definitions.get(*key)
        if definition is None or definition.metadata.deletion_timestamp:
            return Done()
        script = functions.runner(definition)
        name = ""
        if script and script[1].inline and script[1].inline.code:
            code = InlineCode(key[0], key[1], script[1].inline.code)
            name = (await ensure_own(self._context, definition, code)).config_map
        elif script and script[1].config_map_ref:
            name = script[1].config_map_ref.name
        if definition.status.function.config_map != name:
            await self._context.write_status(
                resources.TASK_DEFINITIONS,
                definition,
                {"function": {"configMap": name or None}},
                self._context.caches.definitions,
            )
        return Done()


async def mount(context: Context, task: Task, code: Code) -> Mounted | Problem | None:
    """Where `task` mounts its script from, None if its pod fetches it, or why it cannot be mounted yet."""
    if isinstance(code, RemoteCode):
        return None
    home = task.metadata.namespace
    if isinstance(code, InlineCode):
        if code.namespace != home:
            return await _copy(context, task, code.code)
        definition = context.caches.definitions.get(code.namespace, code.definition)
        if definition is None:
            return Problem("TaskDefinitionNotFound", f"definition {code.definition} was deleted; create it")
        return await ensure_own(context, definition, code)
    text = await _read(context, code)
    if isinstance(text, Problem):
        return text
    if code.namespace != home:
        return await _copy(context, task, text)
    return Mounted(code.name)


async def ensure_own(context: Context, definition: TaskDefinition, code: InlineCode) -> Mounted:
    """The ConfigMap of a definition's inline code, made or mended if it does not hold that code."""
    name = functions.own_config_map(code)
    owner = {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnTaskDefinition",
        "name": definition.metadata.name,
        "uid": definition.metadata.uid,
        "controller": True,
    }
    return await _ensure(context, name, code.namespace, code.code, owner)


async def _copy(context: Context, task: Task, code: str) -> Mounted:
    """A script of the installation namespace, in the task's own: a pod can mount nothing from elsewhere."""
    owner = {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnTask",
        "name": task.metadata.name,
        "uid": task.metadata.uid,
        "controller": True,
    }
    return await _ensure(context, names.function_config_map(task.metadata.name), task.metadata.namespace, code, owner)


async def _read(context: Context, code: ConfigMapCode) -> str | Problem:
    """The script in a ConfigMap of the user's: a missing key would be mounted as a directory, and fail in riddles."""
    try:
        found = await context.api.get(resources.CONFIGMAPS, code.name, code.namespace)
    except NotFound:
        return _no_config_map(code)
    text = (found.get("data") or {}).get(CODE_KEY)
    if text is None:
        return Problem(
            "ConfigMapWithoutCode",
            f"ConfigMap {code.namespace}/{code.name} has no key {CODE_KEY!r}; put the script there, and "
            "the task starts by itself",
        )
    return str(text)


def _no_config_map(code: ConfigMapCode) -> Problem:
    return Problem(
        "ConfigMapNotFound",
        f"there is no ConfigMap {code.name} in namespace {code.namespace}; create it with the script under the key "
        f"{CODE_KEY!r}, and the task starts by itself",
    )


async def _ensure(context: Context, name: str, namespace: str, code: str, owner: Json) -> Mounted:
    digest = functions.code_digest(code)
    cache = context.caches.config_maps
    there = cache.get(namespace, name)
    if there is not None and there.metadata.annotations.get(wellknown.CODE_DIGEST) == digest:
        return Mounted(name)
    metadata: Json = {
        "name": name,
        "namespace": namespace,
        "annotations": {wellknown.CODE_DIGEST: digest},
        "ownerReferences": [owner],
    }
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {CODE_KEY: code}}
    try:
        if there is None:
            await context.create(resources.CONFIGMAPS, body, cache)
            return Mounted(name)
    except AlreadyExists:
        pass
    change = {"metadata": {key: metadata[key] for key in ("annotations", "ownerReferences")}, "data": {CODE_KEY: code}}
    cache.observe(await context.api.patch(resources.CONFIGMAPS, name, change, namespace))
    return Mounted(name)
