from typing import Any

import pytest

from app.api.core import Deployment, DeploymentCondition, DeploymentStatus, Pod, PodCondition, PodSpec, PodStatus
from app.api.core import SchedulingGate as Gate
from app.api.meta import ObjectMeta
from app.cluster import resources
from app.cluster.api import Resource
from app.cluster.errors import NotFound
from bench import rollouts
from bench.rollouts import Rollouts
from bench.stopwatch import Stopwatch

pytestmark = pytest.mark.looptime


class _Cluster:
    """Makes a held pod for each Deployment, ready or failed at once, and takes it away with its Deployment."""

    def __init__(self, stopwatch: Stopwatch, *, stuck: bool = False) -> None:
        self.namespaces = {"holdfast-bench": 3}  # how often it is still there when asked after its deletion
        self.there: set[str] = set()
        self.most = 0
        self._stopwatch = stopwatch
        self._stuck = stuck

    async def create(self, resource: Resource, body: dict[str, Any], namespace: str) -> dict[str, Any]:
        name = body["metadata"]["name"]
        self.there.add(name)
        self.most = max(self.most, len(self.there))
        meta = ObjectMeta(name=f"{name}-x", labels={"app.kubernetes.io/name": name})
        self._stopwatch.pod(None, Pod(metadata=meta, spec=PodSpec(scheduling_gates=(Gate(name="g"),))))
        if not self._stuck:
            status = PodStatus(conditions=(PodCondition(type="Ready", status="True"),))
            self._stopwatch.pod(None, Pod(metadata=meta, status=status))
            failed = DeploymentStatus(conditions=(DeploymentCondition(type="Progressing", status="False"),))
            self._stopwatch.deployment(None, Deployment(metadata=ObjectMeta(name=name), status=failed))
        return body

    async def delete(self, resource: Resource, name: str, namespace: str = "") -> dict[str, Any]:
        if resource == resources.NAMESPACES and name not in self.namespaces:
            raise NotFound(404, "NotFound", name)
        self.there.discard(name)
        meta = ObjectMeta(name=f"{name}-x", labels={"app.kubernetes.io/name": name})
        self._stopwatch.pod(Pod(metadata=meta), None)
        return {}

    async def get(self, resource: Resource, name: str, *, metadata_only: bool) -> dict[str, Any]:
        left = self.namespaces.get(name, 0)
        if not left:
            raise NotFound(404, "NotFound", name)
        self.namespaces[name] = left - 1
        return {}


async def test_all_are_rolled_out_at_once_and_taken_away_before_the_next() -> None:
    watch = Stopwatch()
    cluster = _Cluster(watch)
    ours = Rollouts(cluster, "holdfast-bench", watch)  # type: ignore[arg-type]
    times = await ours.run(["many-1", "many-2", "many-3"], check="one-second")
    assert cluster.most == 3
    assert cluster.there == set()
    assert all(one.ready is not None and one.gone is not None for one in times)


async def test_a_failing_one_is_done_when_its_rollout_has_failed() -> None:
    watch = Stopwatch()
    times = await Rollouts(_Cluster(watch), "holdfast-bench", watch).run_failing("bad", "never")  # type: ignore[arg-type]
    assert times.rollout_failed is not None


async def test_a_rollout_that_does_not_get_done_ends_the_patience() -> None:
    watch = Stopwatch()
    with pytest.raises(TimeoutError):
        await Rollouts(_Cluster(watch, stuck=True), "holdfast-bench", watch).run(["x"], check="c")  # type: ignore[arg-type]


async def test_namespaces_are_removed_until_they_are_gone_and_one_that_never_was_does_no_harm() -> None:
    cluster = _Cluster(Stopwatch())
    await rollouts.remove(cluster, ("holdfast-bench", "holdfast-bench-floor"))  # type: ignore[arg-type]
    assert cluster.namespaces["holdfast-bench"] == 0


async def test_a_namespace_that_will_not_go_ends_the_patience() -> None:
    cluster = _Cluster(Stopwatch())
    cluster.namespaces["holdfast-bench"] = 1_000_000
    with pytest.raises(TimeoutError):
        await rollouts.remove(cluster, ("holdfast-bench",))  # type: ignore[arg-type]
