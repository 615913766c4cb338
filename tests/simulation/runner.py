"""Many seeds on all cores: in processes that do not take the others along when they die.

A seed that kills its process, eats its memory or does not come to an end is a finding like any other, with its number.
"""

import contextlib
import faulthandler
import gc
import multiprocessing
import os
import resource
import signal
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from tests.simulation.telling.result import Result

CPU_SECONDS = 60.0  # for one seed
_MEMORY_BYTES = 4 * 2**30  # for one process
_CHUNK = 8
# Seeds that one process runs. FastAPI remembers each application that there ever was, and with it all of its world.
_LIFE = 400
# A seed makes a million objects and leaves few cycles: to look for them less often makes it a tenth faster.
_GARBAGE = (50_000, 20, 100)
_SPAWN = multiprocessing.get_context("spawn")


class Run(Protocol):
    """The simulation: a function of a module, since processes are told of it by its name."""

    def __call__(self, seed: int, *, keep_log: bool = False) -> Result: ...


class CannotStart(Exception):
    """A process died before it could run anything."""


class _Process:
    """One process, and the seeds that it has been given and has not answered for, in their order."""

    def __init__(self, run: Run, keep_log: bool, cpu_seconds: float, folder: Path, number: int) -> None:
        self.left: deque[int] = deque()
        self.given = 0
        self.started = False
        self._last_words = folder / f"{number}.txt"
        self._cpu_seconds = cpu_seconds
        self.connection, there = _SPAWN.Pipe()
        arguments = (there, run, keep_log, cpu_seconds, str(self._last_words))
        self._process = _SPAWN.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        there.close()

    def give(self, seeds: list[int]) -> None:
        self.left.extend(seeds)
        self.given += len(seeds)
        with contextlib.suppress(OSError):  # it has died, which is seen when its answer is waited for
            self.connection.send(seeds)

    def dead(self) -> Result:
        """The result of the seed that it died of, taken off those that are left. Raises CannotStart."""
        self._process.join()
        code = self._process.exitcode or 0
        why = {
            -signal.SIGPROF: f"took over {self._cpu_seconds:g} s of CPU",
            -signal.SIGKILL: "was killed, most likely for its use of memory",
        }.get(code, f"ended its process with status {code}")
        if not self.started:
            raise CannotStart(f"a process of the simulation {why} before it could begin")
        where = self._last_words.read_text(errors="replace").strip()
        return _broken(self.left.popleft(), f"the seed {why}\n{where}".strip())

    def stop(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join()


def results(
    run: Run,
    seeds: Iterable[int],
    *,
    workers: int,
    keep_log: bool = False,
    cpu_seconds: float = CPU_SECONDS,
    chunk: int = _CHUNK,
    more: Callable[[], bool] = lambda: True,
) -> Iterator[Result]:
    """A result for each seed, as they come. Once `more` says no, no further seeds are begun, in chunks as they are.

    Raises CannotStart if the simulation cannot even be imported. No process is left when the iterator is closed.
    """
    waiting: deque[int] = deque()  # what a dead process has left over
    source = iter(seeds)
    number = 0
    pool: list[_Process] = []

    def next_chunk() -> list[int]:
        if waiting:
            return [waiting.popleft() for _ in range(min(chunk, len(waiting)))]
        return [seed for _, seed in zip(range(chunk), source, strict=False)] if more() else []

    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        try:
            while True:
                while len(pool) < workers and (given := next_chunk()):
                    pool.append(_Process(run, keep_log, cpu_seconds, Path(folder), number))
                    pool[-1].give(given)
                    number += 1
                if not pool:
                    return
                ready = wait([process.connection for process in pool])
                for process in [each for each in pool if each.connection in ready]:
                    try:
                        result = process.connection.recv()
                    except (EOFError, OSError):
                        pool.remove(process)
                        yield process.dead()
                        waiting.extend(process.left)
                        process.stop()
                        continue
                    process.started = True
                    if result is not None:
                        process.left.popleft()
                        yield result
                    if not process.left:
                        if process.given < _LIFE and (given := next_chunk()):
                            process.give(given)
                        else:
                            pool.remove(process)
                            process.stop()
        finally:
            for process in pool:
                process.stop()


def _serve(connection: "Connection[Any, Any]", run: Run, keep_log: bool, cpu_seconds: float, last_words: str) -> None:
    """What a process does: runs the seeds that it is given, until nobody is there to give any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()  # what was imported stays, and need not be looked at again and again
    gc.set_threshold(*_GARBAGE)
    with Path(last_words).open("w") as file, contextlib.suppress(EOFError, BrokenPipeError):
        faulthandler.enable(file)
        # Tells where the seed was, then lets the signal do what it does: end the process, whatever it is at.
        faulthandler.register(signal.SIGPROF, file, chain=True)
        connection.send(None)
        while True:
            for seed in connection.recv():
                signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
                result = _one(run, seed, keep_log)
                signal.setitimer(signal.ITIMER_PROF, 0)
                connection.send(result)


def _one(run: Run, seed: int, keep_log: bool) -> Result:
    try:
        return run(seed, keep_log=keep_log)
    except BaseException as error:
        return _broken(seed, "".join(traceback.format_exception(error)).strip())


def _broken(seed: int, why: str) -> Result:
    return Result(seed, (why,), seconds=0.0, cpu=0.0, changes=0, digest="", counts={})


def cores() -> int:
    """How many of the machine's this process may use."""
    return len(os.sched_getaffinity(0))
