"""What a seed decides before anything happens: the checks, the workloads, who does what when, and what goes wrong."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.cluster.api import Json
from tests.simulation import appplan
from tests.simulation.acts import faults, users
from tests.simulation.acts.act import Act
from tests.simulation.appmanifests import Context, Goal, Written
from tests.simulation.manifests import Check, Script, Template, Workload

_KINDS = ("Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
_RUNS = ("container", "container", "inline", "inline", "configmap", "parent", "library")

Draw = Callable[[random.Random], Act]


@dataclass(frozen=True, slots=True)
class Plan:
    """`acts` are pairs of seconds and what is done then. After `length` seconds nobody does anything any more."""

    seed: int
    checks: tuple[Check, ...]
    late: tuple[str, ...]  # definitions that somebody forgot, and makes only later
    workloads: tuple[Workload, ...]
    workers: int
    webhooks: int
    nodes: int
    two_leaders: bool  # each worker has a Lease of its own, so that both lead
    injects: bool  # another mutating webhook adds a gate and a label of its own, after ours
    latency: tuple[float, float]
    acts: tuple[tuple[float, Act], ...]
    length: float
    together: bool = False  # all workloads are applied at the same moment
    goals: tuple[Goal, ...] = ()
    contexts: tuple[Context, ...] = ()
    written: tuple[Written, ...] = ()  # KeptnApps that people write
    configs: tuple[Json, ...] = ()  # KeptnConfigs
    policy: str = ""  # keptn.sh/check-policy of the namespace
    bystander: bool = False  # somebody deploys with our keys in a namespace that did not opt in

    @property
    def news_is_late(self) -> bool:
        """Whether something goes wrong by which Holdfast may hear late of what people write, or act late on it."""
        return self.two_leaders or any(isinstance(act, faults.LATE) for _, act in self.acts)


def calm(seed: int) -> Plan:
    """One plain rollout, to look at."""
    rng = random.Random(f"calm-{seed}")
    fails = rng.choice((0, 0, 1))
    check = Check(
        "check-database", Script(seconds=round(rng.uniform(0.4, 3.0), 1), fails=fails), runs="inline", retries=2
    )
    workload = Workload("web", replicas=2, template=Template("shop/web:1", "1.0", ("check-database",)))
    return Plan(seed, (check,), (), (workload,), 1, 1, 1, False, False, (0.002, 0.006), (), 3.0)


def draw(seed: int) -> Plan:
    rng = random.Random(f"plan-{seed}")
    checks = tuple(_check(rng, name) for name in ("check", "smoke", "budget")[: rng.randint(1, 3)])
    names = [check.name for check in checks]
    workloads = tuple(_workload(rng, name, names) for name in ("web", "api", "db")[: rng.choice((1, 1, 1, 2, 2, 3))])
    length = rng.choice((4.0, 10.0, 25.0))
    acts = [(rng.uniform(0, length), _one(rng, users.DRAWS)) for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 5)))]
    acts += [(rng.uniform(0, length), _one(rng, faults.DRAWS)) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4, 6)))]
    two_leaders = rng.random() < 0.12
    of_apps = appplan.draw(seed, workloads, names, length)
    return Plan(
        seed=seed,
        checks=checks,
        late=tuple(name for name in names if rng.random() < 0.08),
        workloads=of_apps.workloads,
        workers=2 if two_leaders else rng.choice((1, 2)),
        webhooks=rng.choice((1, 1, 2)),
        nodes=rng.choice((1, 2, 3)),
        two_leaders=two_leaders,
        injects=rng.random() < 0.15,
        latency=(0.0002, rng.choice((0.001, 0.004, 0.02, 0.2))),
        acts=tuple(sorted((*acts, *of_apps.acts), key=lambda act: act[0])),
        length=length,
        goals=of_apps.goals,
        contexts=of_apps.contexts,
        written=of_apps.written,
        configs=of_apps.configs,
        policy=of_apps.policy,
        bystander=random.Random(f"bystander-{seed}").random() < 0.2,
    )


def _one(rng: random.Random, draws: Sequence[tuple[int, Draw]]) -> Act:
    (chosen,) = rng.choices([draw for _, draw in draws], [weight for weight, _ in draws])
    return chosen(rng)


def _check(rng: random.Random, name: str) -> Check:
    seconds = rng.choice((0.05, 0.3, 0.3, 1.0, 4.0))
    fails = rng.choice((0, 0, 0, 0, 1, 2, 9))
    script = Script(round(seconds * rng.uniform(0.8, 1.2), 2), fails, pull=rng.random() > 0.03)
    return Check(
        name,
        script,
        runs=rng.choice(_RUNS),
        retries=rng.choice((0, 1, 1, 2)),
        ttl=rng.choice((0, 1, 10, 300)),
        timeout=rng.choice((3, 60, 300)) if script.pull else 20,
        secret=f"{name}-secret" if rng.random() < 0.1 else "",
    )


def _workload(rng: random.Random, name: str, checks: list[str]) -> Workload:
    asked = (
        tuple(sorted(rng.sample(checks, rng.randint(min(1, len(checks)), len(checks))))) if rng.random() > 0.05 else ()
    )
    kind = rng.choice(_KINDS)
    rare = rng.random()
    return Workload(
        name,
        kind,
        managed=rare > 0.05,
        labelled=rare < 0.9,
        replicas=rng.choice((1, 1, 2, 3)),
        above=kind != "ReplicaSet" and rng.random() < 0.25,
        app=rng.choice(("", "", "shop")),
        gates=("example.com/quota",) if rng.random() < 0.1 else (),
        parallel=rng.random() < 0.5,
        recreate=rng.random() < 0.1,
        deadline=rng.choice((600, 600, 30)),
        template=Template(f"shop/{name}:1", "1.0", asked),
    )
