"""Links between pages, as they are written for whoever reads the repository, and as the site has them.

A page of docs/ may link to any file of the repository. The site takes those files along in a folder of their own, and a
page that it takes along may link to further ones.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

DOCS = "docs"
TAKEN = "repository"  # the site's folder for files that are not of docs/

_FENCE = re.compile(r"^(```+|~~~+)", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)((?:#[^)\s]*)?)(?=\))")


def in_site(path: str) -> str:
    """Where the site has a file of the repository, both from their roots: `docs/tasks.md` is `tasks.md`."""
    inside = path.removeprefix(f"{DOCS}/")
    return inside if inside != path else f"{TAKEN}/{path}"


def in_repository(source: str) -> str:
    """The opposite of `in_site`."""
    inside = source.removeprefix(f"{TAKEN}/")
    return inside if inside != source else f"{DOCS}/{source}"


def page_of(root: Path, path: str) -> str:
    """What a link to `path` leads to: of a folder, its README.md, whether that is there or has to be made."""
    return f"{path}/README.md" if (root / path).is_dir() else path


def targets(text: str, path: str) -> Iterator[str]:
    """The files that a page at `path` links to, from the repository's root. Links within code do not count."""
    found: list[str] = []

    def note(target: str) -> str:
        found.append(target)
        return target

    _outside_code(text, lambda part: _LINK.sub(lambda match: note(match[1]), part))
    for target in found:
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def rewritten(text: str, source: str, root: Path) -> str:
    """A page's text with the links as they have to be in the site; `source` is the page's place there."""
    path = in_repository(source)

    def follow(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
        there = in_site(page_of(root, target))
        return posixpath.relpath(there, posixpath.dirname(source) or ".") + match[2]

    return _outside_code(text, lambda part: _LINK.sub(follow, part))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with each stretch between fenced blocks changed."""
    parts, end, fence = [], 0, ""
    for mark in _FENCE.finditer(text):
        if not fence:
            parts.append(change(text[end : mark.start()]))
            fence, end = mark[1], mark.start()
        elif mark[1].startswith(fence):
            parts.append(text[end : mark.end()])
            fence, end = "", mark.end()
    parts.append(text[end:] if fence else change(text[end:]))
    return "".join(parts)
