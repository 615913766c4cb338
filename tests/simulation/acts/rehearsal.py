"""For the tests of what people and faults do: a small world of one Deployment, with the acts that a test asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.simulation import world
from tests.simulation.acts.act import Act
from tests.simulation.manifests import Check, Script, Template, Workload
from tests.simulation.plan import Plan
from tests.simulation.telling.result import Result
from tests.simulation.world import World

CHECK = Check("check", Script(1.5), runs="inline")
WEB = Workload("web", replicas=2, template=Template("shop/web:1", "1.0", ("check",)))
PLAN = Plan(
    seed=1,
    checks=(CHECK,),
    late=(),
    workloads=(WEB,),
    workers=1,
    webhooks=1,
    nodes=1,
    two_leaders=False,
    injects=False,
    latency=(0.0005, 0.005),
    acts=(),
    length=6.0,
)


@dataclass
class Look:
    """An act that only looks, and keeps what it has seen."""

    at: Callable[[World], Any]
    seen: list[Any] = field(default_factory=list)

    async def do(self, world: World) -> str:
        self.seen.append(self.at(world))
        return ""


def play(*acts: tuple[float, Act], **change: Any) -> Result:
    """The whole world, with its log. Nothing may be found in it."""
    result = world.play(replace(PLAN, acts=acts, **change), keep_log=True)
    assert result.findings == ()
    return result


def texts(result: Result, kind: str) -> list[str]:
    return [entry.text for entry in result.log if entry.kind == kind]
