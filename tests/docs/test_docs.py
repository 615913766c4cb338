"""What the documentation says can be followed: links lead somewhere, and definitions are such as Holdfast takes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.lifecycle import definitions

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in _HEADING.findall(page.read_text())}


def _definitions() -> Iterator[Any]:
    texts = [(page.name, text) for page in PAGES for text in _BLOCK.findall(page.read_text())]
    texts += [(file.name, file.read_text()) for file in EXAMPLES]
    for name, text in texts:
        for body in yaml.safe_load_all(text):
            if body and body.get("kind") == "KeptnTaskDefinition":
                yield pytest.param(body, id=f"{name}: {body['metadata']['name']}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text()):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{target} is not there"
        assert not anchor or anchor in _anchors(file), f"{target} has no heading {anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_yaml_example_can_be_read(page: Path) -> None:
    for text in _BLOCK.findall(page.read_text()):
        assert list(yaml.safe_load_all(text))


@pytest.mark.parametrize("body", list(_definitions()))
def test_every_definition_shown_is_one_that_holdfast_takes(body: dict[str, Any]) -> None:
    version = body["apiVersion"].rpartition("/")[2]
    assert definitions.problems(body["spec"], version=version, name=body["metadata"]["name"]) == []
