"""The floor: the least that anyone could do. A script that makes the same Job itself and opens the gate at its end."""

import asyncio
from typing import Any

from app.api.core import Pod
from app.cluster import resources
from app.cluster.api import Api, PatchType
from bench.manifests import PLAIN, open_gate, same_job
from bench.stopwatch import Stopwatch


class Floor:
    """Creates a Job like `original` for each held pod in the plain namespace; at the end of its pod, opens the gate."""

    def __init__(self, api: Api, stopwatch: Stopwatch, original: dict[str, Any], group: asyncio.TaskGroup) -> None:
        self.writes = 0
        self._api = api
        self._stopwatch = stopwatch
        self._original = original
        self._group = group
        stopwatch.on_gated(lambda rollout, pod: self._start(rollout, pod))
        stopwatch.on_ended(self._end)

    def _start(self, rollout: str, pod: Pod) -> None:
        self.writes += 1
        self._group.create_task(self._api.create(resources.JOBS, same_job(self._original, rollout), PLAIN))

    def _end(self, rollout: str) -> None:
        self.writes += 1
        name = self._stopwatch[rollout].pod_name
        self._group.create_task(
            self._api.patch(resources.PODS, name, list(open_gate()), PLAIN, patch_type=PatchType.JSON)
        )
