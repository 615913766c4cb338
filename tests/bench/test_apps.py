import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.cluster import resources
from app.cluster.api import Resource
from bench import apps
from bench.course import STARTING

pytestmark = pytest.mark.looptime

Json = dict[str, Any]
ORIGINAL: Json = {
    "metadata": {"name": "pre-one-second-1"},
    "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 60, "template": {"spec": {"containers": []}}},
}


class _Cluster:
    """Answers each write with what a cluster makes of it: held pods, Jobs of a second, workloads that get up.

    If `completes`, it also has the versions of applications come to their end, as with Holdfast.
    """

    def __init__(self, *, completes: bool = False) -> None:
        self.did: list[str] = []
        self._completes = completes
        self._version = 1
        self._watches: dict[str, asyncio.Queue[Json]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def list_page(self, resource: Resource, namespace: str = "", **_: Any) -> Json:
        return {"metadata": {"resourceVersion": str(self._version)}, "items": []}

    async def watch(self, resource: Resource, namespace: str = "", **_: Any) -> AsyncIterator[Json]:
        queue = self._watches.setdefault(resource.plural, asyncio.Queue())
        while True:
            yield await queue.get()

    async def create(self, resource: Resource, body: Json, namespace: str = "") -> Json:
        name = body["metadata"]["name"]
        self.did.append(f"create {resource.kind} {name}")
        if resource == resources.JOBS:
            self._tell(resource, body)
            self._later(self._run(name))
        elif resource == resources.DEPLOYMENTS:
            self._pod(name, gates=[{"name": "g"}])
            if self._completes:
                self._later(self._roll_out(name))
        elif resource == resources.APP_CONTEXTS:
            self._later(self._complete(name))
        return body

    async def patch(self, resource: Resource, name: str, body: Any, namespace: str, **_: Any) -> Json:
        self.did.append(f"open {name}")
        self._later(self._roll_out(name.removesuffix("-x")))
        return {}

    async def delete(self, resource: Resource, name: str, namespace: str = "") -> Json:
        self.did.append(f"delete {name}")
        self._pod(name, gates=[], kind="DELETED")
        return {}

    async def _run(self, job: str) -> None:
        await asyncio.sleep(1)
        labels = {"batch.kubernetes.io/job-name": job}
        self._tell(resources.PODS, {"metadata": {"name": job, "labels": labels}, "status": {"phase": "Succeeded"}})

    async def _roll_out(self, name: str) -> None:
        self._pod(name, gates=[])
        await asyncio.sleep(0.5)
        up = {"updatedReplicas": 1, "availableReplicas": 1}
        self._tell(resources.DEPLOYMENTS, {"metadata": {"name": name}, "status": up})

    async def _complete(self, app: str) -> None:
        await asyncio.sleep(3)
        status = {"currentPhase": "Completed"}
        spec = {"version": "1", "appName": app}
        self._tell(resources.APP_VERSIONS, {"metadata": {"name": app}, "spec": spec, "status": status})

    def _pod(self, name: str, *, gates: list[Json], kind: str = "MODIFIED") -> None:
        metadata = {"name": f"{name}-x", "labels": {"app.kubernetes.io/name": name}}
        self._tell(resources.PODS, {"metadata": metadata, "spec": {"schedulingGates": gates}}, kind)

    def _tell(self, resource: Resource, body: Json, kind: str = "MODIFIED") -> None:
        self._version += 1
        marks = {"resourceVersion": str(self._version), "uid": body["metadata"]["name"], "namespace": "n"}
        event = {"type": kind, "object": body | {"metadata": body["metadata"] | marks}}
        self._watches[resource.plural].put_nowait(event)

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def test_the_floor_runs_the_same_with_nothing_between() -> None:
    cluster = _Cluster()
    course = await apps.scripted(cluster, "n", "bare", ORIGINAL)  # type: ignore[arg-type]
    assert course.own == pytest.approx(3.0)
    assert {what: round(seconds, 6) for what, seconds in course.between.items() if seconds} == {STARTING: 0.5}
    assert course.beyond == pytest.approx(0.5)
    jobs = [what for what in cluster.did if what.startswith("create Job")]
    assert len(jobs) == len(set(jobs)) == 2 * (apps.WORKLOADS + 1)
    assert sum(what.startswith("open") for what in cluster.did) == apps.WORKLOADS
    opened = cluster.did.index("open bare-0-x")
    assert cluster.did.index("create Job floor-pre-bare") < opened < cluster.did.index("create Job floor-post-bare-0")
    assert cluster.did.index("create Job floor-post-bare") > cluster.did.index("create Job floor-post-bare-5")


async def test_holdfasts_app_is_applied_at_once_and_taken_away_when_it_is_completed() -> None:
    cluster = _Cluster(completes=True)
    course = await apps.held(cluster, "n", "shop", "one-second")  # type: ignore[arg-type]
    assert course.began is not None
    assert course.ended == pytest.approx(course.began + 3)
    assert cluster.did[0] == "create KeptnAppContext shop"
    assert [what for what in cluster.did if what.startswith("create Dep")] == [
        f"create Deployment shop-{number}" for number in range(apps.WORKLOADS)
    ]
    assert sum(what.startswith("delete") for what in cluster.did) == apps.WORKLOADS


async def test_an_app_that_does_not_come_to_its_end_ends_the_patience() -> None:
    with pytest.raises(TimeoutError):
        await apps.held(_Cluster(), "n", "shop", "one-second", patience=2)  # type: ignore[arg-type]
