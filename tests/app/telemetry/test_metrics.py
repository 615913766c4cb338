"""The page: what is counted when, what goes with its object, who speaks of the lifecycle."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.telemetry.metrics import GATES_OPENED, Led, Metrics
from tests.app.telemetry.reading import Sample, read, types, whole
from tests.builders import app, app_version, evaluation, task, version

pytestmark = pytest.mark.looptime

START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:00:07Z"
TIMES = {"startTime": START, "endTime": END}


@dataclass
class Controller:
    name: str
    outcomes: Counter[str]
    queue: list[str] = field(default_factory=list)


@dataclass
class Leader:
    leads: bool = True
    tasks: list[Task] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    controllers: list[Controller] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metrics = Metrics(lambda: self.leads)
        self.metrics.lead(Led(list, list, lambda: self.tasks, list, self.controllers, self.counts))

    async def text(self) -> bytes:
        return await whole(await self.metrics.page())

    async def read(self) -> dict[str, list[Sample]]:
        return read(await self.text())

    async def value(self, name: str) -> float:
        return sum(sample.value for sample in (await self.read()).get(name, []))


@pytest.fixture
def leader() -> Leader:
    return Leader()


def ended_app(**more: Any) -> tuple[AppVersion, AppVersion]:
    it = app_version(app("shop"))
    return it.view, it.ended(END).status(startTime=START).changed(more).view


def ended_version(status: str = "Succeeded") -> tuple[WorkloadVersion, WorkloadVersion]:
    it = version("web-web-1.0").passed()
    return it.view, it.status(status=status, deploymentStatus=status, **TIMES).view


def ended_task(status: str = "Succeeded", name: str = "pre-check") -> tuple[Task, Task]:
    it = task(name).status("Progressing")
    return it.view, it.status(status, **TIMES).view


def ended_evaluation() -> tuple[Evaluation, Evaluation]:
    it = evaluation("pre-eval-slo").status("Progressing")
    return it.view, it.status("Succeeded", **TIMES).view


async def test_each_kind_is_counted_and_timed_under_keptns_names(leader: Leader) -> None:
    metrics = leader.metrics
    metrics.app_version(*ended_app())
    metrics.version(*ended_version())
    metrics.task(*ended_task())
    metrics.evaluation(*ended_evaluation())
    text = await leader.text()
    names = types(text)
    found = read(text)
    for kind in ("app", "deployment", "task", "evaluation"):
        assert names[f"keptn_{kind}_count_total"] == "counter"
        assert names[f"keptn_{kind}_duration_seconds"] == "histogram"
        assert [sample.value for sample in found[f"keptn_{kind}_count_total"]] == [1]
        assert [sample.value for sample in found[f"keptn_{kind}_duration_seconds_sum"]] == [7]
    assert found["keptn_lifecycle_active_total"] == [({}, 1)]
    assert names["keptn_lifecycle_active_total"] == "counter"


async def test_what_had_ended_before_is_not_counted(leader: Leader) -> None:
    metrics = leader.metrics
    metrics.app_version(None, ended_app()[1])
    metrics.version(None, ended_version()[1])
    metrics.task(None, ended_task()[1])
    metrics.evaluation(None, ended_evaluation()[1])
    assert not [name for name in await leader.read() if "_count" in name]


async def test_an_end_is_counted_once_however_often_its_object_changes(leader: Leader) -> None:
    old, new = ended_task("Failed")
    leader.metrics.task(None, old)
    leader.metrics.task(old, old)
    leader.metrics.task(old, new)
    leader.metrics.task(new, new)
    assert await leader.value("keptn_task_count_total") == 1


async def test_the_next_leader_begins_at_nothing_and_counts_only_what_is_new(leader: Leader) -> None:
    old, new = ended_task()
    leader.metrics.task(old, new)
    successor = Leader()
    successor.metrics.task(None, new)
    successor.metrics.task(new, new)
    assert await successor.value("keptn_task_count_total") == 0
    successor.metrics.task(*ended_task(name="pre-other"))
    assert await successor.value("keptn_task_count_total") == 1


async def test_only_a_success_is_timed_of_versions_and_any_end_of_tasks(leader: Leader) -> None:
    leader.metrics.version(*ended_version("Failed"))
    leader.metrics.task(*ended_task("Failed"))
    found = await leader.read()
    assert "keptn_deployment_duration_seconds_count" not in found
    assert found["keptn_deployment_count_total"][0].labels["keptn_deployment_workload_status"] == "Failed"
    assert found["keptn_task_duration_seconds_count"][0].value == 1


async def test_an_app_version_that_ended_is_not_counted_again_when_it_is_deprecated(leader: Leader) -> None:
    old, new = ended_app()
    leader.metrics.app_version(old, new)
    over = new.model_copy(update={"status": new.status.model_copy(update={"status": "Deprecated"})})
    leader.metrics.app_version(new, over)
    found = (await leader.read())["keptn_app_count_total"]
    assert [(sample.labels["keptn_deployment_app_status"], sample.value) for sample in found] == [("Succeeded", 1)]
    leader.metrics.app_version(over, None)
    assert "keptn_app_count_total" not in await leader.read()


@pytest.mark.parametrize(
    ("tasks", "status", "counted"), [(["tell"], "Succeeded", 1), ([], "Succeeded", 0), (["tell"], "Pending", 0)]
)
async def test_promotions_are_counted_where_there_are_any(
    leader: Leader, tasks: list[str], status: str, counted: int
) -> None:
    leader.metrics.app_version(*ended_app(spec={"promotionTasks": tasks}, status={"promotionStatus": status}))
    assert await leader.value("keptn_promotion_count_total") == counted


async def test_series_go_with_their_objects(leader: Leader) -> None:
    metrics = leader.metrics
    app_before, app_after = ended_app(spec={"promotionTasks": ["tell"]}, status={"promotionStatus": "Succeeded"})
    version_before, version_after = ended_version()
    task_before, task_after = ended_task()
    evaluation_before, evaluation_after = ended_evaluation()
    metrics.app_version(app_before, app_after)
    metrics.version(version_before, version_after)
    metrics.task(task_before, task_after)
    metrics.evaluation(evaluation_before, evaluation_after)
    leader.tasks.append(task_after)
    assert len({name for name in await leader.read() if name.startswith("keptn_")}) == 5 + 4 * 3 + 2
    metrics.app_version(app_after, None)
    metrics.version(version_after, None)
    metrics.task(task_after, None)
    metrics.evaluation(evaluation_after, None)
    leader.tasks.clear()
    assert [name for name in await leader.read() if name.startswith("keptn_")] == ["keptn_lifecycle_active_total"]


async def test_who_does_not_lead_says_only_that(leader: Leader) -> None:
    leader.metrics.task(*ended_task())
    leader.leads = False
    found = await leader.read()
    assert found["holdfast_leader"] == [({}, 0)]
    assert not [name for name in found if not name.startswith(("process_", "holdfast_leader", "keptn_lifecycle"))]
    standby = Metrics(lambda: False)
    assert b"holdfast_leader 0" in await whole(await standby.page())


async def test_holdfasts_own(leader: Leader) -> None:
    leader.counts[GATES_OPENED] = 4
    leader.controllers.append(Controller("tasks", Counter(failed=2, done=9), ["a", "b", "c"]))
    text = await leader.text()
    found = read(text)
    assert found["holdfast_leader"] == [({}, 1)]
    assert found["holdfast_gates_opened_total"] == [({}, 4)]
    assert found["holdfast_queue_depth"] == [({"controller": "tasks"}, 3)]
    outcomes = {s.labels["outcome"]: s.value for s in found["holdfast_reconciles_total"]}
    assert outcomes == {"done": 9, "failed": 2}
    assert types(text)["holdfast_reconciles_total"] == "counter"


async def test_one_page_is_made_at_a_time_and_one_that_is_given_up_lets_the_next_begin(leader: Leader) -> None:
    first, second = (await leader.metrics.page()).parts(), (await leader.metrics.page()).parts()
    await anext(first)
    waiting = asyncio.ensure_future(anext(second))
    await asyncio.sleep(60)
    assert not waiting.done()
    await first.aclose()
    assert (await waiting).startswith(b"# HELP")
    await second.aclose()


async def test_others_get_their_turn_while_a_long_page_is_made(leader: Leader) -> None:
    for number in range(1000):
        leader.metrics.task(*ended_task(name=f"pre-{number}"))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    text = await leader.text()
    other.cancel()
    assert turns > 50
    assert len(read(text)["keptn_task_count_total"]) == 1000


async def test_an_object_that_goes_while_the_page_is_made_harms_nothing(leader: Leader) -> None:
    ended = [ended_task(name=f"pre-{number}") for number in range(500)]
    for old, new in ended:
        leader.metrics.task(old, new)
    making = (await leader.metrics.page()).parts()
    text = b""
    while b"keptn_task_duration_seconds_bucket" not in text:
        text += await anext(making)
    for _, new in ended:
        leader.metrics.task(new, None)
    text += b"".join([part async for part in making])
    assert len(read(text)["keptn_task_count_total"]) == 500
    assert "keptn_task_count_total" not in await leader.read()
