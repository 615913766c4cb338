"""What MkDocs calls while it builds the site, see https://www.mkdocs.org/user-guide/configuration/#hooks."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docsite import links

_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Takes along what the pages link to outside of docs/. Raises PluginError for a link that leads nowhere."""
    root = Path(config.config_file_path).parent
    waiting = [file.src_uri for file in files.documentation_pages()]
    while waiting:
        source = waiting.pop()
        here = files.get_file_from_path(source)
        assert here is not None
        path = links.in_repository(source)
        for target in links.targets(here.content_string, path):
            if not (root / target).exists():
                raise PluginError(f"{path} links to {target}, which is not there")
            page = links.page_of(root, target)
            there = links.in_site(page)
            if files.get_file_from_path(there) is None:
                files.append(_taken(config, root, page, there))
                if there.endswith(".md"):
                    waiting.append(there)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site has them; comments, which say how a page's examples are tested, stay out of it."""
    root = Path(config.config_file_path).parent
    return links.rewritten(_COMMENT.sub("", markdown), page.file.src_uri, root)


def _taken(config: MkDocsConfig, root: Path, path: str, there: str) -> File:
    if (root / path).is_file():
        if path.endswith(".md"):
            return File.generated(config, there, abs_src_path=str(root / path))
        return File.generated(config, there, content=(root / path).read_bytes())
    folder = (root / path).parent
    names = sorted(each.name for each in folder.iterdir() if each.is_file() and not each.name.startswith("__"))
    listing = [f"# {folder.relative_to(root)}\n", *(f"- [{name}]({name})" for name in names)]
    return File.generated(config, there, content="\n".join(listing) + "\n")
