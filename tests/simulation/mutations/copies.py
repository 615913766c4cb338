"""Copies of the code with a mistake in each, and the seeds that run against one of them."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.mutations.mutation import ROOT, Edit

_WORDS = "said.txt"
_LONGEST = 2000  # characters of what a copy says that does not run
_LONGEST_LINE = 2**24  # bytes


class Unfit(Exception):
    """A mutation that cannot be made, or a copy that does not even start: it must be written anew."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one seed has found so far, or all of it at its `end`; `broken` says why it did not come to its own end."""

    seed: str
    findings: tuple[str, ...] = ()
    broken: str = ""
    end: bool = True


def make(folder: Path, edits: Sequence[Edit], root: Path = ROOT) -> None:
    """A copy of the code in `folder`, with these edits, beside a link to the tests. Raises Unfit."""
    shutil.copytree(root / "app", folder / "app")
    (folder / "tests").symlink_to(root / "tests")
    for edit in edits:
        path = folder / "app" / edit.path
        text = path.read_text()
        if (times := text.count(edit.old)) != 1:
            raise Unfit(f"its text is {times} times in {edit.path}: {edit.old!r}")
        text = text.replace(edit.old, edit.new)
        try:
            compile(text, edit.path, "exec")
        except SyntaxError as error:
            raise Unfit(f"{edit.path} does not compile any more: {error}") from error
        path.write_text(text)
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()  # it may look as new as the text by its date


async def run(folder: Path, seeds: Sequence[str]) -> AsyncGenerator[Ran, None]:
    """The seeds in their order against the copy in `folder`. Raises Unfit if that does not start."""
    left = list(seeds)
    while left:
        answered = False
        async with _process(folder, left) as process:
            assert process.stdout is not None
            async for line in process.stdout:
                said = json.loads(line)
                answered = True
                if said["end"]:
                    left.remove(said["seed"])
                yield Ran(said["seed"], tuple(said["findings"]), said["broken"], said["end"])
            code = await process.wait()
        if code == 0:
            return
        if code > 0 and not answered:
            words = (folder / _WORDS).read_text(errors="replace").strip()
            raise Unfit(f"it does not run: {words[-_LONGEST:]}")
        why = "took too much CPU" if code == -signal.SIGPROF else f"ended its process with status {code}"
        yield Ran(left.pop(0), broken=why)


@contextlib.asynccontextmanager
async def _process(folder: Path, seeds: Sequence[str]) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    command = (sys.executable, "-m", "tests.simulation.mutations.mutant", ",".join(seeds))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (folder / _WORDS).open("wb") as words:  # a pipe that nobody reads would be full some time
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment | {"PYTHONHASHSEED": "0"},
            stdout=asyncio.subprocess.PIPE,
            stderr=words,
            limit=_LONGEST_LINE,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
