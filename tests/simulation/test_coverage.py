import re
from dataclasses import fields
from pathlib import Path

from tests.simulation import coverage
from tests.simulation.acts import app_users, faults, users
from tests.simulation.acts.act import Act
from tests.simulation.plan import Plan, draw

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"

PROMISED = [*range(1, 18), *range(36, 43), *range(45, 50), *range(51, 57), 58]


def test_every_fault_that_was_promised_is_brought_about_by_something() -> None:
    assert [*coverage.FAULTS] == [f"F{number}" for number in PROMISED]
    assert all(acts for _, acts in coverage.FAULTS.values())


def test_what_brings_them_about_is_there() -> None:
    known = {name for module in (app_users, faults, users) for name in vars(module)} | {"costs"}
    parts = {f"Plan.{field.name}" for field in fields(Plan)}
    for _, acts in coverage.FAULTS.values():
        for act in acts:
            assert act.partition(":")[0] in (parts if act.startswith("Plan.") else known)


def test_a_few_hundred_seeds_draw_every_act() -> None:
    drawn = {type(act).__name__ for seed in range(400) for _, act in draw(seed).acts}
    there = {
        name
        for module in (app_users, faults, users)
        for name, thing in vars(module).items()
        if isinstance(thing, type) and thing.__module__ == module.__name__ and hasattr(thing, "do") and thing is not Act
    }
    assert drawn == there


def test_the_page_has_the_table() -> None:
    assert re.sub(r"\s+", " ", coverage.table()) in re.sub(r"\s+", " ", PAGE.read_text())
