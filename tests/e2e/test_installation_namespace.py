"""Definitions of the installation namespace serve every namespace, whatever they run."""

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e import manifests
from tests.e2e.dump import INSTALLATION
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, last_lines

CODE = 'import os\nprint("shared", os.environ.get("DATA", ""))\n'


@pytest.fixture
def mark(kube: Kube) -> Iterator[str]:
    """Ends the names of what a test puts into the installation namespace; all of that is deleted afterwards."""
    mark = uuid.uuid4().hex[:6]
    yield mark
    for kind in ("KeptnTaskDefinition", "ConfigMap"):
        for item in kube.all(kind, INSTALLATION):
            if item["metadata"]["name"].endswith(mark):
                kube.delete(kind, INSTALLATION, item["metadata"]["name"])


def _shared(kube: Kube, mark: str, body: Json) -> str:
    body["metadata"]["name"] = f"{body['metadata']['name']}-{mark}"
    kube.create(body, INSTALLATION)
    name: str = body["metadata"]["name"]
    return name


def test_inline_code_a_config_map_and_a_container_run_in_the_workloads_namespace(
    kube: Kube, eyes: Eyes, mark: str
) -> None:
    code = _shared(kube, mark, manifests.config_map("code", {"code": CODE}))
    inline = _shared(kube, mark, manifests.python("inline", CODE))
    mapped = _shared(kube, mark, manifests.definition("mapped", "python", {"configMapRef": {"name": code}}))
    container = _shared(kube, mark, manifests.container("container", "exit 0"))
    kube.create(manifests.deployment("waiter", f"{inline},{mapped},{container}"), eyes.namespace)
    assert last_lines(eyes.passed(inline)) == "shared"
    assert last_lines(eyes.passed(mapped)) == "shared"
    eyes.passed(container)
    eyes.released("waiter")
    assert len(kube.all("Job", eyes.namespace)) == 3


def test_a_definition_builds_on_one_of_the_installation_namespace(kube: Kube, eyes: Eyes, mark: str) -> None:
    base = _shared(kube, mark, manifests.python("base", CODE))
    child = manifests.definition("child", "python", {"functionRef": {"name": base}} | manifests.inputs({"mine": "1"}))
    kube.create_all(eyes.namespace, child, manifests.deployment("waiter", "child"))
    assert last_lines(eyes.passed("child")) == 'shared {"mine":"1"}'


def test_a_definition_of_the_workloads_own_namespace_comes_first(kube: Kube, eyes: Eyes, mark: str) -> None:
    name = _shared(kube, mark, manifests.python("check", CODE))
    kube.create_all(eyes.namespace, manifests.python(name, "print('own')"), manifests.deployment("waiter", name))
    assert last_lines(eyes.passed(name)) == "own"
