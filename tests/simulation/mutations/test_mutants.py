"""Deliberate faults: that they are put into copies as they are written, and that each is found."""

import re
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.simulation.mutations import MUTATIONS, copies, missing, mutants
from tests.simulation.mutations.copies import Ran, Unfit
from tests.simulation.mutations.mutants import Found
from tests.simulation.mutations.mutation import ROOT, Edit
from tests.simulation.telling import report

CODE = "LIMIT = 3\n\n\ndef more(number: int) -> bool:\n    return number < LIMIT\n"

# Stands for the one that runs seeds: it finds something at 2, dies at 4, and says which app it has.
SCRIPT = """
import json, os, sys
import app
for seed in sys.argv[1].split(","):
    if seed == "4":
        os._exit(3)
    findings = [f"I1: {app.LIMIT}", "I2: both"] if seed == "2" else []
    if findings:
        print(json.dumps({"seed": seed, "findings": findings[:1], "broken": "", "end": False}), flush=True)
    print(json.dumps({"seed": seed, "findings": findings, "broken": "", "end": True}), flush=True)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Code and tests as they lie in the repository."""
    root = tmp_path / "root"
    for name in ("app", "tests/simulation/mutations"):
        (root / name).mkdir(parents=True)
    (root / "app" / "__init__.py").write_text(CODE)
    for name in ("tests", "tests/simulation", "tests/simulation/mutations"):
        (root / name / "__init__.py").touch()
    (root / "tests" / "simulation" / "mutations" / "mutant.py").write_text(SCRIPT)
    return root


def made(root: Path, *edits: Edit) -> Path:
    folder = root.parent / "copy"
    folder.mkdir()
    copies.make(folder, edits, root)
    return folder


async def ran(folder: Path, *seeds: str) -> list[Ran]:
    async with aclosing(copies.run(folder, seeds)) as results:
        return [result async for result in results]


def test_a_copy_has_the_edits_and_the_code_stays_as_it_is(root: Path) -> None:
    folder = made(root, Edit("__init__.py", "LIMIT = 3", "LIMIT = 4"))
    assert (folder / "app" / "__init__.py").read_text() == CODE.replace("3", "4")
    assert (root / "app" / "__init__.py").read_text() == CODE
    assert (folder / "tests").resolve() == root / "tests"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("LIMIT = 5", "LIMIT = 4", "0 times"),
        ("LIMIT", "MOST", "2 times"),
        ("number < LIMIT", "number <", "does not compile"),
    ],
)
def test_an_edit_that_cannot_be_made_is_an_error(root: Path, old: str, new: str, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        made(root, Edit("__init__.py", old, new))


async def test_seeds_run_against_the_copy_and_not_against_what_is_installed(root: Path) -> None:
    folder = made(root, Edit("__init__.py", "LIMIT = 3", "LIMIT = 4"))
    assert await ran(folder, "1", "2") == [
        Ran("1"),
        Ran("2", ("I1: 4",), end=False),
        Ran("2", ("I1: 4", "I2: both")),
    ]


async def test_a_seed_that_ends_its_process_is_worth_nothing_and_the_others_go_on(root: Path) -> None:
    results = await ran(made(root), "3", "4", "5")
    assert [(result.seed, result.broken) for result in results] == [
        ("3", ""),
        ("4", "ended its process with status 3"),
        ("5", ""),
    ]


async def test_a_copy_that_does_not_start_is_an_error(root: Path) -> None:
    folder = made(root, Edit("__init__.py", "LIMIT = 3", 'raise ValueError("broken")'))
    with pytest.raises(Unfit, match="ValueError: broken"):
        await ran(folder, "1")


def test_the_real_runner_refuses_the_installed_app(tmp_path: Path) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    command = [sys.executable, "-m", "tests.simulation.mutations.mutant", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"instead of {tmp_path / 'app'}" in done.stderr


def test_every_mutation_can_be_made_and_names_rules_that_there_are() -> None:
    assert missing() == []
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 40
    assert {rule for mutation in MUTATIONS for rule in mutation.rules} <= report.RULES.keys()
    assert all(mutation.rules for mutation in MUTATIONS)


def test_the_page_and_the_numbers_name_all_of_them() -> None:
    known = mutants.known()
    assert list(known) == [mutation.name for mutation in MUTATIONS], (
        "python -m tests.simulation.mutations.mutants --write"
    )
    assert mutants.markdown(known) in mutants.PAGE.read_text(), "python -m tests.simulation.mutations.mutants --write"


def test_the_table_has_the_rule_and_the_number_of_seeds() -> None:
    first = MUTATIONS[0]
    rows = mutants.markdown({first.name: Found("41", "I7: KeptnTask x went back")}).splitlines()
    assert rows[2:] == [f"| {first.name} | {first.harm} | 42 | I7 |"]
    assert Found("leader-frozen", "lead: late").seeds == "leader-frozen"


def test_each_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "tests.simulation.mutations.mutants", "--quick"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if re.match(r" *\d+/\d+ |the code as it is", line):
                with capsys.disabled():  # it takes a while
                    print(line, end="", flush=True)
    assert process.returncode == 0, output
    assert f"{len(MUTATIONS)} of {len(MUTATIONS)} were found." in output
