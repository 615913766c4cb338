"""Running other programs to their end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from localkube.errors import LocalkubeError

LAST_LINES = 15


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = 120,
) -> str:
    """Run a program to its end and give its standard output.

    `env` is added to ours; `timeout` is in seconds. Raises LocalkubeError with the program's last lines when it fails.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            timeout=timeout,
            text=True,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise LocalkubeError(f"{argv[0]} is not on this machine (looked for it in PATH)") from missing
    except subprocess.TimeoutExpired as late:
        raise LocalkubeError(f"{' '.join(argv[:4])} … did not end within {timeout} s") from late
    if done.returncode != 0:
        told = last_lines((done.stderr or "") + (done.stdout or ""))
        raise LocalkubeError(f"{' '.join(argv[:4])} … ended with {done.returncode}:\n{told}")
    return done.stdout


def succeeds(argv: Sequence[str], *, timeout: float = 60) -> bool:
    """Whether a program runs and ends with 0."""
    try:
        run(argv, timeout=timeout)
    except LocalkubeError:
        return False
    return True


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """The last lines of an output, indented for an error message."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-count:])
