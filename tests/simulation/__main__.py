"""`python -m tests.simulation`: exit status 0 if no seed found anything, 1 if one did, 2 if it could not begin.

Whole rollouts of Holdfast in simulated time, each with the faults and interleavings that its seed decides.
"""

import argparse
import itertools
import os
import signal
import sys
import time

from rich.console import Console

from tests.simulation import runner, world
from tests.simulation.telling import report, timeline
from tests.simulation.telling.progress import progress
from tests.simulation.telling.result import Result

_SEEDS = 1000
_PLAIN_WIDTH = 120
_INTERRUPTED = 130


def main() -> int:
    options = _options()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of strings come in another order in each process otherwise, and a seed would not be the same twice.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {"PYTHONHASHSEED": "0"})
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: no process is left behind
    try:
        if options.story:
            return story(console, options.seed if options.seed is not None else options.first)
        if options.seed is not None:
            return replay(console, options.seed)
        return many(console, options)
    except runner.CannotStart as error:
        console.print(str(error), style="bold red", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("Stopped.")
        return _INTERRUPTED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, help=f"how many seeds to run (default {_SEEDS}, or all that fit)")
    parser.add_argument("--first", type=int, default=0, help="from which on (default 0)")
    parser.add_argument("--seconds", type=float, help="run as many seeds as fit into that time")
    parser.add_argument("--workers", type=int, default=runner.cores(), help="processes (default: one for each core)")
    parser.add_argument("--seed", type=int, help="run this one seed, and show all that happens in it")
    parser.add_argument("--story", action="store_true", help="show one rollout without faults, explained")
    options = parser.parse_args()
    if options.workers < 1 or (options.seeds is not None and options.seeds < 1):
        parser.error("at least one seed and one worker")
    return options


def many(console: Console, options: argparse.Namespace) -> int:
    number = options.seeds if options.seeds is not None or options.seconds is not None else _SEEDS
    seeds = itertools.islice(itertools.count(options.first), number)
    tally = report.Tally()
    began = time.monotonic()
    stopped = False
    with progress(console, tally, seeds=number, seconds=options.seconds) as moved:
        try:
            for result in runner.results(
                world.run,
                seeds,
                workers=min(options.workers, number or options.workers),
                more=lambda: options.seconds is None or time.monotonic() - began < options.seconds,
            ):
                tally.add(result)
                moved()
        except KeyboardInterrupt:
            stopped = True
    console.print(report.table(tally, time.monotonic() - began))
    tally.failing.sort(key=lambda result: result.seed)
    for result in tally.failing[: report.SHOWN]:
        console.print(report.findings(result, _again(result.seed) if result.digest else None), soft_wrap=True)
    console.print(report.verdict(tally), soft_wrap=True)
    if stopped:
        console.print("Stopped before the end.")
    return 1 if tally.failing else _INTERRUPTED if stopped else 0


def _again(seed: int) -> Result | None:
    """The same seed in a process of its own, with its log."""
    return next(runner.results(world.run, [seed], workers=1, keep_log=True), None)


def replay(console: Console, seed: int) -> int:
    result = world.run(seed, keep_log=True)
    console.print(timeline.lines(result.log), soft_wrap=True)
    console.print(
        f"\n{result.changes} changes in {result.seconds:.1f} s of simulated time; their digest: {result.digest}"
    )
    if not result.findings:
        console.print(f"Seed {seed} found nothing.", style="bold green")
        return 0
    console.print(report.findings(result, None), soft_wrap=True)
    return 1


def story(console: Console, seed: int) -> int:
    result = world.run(seed, keep_log=True, calm=True)
    log = [entry for entry in result.log if entry.who != "cluster"]  # what the simulation says of itself
    console.print(timeline.lines(log, width=console.width, explain=True), soft_wrap=True)
    console.print()
    console.print(timeline.summary(log))
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
