"""The site builds without warnings and without a network; its links lead somewhere; it loads nothing from elsewhere."""

import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
# MkDocs, in a process that can reach nobody.
SEALED = """
import socket, sys
def refuse(*_): raise OSError("the documentation is built without a network")
socket.socket.connect = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(["build", "--strict", "--site-dir", sys.argv[1]])
"""
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
_STYLE_URL = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)")


class Html(HTMLParser):
    """What a page has and points to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.classes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        self.classes.update((given.get("class") or "").split())
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if _LOADED.get(tag) in given and given.get("rel") != "canonical":
            self.loaded.append(str(given[_LOADED[tag]]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-c", SEALED, str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Html]:
    found = {str(file.relative_to(site)): Html(file.read_text()) for file in sorted(site.rglob("*.html"))}
    assert len(found) > 40
    return found


def _followed(page: str, link: str) -> Iterator[tuple[str, str]]:
    parts = urlsplit(link)
    if not parts.scheme and not parts.netloc:
        path = unquote(parts.path)
        yield posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page, parts.fragment


def test_every_link_of_the_site_leads_somewhere(site: Path, pages: dict[str, Html]) -> None:
    for page, html in pages.items():
        if page == "404.html":  # its links are from the root of the server
            continue
        for link in (*html.links, *html.loaded):
            for target, anchor in _followed(page, link):
                assert (site / target).exists(), f"{page}: {link} leads nowhere"
                there = pages.get(target)
                known = there is None or not anchor or unquote(anchor) in there.ids
                assert known, f"{page}: {link} is no heading of {target}"


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Html]) -> None:
    for page, html in pages.items():
        assert [each for each in html.loaded if urlsplit(each).netloc] == [], page
        # Material fetches what draws such a picture from elsewhere.
        assert "mermaid" not in html.classes, page
    for sheet in site.rglob("*.css"):
        assert _STYLE_URL.findall(sheet.read_text()) == [], sheet.name


def test_comments_for_the_tests_stay_out_of_the_site(site: Path) -> None:
    assert [file.name for file in site.rglob("*.html") if "<!-- test" in file.read_text()] == []


def test_files_of_the_repository_that_pages_link_to_are_there(site: Path, pages: dict[str, Html]) -> None:
    assert (site / "repository/helm/holdfast/values.yaml").read_bytes() == (
        ROOT / "helm/holdfast/values.yaml"
    ).read_bytes()
    assert "keptns-values" in pages["repository/helm/holdfast/index.html"].ids
