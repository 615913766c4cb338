"""The YAML examples of a documentation page in Markdown, as they stand there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    page: str
    heading: str
    number: int  # 1 for the first example below its heading
    text: str

    @property
    def header(self) -> str:
        return f'# {self.page}, under "{self.heading}", example {self.number}, as it is written there.\n'


def examples(page: str, markdown: str) -> Iterator[Example]:
    """Every fenced YAML block of `markdown`, in order."""
    counts: dict[str, int] = {}
    for fence in _FENCE.finditer(markdown):
        headings = _HEADING.findall(_FENCE.sub("", markdown[: fence.start()]))
        heading = headings[-1] if headings else ""
        counts[heading] = counts.get(heading, 0) + 1
        yield Example(page, heading, counts[heading], fence[1])
