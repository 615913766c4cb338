"""The examples of a page: its fenced blocks, and what comments before them say of how they are tested.

A block of YAML that says nothing has whole objects in it. `<!-- test: ... -->` on the line before a block says, with
commas in between:

    part of KIND [path]     the block is a part of such an object, at that path of it (the root if it does not say)
    values                  the block is a values file of the chart
    shape                   the objects are Holdfast's to write: the API server only says that it would take them
    namespace               the block is the page's own namespace, under another name
    run                     the block's commands are run; without it they only have to be such as a shell can read
    with prometheus         there is a Prometheus where the block says
    completes KIND/NAME     afterwards that workload comes to its end, and has passed
    fails KIND/NAME         afterwards that workload's rollout fails
    until KIND/NAME A.B=C   afterwards that object's field comes to have that value
    receives TEXT           afterwards the webhook of the page's Secret is sent that text
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docsite.links import DOCS

SHELL = frozenset({"bash", "sh", "shell"})
OUTPUT = frozenset({"text", "console", "http"})
COMMANDS = frozenset({"awk", "curl", "for", "git", "helm", "holdfast", "kubectl", "make", "pip"})
WORDS = frozenset({"part", "values", "shape", "namespace", "run", "with", "completes", "fails", "until", "receives"})

_BLOCK = re.compile(
    r"^(?:<!-- test: (?P<test>.*?) -->\n)?(?P<fence>```+)(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.M | re.S
)
_MARK = re.compile(r"<!-- *test")


@dataclass(frozen=True, slots=True)
class Block:
    line: int
    language: str
    text: str
    tests: tuple[str, ...]

    def said(self, word: str) -> str | None:
        """What a test says after its first word, None if there is no such test."""
        return next((test.removeprefix(word).strip() for test in self.tests if test.split()[0] == word), None)

    @property
    def is_yaml(self) -> bool:
        return self.language == "yaml"

    @property
    def is_shell(self) -> bool:
        """Whether it is for a shell. A block of no language is if it begins with a command that we know."""
        return self.language in SHELL or (not self.language and self.text.split(maxsplit=1)[0] in COMMANDS)


def pages(root: Path) -> list[str]:
    """README.md and all pages of docs/, from the root."""
    return ["README.md", *sorted(str(page.relative_to(root)) for page in (root / DOCS).rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """A page's blocks in order. Raises ValueError for a mark that belongs to no block or says what nobody knows."""
    found = list(_found(text))
    marks = len(_MARK.findall(text))
    if marks != sum(bool(block.tests) for block in found):
        raise ValueError("a test is said that does not stand on the line before a block")
    return found


def _found(text: str) -> Iterator[Block]:
    for match in _BLOCK.finditer(text):
        tests = tuple(test.strip() for test in (match["test"] or "").split(", ") if test.strip())
        line = text.count("\n", 0, match.start("fence")) + 1
        for test in tests:
            if test.split()[0] not in WORDS:
                raise ValueError(f"line {line}: nobody knows how to test {test!r}")
        yield Block(line, match["language"].strip(), match["text"], tests)
