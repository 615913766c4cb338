"""What a rollout costs is what the page says, no more than it may be, and the same however many there are."""

import asyncio
import contextvars
import time
from collections import Counter

import pytest

from tests.simulation.costs import page, tables
from tests.simulation.costs.__main__ import NUMBERS, SHAPES_AT_ONCE
from tests.simulation.costs.measuring import FAILING, PLAIN, SHAPES, Cost, Shape, measure
from tests.simulation.costs.meter import MeteredLoop
from tests.simulation.loop import PROCESS, run

# Per rollout, events apart.
_MOST_WRITES = 17
_MOST_WRITES_HELD = 14  # until the gate is open
_EVENTS = 24
_ALL_TOLD = 100  # rollouts at once; of more, events that only tell of progress are left out
_MANY = 200
_FEW = 20
_TRIES = 4
_GROWTH = 1.5
# What is made once for a definition, and not for each rollout.
_ONCE = ("create configmaps", "patch keptntaskdefinitions/status")
_SAME = 0.02


@pytest.fixture(scope="module")
def costs() -> dict[int, Cost]:
    return {number: measure(number) for number in (1, 10, 100, _MANY)}


def per_rollout(cost: Cost) -> dict[str, float]:
    """Without what is made once, and without events, which are not all told where there are many."""
    return {call: cost.each(count) for call, count in cost.calls.items() if call not in (*_ONCE, "create events")}


def test_a_rollout_takes_no_more_calls_than_it_may(costs: dict[int, Cost]) -> None:
    for number, cost in costs.items():
        assert cost.each(cost.writes) <= _MOST_WRITES, f"{number} at once"
        assert cost.each(cost.events) == _EVENTS or (number > _ALL_TOLD and cost.each(cost.events) < _EVENTS)
        assert cost.each(cost.reads) <= 1 + _SAME


def test_what_one_alone_takes_is_known_by_kind(costs: dict[int, Cost]) -> None:
    assert costs[1].calls == {
        "create configmaps": 1,
        "patch keptntaskdefinitions/status": 1,
        "get replicasets": 1,
        "create keptnworkloads": 1,
        "create keptnworkloadversions": 1,
        "create keptntasks": 1,
        "create jobs": 1,
        "patch keptnworkloads/status": 1,
        "patch keptntasks/status": 2,
        "patch keptnworkloadversions/status": 3,
        "create keptnapps": 1,
        "patch keptnapps/status": 1,
        "create keptnappversions": 1,
        "patch keptnappversions/status": 1,
        "patch pods": 1,
        "create events": _EVENTS,
    }


def test_what_people_wait_for_takes_no_more_writes_than_it_may(costs: dict[int, Cost]) -> None:
    assert costs[1].gates.before <= _MOST_WRITES_HELD


def test_calls_are_the_same_however_many_rollouts(costs: dict[int, Cost]) -> None:
    for number in (100, _MANY):
        assert per_rollout(costs[number]) == pytest.approx(per_rollout(costs[10]), rel=_SAME)


@pytest.mark.parametrize("shape", SHAPES[1:], ids=lambda shape: shape.words)
def test_calls_do_not_grow_with_the_number_of_rollouts(shape: Shape) -> None:
    few, many = (sum(per_rollout(measure(number, shape)).values()) for number in (10, 40))
    assert many <= few * (1 + _SAME)


def test_all_events_are_written_however_many_fail_at_once() -> None:
    cost = measure(_MANY, FAILING)
    assert cost.each(cost.events) == 14


def test_the_cpu_of_holdfast_grows_in_step_with_the_number_of_rollouts() -> None:
    """Of several tries the best, since others on the machine can only make it more."""
    for _ in range(_TRIES):
        nothing = measure(0)
        few, many = (min(own(number, nothing) for _ in range(2)) for number in (_FEW, _MANY))
        if many <= _GROWTH * few:
            return
    pytest.fail(f"a rollout takes {many * 1000:.1f} ms among {_MANY}, and {few * 1000:.1f} ms among {_FEW}")


def own(number: int, nothing: Cost) -> float:
    """Seconds of CPU per rollout of worker and webhook, without what they take if nothing is rolled out."""
    cost = measure(number)
    return cost.each(cost.worker + cost.webhook - nothing.worker - nothing.webhook)


def test_the_page_says_what_is_measured(costs: dict[int, Cost]) -> None:
    calls, growth, shapes, gates = page.written()
    assert len(gates) == 4
    measured = [costs[number] for number in NUMBERS if number in costs]
    for said, now in zip(calls, tables.by_call(measured).lines, strict=True):
        assert_same(said[: len(now)], now)
    for said, now in zip(growth, tables.growth(measured, measure(0)).lines, strict=False):
        assert_same(said[:4], now[:4])
        assert 0.1 < float(said[4]) / float(now[4]) < 10
    now_shapes = tables.by_shape([(shape, measure(SHAPES_AT_ONCE, shape)) for shape in SHAPES])
    for said, now in zip(shapes, now_shapes.lines, strict=True):
        assert_same(said[:3], now[:3])
        # Where keys are on the workload, each look at it is a read, and chance decides how many there are.
        assert float(said[3]) == pytest.approx(float(now[3]), rel=0.2)


def assert_same(said: tuple[str, ...], now: tuple[str, ...]) -> None:
    """Words as they are, numbers nearly so."""
    assert said[0] == now[0]
    for was, number in zip(said[1:], now[1:], strict=True):
        what = f"{now[0]}: write it anew by python -m tests.simulation.costs --write"
        assert float(was) == pytest.approx(float(number), rel=_SAME), what


def test_each_process_pays_for_what_it_sets_off() -> None:
    async def busy(seconds: float, rounds: int) -> None:
        for _ in range(rounds):
            until = time.process_time() + seconds
            while time.process_time() < until:
                pass
            await asyncio.sleep(1.0)

    async def main() -> None:
        tasks = []
        for process, seconds in (("a", 0.002), ("b", 0.004)):
            context = contextvars.copy_context()
            context.run(PROCESS.set, process)
            tasks.append(asyncio.get_running_loop().create_task(busy(seconds, 10), context=context))
        await asyncio.gather(*tasks)

    loop = MeteredLoop()
    run(main(), loop)
    assert 0.02 <= loop.spent["a"] < loop.spent["b"]
    assert loop.spent["b"] >= 0.04
    assert loop.spent.get(None, 0.0) < loop.spent["a"]


def test_a_table_says_what_a_shape_takes_beyond_the_plain_one() -> None:
    plain = Cost(10, Counter({"create jobs": 10, "get replicasets": 10, "create configmaps": 1}), 0.0, 0.0, 0.0)
    other = Cost(10, Counter({"create jobs": 10, "patch pods": 20}), 0.0, 0.0, 0.0)
    lines = tables.by_shape([(PLAIN, plain), (FAILING, other)]).lines
    assert lines == (
        (PLAIN.words, "1.10", "0", "1", ""),
        (FAILING.words, "3", "0", "0", "-1 get replicasets, +2 patch pods"),
    )
