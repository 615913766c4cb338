"""Each runner with each source runs its script, and the script gets what it was promised."""

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, last_lines, status
from tests.e2e.namespaces import Namespaces
from tests.e2e.scripts import Scripts

HELLO = {
    "deno": 'console.log("hello from deno", Deno.env.get("DATA"));',
    "python": 'import os\nprint("hello from python", os.environ["DATA"])\n',
}
PARAMETERS = {"b": "2", "a": "<1>"}
DATA = r'{"a":"\u003c1\u003e","b":"2"}'  # keys sorted, compact, and escaped as Go does

SOURCES = ("inline", "httpRef", "configMapRef", "functionRef")
CELLS = [(runner, source) for runner in ("deno", "python") for source in SOURCES]


@pytest.fixture(scope="module")
def matrix(kube: Kube, namespaces: Namespaces, scripts: Scripts) -> Iterator[Eyes]:
    """A Deployment for every runner and source, and one for a container, all begun together."""
    name = namespaces.new("runners")
    endings = {"deno": "ts", "python": "py"}
    for runner, code in HELLO.items():
        kube.create(manifests.config_map(f"{runner}-code", {"code": code}), name)
        kube.create(manifests.definition(f"{runner}-base", runner, {"inline": {"code": code}}), name)
        sources: Json = {
            "inline": {"code": code},
            "httpRef": {"url": scripts.url(f"hello.{endings[runner]}")},
            "configMapRef": {"name": f"{runner}-code"},
            "functionRef": {"name": f"{runner}-base"},
        }
        for source, value in sources.items():
            definition = f"{runner}-{source.lower()}"
            kube.create(manifests.definition(definition, runner, {source: value} | manifests.inputs(PARAMETERS)), name)
            kube.create(manifests.deployment(definition, definition), name)
    kube.create_all(name, manifests.container("container", "exit 0"), manifests.deployment("container", "container"))
    yield Eyes(kube, name)
    namespaces.delete(name)


@pytest.mark.parametrize(("runner", "source"), CELLS)
def test_a_script_runs_with_its_parameters_and_opens_the_gate(runner: str, source: str, matrix: Eyes) -> None:
    name = f"{runner}-{source.lower()}"
    task = matrix.passed(name)
    assert last_lines(task).endswith(f" {DATA}")
    assert ("a fetched script" if source == "httpRef" else runner) in last_lines(task)
    matrix.released(name)


def test_a_container_runs_and_opens_the_gate(matrix: Eyes) -> None:
    matrix.passed("container")
    matrix.released("container")


def test_a_child_runs_its_parents_code_on_its_parents_runner_with_its_own_parameters_first(
    kube: Kube, eyes: Eyes
) -> None:
    parent = manifests.python(
        "parent",
        'import os\nprint(os.environ["DATA"], os.environ["SECURE_DATA"] == "the-childs")\n',
        parameters={"user": "parent", "data": "parent"},
        secret="parent-secret",
    )
    body = {"functionRef": {"name": "parent"}} | manifests.inputs({"user": "child", "other": "child"}, "child-secret")
    kube.create_all(
        eyes.namespace,
        manifests.secret("parent-secret", SECURE_DATA="the-parents"),
        manifests.secret("child-secret", SECURE_DATA="the-childs"),
        parent,
        manifests.definition("child", "deno", body),
        manifests.deployment("waiter", "child"),
    )
    assert last_lines(eyes.passed("child")) == '{"data":"parent","other":"child","user":"child"} True'


@pytest.mark.parametrize(
    ("runner", "code"),
    [
        (
            "deno",
            'console.log(Deno.env.get("KEPTN_CONTEXT"));\n'
            'console.log(Deno.env.get("CONTEXT") === Deno.env.get("KEPTN_CONTEXT"));\n',
        ),
        (
            "python",
            'import os\nprint(os.environ["KEPTN_CONTEXT"])\n'
            'print(str(os.environ["CONTEXT"] == os.environ["KEPTN_CONTEXT"]).lower())\n',
        ),
        # A container's output is kept only if it fails.
        ("container", 'echo "$KEPTN_CONTEXT"; echo true; exit 1'),
    ],
)
def test_a_script_learns_what_it_checks_to_the_letter(runner: str, code: str, kube: Kube, eyes: Eyes) -> None:
    check = manifests.container("check", code)
    if runner != "container":
        check = manifests.definition("check", runner, {"inline": {"code": code}})
    kube.create_all(
        eyes.namespace,
        check,
        manifests.workload("Deployment", "waiter", manifests.keys("waiter", "check", "0.4", metadata="b=2,a=1")),
    )
    context = {
        "workloadName": "waiter-waiter",
        "appName": "waiter",
        "appVersion": "",
        "workloadVersion": "0.4",
        "taskType": "pre",
        "objectType": "Workload",
        "metadata": {"a": "1", "b": "2"},
    }
    expected = json.dumps(context, separators=(",", ":"))
    assert last_lines(eyes.task("check")).splitlines() == [expected, "true"]


def test_the_python_runner_has_the_promised_libraries_and_takes_options_of_the_interpreter(
    kube: Kube, eyes: Eyes
) -> None:
    code = (
        "import sys, git, requests, yaml\nprint(git.__name__, requests.__name__, yaml.__name__, sys.flags.dev_mode)\n"
    )
    definition = manifests.python("libraries", code)
    definition["spec"]["python"]["cmdParameters"] = "-X dev -W ignore"
    help_only = manifests.python("help", "print('never runs')")
    help_only["spec"]["python"]["cmdParameters"] = "-h"
    kube.create_all(eyes.namespace, definition, help_only, manifests.deployment("waiter", "libraries,help"))
    assert last_lines(eyes.passed("libraries")) == "git requests yaml True"
    assert "never runs" not in last_lines(eyes.passed("help"))


def test_what_code_ran_is_on_record_by_its_digest(kube: Kube, eyes: Eyes) -> None:
    code = "print('pinned')\n"
    kube.create_all(eyes.namespace, manifests.python("check", code), manifests.deployment("waiter", "check"))
    (attempt,) = eyes.passed("check")["status"]["attempts"]
    assert attempt["codeDigest"] == f"sha256:{hashlib.sha256(code.encode()).hexdigest()[:16]}"


@pytest.mark.parametrize("runner", ["deno", "python"])
def test_a_script_that_cannot_be_fetched_fails_its_task(runner: str, kube: Kube, eyes: Eyes, scripts: Scripts) -> None:
    urls = {"gone": scripts.url("no-such-script"), "nowhere": "http://127.0.0.1:9/hello"}
    for name, url in urls.items():
        kube.create(manifests.definition(name, runner, {"httpRef": {"url": url}}), eyes.namespace)
        kube.create(manifests.deployment(name, name), eyes.namespace)
    for name, url in urls.items():
        task = eyes.failed(name)
        assert url in last_lines(task)
        assert status(task) == "Failed"
    assert len(eyes.held("gone") + eyes.held("nowhere")) == 2


@pytest.mark.parametrize("runner", ["deno", "python"])
def test_a_script_that_ends_with_an_error_fails_its_task(runner: str, kube: Kube, eyes: Eyes) -> None:
    code = {"deno": 'throw new Error("boom 42");', "python": 'raise RuntimeError("boom 42")'}[runner]
    check = manifests.definition("check", runner, {"inline": {"code": code}})
    kube.create_all(eyes.namespace, check, manifests.deployment("waiter", "check"))
    assert "boom 42" in last_lines(eyes.failed("check"))
