import asyncio
from typing import Any

import pytest

from app.api.core import Pod, PodCondition, PodSpec, PodStatus, SchedulingGate
from app.api.meta import ObjectMeta
from bench import writes
from bench.accounting import Written
from bench.stopwatch import Stopwatch
from bench.writes import Counted

pytestmark = pytest.mark.looptime

_NAME = "apiserver_flowcontrol_dispatched_requests_total"


class _Cluster:
    """Opens a pod's gate after a second and has it ready as late as asked; so many writes go with each step."""

    def __init__(self, stopwatch: Stopwatch, *, stuck: bool = False) -> None:
        self.tasks, self.apps = 100, 10
        self._stopwatch = stopwatch
        self._stuck = stuck
        self._meta = ObjectMeta(name="x", labels={"app.kubernetes.io/name": "counted"})

    async def metrics(self) -> str:
        return (
            f'{_NAME}{{flow_schema="holdfast-bench-writes-keptntask"}} {self.tasks}\n'
            f'{_NAME}{{flow_schema="holdfast-bench-writes-keptnapp"}} {self.apps}'
        )

    async def create(self, resource: object, body: dict[str, Any], namespace: str) -> dict[str, Any]:
        self._stopwatch.pod(None, Pod(metadata=self._meta, spec=PodSpec(scheduling_gates=(SchedulingGate(name="g"),))))
        if not self._stuck:
            container = body["spec"]["template"]["spec"]["containers"][0]
            self._going = asyncio.create_task(self._go(container["readinessProbe"]["initialDelaySeconds"]))
        return body

    async def _go(self, late: int) -> None:
        await asyncio.sleep(1)
        self.tasks += 5
        self._stopwatch.pod(None, Pod(metadata=self._meta))
        self.tasks += 3
        await asyncio.sleep(late)
        ready = PodStatus(conditions=(PodCondition(type="Ready", status="True"),))
        self._stopwatch.pod(None, Pod(metadata=self._meta, status=ready))
        await asyncio.sleep(0.5)
        self.apps += 2

    async def delete(self, resource: object, name: str, namespace: str) -> dict[str, Any]:
        self._stopwatch.pod(Pod(metadata=self._meta), None)
        self.apps += 1
        return {}


async def test_writes_are_told_apart_by_when_they_were_made() -> None:
    watch = Stopwatch()
    cluster = _Cluster(watch)
    counted = await writes.count(cluster, "n", watch, cluster.metrics, "counted", "one-second")  # type: ignore[arg-type]
    assert (counted.opening.others, counted.ending.others, counted.removal.others) == (8, 2, 1)
    assert counted.rollout.kinds["KeptnTask"] == 8
    assert counted.rollout.kinds["KeptnApp"] == 2
    assert counted.rollouts == 1


async def test_a_rollout_that_stays_held_ends_the_patience() -> None:
    watch = Stopwatch()
    cluster = _Cluster(watch, stuck=True)
    with pytest.raises(TimeoutError):
        await writes.count(cluster, "n", watch, cluster.metrics, "counted", "one-second", patience=5)  # type: ignore[arg-type]


def test_those_of_several_rollouts_are_added_up() -> None:
    one = Counted(Written(kinds={"Pod": 1}), Written(kinds={"Job": 2}), Written(events=3), 1)
    both = Counted().plus(one).plus(one)
    assert (both.opening.others, both.ending.others, both.removal.events, both.rollouts) == (2, 4, 6, 2)
