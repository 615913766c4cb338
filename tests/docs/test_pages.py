"""What the documentation says can be followed: links lead somewhere, examples can be read, definitions are taken.

Whether the examples work is a test on the real cluster's: tests/e2e/test_docs.py.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.lifecycle import definitions
from docsite.blocks import OUTPUT, SHELL, blocks, pages

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = pages(ROOT)
EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
_PROOF = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in _HEADING.findall(page.read_text())}


def _definitions() -> Iterator[Any]:
    texts = [(page, block.text) for page in PAGES for block in blocks((ROOT / page).read_text()) if block.is_yaml]
    texts += [(file.name, file.read_text()) for file in EXAMPLES]
    for name, text in texts:
        for body in yaml.safe_load_all(text):
            if body and body.get("kind") == "KeptnTaskDefinition":
                yield pytest.param(body, id=f"{name}: {body['metadata']['name']}")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    here = ROOT / page
    for target, anchor in _LINK.findall(here.read_text()):
        file = (here.parent / target).resolve() if target else here
        assert file.exists(), f"{target} is not there"
        assert not anchor or anchor in _anchors(file), f"{target} has no heading {anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_kind_that_is_checked(page: str) -> None:
    for block in blocks((ROOT / page).read_text()):
        assert block.language in {"", "yaml"} | SHELL | OUTPUT, f"line {block.line}: nobody checks {block.language}"
        assert block.is_yaml or block.said("run") is None or block.is_shell, f"line {block.line} cannot be run"


@pytest.mark.parametrize("page", PAGES)
def test_every_yaml_example_can_be_read(page: str) -> None:
    for block in blocks((ROOT / page).read_text()):
        if block.is_yaml:
            assert all(isinstance(body, dict) for body in yaml.safe_load_all(block.text)), f"line {block.line}"


@pytest.mark.parametrize("page", PAGES)
def test_a_shell_can_read_every_command(page: str) -> None:
    for block in blocks((ROOT / page).read_text()):
        if block.is_shell:
            done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"line {block.line}: {done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_as_a_proof_is_there(page: str) -> None:
    for file, name in _PROOF.findall((ROOT / page).read_text()):
        *classes, function = name.removeprefix("::").split("::")
        source = (ROOT / file).read_text()
        assert all(f"\nclass {each}:" in source for each in classes), f"{file} has no {classes}"
        assert re.search(rf"^ *(async )?def {function}\(", source, re.MULTILINE), f"{file} has no {function}"


@pytest.mark.parametrize("body", list(_definitions()))
def test_every_definition_shown_is_one_that_holdfast_takes(body: dict[str, Any]) -> None:
    version = body["apiVersion"].rpartition("/")[2]
    assert definitions.problems(body["spec"], version=version, name=body["metadata"]["name"]) == []
