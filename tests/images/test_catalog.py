"""images/catalog.py against the Dockerfiles and the project's own settings."""

import re
import tomllib

import pytest

from images.catalog import PRODUCT, REPOSITORY, TEST, Image

ALL = (*PRODUCT, *TEST)


def dockerfile(image: Image) -> str:
    return (REPOSITORY / image.dockerfile).read_text()


@pytest.mark.parametrize("image", ALL, ids=lambda image: image.name)
def test_everything_that_a_dockerfile_copies_counts_as_its_input(image: Image) -> None:
    text = dockerfile(image).replace("\\\n", " ")
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
        for source in [word for word in line.split() if not word.startswith("--")][:-1]
    }
    assert copied == {*image.inputs, *([image.requirements] if image.requirements else [])}


@pytest.mark.parametrize("image", ALL, ids=lambda image: image.name)
def test_images_are_made_from_debian_slim_and_name_no_registry(image: Image) -> None:
    stages = re.findall(r"^FROM (\S+)", dockerfile(image), re.MULTILINE)
    assert set(stages) <= {"debian:trixie-slim", "scratch"}


@pytest.mark.parametrize("image", PRODUCT, ids=lambda image: image.name)
def test_images_run_as_a_user_that_kubernetes_can_see_is_not_root(image: Image) -> None:
    users = re.findall(r"^USER (\d+):(\d+)$", dockerfile(image), re.MULTILINE)
    expected = "65532" if image.name == "holdfast/holdfast:dev" else "1000"
    assert users == [(expected, expected)]


def test_the_program_in_the_image_starts_what_the_project_declares() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    module, function = project["scripts"]["holdfast"].split(":")
    assert rf"from {module} import {function}\n{function}()" in dockerfile(PRODUCT[0])


def test_archives_have_names_of_their_own() -> None:
    assert [image.file_name for image in ALL] == [
        "holdfast",
        "deno-runtime",
        "python-runtime",
        "busybox",
        "prometheus",
    ]
