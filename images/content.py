"""What an image is made of, as one digest: equal digests need no second build."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from images.catalog import Image

IGNORED_FOLDER = "__pycache__"


def files(path: Path) -> Iterator[Path]:
    """The file itself, or every file below the folder, in a fixed order; byte code is nobody's content."""
    if path.is_file():
        yield path
        return
    for child in sorted(path.iterdir()):
        if child.name != IGNORED_FOLDER:
            yield from files(child)


def digest(image: Image, *, base: str, repository: Path) -> str:
    """Hex digest over the Dockerfile, all that it copies with names and modes, and the base image's identity.

    Raises FileNotFoundError for an input that is not there.
    """
    sha = hashlib.sha256(f"{image.name}\n{base}\n".encode())
    requirements = (image.requirements,) if image.requirements else ()
    for part in (image.dockerfile, ".dockerignore", *requirements, *image.inputs):
        for file in files(repository / part):
            content = file.read_bytes()
            executable = bool(file.stat().st_mode & 0o100)
            sha.update(f"{file.relative_to(repository)} {executable} {len(content)}\n".encode())
            sha.update(content)
    return sha.hexdigest()
