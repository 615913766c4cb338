"""The way of one app from its apply to its end, by one clock: that of this process, as watch events arrive."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.api import wellknown
from app.api.app import AppVersion
from app.api.core import Deployment, Job, Pod
from app.lifecycle.phases import COMPLETED
from bench.manifests import NAME_LABEL

PRE, POST = "pre", "post"
# Of checks that are the app's own.
APP = ""
STARTING = "from the gates to all up"


@dataclass(slots=True)
class Run:
    """One check's Job: when it was seen, and when its pod had ended. Seconds of the loop's monotonic clock."""

    seen: float
    ended: float | None = None


class Course:
    """Takes the changes that informers tell of one app and its workloads, and wakes who waits for them.

    `runs` are the checks by workload (or APP) and PRE or POST; `held`, `opened` and `up` are the workloads' moments.
    """

    def __init__(self, app: str, workloads: Sequence[str]) -> None:
        self.app = app
        self.workloads = tuple(workloads)
        self.began: float | None = None
        self.ended: float | None = None
        self.runs: dict[tuple[str, str], Run] = {}
        self.pods: dict[str, str] = {}
        self.held: dict[str, float] = {}
        self.opened: dict[str, float] = {}
        self.up: dict[str, float] = {}
        self.gone: set[str] = set()
        self._jobs: dict[str, Run] = {}
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def own(self) -> float | None:
        """What the Jobs on the longest path took themselves, None as long as one of them has not ended."""
        wanted = [(each, when) for each in (APP, *self.workloads) for when in (PRE, POST)]
        took = {key: run.ended - run.seen for key, run in self.runs.items() if run.ended is not None}
        if not set(wanted) <= set(took):
            return None
        before = max(took[each, PRE] for each in (APP, *self.workloads))
        return before + max(took[each, POST] for each in self.workloads) + took[APP, POST]

    @property
    def beyond(self) -> float | None:
        """From apply to the end, without what the Jobs on the longest path took themselves."""
        own = self.own
        return None if own is None or self.began is None or self.ended is None else self.ended - self.began - own

    @property
    def between(self) -> dict[str, float]:
        """What lies between the Jobs, in seconds, by what it is; {} as long as not all of it is known."""
        if self.beyond is None or self.began is None or self.ended is None:
            return {}
        if not set(self.workloads) <= set(self.opened) & set(self.up):
            return {}
        seen = {key: run.seen for key, run in self.runs.items()}
        ended = {key: run.ended or 0.0 for key, run in self.runs.items()}
        opened, up = max(self.opened.values()), max(self.up.values())
        return {
            "from apply to the app's check": seen[APP, PRE] - self.began,
            "from the last check's end to the gates": opened - max(ended[each, PRE] for each in (APP, *self.workloads)),
            STARTING: up - opened,
            "from all up to the last check": max(seen[each, POST] for each in self.workloads) - up,
            "from its end to the app's check": seen[APP, POST] - max(ended[each, POST] for each in self.workloads),
            "from its end to Completed": self.ended - ended[APP, POST],
        }

    def has_ended(self, workload: str, when: str) -> bool:
        run = self.runs.get((workload, when))
        return run is not None and run.ended is not None

    def begin(self) -> None:
        """All is applied from now on."""
        self.began = self._now()

    def end(self) -> None:
        """Everything is done. Only the first time counts."""
        self.ended = self._now() if self.ended is None else self.ended
        self._tell()

    def on_change(self, call: Callable[[], None]) -> None:
        """Calls after each change."""
        self._listeners.append(call)

    async def wait(self, until: Callable[[], bool]) -> None:
        """Returns once `until()` is true; asked after each change."""
        while not until():
            self._changed.clear()
            await self._changed.wait()

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        pod = new or old
        if pod is None:
            return
        run = self._jobs.get(pod.metadata.labels.get(wellknown.JOB_NAME, ""))
        workload = pod.metadata.labels.get(NAME_LABEL, "")
        if run is not None:
            if new is not None and new.status.phase in ("Succeeded", "Failed") and run.ended is None:
                run.ended = self._now()
        elif workload not in self.workloads:
            return
        elif new is None:
            self.gone.add(workload)
        elif new.spec.scheduling_gates:
            self.pods[workload] = new.metadata.name
            self.held.setdefault(workload, self._now())
        elif workload in self.held:
            self.opened.setdefault(workload, self._now())
        self._tell()

    def job(self, old: Job | None, new: Job | None) -> None:
        marks = new.metadata.annotations if new else {}
        if new is None or marks.get(wellknown.APP) != self.app or new.metadata.name in self._jobs:
            return
        workload = marks.get(wellknown.WORKLOAD, "").removeprefix(f"{self.app}-")
        when = marks.get(wellknown.TASK_NAME, "").partition("-")[0]
        self._jobs[new.metadata.name] = self.runs[workload, when] = Run(self._now())
        self._tell()

    def deployment(self, old: Deployment | None, new: Deployment | None) -> None:
        if new is None or new.metadata.name not in self.workloads:
            return
        status = new.status
        seen = status.observed_generation >= new.metadata.generation
        if seen and min(status.updated_replicas, status.available_replicas) >= new.spec.replicas:
            self.up.setdefault(new.metadata.name, self._now())
            self._tell()

    def app_version(self, old: AppVersion | None, new: AppVersion | None) -> None:
        if new is not None and new.spec.app_name == self.app and new.status.current_phase == COMPLETED:
            self.end()

    def _tell(self) -> None:
        self._changed.set()
        for call in self._listeners:
            call()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
