"""The command line, with the real simulation where that takes no time, else with a function in its place."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
from rich.console import Console

from tests.simulation import __main__ as command
from tests.simulation.acts import faults, users
from tests.simulation.telling import report
from tests.simulation.telling.result import Entry, Result

ROOT = Path(__file__).parents[2]
_DIGEST = re.compile(r"their digest: (\w+)")


def fails_at_2_and_4(seed: int, *, keep_log: bool = False, calm: bool = False) -> Result:
    findings = ("I2: the gate of pod web-1 was opened",) if seed in (2, 4) else ()
    log = (
        Entry(0.5, "user", "applies Deployment web", "user"),
        Entry(1.0, "finding", "I2: the gate of pod web-1 was opened", "finding"),
        Entry(9.0, "user", "goes home", "user"),
    )
    counts = {"rollouts": 2, "jobs": 3, "false_openings": len(findings), "CrashAtWrite": 1, "something_new": 1}
    return Result(seed, findings, 60.0, 0.05, 100, f"digest-{seed}", counts, log if keep_log else ())


def differs_each_time(seed: int, *, keep_log: bool = False, calm: bool = False) -> Result:
    result = fails_at_2_and_4(2, keep_log=keep_log)
    return Result(seed, result.findings, 1.0, 0.0, 1, f"in process {os.getpid()}", {}, result.log)


def never_comes_to_an_end(seed: int, *, keep_log: bool = False, calm: bool = False) -> Result:
    os._exit(9)


def _many(monkeypatch: pytest.MonkeyPatch, run: object, **given: object) -> tuple[int, str]:
    monkeypatch.setattr("tests.simulation.world.run", run)
    options = Namespace(**{"seeds": 6, "first": 0, "seconds": None, "workers": 2} | given)
    console = Console(file=io.StringIO(), width=120)
    status = command.many(console, options)
    assert isinstance(console.file, io.StringIO)
    return status, console.file.getvalue()


def _command(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _number(output: str, row: str) -> str:
    (found,) = re.findall(rf"^│ {row} +│ +(\S+)", output, re.MULTILINE)
    return str(found)


def test_the_table_says_what_was_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _many(monkeypatch, fails_at_2_and_4, seeds=2)
    assert status == 0
    assert _number(output, "seeds") == "2"
    assert _number(output, "whole rollouts") == "4"
    assert _number(output, "Jobs") == "6"
    assert _number(output, "false openings") == "0"
    assert re.search(r"crash at write +│ +2 │", output)
    assert "Also: something new 2" in output
    assert "2 seeds, and nothing was found." in output


def test_what_a_seed_found_is_told_with_what_led_to_it_and_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _many(monkeypatch, fails_at_2_and_4)
    assert status == 1
    assert _number(output, "false openings") == "2"
    assert "2 of 6 seeds found something" in output
    assert "make simulate SEED=2" in output
    assert "make simulate SEED=4" in output
    assert "I2: no gate of ours leaves a pod before all its checks have passed" in output
    assert "0.500 s  user     applies Deployment web" in output
    assert "goes home" not in output
    assert "(1 other lines of its log are left out)" in output
    assert "not deterministic" not in output


def test_only_the_first_failing_seeds_are_told_of_at_length(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _many(monkeypatch, differs_each_time, seeds=9, workers=1)
    assert status == 1
    assert output.count("make simulate SEED=") == report.SHOWN
    assert "9 of 9 seeds found something: 0, 1, 2, 3, 4, 5, 6, 7, 8" in output


def test_a_seed_that_goes_another_way_when_run_again_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _many(monkeypatch, differs_each_time, seeds=1)
    assert status == 1
    assert "the simulation is not deterministic" in output


def test_a_seed_that_came_to_no_end_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = _many(monkeypatch, never_comes_to_an_end, seeds=1)
    assert status == 1
    assert "ended its process with status 9" in output


def test_seconds_count_instead_of_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    status, output = _many(monkeypatch, fails_at_2_and_4, seeds=None, first=100, seconds=1.0)
    assert status == 0
    assert 1.0 <= time.monotonic() - began < 20.0
    assert int(_number(output, "seeds").replace(",", "")) > 10


def test_a_seed_is_the_same_whatever_python_makes_of_strings() -> None:
    digests = []
    for hash_seed in ("0", "7"):
        with _command("--seed", "11", PYTHONHASHSEED=hash_seed) as process:
            assert process.stdout is not None
            digests += _DIGEST.findall(process.stdout.read())
    assert len(digests) == 2
    assert digests[0] == digests[1]


def test_a_replay_shows_the_whole_log_and_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.world.run", fails_at_2_and_4)
    for seed, status, words in ((2, 1, "Seed 2 found:"), (3, 0, "Seed 3 found nothing.")):
        console = Console(file=io.StringIO(), width=120)
        assert command.replay(console, seed) == status
        assert isinstance(console.file, io.StringIO)
        output = console.file.getvalue()
        assert words in output
        assert "goes home" in output
        assert f"digest-{seed}" in output


def test_the_story_leaves_out_what_the_simulation_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    log = (Entry(0.0, "user", "deploys", "user"), Entry(3.0, "cluster", "nothing goes wrong any more", "cluster"))
    monkeypatch.setattr(
        "tests.simulation.world.run",
        lambda seed, *, keep_log, calm: Result(seed, (), 9.0, 0.0, 2, "digest", {}, log if keep_log and calm else ()),
    )
    console = Console(file=io.StringIO(), width=120)
    assert command.story(console, 5) == 0
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    assert "deploys" in output
    assert "(user: a person" in output
    assert "nothing goes wrong" not in output


def test_ctrl_c_ends_it_with_what_it_has() -> None:
    with _command("--seeds", "100000", "--workers", "1") as process:
        assert process.stdout is not None
        assert " seeds, " in process.stdout.readline()  # after 10 s
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert "Stopped before the end." in output
    assert process.returncode in (1, 130)


def test_what_users_and_faults_do_is_known_by_name() -> None:
    assert {"CrashAtWrite", "Freeze", "Outage"} <= set(report.acts(faults))
    assert {"Release", "Retry", "DeleteNamespace"} <= set(report.acts(users))
    assert report.words("CrashAtWrite") == "crash at write"
