"""The table of figures: what was measured, its floor, its goal, and whether that was met."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Lower is better for all of them. `measured` is None if it could not be measured; `note` says why."""

    what: str
    unit: str
    measured: float | None
    goal: float
    floor: float | None = None
    keptn: str = ""
    note: str = ""
    digits: int = 2

    @property
    def met(self) -> bool | None:
        return None if self.measured is None else self.measured <= self.goal

    def shown(self, value: float | None) -> str:
        """`value` with its unit. Rounded for reading; the verdict goes by the value itself."""
        return "" if value is None else f"{value:.{self.digits}f} {self.unit}".rstrip()


def table(rows: Sequence[Row]) -> Table:
    shown = Table(title="Figures, each beside its floor in the same run", title_justify="left", title_style="bold")
    shown.add_column("what")
    for heading in ("floor", "Holdfast", "goal"):
        shown.add_column(heading, justify="right")
    shown.add_column("verdict")
    shown.add_column("Keptn v2", justify="right")
    for row in rows:
        verdict = {
            True: Text("met", style="green"),
            False: Text("NOT MET", style="bold red"),
            None: Text("not measured"),
        }
        what = Text(row.what)
        if row.note:
            what.append(f"\n{row.note}", style="dim")
        measured = row.shown(row.measured)
        shown.add_row(what, row.shown(row.floor), measured, f"≤ {row.shown(row.goal)}", verdict[row.met], row.keptn)
    return shown


def document(rows: Sequence[Row], about: dict[str, Any], series: dict[str, list[float]]) -> dict[str, Any]:
    """All of it for a file: the rows with their verdicts, what it was measured on, and every single value."""
    return {"about": about, "rows": [asdict(row) | {"met": row.met} for row in rows], "series": series}


def exit_status(rows: Sequence[Row], *, strict: bool) -> int:
    """0 if all was measured; if `strict`, also all goals met. 1 otherwise."""
    if any(row.met is None for row in rows):
        return 1
    return 1 if strict and not all(row.met for row in rows) else 0
