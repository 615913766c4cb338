"""Running the programs that do the work, so that a person sees what is going on."""

import collections
import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PACKAGES = {"buildah": ("buildah",), "debootstrap": ("debootstrap",), "pip3": ("python3-pip",)}
LINES_ON_FAILURE = 30


class ImagesError(Exception):
    """The images cannot be built; the message says why and what to do."""


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says what begins, and how long it took (in seconds)."""
    print(f"  {what} ...", flush=True)
    start = time.monotonic()
    yield
    print(f"  {what}: {time.monotonic() - start:.1f} s", flush=True)


def output(command: Sequence[str | Path]) -> str:
    """What a short command prints. Raises ImagesError with its complaint."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImagesError(f"{command[0]} failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


def run(command: Sequence[str | Path], *, log: Path, show: str) -> None:
    """Runs a long command with its output in `log`; lines that match `show` are printed as they come.

    Raises ImagesError with the last lines of the output.
    """
    shown = re.compile(show)
    last: collections.deque[str] = collections.deque(maxlen=LINES_ON_FAILURE)
    with (
        log.open("w") as file,
        subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            last.append(line)
            if shown.search(line):
                print(f"    {line.strip()[:110]}", flush=True)
    if process.returncode:
        raise ImagesError(f"{command[0]} failed with code {process.returncode}; all of it is in {log}\n{''.join(last)}")


def ensure_programs(*programs: str, log: Path) -> None:
    """Installs Debian's packages for programs that are missing. Raises ImagesError."""
    missing = [program for program in programs if not shutil.which(program)]
    if not missing:
        return
    packages = [package for program in missing for package in PACKAGES[program]]
    with step(f"installing {', '.join(packages)}"):
        run(["apt-get", "update"], log=log, show="^$")
        run(["apt-get", "install", "--yes", "--no-install-recommends", *packages], log=log, show="^Setting up")


def pip(log: Path) -> list[str | Path]:
    """The pip of the Python that runs this, or where that has none, Debian's. Raises ImagesError."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    ensure_programs("pip3", log=log)
    return ["pip3", "--disable-pip-version-check"]
