"""Whole rollouts as operators see them: one trace, every figure once, across restarts of the worker."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import traces
from app.lifecycle.spans import Span
from app.telemetry.metrics import GATES_OPENED, Metrics
from app.telemetry.tracing import Tracing
from app.worker.observing import Observing
from tests.app.telemetry.reading import Sample, read, whole
from tests.app.worker.world import INSTALLATION, World
from tests.builders import SHOP, evaluation, task, version

pytestmark = pytest.mark.looptime

LINK = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
COLLECTOR = "collector:4317"


class Watched:
    """A world with a collector, and with whoever observes the worker that leads now."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.spans: list[Span] = []
        self._running: list[asyncio.Task[None]] = []
        self.observe()

    def observe(self) -> None:
        self.metrics, self.tracing = Metrics(lambda: True), Tracing(self._connect)
        Observing(self.world.context, self.metrics, self.tracing).begin(self.world.wiring.controllers())
        self._running.append(asyncio.create_task(self.tracing.run()))

    async def _connect(self, target: str) -> "Watched":
        return self

    async def send(self, spans: Sequence[Span], seconds: float) -> str:
        self.spans.extend(spans)
        return ""

    async def close(self) -> None:
        """Nothing to close."""

    async def end(self) -> None:
        for running in self._running:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        self._running.clear()

    async def restart(self) -> None:
        """The worker ends, and another one leads."""
        await self.end()
        await self.world.restart()
        self.observe()

    async def all_spans(self) -> dict[str, Span]:
        await asyncio.sleep(3)
        assert len({span.context for span in self.spans}) == len(self.spans), "a span was told twice"
        return {span.name: span for span in self.spans}

    async def figures(self) -> dict[str, list[Sample]]:
        return read(await whole(await self.metrics.page()))

    def configure(self, target: str = COLLECTOR) -> None:
        meta = {"name": "keptn", "namespace": INSTALLATION}
        spec = {"OTelCollectorUrl": target}
        kind = {"kind": "KeptnConfig", "apiVersion": "options.keptn.sh/v1alpha1"}
        self.world.api.put({**kind, "metadata": meta, "spec": spec})

    def context(self, **spec: Any) -> None:
        meta = {"name": "web", "namespace": SHOP}
        self.world.api.put(
            {"kind": "KeptnAppContext", "apiVersion": wellknown.API_VERSION, "metadata": meta, "spec": spec}
        )

    def app_version(self) -> Json:
        (only,) = self.world.api.all(resources.APP_VERSIONS)
        return only

    def version(self) -> Json:
        (only,) = self.world.api.all(resources.WORKLOAD_VERSIONS)
        return only

    async def completed(self) -> None:
        await self.world.until(lambda: bool(self.world.api.all(resources.DEPLOYMENTS)) and self.world.is_open())
        self.world.is_up("web")
        await self.world.until(lambda: list(self.world.app_versions().values()) == ["Succeeded"], within=200)
        await asyncio.sleep(3)


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    async with World() as world:
        it = Watched(world)
        world.define()
        world.define("tell")
        try:
            yield it
        finally:
            await it.end()


PHASES = {
    "AppPreDeployTasks",
    "AppPreDeployEvaluations",
    "AppDeploy",
    "AppPostDeployTasks",
    "AppPostDeployEvaluations",
    "web-web/WorkloadPreDeployTasks",
    "web-web/WorkloadPreDeployEvaluations",
    "web-web/WorkloadDeploy",
    "web-web/WorkloadPostDeployTasks",
    "web-web/WorkloadPostDeployEvaluations",
}


def traceparents(it: Watched) -> dict[str, str]:
    """What each task was told, by the kind of its version and its definition."""
    contexts = {each["spec"]["taskDefinition"]: each["spec"]["context"] for each in it.world.tasks()}
    return {f"{told['objectType']}/{name}": told["metadata"]["traceparent"] for name, told in contexts.items()}


async def test_a_rollout_is_one_trace_from_the_first_check_to_the_apps_end() -> None:
    async with watched() as it:
        it.configure()
        it.context(preDeploymentTasks=["tell"], postDeploymentTasks=["tell"], metadata={"team": "shop"})
        it.world.deploy()
        await it.completed()
        found = await it.all_spans()
        root, workload = it.app_version()["metadata"]["name"], it.version()["metadata"]["name"]
        tasks = {each["metadata"]["name"] for each in it.world.tasks()}
        assert len(tasks) == 3
        assert found.keys() == PHASES | tasks | {root, workload}
        assert len({span.context.trace_id for span in found.values()}) == 1
        assert not any(span.failed or span.links for span in found.values())

        by_id = {span.context.span_id: span for span in found.values()}
        above = {name: by_id[span.parent].name for name, span in found.items() if span.parent}
        assert set(found) - set(above) == {root}
        assert above[workload] == "AppDeploy"
        for phase in PHASES:
            assert above[phase] == (workload if "/" in phase else root)
        assert {above[name] for name in tasks} == {
            "AppPreDeployTasks",
            "AppPostDeployTasks",
            "web-web/WorkloadPreDeployTasks",
        }
        assert found["AppDeploy"].attributes["team"] == "shop"


async def test_what_a_check_is_told_is_the_span_of_its_phase_and_stands_in_the_status() -> None:
    async with watched() as it:
        it.configure()
        it.context(preDeploymentTasks=["tell"])
        it.world.deploy()
        await it.completed()
        found = await it.all_spans()
        told = traceparents(it)
        noted, noted_by_app = it.version()["status"]["phaseTraceIDs"], it.app_version()["status"]["phaseTraceIDs"]
        assert told == {
            "Workload/check": noted["WorkloadPreDeployTasks"]["traceparent"],
            "App/tell": noted_by_app["AppPreDeployTasks"]["traceparent"],
        }
        for name, carrier in {**noted_by_app, **{f"web-web/{name}": each for name, each in noted.items()}}.items():
            assert traces.extract(carrier) == found[name].context
        assert it.version()["spec"]["traceId"] == noted_by_app["AppDeploy"]
        job = it.world.api.all(resources.JOBS)[0]
        env = {each["name"]: each["value"] for each in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        assert any(traceparent in env["KEPTN_CONTEXT"] for traceparent in told.values())


@pytest.mark.parametrize("after", [0.2, 2.0, 8.0])
async def test_a_restart_in_mid_rollout_breaks_no_trace_and_tells_nothing_twice(after: float) -> None:
    async with watched() as it:
        it.configure()
        it.world.kubelet.seconds = 5.0
        it.context(preDeploymentTasks=["tell"])
        it.world.deploy()
        await asyncio.sleep(after)
        await it.restart()
        await it.completed()
        found = await it.all_spans()
        names = {it.app_version()["metadata"]["name"], it.version()["metadata"]["name"]}
        assert found.keys() == PHASES | names | {each["metadata"]["name"] for each in it.world.tasks()}
        assert len({span.context.trace_id for span in found.values()}) == 1
        by_id = {span.context.span_id for span in found.values()}
        assert {span.parent for span in found.values()} <= by_id | {""}


async def test_the_next_rollout_is_another_trace() -> None:
    async with watched() as it:
        it.configure()
        it.world.deploy()
        await it.completed()
        first = {span.context.trace_id for span in (await it.all_spans()).values()}
        it.spans.clear()
        it.world.deploy(version="2.0", image="web:2", revision=2)
        await it.world.until(lambda: it.world.is_open("web-2-0"))
        it.world.is_up("web")
        await it.world.until(lambda: list(it.world.app_versions().values()) == ["Succeeded"] * 2, within=200)
        second = {span.context.trace_id for span in (await it.all_spans()).values()}
        assert len(first) == len(second) == 1
        assert first != second


async def test_an_app_links_to_what_its_context_names_and_says_what_it_cannot_link_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with watched() as it:
        it.configure()
        it.context(spanLinks=[LINK, "my trace"])
        it.world.deploy()
        await it.completed()
        found = await it.all_spans()
        assert found[it.app_version()["metadata"]["name"]].links == (traces.parse(LINK),)
        (told,) = [each for each in it.world.events("KeptnAppVersion") if each["reason"] == "SpanLinkIgnored"]
        assert told["message"].startswith("spec.spanLinks of KeptnAppContext web has 'my trace', which is not a W3C")
        assert [record.levelno for record in caplog.records if "span link" in record.getMessage()] == [logging.WARNING]


async def test_without_a_collector_there_is_no_trace_anywhere() -> None:
    async with watched() as it:
        it.context(spanLinks=["my trace"])
        it.world.deploy()
        await it.completed()
        assert await it.all_spans() == {}
        for each in (it.version(), it.app_version()):
            assert not each["status"].get("phaseTraceIDs")
            assert not each["spec"].get("traceId")
        assert all("metadata" not in each["spec"]["context"] for each in it.world.tasks())
        assert not [each for each in it.world.events("KeptnAppVersion") if each["reason"] == "SpanLinkIgnored"]


async def test_a_collector_that_is_set_in_mid_rollout_gets_what_ends_from_then_on() -> None:
    async with watched() as it:
        it.world.kubelet.seconds = 5.0
        it.world.deploy()
        await asyncio.sleep(1)
        it.configure()
        await it.completed()
        found = await it.all_spans()
        assert it.version()["metadata"]["name"] in found
        assert len({span.context.trace_id for span in found.values()}) == 1
        it.world.api.remove(resources.CONFIGS, "keptn", INSTALLATION)
        await asyncio.sleep(1)
        assert not it.tracing.on


async def test_every_figure_of_a_rollout_once_and_gone_with_its_objects() -> None:
    async with watched() as it:
        it.world.deploy(replicas=3)
        await it.completed()
        found = await it.figures()
        for kind in ("app", "deployment", "task"):
            assert [sample.value for sample in found[f"keptn_{kind}_count_total"]] == [1], kind
            assert [sample.value for sample in found[f"keptn_{kind}_active"]] == [0], kind
        assert len(found["keptn_deployment_deploymentduration"]) == 1
        assert it.world.context.counts[GATES_OPENED] == 3
        assert found["holdfast_gates_opened_total"] == [Sample({}, 3)]
        assert {sample.labels["controller"] for sample in found["holdfast_reconciles_total"]} >= {"tasks", "revisions"}
        kinds = (
            resources.WORKLOADS,
            resources.APPS,
            resources.APP_VERSIONS,
            resources.WORKLOAD_VERSIONS,
            resources.TASKS,
        )
        for resource in kinds:
            for each in it.world.api.all(resource):
                it.world.api.remove(resource, each["metadata"]["name"])
        await it.world.told()
        left = [name for name in await it.figures() if name.startswith("keptn_")]
        assert left == ["keptn_lifecycle_active_total"]


async def test_a_restart_counts_nothing_again() -> None:
    async with watched() as it:
        it.world.deploy()
        await it.completed()
        await it.restart()
        found = await it.figures()
        assert not [name for name in found if name.endswith("_count_total")]
        assert [sample.value for sample in found["keptn_task_active"]] == [0]


async def test_an_evaluation_is_under_the_phase_of_its_version() -> None:
    async with watched() as it:
        it.configure()
        noted = {"WorkloadPreDeployEvaluations": {"traceparent": LINK}}
        owner = version("web-web-1.0").status(phaseTraceIDs=noted, appContextMetadata={"team": "shop"})
        made = owner.raw
        uid = it.world.api.put(made)["metadata"]["uid"]
        under_way = evaluation("pre-eval-slo").spec(checkType="pre-eval").owned_by(owner.with_uid(uid))
        it.world.api.put(under_way.status("Progressing").raw)
        lost = evaluation("pre-eval-lost").spec(checkType="pre-eval").owned_by(owner.with_uid("gone"))
        it.world.api.put(lost.status("Progressing").raw)
        await it.world.told()
        for name in ("pre-eval-slo", "pre-eval-lost"):
            ended = {"status": {"overallStatus": "Succeeded", "endTime": "2026-01-01T00:00:09Z"}}
            it.world.api.edit(resources.EVALUATIONS, name, ended)
        await it.world.told()
        span = (await it.all_spans())["pre-eval-slo"]
        assert (span.context.trace_id, span.parent) == tuple(LINK.split("-")[1:3])
        assert span.attributes["team"] == "shop"
        assert "pre-eval-lost" not in await it.all_spans()
        (counted,) = [
            sample
            for sample in (await it.figures())["keptn_evaluation_count_total"]
            if sample.labels["keptn_deployment_evaluation_name"] == "pre-eval-slo"
        ]
        assert counted.value == 1


async def test_a_manual_task_is_in_the_trace_that_it_is_given() -> None:
    async with watched() as it:
        it.configure()
        it.world.api.put(task("by-hand").spec(context={"metadata": {"traceparent": LINK}}).raw)
        it.world.api.put(task("untold").raw)
        await it.world.until(
            lambda: all(each.get("status", {}).get("status") == "Succeeded" for each in it.world.tasks())
        )
        found = await it.all_spans()
        assert found.keys() == {"by-hand"}
        assert found["by-hand"].parent == "b7ad6b7169203331"


async def test_a_namesake_that_has_ended_already_is_not_what_was_under_way() -> None:
    async with watched() as it:
        it.configure()
        told = task("by-hand").spec(context={"metadata": {"traceparent": LINK}})
        under_way = it.world.api.put(told.status("Progressing", jobName="elsewhere").raw)
        await it.world.told()
        version = str(int(under_way["metadata"]["resourceVersion"]) + 1000)
        namesake = told.with_uid("another").status("Failed").changed({"metadata": {"resourceVersion": version}})
        it.world.context.caches.tasks.observe(namesake.raw)
        assert it.world.context.caches.tasks.get(SHOP, "by-hand") == namesake.view
        assert await it.all_spans() == {}
        assert "keptn_task_count_total" not in await it.figures()
