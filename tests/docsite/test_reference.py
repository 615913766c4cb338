import json
from pathlib import Path

import pytest

from app.api.crds import crd
from app.api.versions import KINDS, TASK_DEFINITION, WORKLOAD_VERSION, Kind
from docsite import reference

KEPTN = json.loads(reference.KEPTN.read_text())


def test_the_committed_pages_are_what_the_models_give(tmp_path: Path) -> None:
    fresh = {path.name: path.read_text() for path in reference.write(tmp_path)}
    committed = {path.name: path.read_text() for path in (reference.ROOT / reference.FOLDER).glob("*.md")}
    assert committed == fresh, "run: make generate"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_field_has_a_row_and_says_what_it_is(kind: Kind) -> None:
    page = reference.page(kind, KEPTN)
    twins = [line.split("`")[1] for line in page.splitlines() if "Fields as those of" in line]
    schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, field, _ in reference.nodes(schema):
        top, _, rest = path.partition(".")
        if not rest or top not in ("spec", "status") or path.endswith(("[]", "{}")):
            continue
        assert "description" in field or path in reference.ELSEWHERE, f"{path} has no description: write it in app/api"
        said = f"| `{rest}` |" in page or any(rest.startswith((f"{twin}.", f"{twin}[")) for twin in twins)
        assert said, f"{path} is not on the page"


def test_what_is_ours_is_marked_and_what_is_keptns_is_not() -> None:
    rows = {
        line.split("`")[1]: line for line in reference.page(WORKLOAD_VERSION, KEPTN).splitlines() if line[:3] == "| `"
    }
    assert rows["revisions"].endswith("*Holdfast's addition.* |")
    assert "addition" not in rows["deploymentStartTime"]


def test_types_defaults_and_what_must_be_there() -> None:
    page = reference.page(TASK_DEFINITION, KEPTN)
    assert "| `retries` | integer | `10` |" in page
    assert "| `serviceAccount.name` | string, required |" in page
    assert "| `deno.parameters.map` | map of strings |" in page
    assert "maps of strings |" in reference.page(WORKLOAD_VERSION, KEPTN)
    assert "| `v1beta1` | has also `spec.function` |" in page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_an_example_of_it(kind: Kind) -> None:
    assert f"kind: {kind.name}\n" in (reference.EXAMPLES / f"{kind.name.lower()}.yaml").read_text()
