"""Many workloads in one namespace, all applied at the same moment, where nothing else disturbs."""

import gc
import time
from collections import Counter
from dataclasses import dataclass, field, replace

from app.cluster import resources
from tests.simulation import loop
from tests.simulation.apiserver.store import Change
from tests.simulation.costs.meter import MeteredLoop
from tests.simulation.holdfast.processes import WorkerProcess
from tests.simulation.manifests import Check, Script, Template, Workload, held_by_us
from tests.simulation.plan import Plan
from tests.simulation.world import World

_LATENCY = (0.001, 0.003)
# Not per rollout: the Lease is renewed, who leads says so on its pod, watches are opened, lists read, whatever happens.
_STANDING = ("list ", "watch ", "patch leases", "create leases", "get leases", "patch pods of our own")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is rolled out, many times over: `workload` under other names, with one `check` for all of them."""

    words: str
    workload: Workload
    check: Check
    nodes: int = 1

    def but(self, words: str, *, nodes: int = 1, runs: str = "", script: Script | None = None, **of: object) -> "Shape":
        """The same with another workload (fields `of` it), runner or script."""
        check = replace(self.check, runs=runs or self.check.runs, script=script or self.check.script)
        return Shape(words, replace(self.workload, **of), check, nodes)  # type: ignore[arg-type]


PLAIN = Shape(
    "Deployment, one pod, one inline check", Workload("web"), Check("check", Script(1.0), runs="inline", retries=1)
)
FAILING = PLAIN.but("its check fails for good", script=Script(1.0, fails=9))
SHAPES = (
    PLAIN,
    PLAIN.but("its check is a container", runs="container"),
    PLAIN.but("its check lies in a ConfigMap", runs="configmap"),
    PLAIN.but("its keys are on the Deployment", above=True),
    PLAIN.but("3 replicas", replicas=3),
    PLAIN.but("StatefulSet", kind="StatefulSet"),
    PLAIN.but("DaemonSet on 3 nodes", kind="DaemonSet", nodes=3),
    PLAIN.but("its check takes 60 s", script=Script(60.0)),
    PLAIN.but("its check fails once, then passes", script=Script(1.0, fails=1)),
    FAILING,
)


@dataclass(slots=True)
class Gates:
    """Our gates that were opened, and over how many simulated seconds."""

    opened: int = 0
    before: int = 0  # writes of the worker until the first was opened, events and the Lease apart
    first: float = 0.0
    last: float = 0.0

    def see(self, change: Change) -> None:
        old, new = change.old, change.new
        if change.resource == resources.PODS and old and new and held_by_us(old) and not held_by_us(new):
            self.first = self.first if self.opened else change.time
            self.last = change.time
            self.opened += 1
        elif not self.opened and change.by.startswith("worker"):
            self.before += change.resource not in (resources.EVENTS, resources.LEASES)

    @property
    def per_second(self) -> float:
        """Infinite for one alone."""
        return self.opened / (self.last - self.first) if self.last > self.first else float("inf")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of `number` rollouts at once. `calls` by verb and kind; seconds of CPU of the worker, the webhook, and of all."""

    number: int
    calls: Counter[str]
    worker: float
    webhook: float
    everything: float
    gates: Gates = field(default_factory=Gates)

    @property
    def writes(self) -> int:
        """Events apart."""
        return sum(count for call, count in self.calls.items() if is_write(call) and not is_event(call))

    @property
    def events(self) -> int:
        return sum(count for call, count in self.calls.items() if is_event(call))

    @property
    def reads(self) -> int:
        return sum(count for call, count in self.calls.items() if not is_write(call))

    def each(self, count: float) -> float:
        """Per rollout."""
        return count / self.number


def measure(number: int, shape: Shape = PLAIN) -> Cost:
    """Rolls out that many workloads at once. Raises AssertionError if a rule of the simulation was broken meanwhile.

    Memory is not tidied up meanwhile: that is paid by whoever is there, and most of it is the simulated cluster's.
    """
    metered, gates = MeteredLoop(), Gates()
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    began = time.process_time()
    try:
        world = loop.run(_rollouts(_plan(number, shape), gates), metered)
    finally:
        if collects:
            gc.enable()
    everything = time.process_time() - began
    if findings := world.result(0.0).findings:
        raise AssertionError(f"{number} at once, {shape.words}: {findings[0]}")
    calls: Counter[str] = Counter()
    for replica in (*world.workers, *world.webhooks):
        calls += replica.client.counts
    ours = Counter({call: count for call, count in calls.items() if not call.startswith(_STANDING)})
    spent = {True: 0.0, False: 0.0}
    for process, seconds in metered.spent.items():
        if process is not None:
            spent[isinstance(process, WorkerProcess)] += seconds
    return Cost(number, ours, spent[True], spent[False], everything, gates)


def is_write(call: str) -> bool:
    return call.startswith(("create ", "patch ", "delete "))


def is_event(call: str) -> bool:
    return is_write(call) and "events" in call


async def _rollouts(plan: Plan, gates: Gates) -> World:
    world = World(plan, keep_log=False)
    world.server.subscribe(gates.see)
    await world.live()
    return world


def _plan(number: int, shape: Shape) -> Plan:
    templates = {f"web-{n}": Template(f"shop/web-{n}:1", "1.0", (shape.check.name,)) for n in range(number)}
    return Plan(
        seed=number,
        checks=(shape.check,),
        late=(),
        workloads=tuple(replace(shape.workload, name=name, template=each) for name, each in templates.items()),
        workers=1,
        webhooks=1,
        nodes=shape.nodes,
        two_leaders=False,
        injects=False,
        latency=_LATENCY,
        acts=(),
        length=0.0,
        together=True,
    )
