"""The locked requirements: in step with pyproject.toml, complete, and each with its hashes."""

import re
import tomllib
from importlib.metadata import distribution

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from images.catalog import REPOSITORY

LOCKS = ("requirements/holdfast.txt", "runtimes/deno/requirements.txt")


def locked(path: str) -> dict[str, Requirement]:
    text = (REPOSITORY / path).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    found = [Requirement(line.partition("--hash")[0].strip()) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def version(requirement: Requirement) -> str:
    (only,) = requirement.specifier
    assert only.operator == "=="
    return only.version


@pytest.mark.parametrize("path", LOCKS)
def test_every_package_has_one_version_and_hashes(path: str) -> None:
    text = (REPOSITORY / path).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("path", LOCKS)
def test_no_registry_is_named(path: str) -> None:
    assert "://" not in (REPOSITORY / path).read_text()


def test_what_the_project_asks_for_is_locked_at_a_version_that_it_takes() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lock = locked(LOCKS[0])
    for text in project["dependencies"]:
        wanted = Requirement(text)
        assert canonicalize_name(wanted.name) in lock, f"{wanted.name} is not locked; see requirements/README.md"
        assert version(lock[canonicalize_name(wanted.name)]) in wanted.specifier, f"{text} is not what is locked"


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_what_the_locked_packages_need_themselves_is_locked(python: str) -> None:
    environment = {str(k): str(v) for k, v in default_environment().items()}
    environment |= {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    lock = locked(LOCKS[0])
    for name, requirement in lock.items():
        if requirement.marker and not requirement.marker.evaluate(environment):
            continue
        for text in distribution(name).requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate(environment):
                assert canonicalize_name(needed.name) in lock, f"{name} needs {text}"


def test_nothing_is_locked_that_nobody_needs() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lock = locked(LOCKS[0])
    needed: set[str] = set()
    open_ends = [Requirement(text).name for text in project["dependencies"]]
    while open_ends:
        name = canonicalize_name(open_ends.pop())
        if name not in needed and name in lock:
            needed.add(name)
            if lock[name].marker is None or lock[name].marker.evaluate():  # type: ignore[union-attr]
                open_ends += [Requirement(text).name for text in distribution(name).requires or ()]
    assert set(lock) == needed


def test_the_deno_of_the_tests_is_the_deno_of_the_image() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert any(text == f"deno=={version(locked(LOCKS[1])['deno'])}" for text in project["optional-dependencies"]["dev"])
