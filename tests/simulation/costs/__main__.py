"""`python -m tests.simulation.costs`: what a rollout costs, in calls and in CPU. Takes about a minute."""

import argparse
import logging
import os
import sys
from dataclasses import replace

from rich.console import Console

from tests.simulation.costs import page, tables
from tests.simulation.costs.measuring import PLAIN, SHAPES, Cost, Shape, measure

NUMBERS = (1, 10, 100, 1000)
SHAPES_AT_ONCE = 20
_WIDTH = 140

# The gates of many pods at once: how many rollouts of which shape.
_MANY = (
    ("one Deployment of 1,000 pods", 1, PLAIN.but("", replicas=1000)),
    ("one DaemonSet on 1,000 nodes", 1, PLAIN.but("", kind="DaemonSet", nodes=1000)),
    ("200 Deployments of one pod", 200, PLAIN),
    ("200 Deployments of 10 pods", 200, PLAIN.but("", replicas=10)),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.costs", description=__doc__)
    parser.add_argument("numbers", type=int, nargs="*", help="rollouts at once (default 1 10 100 1000)")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/simulation.md as well")
    options = parser.parse_args()
    if any(number < 1 for number in options.numbers):
        parser.error("at least one rollout")
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {"PYTHONHASHSEED": "0"})
    logging.disable()  # a Lease that is not given back at the end is no news here
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    shown = [*_growing(options.numbers or NUMBERS)]
    if not options.numbers:
        shown += [_shapes(), _pods()]
    for table in shown:
        console.print(table.for_people())
    if options.write:
        page.write(shown)
    return 0


def _growing(numbers: tuple[int, ...] | list[int]) -> tuple[tables.Rows, tables.Rows]:
    measure(1)  # what Python does once, at the first of everything
    nothing = measure(0)
    costs = [_said(f"{number:,} at once", number, PLAIN) for number in numbers]
    return tables.by_call(costs), tables.growth(costs, nothing)


def _shapes() -> tables.Rows:
    return tables.by_shape([(shape, _said(shape.words, SHAPES_AT_ONCE, shape)) for shape in SHAPES])


def _pods() -> tables.Rows:
    return tables.by_pods(
        [(words, _said(words, number, replace(shape, words=words))) for words, number, shape in _MANY]
    )


def _said(words: str, number: int, shape: Shape) -> Cost:
    cost = measure(number, shape)
    print(f"{words}: {cost.everything:.1f} s of CPU for all that is simulated", file=sys.stderr, flush=True)
    return cost


if __name__ == "__main__":
    sys.exit(main())
