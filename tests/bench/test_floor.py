import asyncio
from typing import Any

from app.api.core import Job, Pod, PodSpec, PodStatus, SchedulingGate
from app.api.meta import ObjectMeta
from bench.floor import Floor
from bench.stopwatch import Stopwatch

ORIGINAL: dict[str, Any] = {
    "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 60, "template": {"spec": {"containers": []}}}
}


class _Cluster:
    def __init__(self) -> None:
        self.did: list[str] = []

    async def create(self, resource: object, body: dict[str, Any], namespace: str) -> dict[str, Any]:
        self.did.append(f"create {body['metadata']['name']} in {namespace}")
        return body

    async def patch(
        self, resource: object, name: str, body: list[dict[str, Any]], namespace: str, *, patch_type: str
    ) -> dict[str, Any]:
        self.did.append(f"patch {name}: {' '.join(step['op'] for step in body)}")
        return {}


async def test_the_floor_writes_a_job_for_the_held_pod_and_opens_its_gate_at_the_end_of_the_jobs() -> None:
    cluster, watch = _Cluster(), Stopwatch()
    assert watch["one"].pod is None
    async with asyncio.TaskGroup() as group:
        floor = Floor(cluster, watch, ORIGINAL, group)  # type: ignore[arg-type]
        watch.pod(
            None,
            Pod(
                metadata=ObjectMeta(name="one-x", labels={"app.kubernetes.io/name": "one"}),
                spec=PodSpec(scheduling_gates=(SchedulingGate(name="g"),)),
            ),
        )
        watch.job(None, Job(metadata=ObjectMeta(name="floor-one", annotations={"keptn.sh/workload": "one-one"})))
        labels = {"batch.kubernetes.io/job-name": "floor-one"}
        watch.pod(None, Pod(metadata=ObjectMeta(name="p", labels=labels), status=PodStatus(phase="Succeeded")))
    assert cluster.did == ["create floor-one in holdfast-bench-floor", "patch one-x: test remove"]
    assert floor.writes == 2
