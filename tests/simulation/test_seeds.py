"""Thousands of seeds, each a cluster of its own in which something goes wrong. None may find anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import world
from tests.simulation.regressions import REGRESSIONS

ROOT = Path(__file__).parents[2]
SECONDS = 120
LEAST = 500  # of a machine that is slow or busy; two idle cores make some fifteen hundred
_PASSED = re.compile(r"^([\d,]+) seeds, and nothing was found", re.MULTILINE)


def test_nothing_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seconds", str(SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            with capsys.disabled():  # two minutes are long without a word
                print(line, end="", flush=True)
    assert process.returncode == 0, "a seed found something: its story is above"
    said = _PASSED.search(output)
    assert said is not None
    assert int(said[1].replace(",", "")) >= LEAST


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_was_found_once_is_not_found_again(name: str) -> None:
    assert not world.play(REGRESSIONS[name]).findings
