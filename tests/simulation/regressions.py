"""Worlds in which something was once found, written down so that they stay what they were: a seed does not.

What a seed means changes whenever the plan of a run draws something more or in another order. So what a seed has found
is put into a plan of its own here, as small as it can be, and is run again by every `make test`.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.acts.act import Act
from tests.simulation.acts.faults import Freeze, Partition
from tests.simulation.acts.users import USER
from tests.simulation.manifests import SHOP, Check, Script, Template, Workload, controller_of
from tests.simulation.plan import Plan

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class _Annotate:
    """Restarts a workload, or asks for another try of it."""

    workload: str
    again: bool

    async def do(self, world: "World") -> str:
        resource = world.workloads[self.workload].resource
        change: Json = {"metadata": {"annotations": {wellknown.RETRY: "once more"}}}
        if not self.again:
            change = {"spec": {"template": {"metadata": {"annotations": {wellknown.RESTARTED_AT: "now"}}}}}
        await world.server.patch(resource, self.workload, change, SHOP, by=USER)
        return f"{'asks for another try of' if self.again else 'restarts'} {self.workload}"


@dataclass(frozen=True, slots=True)
class _DeleteAndApply:
    """kubectl delete --cascade=foreground and, at once, kubectl apply."""

    workload: str

    async def do(self, world: "World") -> str:
        workload = world.workloads[self.workload]
        await world.server.delete(workload.resource, workload.name, SHOP, by=USER, propagation="Foreground")
        await world.apply_when_gone(workload)
        return f"deletes {workload.name} in the foreground, and has applied it again"


@dataclass(frozen=True, slots=True)
class _Apply:
    """kubectl apply."""

    workload: Workload

    async def do(self, world: "World") -> str:
        await world.apply(self.workload)
        return f"applies {self.workload.name} anew"


@dataclass(frozen=True, slots=True)
class _EndCheck:
    """The cluster ends the pod of the check: its node is drained, or low on memory."""

    drained: bool

    async def do(self, world: "World") -> str:
        for pod in world.server.list(resources.PODS, SHOP):
            name = pod["metadata"]["name"]
            if controller_of(pod).get("kind") == "Job" and self.drained:
                await world.kubelet.drain(SHOP, name, by=USER)
            elif controller_of(pod).get("kind") == "Job":
                await world.kubelet.evict(SHOP, name)
        return "the pod of the check is ended"


def _plan(number: int, check: Check, workload: Workload, *acts: tuple[float, Act], injects: bool = False) -> Plan:
    return Plan(
        seed=number,
        checks=(check,),
        late=(),
        workloads=(workload,),
        workers=1,
        webhooks=1,
        nodes=2,
        two_leaders=False,
        injects=injects,
        latency=(0.0005, 0.02),
        acts=acts,
        length=12.0,
    )


@dataclass(frozen=True, slots=True)
class _DeleteKeptnWorkload:
    """All versions of the workload go with it, and are made again under the same names."""

    name: str

    async def do(self, world: "World") -> str:
        await world.server.delete(resources.WORKLOADS, self.name, SHOP, by=USER)
        return f"deletes KeptnWorkload {self.name}"


_FAILS = Check("check", Script(2.0, fails=9), retries=0)
_NEVER = Check("check", Script(pull=False), retries=0, timeout=20)
_SLOW = Check("check", Script(3.0), retries=0)
_WEB = Workload("web", replicas=2, template=Template("shop/web:1", "1.0", ("check",)))
_BOTH = Workload("web", template=Template("shop/web:1", "1.0", ("check", "slow")))
_SET = Workload("web", "StatefulSet", replicas=3, parallel=True, template=Template("shop/web:1", "1.0", ("check",)))

_UNASKED = Template("shop/web:1", "1.0", ())

_OTHER = Template("shop/web:2", "1.0", ("check",))
_THIRD = Template("shop/web:3", "1.0", ("check",))

# What was found → the world that found it.
REGRESSIONS: dict[str, Plan] = {
    # Both ReplicaSets of one content waited for one failed check, and each made a KeptnWorkloadVersion for the retry.
    "two-revisions-retry-at-once": _plan(
        1, _FAILS, _WEB, (1.0, _Annotate("web", False)), (1.5, _Annotate("web", True))
    ),
    # The KeptnWorkload was still being deleted, and got new versions that were deleted with it, again and again.
    "foreground-deletion-and-apply": _plan(8, _SLOW, _SET, (1.0, _DeleteAndApply("web"))),
    # One leader had recorded that a check had passed, and the other, whose tasks were behind, said that it runs.
    "a-check-passes-while-two-lead": replace(
        _plan(1, Check("check", Script(0.8)), _BOTH),
        checks=(Check("check", Script(0.8)), Check("slow", Script(4.0))),
        workers=2,
        nodes=1,
        two_leaders=True,
        latency=(0.0002, 0.02),
        length=8.0,
    ),
    # What the cluster ends was counted against a check that had not failed, until its Job was told to ignore that.
    "the-only-attempt-is-drained": _plan(3, _SLOW, _WEB, (2.5, _EndCheck(drained=True))),
    "the-only-attempt-is-evicted-twice": _plan(
        4, _SLOW, _WEB, (2.5, _EndCheck(drained=False)), (15.0, _EndCheck(drained=False))
    ),
    # The second of two partitions (9 s and 29 s) brought back what it had found, and the worker, which had stood still
    # all the time, was cut off for ever.
    "two-partitions-at-once": _plan(5, _SLOW, _WEB, (0.01, Freeze(17)), (1.0, Partition(4)), (2.0, Partition(7))),
    # A pass for which nobody had asked for checks was taken for one of the pod that asks for one.
    "the-same-content-asks-for-more": _plan(6, _NEVER, replace(_WEB, template=_UNASKED), (2.0, _Apply(_WEB))),
    # Rolled back to its first content of three under one label, whose other two had not begun: their app waited for the
    # youngest of the three, for which nobody waited any more.
    "back-to-the-first-of-three": _plan(
        9,
        _SLOW,
        _SET,
        (0.7, _Apply(replace(_SET, template=_OTHER))),
        (1.0, _Apply(replace(_SET, template=_THIRD))),
        (1.3, _Apply(_SET)),
    ),
    # Two contents shared a version label. Their versions were deleted and made again, the second by the name of the
    # first, and the pass of the one was put down for the pods of the other too.
    "another-content-of-the-same-name": replace(
        _plan(6, _SLOW, _WEB, (1.0, _Apply(replace(_WEB, template=_OTHER))), (2.5, _DeleteKeptnWorkload("web-web"))),
        latency=(0.0002, 0.2),
    ),
}
