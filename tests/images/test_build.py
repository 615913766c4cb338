"""images/build.py and images/buildah.py with a buildah that only writes down what it is asked."""

from pathlib import Path

import pytest

from images.build import Workshop, cache_folder
from images.buildah import Buildah
from images.catalog import Image

FAKE = """#!/bin/sh
echo "$@" >> "{folder}/called"
case "$*" in
    *images*) echo '[{{"id": "abc", "names": ["localhost/debian:trixie-slim"]}}, {{"id": "d", "names": null}}]' ;;
    *push*) for last; do :; done; file=${{last#docker-archive:}}; echo an image > "${{file%%:*}}" ;;
esac
"""


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "buildah"
    program.write_text(FAKE.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "called"


IMAGE = Image("busybox:1.36", dockerfile="images/busybox/Dockerfile", inputs=())


def test_an_image_is_built_saved_and_not_built_again(called: Path, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, public=False)
    archive = workshop.archive(IMAGE, "base")
    assert archive.read_text() == "an image\n"
    first = called.read_text()
    assert "--tag busybox:1.36" in first
    assert "--pull-never" in first
    assert workshop.archive(IMAGE, "base") == archive
    assert called.read_text() == first


def test_another_base_builds_it_again(called: Path, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, public=False)
    workshop.archive(IMAGE, "base")
    first = called.read_text()
    workshop.archive(IMAGE, "newer base")
    assert called.read_text() == first * 2


def test_an_archive_that_was_deleted_is_made_again(called: Path, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, public=False)
    workshop.archive(IMAGE, "base").unlink()
    assert workshop.archive(IMAGE, "base").exists()


def test_with_a_public_registry_nothing_is_replaced(called: Path, tmp_path: Path) -> None:
    product = Image(
        "holdfast/x:dev", dockerfile="Dockerfile", inputs=("app",), requirements="requirements/holdfast.txt"
    )
    Workshop(tmp_path, public=True).archive(product, "public")
    build = called.read_text().splitlines()[0]
    assert "--pull-never" not in build
    assert "--build-context" not in build
    assert "--build-arg" not in build
    assert "storage-public" in build


def test_forgetting_removes_layers_and_makes_every_archive_old(called: Path, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, public=False)
    workshop.archive(IMAGE, "base")
    (tmp_path / "storage").mkdir()
    workshop.forget()
    assert not (tmp_path / "storage").exists()
    count = len(called.read_text().splitlines())
    workshop.archive(IMAGE, "base")
    assert len(called.read_text().splitlines()) > count


def test_an_image_is_known_by_its_name_in_our_own_storage(called: Path, tmp_path: Path) -> None:
    buildah = Buildah(tmp_path / "storage")
    assert buildah.image_id("localhost/debian:trixie-slim") == "abc"
    assert buildah.image_id("localhost/debian:sid") is None
    assert called.read_text().startswith(f"--root {tmp_path}/storage --runroot {tmp_path}/storage/run ")


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere/images")
    monkeypatch.delenv("HOLDFAST_CACHE")
    assert cache_folder() == Path.home() / ".cache/holdfast/images"
