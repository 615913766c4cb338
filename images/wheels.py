"""Python packages for a build, fetched beforehand: pip inside a build may have no network or not trust its proxy."""

import hashlib
import platform
import shutil
from pathlib import Path

from images import commands

PYTHON = "3.13"  # of debian:trixie
GLIBC = range(41, 16, -1)  # manylinux_2_41 (trixie's own) down to manylinux_2_17


def fetch(requirements: Path, folder: Path) -> Path:
    """A folder with the wheels of a hash-locked requirements file for the image's Python. Raises ImagesError."""
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    target = folder / key
    if target.is_dir():
        return target
    unfinished = folder / f"{key}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    log = folder.parent / "pip.log"
    machine = platform.machine()
    options = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    options += [f"--platform=manylinux2014_{machine}", f"--python-version={PYTHON}", "--implementation=cp"]
    options += [f"--abi=cp{PYTHON.replace('.', '')}", "--abi=abi3", "--abi=none"]
    with commands.step(f"fetching the packages of {requirements.name}, each checked against its hash"):
        commands.run(
            [
                *commands.pip(log),
                *("download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--progress-bar=off", *options),
                *("--dest", unfinished, "--requirement", requirements),
            ],
            log=log,
            show="^$",
        )
    unfinished.replace(target)
    return target
