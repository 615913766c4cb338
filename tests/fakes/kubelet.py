"""The Job controller and the kubelet, as far as Jobs of checks see them: pods that run, end, are tried again."""

import asyncio
from collections import Counter, defaultdict

from app.cluster import resources
from app.cluster.api import Json
from tests.fakes.api import FakeApi


class Kubelet:
    """Runs each Job's pods. `exit_codes` are those of attempts still to come, by definition; 0 where none is left."""

    def __init__(self, api: FakeApi, *, seconds: float = 0.3, lag: float = 1.0, backoff: float = 10.0) -> None:
        self.exit_codes: defaultdict[str, list[int]] = defaultdict(list)
        self.started: Counter[str] = Counter()  # pods started, by definition
        self.disruptions: Counter[str] = Counter()  # pods that the cluster is still to end, by definition
        self._api = api
        self.seconds = seconds  # that a check takes
        self.full = False  # no pod is made any more
        self._lag = lag  # the Job controller writes a Job's end this much after its pod's
        self._backoff = backoff
        self._seen: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                changed = self._api.changed
                for job in self._api.all(resources.JOBS):
                    uid = job["metadata"]["uid"]
                    if uid not in self._seen:
                        self._seen.add(uid)
                        group.create_task(self._job(job))
                await changed.wait()

    async def _job(self, job: Json) -> None:
        failures = number = 0
        while failures <= job["spec"]["backoffLimit"]:
            await asyncio.sleep(0.02 if failures == 0 else self._backoff)
            if self.full or not self._is_there(job):
                return
            code = await self._pod(job, number)
            number += 1
            if code == 0:
                await asyncio.sleep(self._lag)
                self._end(job, {"type": "Complete", "status": "True"})
                return
            failures += code is not None
        await asyncio.sleep(self._lag)
        failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
        self._end(job, failed | {"message": "Job has reached the specified backoff limit"})

    async def _pod(self, job: Json, number: int) -> int | None:
        """Runs one pod. Returns its exit code, None if the cluster ended it and the Job is to ignore that."""
        definition = self._definition(job)
        self.started[definition] += 1
        meta = job["metadata"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
        template = job["spec"]["template"]
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **template["metadata"],
                "name": f"{meta['name']}-{number}",
                "namespace": meta["namespace"],
                "ownerReferences": [owner],
            },
            "spec": template["spec"],
            "status": {"phase": "Running"},
        }
        self._api.put(body)
        await asyncio.sleep(self.seconds)
        if self.disruptions[definition]:
            self.disruptions[definition] -= 1
            await self._evict(body)
            return None
        plan = self.exit_codes[definition]
        code = plan.pop(0) if plan else 0
        state = {
            "terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "message": f"ends {code}"}
        }
        if self._is_there(job):
            phase = "Failed" if code else "Succeeded"
            self._api.put({**body, "status": {"phase": phase, "containerStatuses": [{"name": "main", "state": state}]}})
        return code

    async def _evict(self, body: Json) -> None:
        """As the eviction API does: condition, deletion, end, gone."""
        about = {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
        conditions = [{"type": "DisruptionTarget", "status": "True", **about}]
        deleting = {**body["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        self._api.put({**body, "metadata": deleting, "status": {"phase": "Running", "conditions": conditions}})
        await asyncio.sleep(0.05)
        state = {"terminated": {"exitCode": 137, "reason": "Error"}}
        status = {"phase": "Failed", "conditions": conditions, "containerStatuses": [{"name": "main", "state": state}]}
        self._api.put({**body, "metadata": deleting, "status": status})
        await asyncio.sleep(0.05)
        self._api.remove(resources.PODS, body["metadata"]["name"], body["metadata"]["namespace"])

    def _end(self, job: Json, condition: Json) -> None:
        if self._is_there(job):
            meta = job["metadata"]
            status = {"status": {"conditions": [condition]}}
            self._api.edit(resources.JOBS, meta["name"], status, meta["namespace"])

    def _is_there(self, job: Json) -> bool:
        return any(each["metadata"]["uid"] == job["metadata"]["uid"] for each in self._api.all(resources.JOBS))

    def _definition(self, job: Json) -> str:
        (owner,) = job["metadata"]["ownerReferences"]
        task = self._api.one(resources.TASKS, owner["name"], job["metadata"]["namespace"])
        return str(task["spec"]["taskDefinition"])
