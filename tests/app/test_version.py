"""The version that traces name."""

import tomllib

from app import VERSION
from images.catalog import REPOSITORY


def test_it_is_the_packages() -> None:
    assert tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"] == VERSION
