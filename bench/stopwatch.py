"""When things were seen to happen to each rollout, by one clock: that of this process, as watch events arrive."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from app.api import wellknown
from app.api.core import Deployment, Job, Pod
from bench.manifests import NAME_LABEL


@dataclass(slots=True)
class Times:
    """One rollout of one pod with one check, in seconds of the loop's monotonic clock; None for what was not seen."""

    pod: float | None = None  # the pod is there, and held
    job: float | None = None  # the check's Job is there
    ended: float | None = None  # the pod of that Job has succeeded or failed
    opened: float | None = None  # no gate is left on the pod
    ready: float | None = None
    gone: float | None = None  # the pod is deleted
    rollout_failed: float | None = None  # the Deployment's condition Progressing is False
    pod_name: str = ""
    job_name: str = ""

    @property
    def before(self) -> float | None:
        """From the held pod to the check's Job."""
        return None if self.pod is None or self.job is None else self.job - self.pod

    @property
    def after(self) -> float | None:
        """From the end of the Job's pod to the opened gate."""
        return None if self.ended is None or self.opened is None else self.opened - self.ended

    @property
    def added(self) -> float | None:
        """What the gate adds beyond the Job's own run."""
        return None if self.before is None or self.after is None else self.before + self.after

    @property
    def until_failed(self) -> float | None:
        """From the end of the failed check's pod to the failed rollout."""
        return None if self.ended is None or self.rollout_failed is None else self.rollout_failed - self.ended


class Stopwatch:
    """Takes the changes that informers tell, and wakes who waits for them. Rollouts are known by their names."""

    def __init__(self) -> None:
        self._times: defaultdict[str, Times] = defaultdict(Times)
        self._changed = asyncio.Event()
        self._gated: list[Callable[[str, Pod], None]] = []
        self._ended: list[Callable[[str], None]] = []

    def __getitem__(self, rollout: str) -> Times:
        return self._times[rollout]

    @property
    def pods(self) -> int:
        """How many held pods were seen so far."""
        return sum(times.pod is not None for times in self._times.values())

    def on_gated(self, call: Callable[[str, Pod], None]) -> None:
        """Calls with the rollout and its held pod, when it is first seen."""
        self._gated.append(call)

    def on_ended(self, call: Callable[[str], None]) -> None:
        """Calls with the rollout when the pod of its Job has ended."""
        self._ended.append(call)

    async def wait(self, until: Callable[[], bool]) -> None:
        """Returns once `until()` is true; asked after each change."""
        while not until():
            self._changed.clear()
            await self._changed.wait()

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        if pod is None:
            return
        job = pod.metadata.labels.get(wellknown.JOB_NAME, "")
        rollout = self._of_job(job) if job else pod.metadata.labels.get(NAME_LABEL, "")
        if not rollout:
            return
        if not job:
            self._rollout_pod(rollout, new)
        elif new is not None and new.status.phase in ("Succeeded", "Failed") and self[rollout].ended is None:
            self[rollout].ended = self._now()
            for call in self._ended:
                call(rollout)
        self._changed.set()

    def job(self, old: Job | None, new: Job | None) -> None:
        # A KeptnWorkload is named <app>-<workload>; the rollout is the workload.
        workload = new.metadata.annotations.get(wellknown.WORKLOAD, "") if new else ""
        rollout = next((name for name in self._times if workload.endswith(f"-{name}")), "")
        if new is None or not rollout:
            return
        times = self[rollout]
        if times.job is None:
            times.job, times.job_name = self._now(), new.metadata.name
        self._changed.set()

    def deployment(self, old: Deployment | None, new: Deployment | None) -> None:
        if new is None or new.metadata.name not in self._times:
            return
        times = self[new.metadata.name]
        failed = any(c.type == "Progressing" and c.status == "False" for c in new.status.conditions)
        if failed and times.rollout_failed is None:
            times.rollout_failed = self._now()
            self._changed.set()

    def _rollout_pod(self, rollout: str, new: Pod | None) -> None:
        times = self[rollout]
        if new is None:
            times.gone = self._now()
            return
        if new.spec.scheduling_gates:
            if times.pod is None:
                times.pod, times.pod_name = self._now(), new.metadata.name
                for call in self._gated:
                    call(rollout, new)
            return
        if times.pod is not None and times.opened is None:
            times.opened = self._now()
        ready = any(c.type == "Ready" and c.status == "True" for c in new.status.conditions)
        if ready and times.ready is None:
            times.ready = self._now()

    def _of_job(self, job: str) -> str:
        return next((name for name, times in self._times.items() if times.job_name == job), "")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
