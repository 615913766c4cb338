"""Which KeptnTaskDefinitions kubectl may apply, to Keptn's letter.

By the sections of keptn-behaviour, [T] what its users' automation is known to assert:
- 2.5 [T]: one runner of each kind is accepted, in all versions -> test_one_runner_is_accepted
- 2.5 [T]: container+deno, container+python, python+deno and an empty spec are refused -> test_not_one_runner_is_refused
- 2.5: the refusal is Invalid, on `spec`; deleting is always allowed -> both

Different on purpose (docs/differences-from-keptn.md): `deno: {}` and two sources of one runner are refused too, see
refusals.py.
"""

import json

import pytest
import yaml

from app.api.wellknown import GROUP
from tests.e2e.kube.client import Kube, Refused
from tests.e2e.kube.resources import Json
from tests.e2e.letters import Letter, Letters

RUNNERS: dict[str, Json] = {
    "deno": {"inline": {"code": 'console.log("hi")\n'}},
    "python": {"httpRef": {"url": "https://example.com/check.py"}},
    "container": {"name": "testy-test", "image": "busybox:1.36", "command": ["true"]},
}
NOT_ONE = (("container", "deno"), ("container", "python"), ("python", "deno"), ("container", "python", "deno"), ())


@pytest.fixture(scope="module")
def letter(letters: Letters) -> Letter:
    return letters.new("definitions", annotations={})


def definition(name: str, version: str, *runners: str) -> Json:
    spec = {runner: RUNNERS[runner] for runner in runners}
    meta = {"name": name}
    return {"apiVersion": f"{GROUP}/{version}", "kind": "KeptnTaskDefinition", "metadata": meta, "spec": spec}


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_one_runner_is_accepted(version: str, runner: str, letter: Letter) -> None:
    name = f"{runner}-{version}"
    letter.apply_text(yaml.safe_dump(definition(name, version, runner)))
    stored = letter.get("KeptnTaskDefinition", name)["spec"]
    assert stored[runner] == RUNNERS[runner]
    assert (stored["retries"], stored["timeout"], stored["ttlSecondsAfterFinished"]) == (10, "5m", 300)
    letter.kubectl("delete", "keptntaskdefinition", name)


@pytest.mark.parametrize("version", ["v1", "v1alpha3"])
@pytest.mark.parametrize("runners", NOT_ONE, ids=lambda runners: "+".join(runners) or "none")
def test_not_one_runner_is_refused(version: str, runners: tuple[str, ...], letter: Letter, kube: Kube) -> None:
    body = definition("refused", version, *runners)
    said = letter.refused(json.dumps(body))
    assert said.startswith('The KeptnTaskDefinition "refused" is invalid: spec: ')
    with pytest.raises(Refused) as refused:
        kube.create(body, letter.namespace)
    answer = refused.value.body
    assert (answer["code"], answer["reason"]) == (422, "Invalid")
    assert answer["details"]["kind"] == "KeptnTaskDefinition"
    assert [cause["field"] for cause in answer["details"]["causes"]] == ["spec"]
    assert kube.find("KeptnTaskDefinition", letter.namespace, "refused") is None
