from pathlib import Path

import pytest

from docsite import links


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "examples" / "shop").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("docs/tasks.md", "tasks.md"),
        ("docs/recipes/helm.md", "recipes/helm.md"),
        ("README.md", "repository/README.md"),
        ("helm/holdfast/values.yaml", "repository/helm/holdfast/values.yaml"),
    ],
)
def test_where_the_site_has_a_file(path: str, there: str) -> None:
    assert links.in_site(path) == there
    assert links.in_repository(there) == path


def test_targets_are_counted_from_the_root_and_not_in_code() -> None:
    text = (
        "[a](../README.md#x) [b](limits.md) [c](https://example.com) [d](#e)\n```\n[f](g.md)\n```\n[h](recipes/h.md)\n"
    )
    assert list(links.targets(text, "docs/tasks.md")) == ["README.md", "docs/limits.md", "docs/recipes/h.md"]


@pytest.mark.parametrize(
    ("source", "written", "expected"),
    [
        ("tasks.md", "[a](limits.md#x)", "[a](limits.md#x)"),
        ("tasks.md", "[a](../README.md#figures)", "[a](repository/README.md#figures)"),
        ("recipes/helm.md", "[a](../../helm/holdfast/values.yaml)", "[a](../repository/helm/holdfast/values.yaml)"),
        ("index.md", "[a](../examples/shop)", "[a](repository/examples/shop/README.md)"),
        ("repository/README.md", "[a](docs/tasks.md)", "[a](../tasks.md)"),
        ("repository/README.md", "[a](examples/shop)", "[a](examples/shop/README.md)"),
        ("tasks.md", "[a](#here) [b](https://example.com/x.md)", "[a](#here) [b](https://example.com/x.md)"),
        ("tasks.md", "![p](pictures/pod.svg)", "![p](pictures/pod.svg)"),
        ("tasks.md", "````\n```\n[a](../README.md)\n````\n", "````\n```\n[a](../README.md)\n````\n"),
    ],
)
def test_links_as_the_site_has_them(root: Path, source: str, written: str, expected: str) -> None:
    assert links.rewritten(written, source, root) == expected
