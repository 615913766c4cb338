"""Definitions that build on others: the parent's runner and code, the child's parameters and secret, one level."""

import pytest

from tests.e2e import manifests
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, last_lines, status


def _child(name: str, parent: str, runner: str = "python", **more: object) -> Json:
    return manifests.definition(name, runner, {"functionRef": {"name": parent}, **more})


def _begin(eyes: Eyes, *definitions: Json) -> None:
    """The definitions, and a KeptnTask for the last of them, called like it."""
    eyes.kube.create_all(eyes.namespace, *definitions)
    name = definitions[-1]["metadata"]["name"]
    eyes.kube.create(manifests.task(name, name), eyes.namespace)


def test_a_childs_data_are_the_parents_with_its_own_over_them(eyes: Eyes) -> None:
    parent = manifests.python(
        "parent", "import os\nprint(os.environ['DATA'])\n", parameters={"user": "parentuser", "other": "data"}
    )
    body = manifests.inputs({"user": "myuser", "data": "mydata"})
    _begin(eyes, parent, _child("child", "parent", **body))
    task = eyes.passed("child")
    (container,) = eyes.job(task)["spec"]["template"]["spec"]["containers"]
    assert container["env"][0] == {"name": "DATA", "value": '{"data":"mydata","other":"data","user":"myuser"}'}
    assert last_lines(task) == '{"data":"mydata","other":"data","user":"myuser"}'


def test_runner_and_code_are_the_parents_and_the_secret_is_the_childs(eyes: Eyes) -> None:
    eyes.kube.create_all(
        eyes.namespace,
        manifests.secret("parents", SECURE_DATA="p"),
        manifests.secret("childs", SECURE_DATA="c"),
    )
    code = 'import os\nprint("parent", os.environ["SECURE_DATA"] == "c")\n'
    parent = manifests.python("parent", code, secret="parents")
    _begin(eyes, parent, _child("child", "parent", "deno", secureParameters={"secret": "childs"}))
    task = eyes.passed("child")
    assert last_lines(task) == "parent True"
    spec = eyes.job(task)["spec"]["template"]["spec"]
    assert "python-runtime" in spec["containers"][0]["image"]
    assert spec["containers"][0]["env"][-1]["value"] == "/var/data/function.py"
    assert spec["volumes"][0]["configMap"]["name"] == "keptnfn-parent"


@pytest.mark.parametrize(
    ("others", "reason", "words"),
    [
        ([], "FunctionNotFound", "definition child builds on parent, which does not exist; create it"),
        (
            [manifests.container("parent", "exit 0")],
            "FunctionNotAScript",
            "definition child builds on parent, which runs a container and has no script to share",
        ),
        (
            [manifests.python("top", "1"), _child("parent", "top")],
            "FunctionChain",
            "definition child builds on parent, which itself builds on top; only one level is followed, so name top",
        ),
        (
            [_child("parent", "child")],
            "FunctionLoop",
            "definition child builds on parent, which builds on child again; give one of the two a script of its own",
        ),
    ],
    ids=["missing", "container", "chain", "loop"],
)
def test_what_cannot_be_followed_is_said_and_starts_by_itself_once_it_is_mended(
    others: list[Json], reason: str, words: str, eyes: Eyes
) -> None:
    _begin(eyes, *others, _child("child", "parent"))
    task = eyes.task("child", done=lambda task: task.get("status", {}).get("reason"), seconds=15)
    assert task["status"]["reason"] == reason
    assert words in task["status"]["message"]
    assert status(task) in ("", "Pending")
    assert eyes.kube.all("Job", eyes.namespace) == []
    event = eyes.event("KeptnTask", "child", lambda event: words in event["message"], "an event that says so")
    assert (event["type"], event["reason"]) == ("Warning", "CreateTaskNotFound")
    if others:
        eyes.kube.delete("KeptnTaskDefinition", eyes.namespace, "parent")
    eyes.kube.create(manifests.python("parent", "print('mended')\n"), eyes.namespace)
    assert last_lines(eyes.passed("child")) == "mended"
