"""Small worlds for mistakes that random ones seldom meet: what must come together for them comes together here.

They are as good as seeds: the code as it is passes them, and what a mistake does in them is found by the same rules.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.acts import faults, users
from tests.simulation.acts.act import Act
from tests.simulation.appmanifests import Context, Goal, Written, config
from tests.simulation.manifests import SHOP, Check, Script, Template, Workload
from tests.simulation.plan import Plan

if TYPE_CHECKING:
    from tests.simulation.world import World

_QUICK = Check("check", Script(0.3))
_SLOW = Check("check", Script(3.0), retries=0)
_FAILS = Check("check", Script(1.7, fails=9), retries=0)
_LONG = Check("check", Script(25.0), retries=0)
_SHORT_LIVED = Check("check", Script(0.3), ttl=0)
_SCRIPT = Check("check", Script(0.5), runs="configmap")
_WEB = Workload("web", replicas=2, template=Template("shop/web:1", "1.0", ("check",)))
_ABOVE = replace(_WEB, above=True)
_SET = replace(_WEB, kind="StatefulSet", parallel=True)
_IN_SHOP = replace(_WEB, app="shop")
_SPEED = Goal("speed", (">10", "<100"), ("5",), retries=2, interval=1, shared=True)
_LAST = Goal("speed", ("<10", ">10"), ("20",), retries=2, interval=1, shared=True)
_BOUND = Goal("speed", (">10",), ("10",), retries=1, interval=1)
_NEVER_MET = Goal("speed", (">10",), ("5",), retries=4, interval=4)
_ASKED = Context("shop", checks=("check",), after=("check",), metadata=(("team", "shop"),))


@dataclass(frozen=True, slots=True)
class _Put:
    """kubectl replace of a KeptnApp, a KeptnAppContext or a KeptnConfig."""

    body: Json

    async def do(self, world: "World") -> str:
        await world.put(self.body)
        return f"writes {self.body['kind']} {self.body['metadata']['name']}"


def _plan(check: Check, workload: Workload, *acts: tuple[float, Act], length: float = 12.0, workers: int = 1) -> Plan:
    return Plan(
        seed=1,
        checks=(check,),
        late=(),
        workloads=(workload,),
        workers=workers,
        webhooks=1,
        nodes=2,
        two_leaders=False,
        injects=False,
        latency=(0.0005, 0.02),
        acts=acts,
        length=length,
    )


def _two_leaders(check: Check, workload: Workload, *acts: tuple[float, Act], length: float = 12.0) -> Plan:
    return replace(_plan(check, workload, *acts, length=length, workers=2), two_leaders=True)


def _released(workload: Workload, number: int, *, version: str = "") -> Workload:
    template = workload.template
    number_text = version or f"{number}.0"
    return workload.with_template(replace(template, image=f"shop/{workload.name}:{number}", version=number_text))


def _asking(*goals: Goal, after: bool = False) -> Plan:
    names = tuple(goal.name for goal in goals)
    before, later = ((), names) if after else (names, ())
    web = _WEB.with_template(replace(_WEB.template, goals=before, goals_after=later))
    return replace(_plan(_QUICK, web), goals=goals)


@dataclass(frozen=True, slots=True)
class _Apply:
    """kubectl apply."""

    workload: Workload

    async def do(self, world: "World") -> str:
        await world.apply(self.workload)
        return f"applies {self.workload.name}"


_BOTH = _WEB.with_template(replace(_WEB.template, checks=("check", "slow")))
_TWO = (Check("check", Script(0.3, fails=9), retries=0), Check("slow", Script(4.0), retries=0))

WORLDS: dict[str, Plan] = {
    "app-check-fails": replace(
        _plan(_FAILS, _IN_SHOP.with_template(replace(_IN_SHOP.template, checks=()))), contexts=(_ASKED,)
    ),
    "app-check-passes": replace(_plan(_QUICK, _IN_SHOP), contexts=(_ASKED,)),
    "app-of-two": replace(
        _plan(_SLOW, _IN_SHOP, (6.0, _Apply(_released(_IN_SHOP, 2)))),
        workloads=(_IN_SHOP, replace(_IN_SHOP, name="api")),
        contexts=(_ASKED,),
    ),
    "app-released-in-mid-check": replace(
        _plan(_SLOW, _IN_SHOP, (2.5, _Apply(_released(_IN_SHOP, 2)))), contexts=(_ASKED,)
    ),
    "same-version-of-an-app": replace(
        _plan(_QUICK, _IN_SHOP, (9.0, _Apply(_released(_IN_SHOP, 2, version="1.0")))), contexts=(_ASKED,)
    ),
    "app-lists-another-version": replace(
        _plan(_QUICK, _IN_SHOP), contexts=(_ASKED,), written=(Written("shop", "never"),)
    ),
    "app-written-by-a-person": replace(
        _plan(_QUICK, _IN_SHOP, (7.0, _Apply(_released(_IN_SHOP, 2)))), written=(Written("shop", "later"),)
    ),
    "context-just-after": replace(_plan(_QUICK, _IN_SHOP), contexts=(replace(_ASKED, seconds=0.7),)),
    "context-edited-at-once": replace(_plan(_SLOW, _IN_SHOP, (2.2, _Put(_ASKED.body()))), contexts=(Context("shop"),)),
    "two-goals-on-one-metric": _asking(_SPEED),
    "last-goal-is-met": _asking(_LAST),
    "metric-at-its-bound": _asking(_BOUND),
    "goal-after": _asking(_SPEED, after=True),
    "killed-in-mid-evaluation": replace(_asking(_NEVER_MET), acts=((6.0, faults.Kill(0)), (6.1, faults.Kill(0)))),
    "never-ready": _plan(
        _QUICK, _WEB.with_template(replace(_WEB.template, image="shop/web-broken:1", after=("check",)))
    ),
    "checks-after-it-is-up": _plan(_QUICK, _WEB.with_template(replace(_WEB.template, after=("check",)))),
    "two-checks-warn": replace(_plan(_QUICK, _BOTH), checks=_TWO, policy="warn"),
    "failed-check-warns": replace(_plan(_FAILS, _WEB), policy="warn"),
    "config-elsewhere": replace(_plan(_FAILS, _WEB), configs=(config(SHOP, blockDeployment=False),)),
    "config-set-late": _plan(_FAILS, _WEB, (7.0, _Put(config(blockDeployment=False))), length=20.0),
    "released-in-a-long-check": _plan(_LONG, _WEB, (1.0, _Apply(_released(_WEB, 2))), length=20.0),
    "three-releases": _plan(
        _SLOW, _WEB, (1.0, _Apply(_released(_WEB, 2))), (2.0, _Apply(_released(_WEB, 3))), length=20.0
    ),
    "late-gates-by-two": replace(
        _two_leaders(_QUICK, replace(_WEB, replicas=3), (0.5, faults.LateGates(0)), (1.0, faults.LateGates(100))),
        injects=True,
        latency=(0.0005, 0.2),
    ),
    "late-gates-of-a-set": _plan(
        _QUICK, replace(_SET, replicas=3), (0.5, faults.LateGates(1)), (2.8, users.ReplaceHeld(1))
    ),
    "late-news-of-two-leaders": _two_leaders(_SHORT_LIVED, _WEB, (0.3, faults.Lag(8)), length=20.0),
    "late-news-of-a-job": _two_leaders(_QUICK, _WEB, (0.3, faults.Lag(5))),
    "watches-broken-in-mid-check": _plan(_SLOW, _WEB, (1.0, faults.BreakWatches(0))),
    "job-deleted-unseen": _plan(_SLOW, _WEB, (1.0, faults.BreakWatches(0)), (1.0, users.DeleteOne(0, resources.JOBS))),
    "watches-silent-for-ever": _plan(_SLOW, _WEB, (1.0, faults.SilentWatches(4))),
    "outage-as-pods-are-made": _plan(_QUICK, _ABOVE, (0.2, faults.Outage(0))),
    "set-released-once-it-runs": _plan(_QUICK, _SET, (7.0, users.Release(0))),
    "gates-refused-for-long": _plan(_QUICK, _WEB, (0.2, faults.RefuseGates(2))),
    "job-deleted": _plan(_SLOW, _WEB, (2.0, users.DeleteOne(0, resources.JOBS))),
    "task-deleted": _plan(_SLOW, _WEB, (2.0, users.DeleteOne(0, resources.TASKS))),
    "retry-of-a-failure": _plan(_FAILS, _WEB, (8.0, users.Retry(0))),
    "script-deleted-before-a-release": _plan(_SCRIPT, _WEB, (7.0, users.DeleteScript(2)), (7.2, users.Release(2))),
    "restart-once-it-runs": _plan(_QUICK, _WEB, (6.0, users.Restart(0))),
    "leader-frozen": replace(
        _plan(_QUICK, _WEB, (1.0, faults.Freeze(11)), (15.0, users.Release(11)), length=30.0, workers=2),
        latency=(0.0005, 0.2),
    ),
    "leader-cut-off": _plan(_QUICK, _WEB, (1.0, faults.Partition(0)), (19.0, users.Release(0)), length=40.0, workers=2),
}
