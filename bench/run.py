"""One measurement from beginning to end."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.cluster import resources
from app.cluster.api import Api
from bench import accounting, apps, figures, manifests, memory, prometheus, rollouts, writes
from bench.floor import Floor
from bench.manifests import APPS, APPS_PLAIN, FAILING, OPTED_IN, PASSING, PLAIN
from bench.rollouts import Rollouts
from bench.server import Server
from bench.stopwatch import Stopwatch, Times

AT_ONCE = 10
_FAILURES = 3
# Of which the writes are counted. They hardly vary, so a few are enough.
_COUNTED = 3
_NAMESPACES = (OPTED_IN, PLAIN, APPS, APPS_PLAIN)
_WEBHOOK = "mpod.keptn.sh"
_HISTOGRAM = "apiserver_admission_webhook_admission_duration_seconds"


@dataclass(frozen=True, slots=True)
class Options:
    rollouts: int
    rounds: int
    apps: int
    installation: str


class Run:
    """Measures everything once. `say` is told what goes on."""

    def __init__(self, api: Api, server: Server, options: Options, say: Callable[[str], None]) -> None:
        self._api = api
        self._server = server
        self._options = options
        self._say = say
        self._series: defaultdict[str, list[float]] = defaultdict(list)

    async def measure(self) -> figures.Measured:
        """Raises ApiError, ServerError, or TimeoutError if a rollout does not get done."""
        idle = memory.measure()
        await rollouts.remove(self._api, _NAMESPACES)
        await self._prepare()
        accounted = await accounting.begin(self._api, self._options.installation, OPTED_IN, self._server.metrics)
        try:
            async with rollouts.timed(self._api, OPTED_IN) as held, rollouts.timed(self._api, PLAIN) as plain:
                before = await self._server.metrics()
                measured = await self._all(held, plain)
                after = await self._server.metrics()
        finally:
            await accounting.end(self._api)
            await rollouts.remove(self._api, _NAMESPACES)
        measured.idle = idle
        measured.afterwards = memory.measure()
        measured.admissions = _admission(after, "count") - _admission(before, "count")
        measured.admission_seconds = _admission(after, "sum") - _admission(before, "sum")
        measured.counted = measured.counted if accounted else None
        return measured

    async def _prepare(self) -> None:
        for name in _NAMESPACES:
            opted_in = name in (OPTED_IN, APPS)
            await self._api.create(resources.NAMESPACES, manifests.namespace(name, opted_in=opted_in))
        for name, namespace in ((PASSING, OPTED_IN), (FAILING, OPTED_IN), (PASSING, APPS)):
            await self._api.create(resources.TASK_DEFINITIONS, manifests.definition(name), namespace)
        await asyncio.sleep(1)  # the service accounts of new namespaces take a moment

    async def _all(self, held: Stopwatch, plain: Stopwatch) -> figures.Measured:
        ours = Rollouts(self._api, OPTED_IN, held)
        theirs = Rollouts(self._api, PLAIN, plain)
        self._say("one rollout to warm up, and to learn the Job that the floor copies")
        original = await self._warm_up(ours, held)
        async with asyncio.TaskGroup() as group:
            floor = Floor(self._api, plain, original, group)
            await theirs.run(["warm-floor"])
            begun = floor.writes
            for number in range(self._options.rollouts):
                self._add(figures.ONE, await ours.run([f"one-{number:02}"], check=PASSING))
                self._add(figures.FLOOR_ONE, await theirs.run([f"bare-{number:02}"]))
                self._add(figures.APP, await ours.run([f"app-{number:02}"], check=PASSING, app="bench"))
                self._say(f"{number + 1} of {self._options.rollouts}: {self._latest()}")
            floor_writes = (floor.writes - begun) / self._options.rollouts
            for number in range(self._options.rounds):
                names = [f"{number}-{place}" for place in range(AT_ONCE)]
                self._add(figures.MANY, await ours.run([f"many-{name}" for name in names], check=PASSING))
                self._add(figures.FLOOR_MANY, await theirs.run([f"bare-{name}" for name in names]))
                self._say(f"{AT_ONCE} at once, round {number + 1} of {self._options.rounds}")
            for number in range(_FAILURES):
                times = await ours.run_failing(f"failing-{number}", FAILING)
                self._series[figures.FAILED] += [] if times.until_failed is None else [times.until_failed]
            self._say(f"{_FAILURES} rollouts whose check fails")
        counted = await self._count(held)
        await self._apps(original)
        return figures.Measured(
            dict(self._series),
            own_admissions=held.pods + apps.WORKLOADS * self._options.apps,
            counted=counted,
            floor_writes=floor_writes,
        )

    async def _count(self, held: Stopwatch) -> writes.Counted:
        counted = writes.Counted()
        for number in range(_COUNTED):
            name = f"counted-{number}"
            counted = counted.plus(await writes.count(self._api, OPTED_IN, held, self._server.metrics, name, PASSING))
        self._say(f"{_COUNTED} rollouts whose writes are counted")
        return counted

    async def _apps(self, original: dict[str, Any]) -> None:
        for number in range(self._options.apps):
            for name, course in (
                (figures.APPS, await apps.held(self._api, APPS, f"shop-{number}", PASSING)),
                (figures.FLOOR_APPS, await apps.scripted(self._api, APPS_PLAIN, f"bare-{number}", original)),
            ):
                for what, took in ((name, course.beyond), (f"{name}, Jobs", course.own)):
                    self._series[what] += [] if took is None else [took]
                for what, value in course.between.items():
                    self._series[f"{name}, {what}"].append(value)
            latest = ", ".join(f"{name} {self._series[name][-1]:.2f} s" for name in (figures.APPS, figures.FLOOR_APPS))
            self._say(f"app {number + 1} of {self._options.apps}: {latest} beyond the Jobs' own times")

    async def _warm_up(self, ours: Rollouts, held: Stopwatch) -> dict[str, Any]:
        """A Job as Holdfast makes it, read while its rollout is still there."""
        original: dict[str, Any] = {}

        async def read() -> None:
            await held.wait(lambda: held["warm-up"].job is not None)
            original.update(await self._api.get(resources.JOBS, held["warm-up"].job_name, OPTED_IN))

        await asyncio.gather(read(), ours.run(["warm-up"], check=PASSING))
        return original

    def _add(self, name: str, times: list[Times]) -> None:
        for one in times:
            if one.before is not None and one.after is not None:
                self._series[name].append(one.before + one.after)
                self._series[f"{name}, before the Job"].append(one.before)
                self._series[f"{name}, after its end"].append(one.after)

    def _latest(self) -> str:
        names = (figures.ONE, figures.FLOOR_ONE, figures.APP)
        return ", ".join(f"{name} {self._series[name][-1]:.3f} s" for name in names)


def _admission(page: str, part: str) -> float:
    return prometheus.total(page, f"{_HISTOGRAM}_{part}", name=_WEBHOOK, operation="CREATE")
