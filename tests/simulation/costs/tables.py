"""The figures as rows of text, for the terminal and for the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from tests.simulation.costs.measuring import PLAIN, Cost, Shape, is_event, is_write

_CLOSE = 0.005  # calls per rollout; less is of those made once for all


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: `lines` under `heads`, the first column being words."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]

    def for_people(self) -> Table:
        result = Table(title=self.title, box=box.SIMPLE_HEAD, title_justify="left")
        for number, head in enumerate(self.heads):
            result.add_column(head, justify="right" if number else "left")
        for line in self.lines:
            result.add_row(*line)
        return result

    def markdown(self) -> str:
        marks = ("---", *("---:" for _ in self.heads[1:]))
        return "".join(f"| {' | '.join(line)} |\n" for line in (self.heads, marks, *self.lines))


def by_call(costs: Sequence[Cost]) -> Rows:
    """Calls per rollout, a column for each number of rollouts."""
    calls = {call for cost in costs for call in cost.calls}
    ordered = sorted(calls, key=lambda call: (is_event(call), not is_write(call), call))
    return Rows(
        "Calls to the API server per rollout",
        ("", *(f"{cost.number:,} at once" for cost in costs)),
        tuple((call, *(_number(cost.each(cost.calls[call])) for cost in costs)) for call in ordered),
    )


def growth(costs: Sequence[Cost], nothing: Cost) -> Rows:
    """Sums per rollout, and Holdfast's own CPU beyond what it takes if `nothing` is rolled out."""
    return Rows(
        "The sums per rollout, and Holdfast's own CPU",
        ("rollouts at once", "writes", "events", "reads", "worker, ms of CPU", "webhook, ms of CPU"),
        tuple(
            (
                f"{cost.number:,}",
                *_sums(cost),
                f"{cost.each(cost.worker - nothing.worker) * 1000:.1f}",
                f"{cost.each(cost.webhook - nothing.webhook) * 1000:.1f}",
            )
            for cost in costs
        ),
    )


def by_shape(costs: Sequence[tuple[Shape, Cost]]) -> Rows:
    """Calls per rollout of each shape, and how they differ from the plain one's, which is among them."""
    plain = next(cost for shape, cost in costs if shape is PLAIN)
    return Rows(
        "Calls per rollout, by what is rolled out",
        ("", "writes", "events", "reads", "beyond the first line"),
        tuple((shape.words, *_sums(cost), _beyond(cost, plain)) for shape, cost in costs),
    )


def by_pods(costs: Sequence[tuple[str, Cost]]) -> Rows:
    """What it takes to open the gates of many pods."""
    return Rows(
        "Many gates at once",
        ("", "pods", "opened per second, simulated", "worker, ms of CPU per pod"),
        tuple(
            (
                words,
                f"{cost.gates.opened:,}",
                f"{cost.gates.per_second:,.0f}",
                f"{cost.worker / cost.gates.opened * 1000:.2f}",
            )
            for words, cost in costs
        ),
    )


def _sums(cost: Cost) -> tuple[str, str, str]:
    writes, events, reads = (_number(cost.each(count)) for count in (cost.writes, cost.events, cost.reads))
    return writes, events, reads


def _beyond(cost: Cost, plain: Cost) -> str:
    """The calls that are more (+) or fewer (-)."""
    more = {call: cost.each(cost.calls[call]) - plain.each(plain.calls[call]) for call in cost.calls | plain.calls}
    once = 1 / min(cost.number, plain.number) + _CLOSE
    return ", ".join(f"{count:+.0f} {call}" for call, count in sorted(more.items()) if abs(count) > once)


def _number(count: float) -> str:
    return f"{count:.2f}".removesuffix(".00")
