"""Deliberate faults, each in a copy of the code, and how many seeds it takes to find each. Exit status 1 if one stays.

What is put into the copies is in `mutations/`. A finding counts if it is by a rule that the mutation names, and if the
code as it is passes the same seed.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.simulation.mutations import MUTATIONS, copies, missing
from tests.simulation.mutations.mutation import Mutation
from tests.simulation.mutations.worlds import WORLDS
from tests.simulation.regressions import REGRESSIONS
from tests.simulation.runner import cores

KNOWN = Path(__file__).parent / "found.json"
PAGE = Path(__file__).parents[3] / "docs" / "simulation.md"
MOST = 1000
_WORLDS_AFTER = 100  # seeds
_FIRST = 20  # seeds that the code as it is must pass before anything else
_WIDTH = 140
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Found:
    """The first seed from 0 on that notices a mutation, or the world that does, and in what words."""

    seed: str
    finding: str

    @property
    def seeds(self) -> str:
        """How many it took; for a world its name."""
        return f"{int(self.seed) + 1:,}" if self.seed.isdecimal() else self.seed


class Search:
    """Looks for the seed that finds a mutation, for many of them at the same time.

    `known` are seeds to try first, by the name of the mutation. `tell` gets a line about each that is done.
    """

    def __init__(self, most: int, workers: int, known: dict[str, Found], tell: Callable[[str], None]) -> None:
        # Worlds are asked as soon as seeds alone would take long.
        numbers = list(map(str, range(most)))
        self._seeds = [*numbers[:_WORLDS_AFTER], *REGRESSIONS, *WORLDS, *numbers[_WORLDS_AFTER:]]
        self._known = known
        self._tell = tell
        self._free = asyncio.Semaphore(workers)
        self._plain: dict[str, asyncio.Task[str]] = {}  # what the code as it is says to a seed
        self._done = 0

    async def all(self, mutations: Sequence[Mutation]) -> dict[str, Found | None]:
        """What each mutation took, None for one that no seed has found. Raises Unfit if one cannot be made."""
        if texts := missing():
            raise copies.Unfit("\n".join(texts))
        with tempfile.TemporaryDirectory(prefix="plain-") as folder:
            copies.make(Path(folder), ())
            self._folder = Path(folder)
            await self._begin(mutations)
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = {each.name: group.create_task(self._one(each, len(mutations))) for each in mutations}
            except* copies.Unfit as unfit:
                raise copies.Unfit("\n".join(map(str, unfit.exceptions))) from None
        return {name: task.result() for name, task in tasks.items()}

    async def _begin(self, mutations: Iterable[Mutation]) -> None:
        """The code as it is first: where it does not pass itself, a finding would prove nothing."""
        known = [self._known[each.name].seed for each in mutations if each.name in self._known]
        first = [*self._seeds[:_FIRST], *REGRESSIONS, *WORLDS, *known]
        failing = {}
        async with self._free, aclosing(copies.run(self._folder, list(dict.fromkeys(first)))) as ran:
            async for result in ran:
                if not result.end:
                    continue
                said = result.broken or " ".join(result.findings)
                self._plain[result.seed] = asyncio.create_task(_say(said))
                if said:
                    failing[result.seed] = said
        self._tell(f"the code as it is passes {len(self._plain) - len(failing)} of {len(self._plain)} seeds")
        for seed, said in failing.items():
            self._tell(f"  not seed {seed}, which is left out: {said[:_WIDTH]}")

    async def _one(self, mutation: Mutation, number: int) -> Found | None:
        async with self._free:
            found = await self._first(mutation)
        self._done += 1
        said = f"{found.seeds}: {found.finding}" if found else "NOT FOUND"
        self._tell(f"{self._done:>3}/{number} {mutation.name}: {said}"[:_WIDTH])
        return found

    async def _first(self, mutation: Mutation) -> Found | None:
        known = self._known.get(mutation.name)
        with tempfile.TemporaryDirectory(prefix=f"{mutation.name}-") as folder:
            try:
                copies.make(Path(folder), mutation.edits)
                if known and (found := await self._among(mutation, Path(folder), [known.seed])):
                    return found
                return await self._among(mutation, Path(folder), self._seeds)
            except copies.Unfit as error:
                raise copies.Unfit(f"{mutation.name}: {error}") from error

    async def _among(self, mutation: Mutation, folder: Path, seeds: Sequence[str]) -> Found | None:
        async with aclosing(copies.run(folder, seeds)) as ran:
            async for result in ran:
                finding = next((text for text in result.findings if text.split(":")[0] in mutation.rules), "")
                if finding and not await self._as_it_is(result.seed):
                    return Found(result.seed, finding)
        return None

    async def _as_it_is(self, seed: str) -> str:
        """What the code as it is says to that seed: "" if it passes."""
        if seed not in self._plain:
            self._plain[seed] = asyncio.create_task(self._run_plain(seed))
        return await self._plain[seed]

    async def _run_plain(self, seed: str) -> str:
        async with aclosing(copies.run(self._folder, [seed])) as ran:
            return " ".join([result.broken or " ".join(result.findings) async for result in ran if result.end])


async def _say(text: str) -> str:
    return text


def known() -> dict[str, Found]:
    """What the last complete search found."""
    return {name: Found(**each) for name, each in json.loads(KNOWN.read_text()).items()} if KNOWN.exists() else {}


def write(found: dict[str, Found | None]) -> None:
    """Keeps it, and puts the table of all that is known into the page."""
    kept = known() | {name: each for name, each in found.items() if each is not None}
    kept = {each.name: kept[each.name] for each in MUTATIONS if each.name in kept}
    KNOWN.write_text(json.dumps({name: asdict(each) for name, each in kept.items()}, indent=2) + "\n")
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    PAGE.write_text(f"{before}{begin}\n{markdown(kept)}{end}{after}")


BEGIN, END = "<!-- mutations -->", "<!-- end of mutations -->"


def markdown(found: dict[str, Found]) -> str:
    rows = [
        f"| {each.name} | {each.harm} | {found[each.name].seeds} | {found[each.name].finding.split(':')[0]} |"
        for each in MUTATIONS
        if each.name in found
    ]
    return "\n".join(["| mistake | what it would do | seeds, or a world | rule |", "|---|---|---|---|", *rows, ""])


def table(found: dict[str, Found | None]) -> Table:
    """For the end of a run, those that were not found last."""
    shown = Table(title="Deliberate faults, and how many seeds it took to find each", title_justify="left")
    for name in ("mistake", "what it would do", "finding"):
        shown.add_column(name)
    shown.add_column("seeds", justify="right")
    for each in sorted(MUTATIONS, key=lambda each: found.get(each.name) is None):
        if each.name in found:
            one = found[each.name]
            shown.add_row(each.name, each.harm, one.finding if one else "none", one.seeds if one else "-")
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutations.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--most", type=int, default=MOST, help=f"seeds to try for each (default {MOST})")
    parser.add_argument("--workers", type=int, default=cores(), help="processes (default: one for each core)")
    parser.add_argument("--quick", action="store_true", help="try first the seeds that found them the last time")
    parser.add_argument("--write", action="store_true", help="keep the numbers, and write them into the documentation")
    options = parser.parse_args()
    if unknown := set(options.names) - {each.name for each in MUTATIONS}:
        parser.error(f"there is no mutation {', '.join(sorted(unknown))}")
    if options.quick and options.write:
        parser.error("what is written is searched for from the first seed on")
    chosen = [each for each in MUTATIONS if not options.names or each.name in options.names]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    search = Search(
        options.most,
        options.workers,
        known() if options.quick else {},
        lambda line: console.print(line, markup=False, soft_wrap=True),
    )
    try:
        found = asyncio.run(search.all(chosen))
    except copies.Unfit as unfit:
        console.print(str(unfit), style="bold red", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    console.print(table(found))
    left = [name for name, each in found.items() if each is None]
    console.print(f"{len(found) - len(left)} of {len(found)} were found.{' Not: ' if left else ''}{', '.join(left)}")
    if options.write:
        write(found)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
