"""Every YAML example of Keptn's documentation of tasks does what that documentation says."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e import manifests
from tests.e2e.kube.client import Kube
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.looks import Eyes, last_lines, status
from tests.e2e.namespaces import Namespaces
from tests.e2e.scripts import Scripts
from tests.e2e.seeds.cases import CASES, FOLDER, OTHERS, SERVER, Case, filled_in
from tests.e2e.seeds.extract import examples

DOCUMENTATION = Path(__file__).resolve().parents[3] / "shared" / "seeds"


@pytest.fixture(scope="module")
def applied(kube: Kube, kubectl: Kubectl, namespaces: Namespaces, scripts: Scripts) -> Iterator[dict[str, Eyes]]:
    """Every case in a namespace of its own, all of them begun together."""
    places = {}
    for case in CASES:
        name = namespaces.new(f"seed-{case.id}")
        places[case.id] = Eyes(kube, name)
        kube.create_all(name, *case.needs)
        kubectl.apply(case.text.replace(SERVER, scripts.url("")), "-n", name)
        if case.parameters:
            kube.create(manifests.task("run-1", case.definition, parameters={"map": dict(case.parameters)}), name)
        else:
            kube.create(manifests.deployment("waiter", case.definition), name)
    yield places
    for eyes in places.values():
        namespaces.delete(eyes.namespace)


@pytest.fixture
def default(kube: Kube) -> Iterator[Eyes]:
    """The namespace `default`, which some examples name, without what they leave in it."""
    left = (
        ("KeptnTaskDefinition", "dummy-task"),
        ("KeptnTaskDefinition", "deployment-hello"),
        ("Secret", "my-secret"),
        ("Secret", "deno-demo-secret"),
    )
    for kind, name in left:
        kube.delete(kind, "default", name)
    yield Eyes(kube, "default")
    for kind, name in left:
        kube.delete(kind, "default", name)


@pytest.mark.skipif(not DOCUMENTATION.is_dir(), reason="the documentation does not lie beside the repository")
def test_the_examples_are_those_of_the_documentation_to_the_letter() -> None:
    written = {
        example.header + example.text
        for page in DOCUMENTATION.glob("*.md")
        for example in examples(page.name, page.read_text())
    }
    assert written == {file.read_text() for file in FOLDER.glob("*.yaml")}


def test_no_example_is_left_out() -> None:
    assert {case.file for case in CASES} | set(OTHERS) == {file.name for file in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_example_runs_as_it_is_written(case: Case, applied: dict[str, Eyes]) -> None:
    eyes = applied[case.id]
    task = eyes.passed(case.definition, seconds=120)
    assert case.prints in last_lines(task)
    if not case.parameters:
        eyes.released("waiter")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_example_reads_back_in_its_own_version_as_it_was_written(
    case: Case, applied: dict[str, Eyes], kube: Kube, scripts: Scripts
) -> None:
    written = yaml.safe_load(case.text.replace(SERVER, scripts.url("")))
    namespace = applied[case.id].namespace
    read = kube.get("KeptnTaskDefinition", namespace, case.definition, version=written["apiVersion"])
    # Later versions also show what was not written: the default of retries and its like.
    assert {key: read["spec"].get(key) for key in written["spec"]} == written["spec"]
    if written["apiVersion"].endswith(("v1alpha1", "v1alpha2")):
        assert read["spec"] == written["spec"]


@pytest.mark.parametrize("case", [c for c in CASES if "function:" in c.text], ids=lambda case: case.id)
def test_function_of_an_old_version_is_deno_in_v1(case: Case, applied: dict[str, Eyes], kube: Kube) -> None:
    stored = kube.get("KeptnTaskDefinition", applied[case.id].namespace, case.definition)
    assert "deno" in stored["spec"]
    assert "function" not in stored["spec"]


@pytest.mark.parametrize(
    ("file", "command"),
    [
        (
            "2-create-secret-text-1.yaml",
            ["create", "secret", "generic", "my-secret", "--from-literal=SECURE_DATA=foo"],
        ),
        (
            "2-create-secret-text-2.yaml",
            [
                "create",
                "secret",
                "generic",
                "my-secret",
                '--from-literal=SECURE_DATA={"foo": "bar", "foo2": "bar2"}',
            ],
        ),
    ],
)
def test_a_secret_made_by_the_documented_command_reaches_the_task(
    file: str, command: list[str], kube: Kube, kubectl: Kubectl, default: Eyes
) -> None:
    kubectl(*command, "--namespace", "default")
    kubectl.apply(filled_in(file, {}))
    assert status(_run(kube, "dummy-task")) == "Succeeded"


def test_the_documented_secret_reaches_the_script_and_is_masked_in_the_status(
    kube: Kube, kubectl: Kubectl, default: Eyes
) -> None:
    kubectl.apply(filled_in("2-pass-secrets-to-a-function-1.yaml", {}))
    kubectl.apply(filled_in("2-pass-secrets-to-a-function-2.yaml", {}))
    task = _run(kube, "deployment-hello")
    assert status(task) == "Succeeded"
    # The example prints its secret, "bar". It worked if that line is there, and what stands there is not the secret.
    assert last_lines(task).splitlines() == ["Deployment Hello Task has been executed", "***"]


def test_the_scheduled_deployment_waits_for_the_config_map_that_it_names_then_judges_by_the_date(
    kube: Kube, kubectl: Kubectl, eyes: Eyes
) -> None:
    # As written, the definition asks for scheduled-deployment-cm-1 and the ConfigMap is called scheduled-deployment-1.
    file = "3-example-5-configmap-for-a-deno-script-1.yaml"
    warned = kubectl.apply(filled_in(file, {}), "-n", eyes.namespace)
    assert "scheduled-deployment-cm-1" in warned.err
    for name, date in (("past", "2020-01-01"), ("future", "2999-01-01")):
        parameters = {"map": {"targetDate": date}}
        kube.create(manifests.task(name, "scheduled-deployment", parameters=parameters), eyes.namespace)
    for name in ("past", "future"):
        waiting = kube.until_one(
            "KeptnTask",
            eyes.namespace,
            name,
            lambda task: task.get("status", {}).get("reason"),
            "it says what it lacks",
        )
        assert "scheduled-deployment-cm-1" in waiting["status"]["message"]
    code = kube.get("ConfigMap", eyes.namespace, "scheduled-deployment-1")["data"]
    kube.create(manifests.config_map("scheduled-deployment-cm-1", code), eyes.namespace)
    ended = {name: _over(kube, eyes.namespace, name) for name in ("past", "future")}
    assert (status(ended["past"]), last_lines(ended["past"])) == ("Succeeded", "Date has passed - ok")
    assert (status(ended["future"]), last_lines(ended["future"])) == ("Failed", "It's too early - failing")


def test_a_task_written_by_a_person_runs_with_its_own_context_parameters_and_secret(
    kube: Kube, kubectl: Kubectl, eyes: Eyes
) -> None:
    code = 'import os\nprint(os.environ["KEPTN_CONTEXT"], os.environ["DATA"], len(os.environ["SECURE_DATA"]))\n'
    kube.create_all(eyes.namespace, manifests.python("hello", code), manifests.secret("token", SECURE_DATA="4711"))
    changes = {
        "<name-of-this-run>": "hello-1",
        "<name-of-KeptnTaskDefinition resource>": "hello",
        "<name-of-KeptnApp-resource>": "my-app",
        "<parameters to pass to job>": "{map: {greeting: hello}}",
        "<secure parameters to pass to job>": "{secret: token}",
        "<integer>": "0",
        "<duration-in-seconds>": "30s",
    }
    kubectl.apply(filled_in("4-synopsis-1.yaml", changes), "-n", eyes.namespace)
    task = _over(kube, eyes.namespace, "hello-1")
    assert last_lines(task) == (
        '{"workloadName":"my-workload","appName":"my-app","appVersion":"1.0.0","workloadVersion":"1.0.0",'
        '"taskType":"","objectType":""} {"greeting":"hello"} 4'
    )
    assert status(task) == "Succeeded"


def _run(kube: Kube, definition: str) -> dict[str, object]:
    """Runs a definition of the namespace `default` once, and leaves no task behind."""
    name = f"{definition}-{uuid.uuid4().hex[:6]}"
    kube.create(manifests.task(name, definition), "default")
    try:
        return _over(kube, "default", name)
    finally:
        kube.delete("KeptnTask", "default", name)


def _over(kube: Kube, namespace: str, name: str) -> dict[str, object]:
    return kube.until_one(
        "KeptnTask", namespace, name, lambda task: status(task) in ("Succeeded", "Failed"), "it is over"
    )
