from pathlib import Path

import pytest

from docsite.blocks import blocks, pages

PAGE = """# A page

<!-- test: part of Deployment spec.template, completes Deployment/shop -->
```yaml
metadata: {}
```

```
kubectl get pods
```

```
NAME   READY
```
"""


def test_a_block_has_its_line_its_text_and_its_tests() -> None:
    first, second, third = blocks(PAGE)
    assert (first.line, first.language, first.text) == (4, "yaml", "metadata: {}\n")
    assert first.said("part") == "of Deployment spec.template"
    assert first.said("completes") == "Deployment/shop"
    assert first.said("run") is None
    assert (second.is_shell, third.is_shell) == (True, False)
    assert second.tests == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<!-- test: runs -->\n```\nkubectl get pods\n```\n", "nobody knows how to test 'runs'"),
        ("<!-- test: run -->\n\n```\nkubectl get pods\n```\n", "does not stand on the line before a block"),
    ],
)
def test_a_mark_that_does_nothing_is_a_mistake(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        blocks(text)


def test_pages_are_the_readme_and_all_below_docs(tmp_path: Path) -> None:
    for name in ("README.md", "docs/a.md", "docs/recipes/b.md", "docs/pictures/c.svg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert pages(tmp_path) == ["README.md", "docs/a.md", "docs/recipes/b.md"]
