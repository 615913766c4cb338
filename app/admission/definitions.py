"""KeptnTaskDefinitions as people send them: refused with everything that is wrong, warned of what may yet be missing.

Refusals are for what can never run. What may still appear (another definition, a ConfigMap) is a warning, and what
cannot be found out at the moment is no reason to stand in anybody's way. Secrets are never read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.admission.python_check import PythonCheck
from app.admission.review import Request, Response, allowed, denied
from app.api import conversion
from app.api.wellknown import CONVERSION
from app.cluster.api import Api, Json, Resource
from app.cluster.errors import ApiError, Invalid, NotFound
from app.cluster.resources import CONFIGMAPS, JOBS, TASK_DEFINITIONS
from app.lifecycle import definitions, jobs
from app.lifecycle.definitions import Problem
from app.lifecycle.functions import CODE_KEY
from app.lifecycle.python_syntax import Fault, Unreadable
from app.settings import Settings

# The version that has every field, old and new.
_WHOLE = "v1beta1"
# In all, for what is asked of the API server; the webhook's own timeout is longer.
_SECONDS = 4.0
_IN_JOB = "spec.template.spec."
_TRANSLATED = (
    (f"{_IN_JOB}containers[0]", "spec.container"),
    (f"{_IN_JOB}volumes[0].emptyDir", "spec.container.resources.limits.memory"),
    (f"{_IN_JOB}volumes[0]", "spec.container.volumeMounts[0].name"),
)

Found = tuple[list[Problem], list[str]]


class DefinitionValidator:
    """Answers for CREATE and UPDATE of KeptnTaskDefinitions, in whatever version they are written."""

    def __init__(
        self,
        api: Api,
        settings: Settings,
        *,
        job: Callable[[str, str, Json], Json] = jobs.dry_run,
        check_python: Callable[[str], Awaitable[Fault | None]] | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        self._api = api
        self._installation = settings.namespace
        self._job = job
        self._check_python = check_python or PythonCheck()
        self._seconds = seconds

    async def __call__(self, request: Request) -> Response:
        if request.operation not in ("CREATE", "UPDATE") or request.object is None or _nothing_new(request):
            return allowed()
        obj = request.object
        name = request.name or str((obj.get("metadata") or {}).get("name") or "")
        listed, spec = _written(obj, name)
        found = await asyncio.gather(
            self._python(definitions.python_code(spec)),
            self._container(spec, name, request.namespace, listed),
            self._references(spec, name, request.namespace),
        )
        listed += [problem for problems, _ in found for problem in problems]
        warnings = [warning for _, more in found for warning in more]
        return _refused(listed, warnings) if listed else allowed(warnings)

    async def _python(self, code: str) -> Found:
        if not code:
            return [], []
        try:
            fault = await self._check_python(code)
        except Unreadable as error:
            return [], [f"spec.python.inline.code was not checked: {error}"]
        return ([definitions.broken_python(fault)] if fault else []), []

    async def _container(self, spec: Json, name: str, namespace: str, listed: Sequence[Problem]) -> Found:
        """What Kubernetes says of a Job with this container."""
        container = spec.get("container")
        if not isinstance(container, dict) or any(problem.field.startswith("spec.container") for problem in listed):
            return [], []
        try:
            job = self._job(name, namespace, container)
        except (AttributeError, KeyError, TypeError, ValueError):
            return [], []  # a field of the wrong type, which is for the schema to refuse
        try:
            async with asyncio.timeout(self._seconds):
                await self._api.create(JOBS, job, namespace, dry_run=True)
        except Invalid as error:
            if problems := _translated(error):
                return problems, []
            return [], [_untried(error.message)]
        except ApiError as error:
            # What cannot even be read as a Job, such as a quantity that is none, has no list of causes.
            _, unreadable, said = error.message.partition("cannot be handled as a Job: ")
            if error.status == 400 and unreadable:
                return [Problem("spec.container", said)], []
            return [], [_untried(error.message)]
        except TimeoutError:
            return [], [_untried(f"the API server took longer than {self._seconds:g} s")]
        return [], []

    async def _references(self, spec: Json, name: str, namespace: str) -> Found:
        """Warnings for definitions and ConfigMaps that are not there, or not what the script needs."""
        warnings = []
        try:
            async with asyncio.timeout(self._seconds):
                for runner in ("deno", "python", "function"):
                    script = spec.get(runner)
                    path = f"spec.{runner}"
                    if (parent := _named(script, "functionRef")) and parent != name:
                        said = await self._parent(parent, namespace, name)
                        warnings += [f"{path}.functionRef.name: {text}" for text in said]
                    if config_map := _named(script, "configMapRef"):
                        said = await self._config_map(config_map, namespace)
                        warnings += [f"{path}.configMapRef.name: {text}" for text in said]
        except (ApiError, TimeoutError):
            pass  # nothing is known, and a warning would be noise
        return [], warnings

    async def _parent(self, name: str, namespace: str, child: str) -> list[str]:
        found = await self._find(TASK_DEFINITIONS, name, namespace)
        places = namespace
        if found is None and namespace != self._installation:
            found = await self._find(TASK_DEFINITIONS, name, self._installation)
            places = f"{namespace} or {self._installation}"
        if found is None:
            return [f"there is no KeptnTaskDefinition {name} in {places} yet; tasks need it when they run"]
        spec = found.get("spec") or {}
        if spec.get("container"):
            return [f"{name} runs a container, which has no script to share; name a deno or python definition"]
        further = _named(spec.get("deno"), "functionRef") or _named(spec.get("python"), "functionRef")
        if further == child:
            return [f"{name} itself builds on {child}; give one of the two a script of its own"]
        if further:
            return [f"{name} itself builds on {further}, and only one level is followed; name {further} here"]
        return []

    async def _config_map(self, name: str, namespace: str) -> list[str]:
        found = await self._find(CONFIGMAPS, name, namespace)
        if found is None:
            return [f"there is no ConfigMap {name} in {namespace} yet; tasks need it when they run"]
        if CODE_KEY in (found.get("data") or {}) or CODE_KEY in (found.get("binaryData") or {}):
            return []
        return [f"ConfigMap {name} has no key {CODE_KEY}; put the script under data.{CODE_KEY}"]

    async def _find(self, resource: Resource, name: str, namespace: str) -> Json | None:
        try:
            return await self._api.get(resource, name, namespace)
        except NotFound:
            return None


def _nothing_new(request: Request) -> bool:
    """Whether an update leaves the content alone, or the object is on its way out.

    Objects from before these rules can then still be labelled, and their finalizers be taken off.
    """
    new, old = request.object or {}, request.old_object
    if request.operation != "UPDATE" or old is None:
        return False
    if (new.get("metadata") or {}).get("deletionTimestamp"):
        return True
    return new.get("spec") == old.get("spec") and _kept(new) == _kept(old)


def _kept(obj: Json) -> Json:
    """What annotations hold that the object's version cannot say."""
    return conversion.noted((obj.get("metadata") or {}).get("annotations") or {})


def _written(obj: Json, name: str) -> tuple[list[Problem], Json]:
    """What is wrong with a definition as it stands, and its spec with all that is kept in the annotation."""
    version = str(obj.get("apiVersion")).rpartition("/")[2]
    spec = obj.get("spec")
    listed = definitions.problems(spec, version=version, name=name, syntax=None)
    whole = spec if isinstance(spec, dict) else {}
    if _kept(obj) and not listed:
        try:
            whole = conversion.convert(obj, _WHOLE).get("spec") or {}
        except conversion.ConversionError:
            return listed, whole
        suffix = f" (some of it is kept in annotations {CONVERSION}...)"
        kept = definitions.problems(whole, version=_WHOLE, name=name, syntax=None)
        listed = [problem._replace(message=problem.message + suffix) for problem in kept]
    return listed, whole


def _translated(error: Invalid) -> list[Problem]:
    """The causes that are about the container, by the names that its author wrote; no others are of their making."""
    listed: dict[str, Problem] = {}
    for cause in error.details.get("causes") or []:
        field, message = str(cause.get("field") or ""), str(cause.get("message") or "")
        for job_path, path in _TRANSLATED:
            if field == job_path or field.startswith((f"{job_path}.", f"{job_path}[")):
                rest = field.removeprefix(job_path) if path == "spec.container" else ""
                listed.setdefault(path + rest, Problem(path + rest, message))
                break
    return list(listed.values())


def _untried(why: str) -> str:
    return f"spec.container was not tried out in a Job: {why}"


def _named(script: Any, source: str) -> str:
    content = script.get(source) if isinstance(script, dict) else None
    name = content.get("name") if isinstance(content, dict) else None
    return name if isinstance(name, str) else ""


def _refused(listed: Sequence[Problem], warnings: Sequence[str]) -> Response:
    lines = [f"{problem.field} {problem.message}" for problem in listed]
    message = lines[0] if len(lines) == 1 else f"{len(lines)} problems: " + "; ".join(lines)
    return denied(message, causes=[(problem.field, problem.message) for problem in listed], warnings=warnings)
