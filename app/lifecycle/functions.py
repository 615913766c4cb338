"""Which script a definition runs, with what parameters, once `functionRef` has been followed."""

import hashlib
from dataclasses import dataclass
from typing import Any

from app.api.taskdefinition import Runtime, RuntimeSpec, TaskDefinition
from app.lifecycle import names

CODE_KEY = "code"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a definition cannot run as it stands. `reason` is one CamelCase word, `message` says what to do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class InlineCode:
    """Code in the definition itself, which is mounted from a ConfigMap of ours."""

    namespace: str
    definition: str
    code: str


@dataclass(frozen=True, slots=True)
class ConfigMapCode:
    """Code in a ConfigMap of the user's, under the key `code`."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class RemoteCode:
    """Code that the task's own pod fetches."""

    url: str


Code = InlineCode | ConfigMapCode | RemoteCode


@dataclass(frozen=True, slots=True)
class Function:
    """A script for a runner image. `secret` is the name of a Secret in the task's namespace, "" for none."""

    runtime: Runtime
    code: Code
    parameters: dict[str, str]
    secret: str
    cmd_parameters: str


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the user's own, as it was written."""

    spec: dict[str, Any]


def runner(definition: TaskDefinition) -> tuple[Runtime, RuntimeSpec] | None:
    """The definition's script runner, None for a container or nothing. Deno comes before python, as with Keptn."""
    if definition.spec.deno is not None:
        return "deno", definition.spec.deno
    if definition.spec.python is not None:
        return "python", definition.spec.python
    return None


def function_ref(definition: TaskDefinition) -> str:
    """The name of the definition that this one builds on, "" if it stands on its own."""
    script = runner(definition)
    return script[1].function_ref.name if script and script[1].function_ref else ""


def resolve(definition: TaskDefinition, parent: TaskDefinition | None) -> Function | Container | Problem:
    """What `definition` runs. `parent` is the definition that its functionRef names, None if there is none.

    The parent's runner and code count, even over the child's own; the child's parameters, secret and command parameters
    win over the parent's. One level only: a chain says so instead of running nothing. Source: keptn-behaviour 4.2.
    """
    script = runner(definition)
    name = definition.metadata.name
    if script is None:
        if definition.spec.container is None:
            return Problem("NothingToRun", f"definition {name} has no runner: give it one of deno, python or container")
        return Container(definition.spec.container)
    runtime, own = script
    wanted = function_ref(definition)
    if not wanted:
        code = _code(definition, own)
        if code is None:
            return Problem(
                "NothingToRun",
                f"definition {name} has no code: give {runtime} one of inline, httpRef, functionRef or configMapRef",
            )
        return Function(runtime, code, dict(own.parameters.map), own.secure_parameters.secret, own.cmd_parameters)
    if parent is None:
        return Problem("FunctionNotFound", f"definition {name} builds on {wanted}, which does not exist; create it")
    if wanted == name and parent.metadata.namespace == definition.metadata.namespace:
        return Problem("FunctionLoop", f"definition {name} builds on itself; name another definition in functionRef")
    base = runner(parent)
    if base is None:
        why = "runs a container and has no script to share" if parent.spec.container else "has no script"
        return Problem(
            "FunctionNotAScript",
            f"definition {name} builds on {wanted}, which {why}; name a deno or python definition in functionRef",
        )
    if function_ref(parent) == name:
        return Problem(
            "FunctionLoop",
            f"definition {name} builds on {wanted}, which builds on {name} again; give one of the two a script of its "
            "own",
        )
    if function_ref(parent):
        return Problem(
            "FunctionChain",
            f"definition {name} builds on {wanted}, which itself builds on {function_ref(parent)}; only one level is "
            f"followed, so name {function_ref(parent)} directly",
        )
    code = _code(parent, base[1])
    if code is None:
        return Problem("NothingToRun", f"definition {name} builds on {wanted}, which has no code")
    return Function(
        runtime=base[0],
        code=code,
        parameters={**base[1].parameters.map, **own.parameters.map},
        secret=own.secure_parameters.secret or base[1].secure_parameters.secret,
        cmd_parameters=own.cmd_parameters or base[1].cmd_parameters,
    )


def code_digest(code: str) -> str:
    """`sha256:` and 16 hex digits of a script, short enough to read out."""
    return "sha256:" + hashlib.sha256(code.encode()).hexdigest()[:16]


def own_config_map(code: InlineCode) -> str:
    """The ConfigMap that holds a definition's inline code, in the definition's own namespace."""
    return names.function_config_map(code.definition)


def _code(definition: TaskDefinition, spec: RuntimeSpec) -> Code | None:
    namespace = definition.metadata.namespace
    if spec.inline and spec.inline.code:
        return InlineCode(namespace, definition.metadata.name, spec.inline.code)
    if spec.config_map_ref and spec.config_map_ref.name:
        return ConfigMapCode(namespace, spec.config_map_ref.name)
    if spec.http_ref and spec.http_ref.url:
        return RemoteCode(spec.http_ref.url)
    return None
