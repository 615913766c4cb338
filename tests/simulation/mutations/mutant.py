"""Runs seeds against the `app` of the folder that it is started in.

`python -m tests.simulation.mutations.mutant SEED,SEED`. A seed is a number, or the name of a world in `regressions.py`
or `mutations/worlds.py`. Prints a line of JSON for each finding as soon as it is made, and for each seed at its end. It
ends with an error if `app` is another than the folder's own, and is ended by a signal if a seed takes too much CPU.
"""

import functools
import gc
import json
import resource
import signal
import sys
from pathlib import Path

import app
from tests.simulation import plan, world
from tests.simulation.mutations.worlds import WORLDS
from tests.simulation.regressions import REGRESSIONS

_CPU_SECONDS = 8.0
_MEMORY_BYTES = 2 * 2**30
_GARBAGE = (50_000, 20, 100)  # as in runner.py


def main() -> int:
    here = Path.cwd().resolve() / "app"
    if Path(app.__file__ or "").resolve().parent != here:
        print(f"app is {app.__file__} instead of {here}", file=sys.stderr)
        return 2
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.RLIM_INFINITY))
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    for seed in sys.argv[1].split(","):
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS)
        drawn = plan.draw(int(seed)) if seed.isdecimal() else (REGRESSIONS | WORLDS)[seed]
        try:
            findings = world.play(drawn, tell=functools.partial(_say, seed)).findings
            _say(seed, *findings, end=True)
        except Exception as error:  # of the simulation itself, which says nothing about what is simulated
            _say(seed, broken=repr(error), end=True)
        signal.setitimer(signal.ITIMER_PROF, 0)
    return 0


def _say(seed: str, *findings: str, broken: str = "", end: bool = False) -> None:
    print(json.dumps({"seed": seed, "findings": findings, "broken": broken, "end": end}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
