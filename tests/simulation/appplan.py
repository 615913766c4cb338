"""What a seed decides of apps, evaluations, post-deployment checks, policies and KeptnConfigs: a part of its plan.

Chance of its own, so that what is drawn of the rest stays as it was.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.cluster.api import Json
from tests.simulation.acts import app_users
from tests.simulation.acts.act import Act
from tests.simulation.appmanifests import Context, Goal, Written, config
from tests.simulation.manifests import SHOP, Workload

_APP = "shop"
_VALUES = ("5", "20", "20", "20")


@dataclass(frozen=True, slots=True)
class AppPlan:
    workloads: tuple[Workload, ...]
    goals: tuple[Goal, ...] = ()
    contexts: tuple[Context, ...] = ()
    written: tuple[Written, ...] = ()
    configs: tuple[Json, ...] = ()
    policy: str = ""
    acts: tuple[tuple[float, Act], ...] = ()


def draw(seed: int, workloads: tuple[Workload, ...], checks: Sequence[str], length: float) -> AppPlan:
    """A third of the seeds has nothing of all that."""
    rng = random.Random(f"apps-{seed}")
    if rng.random() < 0.33:
        return AppPlan(workloads)
    goals = tuple(_goal(rng, name) for name in ("speed", "errors")[: rng.choice((0, 1, 1, 2))])
    aims = [goal.name for goal in goals]
    together = rng.random() < 0.5
    asking = tuple(_asking(rng, workload, checks, aims, together=together) for workload in workloads)
    names = list(dict.fromkeys(each.app or each.name for each in asking if each.managed))
    contexts = tuple(_context(rng, name, checks, aims) for name in names if rng.random() < 0.6)
    shared = any(each.app == _APP and each.managed for each in asking)
    written = (_written(rng),) if shared and rng.random() < 0.4 else ()
    acts = [(rng.uniform(0, length), _one(rng)) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    return AppPlan(
        workloads=asking,
        goals=goals,
        contexts=contexts,
        written=written,
        configs=tuple(_configs(rng)),
        policy=rng.choice(("warn", "observe", "enforce")) if rng.random() < 0.1 else "",
        acts=tuple(acts),
    )


def _one(rng: random.Random) -> Act:
    (chosen,) = rng.choices([draw for _, draw in app_users.DRAWS], [weight for weight, _ in app_users.DRAWS])
    return chosen(rng)


def _some(rng: random.Random, among: Sequence[str], share: float) -> tuple[str, ...]:
    if not among or rng.random() > share:
        return ()
    return tuple(sorted(rng.sample(list(among), rng.randint(1, len(among)))))


def _goal(rng: random.Random, name: str) -> Goal:
    shared = rng.random() < 0.4
    bounds = (">10", "<100") if shared or rng.random() < 0.4 else (rng.choice((">10", "<10", ">=20", "==20")),)
    return Goal(
        name,
        bounds,
        tuple(rng.choice(_VALUES) for _ in bounds),
        retries=rng.choice((0, 1, 2, 4)),
        interval=rng.choice((0, 1, 2, 4)),
        shared=shared,
    )


def _asking(
    rng: random.Random, workload: Workload, checks: Sequence[str], goals: Sequence[str], *, together: bool
) -> Workload:
    template = replace(
        workload.template,
        goals=_some(rng, goals, 0.3),
        after=_some(rng, checks, 0.35),
        goals_after=_some(rng, goals, 0.2),
    )
    policy = rng.choice(("warn", "observe", "enforce", "whatever")) if rng.random() < 0.12 else ""
    app = _APP if together else workload.app
    return replace(workload, template=template, policy=policy, app=app)


def _context(rng: random.Random, app: str, checks: Sequence[str], goals: Sequence[str]) -> Context:
    return Context(
        app,
        checks=_some(rng, checks, 0.6),
        goals=_some(rng, goals, 0.3),
        after=_some(rng, checks, 0.5),
        goals_after=_some(rng, goals, 0.3),
        metadata=(("team", app),) if rng.random() < 0.5 else (),
        seconds=rng.choice((-1.0, -1.0, 0.0, 0.7, 2.0)),
    )


def _written(rng: random.Random) -> Written:
    return Written(_APP, rng.choice(("at once", "at once", "later", "never")))


def _configs(rng: random.Random) -> list[Json]:
    if rng.random() > 0.25:
        return []
    spec: Json = {"blockDeployment": rng.random() < 0.6, "observabilityTimeout": rng.choice(("20s", "60s", "5m"))}
    if rng.random() < 0.5:
        spec["keptnAppCreationRequestTimeoutSeconds"] = rng.choice((0, 1, 30))
    return [config(**spec)] if rng.random() < 0.75 else [config(SHOP, **spec)]
