"""What is wrong with a KeptnTaskDefinition, in words that say what to write instead.

The rules are those of the CRDs' CEL, said of the whole object at once, and those that CEL cannot say. Fields are named
as they were written, so a v1alpha2 definition hears of `spec.function`.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from app.api.rules import SOURCES
from app.api.taskdefinition import LARGEST_CODE, LARGEST_DATA
from app.lifecycle import durations, python_syntax, resource_names
from app.lifecycle.python_syntax import Fault

Json = dict[str, Any]

_RUNNERS = {"v1": ("deno", "python", "container"), "v1alpha1": ("function",), "v1alpha2": ("function",)}
_WITH_OLD_NAME = ("deno", "python", "container", "function")
_LARGEST_INT32 = 2**31 - 1


class Problem(NamedTuple):
    """One thing to put right. `field` is a path such as `spec.deno.httpRef.url`."""

    field: str
    message: str


Problems = Iterator[Problem]
Syntax = Callable[[str], Fault | None]


def problems(spec: Any, *, version: str, name: str = "", syntax: Syntax | None = python_syntax.check) -> list[Problem]:
    """Everything that is wrong with a definition's `spec`, as somebody wrote it in this API version.

    `name` is its metadata.name, "" if it has none yet. `syntax` looks at the Python of `inline.code`; None leaves that
    out, for callers who look at it in a process with limits (see `python_code`).
    """
    return list(_problems(spec, version, name, syntax))


def python_code(spec: Any) -> str:
    """The inline code of the python runner, "" if there is none."""
    found = spec
    for key in ("python", "inline", "code"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def broken_python(fault: Fault) -> Problem:
    return Problem("spec.python.inline.code", f"{fault}; correct the script")


def _problems(spec: Any, version: str, name: str, syntax: Syntax | None) -> Problems:
    if name and (said := resource_names.problem(name)):
        yield Problem("metadata.name", said)
    if spec is None:
        yield Problem("spec", "is missing; write what the definition runs")
        return
    if not isinstance(spec, dict):
        yield _not_an_object("spec", spec)
        return
    yield from _runners(spec, version)
    for runner in ("deno", "python", "function"):
        if spec.get(runner) is not None:
            yield from _script(f"spec.{runner}", spec[runner], name)
    if syntax is not None and (code := python_code(spec)) and len(code) <= LARGEST_CODE:
        try:
            fault = syntax(code)
        except python_syntax.Unreadable:
            fault = None
        if fault is not None:
            yield broken_python(fault)
    if spec.get("container") is not None:
        yield from _container("spec.container", spec["container"])
    yield from _count("spec.retries", spec.get("retries"), "a number of further attempts, 0 for a single attempt")
    yield from _timeout("spec.timeout", spec.get("timeout"))
    yield from _count(
        "spec.ttlSecondsAfterFinished",
        spec.get("ttlSecondsAfterFinished"),
        "a number of seconds, 0 to delete the Job at once",
    )
    yield from _account(spec)


def _runners(spec: Json, version: str) -> Problems:
    known = _RUNNERS.get(version, _WITH_OLD_NAME)
    listed = f"one of {_either(known)}" if len(known) > 1 else known[0]
    given = [runner for runner in known if spec.get(runner) is not None]
    strangers = [runner for runner in _WITH_OLD_NAME if runner not in known and spec.get(runner) is not None]
    for runner in strangers:
        if runner == "function":
            yield Problem("spec.function", f"is called deno in {version}; write it under spec.deno")
        else:
            yield Problem(
                f"spec.{runner}",
                f"is not in {version}, which has only function; write apiVersion: lifecycle.keptn.sh/v1",
            )
    if len(given) > 1:
        old = ", of which function is the old name of deno" if "function" in given else ""
        yield Problem(
            "spec",
            f"has {len(given)} runners, {' and '.join(given)}{old}; keep one of them and move the others to "
            "definitions of their own",
        )
    elif not given and not strangers:
        yield Problem("spec", f"runs nothing; add {listed}")


def _script(path: str, script: Any, name: str) -> Problems:
    if not isinstance(script, dict):
        yield _not_an_object(path, script)
        return
    for key in script:
        right = next((source for source in SOURCES if source.lower() == str(key).lower() and source != key), None)
        if right is not None:
            yield Problem(f"{path}.{key}", f"is spelled {right}")
    # A source without anything in it is what Go clients write for one that is not given.
    given = [source for source in SOURCES if script.get(source) not in (None, {})]
    if not given:
        yield Problem(path, f"has no code to run; add one of {_either(SOURCES)}")
    elif len(given) > 1:
        yield Problem(path, f"takes its code from {len(given)} places, {' and '.join(given)}; keep one of them")
    for source in given:
        yield from _source(f"{path}.{source}", source, script[source], name)
    yield from _parameters(f"{path}.parameters", script.get("parameters"))
    secure = script.get("secureParameters")
    if secure is not None and not isinstance(secure, dict):
        yield _not_an_object(f"{path}.secureParameters", secure)
    elif secure and secure.get("secret"):
        yield from _name(f"{path}.secureParameters.secret", secure["secret"])
    options = script.get("cmdParameters")
    if options is not None and not isinstance(options, str):
        yield Problem(f"{path}.cmdParameters", f"is {_kind(options)}; write the options as one string")


def _source(path: str, source: str, content: Any, name: str) -> Problems:
    if not isinstance(content, dict):
        yield _not_an_object(path, content)
    elif source == "inline":
        yield from _code(f"{path}.code", content.get("code"))
    elif source == "httpRef":
        yield from _url(f"{path}.url", content.get("url"))
    else:
        target = content.get("name")
        yield from _name(f"{path}.name", target)
        if source == "functionRef" and name and target == name:
            yield Problem(f"{path}.name", "is this definition itself; name the definition whose script is to run")


def _code(path: str, code: Any) -> Problems:
    if code is None or (isinstance(code, str) and not code.strip()):
        yield Problem(path, "is empty; write the script here")
    elif not isinstance(code, str):
        yield Problem(path, f"is {_kind(code)}; write the script as text, after code: |")
    elif len(code) > LARGEST_CODE or len(code.encode(errors="replace")) > LARGEST_CODE:
        yield Problem(path, f"is longer than {LARGEST_CODE} bytes; have it fetched by httpRef, or use a container")


def _url(path: str, url: Any) -> Problems:
    example = "such as https://example.com/check.ts"
    advice = f"write http:// or https://, a host and a path, {example}"
    if url is None or url == "":
        yield Problem(path, f"is empty; write the address of the script, {example}")
    elif not isinstance(url, str):
        yield Problem(path, f"is {_kind(url)}; write an address, {example}")
    elif url.startswith("<") and url.endswith(">"):
        yield Problem(path, f"{url!r} is a placeholder; {advice}")
    elif said := _address(url):
        yield Problem(path, f"{url[:200]!r} {said}; {advice}")


def _address(url: str) -> str:
    """What keeps a URL from being fetched, "" for nothing. Nothing is fetched here: that is for the task's own pod."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return "has a space or a control character in it"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"is not an address ({error})"
    if parts.scheme not in ("http", "https"):
        return (
            f"begins with {parts.scheme}:, which no runner fetches" if "://" in url else "says no http:// or https://"
        )
    if not host:
        return "has no host"
    return "has port 0" if port == 0 else ""


def _parameters(path: str, parameters: Any) -> Problems:
    if parameters is None:
        return
    if not isinstance(parameters, dict):
        yield _not_an_object(path, parameters)
        return
    for key in parameters:
        if key != "map":
            yield Problem(f"{path}.{key}", "is in the wrong place; write parameters under parameters.map")
    values = parameters.get("map")
    if values is None:
        return
    if not isinstance(values, dict):
        yield _not_an_object(f"{path}.map", values)
        return
    for key, value in values.items():
        if not isinstance(value, str):
            yield Problem(f"{path}.map.{key}", f"is {_kind(value)}, and parameters are strings; {_as_text(key, value)}")
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    size = len(json.dumps(texts, ensure_ascii=False).encode(errors="replace"))
    if size >= LARGEST_DATA:
        yield Problem(
            f"{path}.map",
            f"takes {size} bytes as JSON, and the variable DATA holds {LARGEST_DATA}; let the script fetch what is "
            "large",
        )


def _as_text(key: Any, value: Any) -> str:
    if value is None:
        return f'write {key}: "" or leave it out'
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        text = " " * 99  # nested a thousand deep: too long to show in any case
    if isinstance(value, dict | list):
        shown = text.replace("'", "''") if len(text) <= 80 else "{ … }"
        return f"pass JSON text, {key}: '{shown}', and let the script parse it"
    return f'put it in quotes, {key}: "{text}"'


def _container(path: str, container: Any) -> Problems:
    if not isinstance(container, dict):
        yield _not_an_object(path, container)
        return
    for key, example in (("name", "check"), ("image", "busybox:1.37")):
        value = container.get(key)
        if not value or not isinstance(value, str):
            yield Problem(f"{path}.{key}", f"is missing; write for example {key}: {example}")
        elif value.startswith("<") and value.endswith(">"):
            yield Problem(f"{path}.{key}", f"{value!r} is a placeholder; write for example {key}: {example}")
    mounts = container.get("volumeMounts")
    if not isinstance(mounts, list):
        return
    names = [mount.get("name") if isinstance(mount, dict) else None for mount in mounts]
    for place, mounted in enumerate(names):
        if mounted != names[0]:
            yield Problem(
                f"{path}.volumeMounts[{place}].name",
                f"is {mounted!r}, but a task has one volume, an emptyDir named after the first mount; write "
                f"{names[0]!r}, with a subPath to keep the two apart",
            )


def _count(path: str, value: Any, meaning: str) -> Problems:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        yield Problem(path, f"is {_kind(value)}; write {meaning}, without quotes")
    elif value < 0:
        yield Problem(path, f"is {value}; write {meaning}")
    elif value > _LARGEST_INT32:
        yield Problem(path, f"is {value}; write at most {_LARGEST_INT32}")


def _timeout(path: str, value: Any) -> Problems:
    if value is None:
        return
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        yield Problem(path, f"is {_kind(value)}; write a number with a unit, such as 30s, 5m or 1h30m")
        return
    try:
        count = durations.nanoseconds(value)
    except durations.DurationError as error:
        yield Problem(path, str(error))
        return
    if count <= 0:
        yield Problem(path, f"{value!r} leaves no time to run; write for example 30s or 5m")


def _account(spec: Json) -> Problems:
    account = spec.get("serviceAccount")
    if account is not None:
        path = "spec.serviceAccount"
        if isinstance(account, dict):
            yield from _name(f"{path}.name", account.get("name"))
        else:
            yield Problem(path, f"is {_kind(account)}; write the name under {path[5:]}.name")
    secrets = spec.get("imagePullSecrets")
    for place, secret in enumerate(secrets if isinstance(secrets, list) else ()):
        if isinstance(secret, dict) and secret.get("name"):
            yield from _name(f"spec.imagePullSecrets[{place}].name", secret["name"])


def _name(path: str, name: Any) -> Problems:
    if name is not None and not isinstance(name, str):
        yield Problem(path, f"is {_kind(name)}; write the name of an object, in quotes if it is all digits")
    elif said := resource_names.problem(name or ""):
        yield Problem(path, said)


def _not_an_object(path: str, value: Any) -> Problem:
    return Problem(path, f"is {_kind(value)}; write its fields below it, indented")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a map"


def _either(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
