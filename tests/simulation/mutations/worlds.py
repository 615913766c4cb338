"""Small worlds for mistakes that random ones seldom meet: what must come together for them comes together here.

They are as good as seeds: the code as it is passes them, and what a mistake does in them is found by the same rules.
"""

from dataclasses import replace

from app.cluster import resources
from tests.simulation.acts import faults, users
from tests.simulation.acts.act import Act
from tests.simulation.manifests import Check, Script, Template, Workload
from tests.simulation.plan import Plan

_QUICK = Check("check", Script(0.3))
_SLOW = Check("check", Script(3.0), retries=0)
_FAILS = Check("check", Script(1.7, fails=9), retries=0)
_SHORT_LIVED = Check("check", Script(0.3), ttl=0)
_SCRIPT = Check("check", Script(0.5), runs="configmap")
_WEB = Workload("web", replicas=2, template=Template("shop/web:1", "1.0", ("check",)))
_ABOVE = replace(_WEB, above=True)
_SET = replace(_WEB, kind="StatefulSet", parallel=True)


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


WORLDS: dict[str, Plan] = {
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
