"""What a rollout costs: Holdfast's calls to the API server by kind, and how they grow with the number of rollouts.

Counted in the simulation, where nothing else disturbs: workloads of one pod with one check each, all applied at once.
`python -m tests.simulation.costs` prints the table.
"""

import sys
import time
from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.simulation import loop
from tests.simulation.manifests import Check, Script, Template, Workload
from tests.simulation.plan import Plan
from tests.simulation.world import World

NUMBERS = (1, 10, 100, 1000)
_LATENCY = (0.001, 0.003)
# Not per rollout: the Lease is renewed, watches are opened and lists read whatever happens.
_STANDING = ("list ", "watch ", "patch leases", "create leases", "get leases")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of `number` rollouts at once. `calls` by verb and kind, `cpu` in seconds of everything that is simulated."""

    number: int
    calls: Counter[str]
    cpu: float
    seconds: float  # simulated, until the last gate was open

    @property
    def writes(self) -> int:
        return sum(count for call, count in self.calls.items() if _is_write(call) and "events" not in call)

    @property
    def events(self) -> int:
        return sum(count for call, count in self.calls.items() if _is_write(call) and "events" in call)

    @property
    def reads(self) -> int:
        return sum(count for call, count in self.calls.items() if not _is_write(call))

    def per_rollout(self, count: float) -> float:
        return count / self.number


def measure(number: int, *, seconds: float = 1.0) -> Cost:
    """Rolls out that many workloads at once, whose checks take `seconds` each."""
    began = time.process_time()
    world = loop.run(_rollouts(number, seconds))
    calls: Counter[str] = Counter()
    for replica in (*world.workers, *world.webhooks):
        calls += replica.client.counts
    ours = Counter({call: count for call, count in calls.items() if not call.startswith(_STANDING)})
    if findings := world.result(0.0).findings:
        raise AssertionError(f"{number} rollouts at once: {findings[0]}")
    return Cost(number, ours, time.process_time() - began, world.end)


def table(costs: list[Cost]) -> Table:
    """Calls per rollout, a column for each number of rollouts."""
    result = Table(title="Calls to the API server per rollout (one workload, one check, one pod)")
    result.add_column("call")
    for cost in costs:
        result.add_column(f"{cost.number} at once", justify="right")
    for call in sorted({call for cost in costs for call in cost.calls}, key=lambda call: (not _is_write(call), call)):
        result.add_row(call, *(f"{cost.per_rollout(cost.calls[call]):.2f}" for cost in costs))
    result.add_section()
    result.add_row("writes, events apart", *(f"{cost.per_rollout(cost.writes):.2f}" for cost in costs))
    result.add_row("events", *(f"{cost.per_rollout(cost.events):.2f}" for cost in costs))
    result.add_row("reads", *(f"{cost.per_rollout(cost.reads):.2f}" for cost in costs))
    result.add_row("CPU of the whole simulation, ms", *(f"{cost.per_rollout(cost.cpu) * 1000:.1f}" for cost in costs))
    return result


async def _rollouts(number: int, seconds: float) -> World:
    check = Check("check", Script(seconds), runs="inline")
    workloads = tuple(
        Workload(f"web-{n}", template=Template(f"shop/web-{n}:1", "1.0", ("check",))) for n in range(number)
    )
    plan = Plan(
        seed=number,
        checks=(check,),
        late=(),
        workloads=workloads,
        workers=1,
        webhooks=1,
        nodes=1,
        two_leaders=False,
        injects=False,
        latency=_LATENCY,
        acts=(),
        length=0.0,
        together=True,
    )
    world = World(plan, keep_log=False)
    await world.live()
    return world


def _is_write(call: str) -> bool:
    return call.startswith(("create ", "patch ", "delete "))


def main() -> int:
    numbers = [int(text) for text in sys.argv[1:]] or list(NUMBERS)
    costs = []
    for number in numbers:
        costs.append(measure(number))
        print(f"{number} at once: {costs[-1].cpu:.1f} s of CPU", file=sys.stderr)
    Console().print(table(costs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
