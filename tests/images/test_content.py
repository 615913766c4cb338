"""images/content.py: when an image has to be built again."""

from pathlib import Path

import pytest

from images.catalog import Image
from images.content import digest

IMAGE = Image("holdfast/x:dev", dockerfile="Dockerfile", inputs=("app", "script"), requirements="locked.txt")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "app/deep").mkdir(parents=True)
    for name in ("Dockerfile", ".dockerignore", "locked.txt", "script", "app/a.py", "app/deep/b.py"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_nothing_changed_means_the_same_digest(repository: Path) -> None:
    before = digest(IMAGE, base="1", repository=repository)
    (repository / "unrelated").write_text("x")
    assert digest(IMAGE, base="1", repository=repository) == before


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "locked.txt", "script", "app/a.py", "app/deep/b.py"])
def test_a_changed_file_means_another_digest(repository: Path, name: str) -> None:
    before = digest(IMAGE, base="1", repository=repository)
    (repository / name).write_text("changed")
    assert digest(IMAGE, base="1", repository=repository) != before


def test_a_new_file_a_new_name_and_a_new_mode_count(repository: Path) -> None:
    digests = {digest(IMAGE, base="1", repository=repository)}
    (repository / "app/c.py").write_text("")
    digests.add(digest(IMAGE, base="1", repository=repository))
    (repository / "app/c.py").rename(repository / "app/d.py")
    digests.add(digest(IMAGE, base="1", repository=repository))
    (repository / "script").chmod(0o755)
    digests.add(digest(IMAGE, base="1", repository=repository))
    assert len(digests) == 4


def test_another_base_counts(repository: Path) -> None:
    assert digest(IMAGE, base="1", repository=repository) != digest(IMAGE, base="2", repository=repository)


def test_byte_code_does_not_count(repository: Path) -> None:
    before = digest(IMAGE, base="1", repository=repository)
    (repository / "app/__pycache__").mkdir()
    (repository / "app/__pycache__/a.pyc").write_bytes(b"\0")
    assert digest(IMAGE, base="1", repository=repository) == before


def test_a_missing_input_is_an_error(repository: Path) -> None:
    (repository / "script").unlink()
    with pytest.raises(FileNotFoundError):
        digest(IMAGE, base="1", repository=repository)
