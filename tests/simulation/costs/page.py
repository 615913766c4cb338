"""The figures in docs/simulation.md. `python -m tests.simulation.costs --write` measures and writes them anew."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.simulation.costs.tables import Rows

PAGE = Path(__file__).parents[3] / "docs" / "simulation.md"
_BLOCK = re.compile(r"(?<=^<!-- costs -->\n)(.*?)(?=^<!-- end of costs -->$)", re.MULTILINE | re.DOTALL)


def written() -> list[list[tuple[str, ...]]]:
    """The lines of each table on the page, without its head. Raises ValueError if there is none."""
    tables = re.findall(r"(?:^\|.*\n)+", _found()[1], re.MULTILINE)
    return [[_cells(line) for line in table.splitlines()[2:]] for table in tables]


def write(tables: Sequence[Rows]) -> None:
    _found()
    text = "\n" + "\n".join(f"{table.title}:\n\n{table.markdown()}" for table in tables) + "\n"
    PAGE.write_text(_BLOCK.sub(lambda _: text, PAGE.read_text(), count=1))


def _found() -> re.Match[str]:
    found = _BLOCK.search(PAGE.read_text())
    if found is None:
        raise ValueError(f"{PAGE.name} has no place for the costs")
    return found


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
