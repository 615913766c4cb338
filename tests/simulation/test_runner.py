"""Many seeds in processes of their own. What is run here are small functions in place of the simulation."""

import itertools
import multiprocessing
import os
import re
import signal
import time
from typing import Any

import pytest

from tests.simulation import runner
from tests.simulation.telling.result import Entry, Result


def fine(seed: int, *, keep_log: bool = False) -> Result:
    log = (Entry(0.0, "user", "does nothing", "user"),) if keep_log else ()
    return Result(seed, (), seconds=1.0, cpu=0.0, changes=seed, digest=f"digest-{seed}", counts={"jobs": 1}, log=log)


def dies_at_5(seed: int, *, keep_log: bool = False) -> Result:
    if seed == 5:
        os._exit(3)
    return fine(seed)


def is_killed_at_2(seed: int, *, keep_log: bool = False) -> Result:
    if seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return fine(seed)


def never_ends_at_4(seed: int, *, keep_log: bool = False) -> Result:
    while seed == 4:
        re.match("(a+)+b", "a" * 60)  # one call that takes for ever: no Python code gets a word in
    return fine(seed)


def raises_at_3(seed: int, *, keep_log: bool = False) -> Result:
    if seed == 3:
        raise ValueError("an error of the simulation itself")
    return fine(seed)


def eats_memory_at_1(seed: int, *, keep_log: bool = False) -> Result:
    eaten = [bytearray(2**30) for _ in range(64 if seed == 1 else 0)]
    return fine(seed + len(eaten))


class Unreadable:
    """Ends the process that wants to know what to run."""

    def __call__(self, seed: int, *, keep_log: bool = False) -> Result:
        return fine(seed)

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (4,)


def _broken(run: runner.Run, seeds: int = 8, **more: Any) -> Result:
    """The one result that found something; all seeds must have one."""
    found = list(runner.results(run, range(seeds), workers=2, **more))
    assert sorted(result.seed for result in found) == list(range(seeds))
    (broken,) = [result for result in found if result.findings]
    assert broken.digest == ""
    return broken


def test_each_seed_is_run_once() -> None:
    found = list(runner.results(fine, range(100, 130), workers=2, chunk=4))
    assert sorted(result.seed for result in found) == list(range(100, 130))
    assert all(result.digest == f"digest-{result.seed}" and not result.log for result in found)


def test_the_log_is_kept_if_asked_for() -> None:
    (result,) = runner.results(fine, [7], workers=1, keep_log=True)
    assert [entry.text for entry in result.log] == ["does nothing"]


def test_a_seed_that_ends_its_process_is_named_and_the_others_go_on() -> None:
    broken = _broken(dies_at_5, chunk=8)
    assert broken.seed == 5
    assert "status 3" in broken.findings[0]


def test_a_seed_that_is_killed_is_named() -> None:
    broken = _broken(is_killed_at_2)
    assert broken.seed == 2
    assert "killed" in broken.findings[0]


def test_a_seed_that_does_not_end_is_ended_and_says_where_it_was() -> None:
    broken = _broken(never_ends_at_4, cpu_seconds=0.5)
    assert broken.seed == 4
    assert "took over 0.5 s of CPU" in broken.findings[0]
    assert "never_ends_at_4" in broken.findings[0]


def test_an_error_of_the_simulation_is_a_finding() -> None:
    broken = _broken(raises_at_3)
    assert broken.seed == 3
    assert "an error of the simulation itself" in broken.findings[0]


def test_a_seed_that_eats_memory_does_not_take_the_machine_along() -> None:
    broken = _broken(eats_memory_at_1, seeds=3)
    assert broken.seed == 1
    assert "MemoryError" in broken.findings[0]


def test_a_simulation_that_cannot_begin_is_not_tried_again_and_again() -> None:
    with pytest.raises(runner.CannotStart, match="status 4"):
        list(runner.results(Unreadable(), range(10), workers=2))


def test_when_the_time_is_up_no_more_are_begun_and_all_that_are_have_a_result() -> None:
    asked = 0

    def more() -> bool:
        nonlocal asked
        asked += 1
        return asked <= 3

    found = list(runner.results(fine, itertools.count(50), workers=2, chunk=4, more=more))
    assert sorted(result.seed for result in found) == list(range(50, 62))


def test_no_process_is_left_behind() -> None:
    running = runner.results(never_ends_at_4, [0, 4], workers=2, chunk=1)
    assert next(running).seed == 0
    running.close()  # type: ignore[attr-defined]
    began = time.monotonic()
    while multiprocessing.active_children() and time.monotonic() - began < 5:
        time.sleep(0.05)
    assert multiprocessing.active_children() == []
