from pathlib import Path

import pytest
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docsite import hooks


@pytest.fixture
def config(tmp_path: Path) -> MkDocsConfig:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: a site\nplugins: []\ntheme: mkdocs\n")
    made = load_config(str(tmp_path / "mkdocs.yml"))
    made.plugins._current_plugin = "docsite/hooks.py"  # as while a hook is called
    return made


def files(config: MkDocsConfig, **texts: str) -> Files:
    return Files([File.generated(config, f"{name}.md", content=text) for name, text in texts.items()])


def test_what_pages_link_to_is_taken_along_and_what_that_links_to(tmp_path: Path, config: MkDocsConfig) -> None:
    (tmp_path / "README.md").write_text("[values](chart/values.yaml) and [examples](examples)")
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart" / "values.yaml").write_text("replicas: 2\n")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.yaml").write_text("kind: Pod\n")
    found = hooks.on_files(files(config, tasks="[readme](../README.md)"), config)
    assert sorted(file.src_uri for file in found) == [
        "repository/README.md",
        "repository/chart/values.yaml",
        "repository/examples/README.md",
        "repository/examples/a.yaml",
        "tasks.md",
    ]
    listing = found.get_file_from_path("repository/examples/README.md")
    assert listing is not None
    assert listing.content_string == "# examples\n\n- [a.yaml](a.yaml)\n"


def test_a_link_that_leads_nowhere_is_named_with_its_page(config: MkDocsConfig) -> None:
    with pytest.raises(PluginError, match=r"docs/tasks.md links to READM.md, which is not there"):
        hooks.on_files(files(config, tasks="[readme](../READM.md)"), config)


def test_comments_are_left_out_and_links_are_the_sites(config: MkDocsConfig) -> None:
    all_files = files(config, tasks="")
    file = all_files.get_file_from_path("tasks.md")
    assert file is not None
    text = "<!-- test: run -->\n```\nmake\n```\n[chart](../helm/README.md)\n"
    shown = hooks.on_page_markdown(text, Page("Tasks", file, config), config, all_files)
    assert shown == "```\nmake\n```\n[chart](repository/helm/README.md)\n"
