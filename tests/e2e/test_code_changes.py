"""A definition that is edited counts from the next attempt on, and each attempt says which code it ran."""

import hashlib

import pytest

from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, is_over, last_lines
from tests.e2e.scripts import FILES, Scripts

BEFORE = "import sys\nprint('before')\nsys.exit(1)\n"
AFTER = "print('after')\n"


def digest(code: str) -> str:
    return f"sha256:{hashlib.sha256(code.encode()).hexdigest()[:16]}"


def _codes(task: Json) -> list[str]:
    return [attempt["codeDigest"] for attempt in task["status"]["attempts"]]


@pytest.mark.parametrize("source", ["inline", "configMapRef"])
def test_code_that_is_edited_between_two_attempts_runs_in_the_second_which_says_so(
    source: str, kube: Kube, eyes: Eyes
) -> None:
    kube.create(manifests.config_map("code", {"code": BEFORE}), eyes.namespace)
    body = {"inline": {"code": BEFORE}} if source == "inline" else {"configMapRef": {"name": "code"}}
    kube.create_all(
        eyes.namespace,
        manifests.definition("check", "python", body, retries=1),
        manifests.task("check", "check", retries=1),
    )
    eyes.task("check", done=lambda task: task.get("status", {}).get("reason") == "BackOff")
    if source == "inline":
        change = {"spec": {"python": {"inline": {"code": AFTER}}}}
        kube.patch("KeptnTaskDefinition", eyes.namespace, "check", change)
    else:
        kube.patch("ConfigMap", eyes.namespace, "code", {"data": {"code": AFTER}})
    task = eyes.passed("check")
    assert [attempt["lastLines"] for attempt in task["status"]["attempts"]] == ["before", "after"]
    assert _codes(task) == [digest(BEFORE), digest(AFTER)]
    words = f"attempt 2 ran other code ({digest(AFTER)}) than attempt 1 ({digest(BEFORE)})"
    assert [attempt["message"] for attempt in task["status"]["attempts"]] == ["", words]
    event = eyes.event("KeptnTask", "check", lambda event: event["reason"] == "CodeChanged", "an event that says so")
    assert (event["type"], event["message"]) == ("Normal", words)


def test_what_can_be_known_of_each_source_is_on_record(kube: Kube, eyes: Eyes, scripts: Scripts) -> None:
    code = {"deno": "console.log(1);\n", "python": "print(1)\n"}
    wanted: dict[str, str] = {}
    for runner, ending in (("deno", "ts"), ("python", "py")):
        kube.create(manifests.config_map(f"{runner}-code", {"code": code[runner]}), eyes.namespace)
        fetched = FILES[f"hello.{ending}"]
        for source, body, known in (
            ("inline", {"inline": {"code": code[runner]}}, digest(code[runner])),
            ("map", {"configMapRef": {"name": f"{runner}-code"}}, digest(code[runner])),
            # Deno fetches by itself, with all that a script imports.
            ("url", {"httpRef": {"url": scripts.url(f"hello.{ending}")}}, "" if runner == "deno" else digest(fetched)),
        ):
            name = f"{runner}-{source}"
            wanted[name] = known
            kube.create_all(
                eyes.namespace,
                manifests.definition(name, runner, body | manifests.inputs({"a": "1"})),
                manifests.task(name, name),
            )
    kube.create_all(
        eyes.namespace,
        manifests.container("container", "echo code unknown; exit 1"),
        manifests.task("container", "container"),
    )
    assert {name: _codes(eyes.passed(name)) for name in wanted} == {name: [known] for name, known in wanted.items()}
    task = eyes.failed("container")
    assert (_codes(task), last_lines(task)) == ([""], "code unknown")


def test_the_next_run_has_the_new_code_and_parameters(kube: Kube, eyes: Eyes) -> None:
    show = "import os\nprint({!r}, os.environ['DATA'])\n"
    kube.create_all(
        eyes.namespace,
        manifests.python("check", show.format("before"), parameters={"a": "1"}),
        manifests.task("first", "check"),
    )
    assert last_lines(eyes.passed("check")) == 'before {"a":"1"}'
    change = {"inline": {"code": show.format("after")}, "parameters": {"map": {"a": "2"}}}
    kube.patch("KeptnTaskDefinition", eyes.namespace, "check", {"spec": {"python": change}})
    kube.create(manifests.task("second", "check"), eyes.namespace)
    second = kube.until_one("KeptnTask", eyes.namespace, "second", is_over, "it is over")
    assert last_lines(second) == 'after {"a":"2"}'
