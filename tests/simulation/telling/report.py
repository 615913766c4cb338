"""What a person sees at the end of many seeds: what they covered, what they found, and how to see it again."""

import inspect
import itertools
from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tests.simulation.acts import app_users, faults, users
from tests.simulation.telling import timeline
from tests.simulation.telling.result import Result

SHOWN = 5  # failing seeds that are told of at length
_NAMED = 30  # failing seeds that are named
_FINDINGS = 5  # of one seed
_COLUMNS = 3
_LINES = 60
_LONGEST = 200  # characters of one line

_COVERED = {
    "rollouts": "whole rollouts",
    "jobs": "Jobs",
    "gates_opened": "gates opened",
    "bypasses": "gates taken off by others",
    "crashes": "crashes and ends of processes",
}
_FORBIDDEN = {
    "duplicate_jobs": "duplicate Jobs",
    "false_openings": "false openings",
    "stuck_gates": "stuck gates",
}
RULES = {
    "I1": "a task's Job is made exactly once for each owner, version, task and attempt",
    "I2": "no gate of ours leaves a pod before all its checks have passed",
    "I3": "no gate stays once the verdict is there and the API can be reached; all that can finish finishes",
    "I4": "what is not ours stays as it is, byte for byte",
    "I5": "a dry run writes nothing",
    "I6": "an error of ours denies nobody's pod",
    "I7": "what is finished stays finished, and nothing is finished that is not",
    "bug": "nothing of ours raises an error that it did not expect",
    "lead": "who does not hold the Lease sends no write",
    "quiet": "once all is done, nothing more is written, and nothing is told twice",
}


@dataclass(slots=True)
class Tally:
    """What all seeds so far came to."""

    seeds: int = 0
    changes: int = 0
    seconds: float = 0.0  # simulated
    cpu: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failing: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.changes += result.changes
        self.seconds += result.seconds
        self.cpu += result.cpu
        self.counts.update(result.counts)
        if result.findings:
            self.failing.append(result)


def acts(module: ModuleType) -> list[str]:
    """The names of all that users or faults may do, under which it is counted, as they stand in the module."""
    return [
        name for name, found in vars(module).items() if inspect.isclass(found) and found.__module__ == module.__name__
    ]


def table(tally: Tally, seconds: float) -> RenderableType:
    """What was covered; `seconds` is how long it took on the wall's clock."""
    head = Table(title="What the seeds covered", title_justify="left", title_style="bold", show_header=False)
    head.add_column(no_wrap=True)
    head.add_column(justify="right", no_wrap=True)
    failing = len(tally.failing)
    head.add_row("seeds", f"{tally.seeds:,}")
    head.add_row("seeds that found something", Text(f"{failing:,}", style="bold red" if failing else "green"))
    for name, words in _COVERED.items():
        head.add_row(words, f"{tally.counts[name]:,}")
    head.add_row("changes of objects", f"{tally.changes:,}")
    head.add_row("simulated time", _duration(tally.seconds))
    head.add_row("time it took", f"{seconds:.1f} s, {1000 * tally.cpu / max(1, tally.seeds):.0f} ms of CPU for a seed")
    for name, words in _FORBIDDEN.items():
        count = tally.counts[name]
        head.add_row(words, Text(f"{count:,}", style="bold red" if count else "green"))
    return Group(
        head,
        _acts("What went wrong, how often", acts(faults), tally.counts),
        _acts("What people did, how often", [*acts(users), *acts(app_users)], tally.counts),
        *_others(tally.counts),
    )


def findings(result: Result, replay: Result | None) -> RenderableType:
    """One failing seed: what it found, the last part of its story, and how to see it whole.

    `replay` is the same seed once more with its log, None if it cannot be told.
    """
    text = Text(f"\nSeed {result.seed} found:\n", style="bold red")
    for finding in result.findings[:_FINDINGS]:
        text.append(f"  {finding}\n", style="not bold red")
        rule = finding.partition(":")[0]
        if rule in RULES:
            text.append(f"     {rule}: {RULES[rule]}\n", style="not bold default")
    if len(result.findings) > _FINDINGS:
        text.append(f"  and {len(result.findings) - _FINDINGS} more\n", style="not bold default")
    parts: list[RenderableType] = [text]
    if replay is not None:
        shown = timeline.last_part(replay.log, _LINES)
        left_out = len(replay.log) - len(shown)
        parts.append(timeline.lines(shown, longest=_LONGEST))
        parts.append(Text(f"({left_out} other lines of its log are left out)"))
        if (replay.digest, replay.findings) != (result.digest, result.findings):
            words = "Run again, it went another way: the simulation is not deterministic, which is a bug of its own."
            parts.append(Text(words, style="bold red"))
    parts.append(Text("See it again, and whole:").append(f"  make simulate SEED={result.seed}\n", style="cyan"))
    return Group(*parts)


def verdict(tally: Tally) -> Text:
    if not tally.failing:
        return Text(f"{tally.seeds:,} seeds, and nothing was found.", style="bold green")
    named = ", ".join(str(result.seed) for result in tally.failing[:_NAMED])
    more = ", …" if len(tally.failing) > _NAMED else ""
    return Text(f"{len(tally.failing):,} of {tally.seeds:,} seeds found something: {named}{more}", style="bold red")


def _acts(heading: str, names: list[str], counts: Counter[str]) -> RenderableType:
    grid = Table(title=heading, title_justify="left", title_style="bold", show_header=False)
    rows = -(-len(names) // _COLUMNS)
    for _ in range(_COLUMNS):
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
    columns = [names[at * rows : (at + 1) * rows] for at in range(_COLUMNS)]
    for row in itertools.zip_longest(*columns, fillvalue=""):
        cells = [(words(name), f"{counts[name]:,}" if name else "") for name in row]
        grid.add_row(*itertools.chain.from_iterable(cells))
    return grid


def _others(counts: Counter[str]) -> list[RenderableType]:
    """What is counted and has no place above."""
    known = {*_COVERED, *_FORBIDDEN, *acts(faults), *acts(users), *acts(app_users)}
    rest = [f"{words(name)} {count:,}" for name, count in sorted(counts.items()) if name not in known]
    return [Text(f"Also: {', '.join(rest)}")] if rest else []


def words(name: str) -> str:
    """The name of a class or a counter as words: CrashAtWrite is crash at write."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.replace("_", " ").strip()


def _duration(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours:,} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"
