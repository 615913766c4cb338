import asyncio
from typing import Any

import pytest

from app.cluster import errors, resources
from app.cluster.controller import After, Done, Outcome
from app.worker.evaluations import EvaluationReconciler
from app.worker.prometheus import AskError, Server
from app.worker.readings import Readings
from tests.app.worker.world import INSTALLATION, World, settled
from tests.builders import SHOP, Json, evaluation, evaluation_definition, version
from tests.simulation.clock import seconds, stamp

pytestmark = pytest.mark.looptime

SLO = evaluation_definition("slo").objective("errors", "<1", "sum(errors)").provider(targetServer="http://prometheus")
NEW = evaluation("post-eval-slo-1").spec(retries=3, retryInterval="5s")
KEY = (SHOP, NEW.name)


class Asked:
    """A metrics server that answers each question with the next of these, and the last one for ever."""

    def __init__(self, *answers: str, takes: float = 0.0) -> None:
        self.answers = list(answers)
        self.times: list[float] = []
        self._takes = takes
        self.most = self._now = 0

    async def __call__(self, server: Server, query: str) -> str:
        self.times.append(round(seconds(), 3))
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(self._takes)
        self._now -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer:
            return answer
        raise AskError("nobody there")


def reconciler(world: World, asked: Asked) -> EvaluationReconciler:
    return EvaluationReconciler(world.context, Readings(world.context, asked))


async def reconciled(world: World, asked: Asked) -> Outcome:
    await world.told()
    return await reconciler(world, asked)(KEY)


def status(world: World) -> Json:
    found: Json = world.api.one(resources.EVALUATIONS, NEW.name).get("status") or {}
    return found


def condition(world: World, kind: str) -> tuple[str, str, str]:
    (only,) = [each for each in status(world)["conditions"] if each["type"] == kind]
    return only["status"], only["reason"], only["message"]


class TestAttempts:
    async def test_that_succeed_at_once_are_one_write_and_the_last(self) -> None:
        asked = Asked("0")
        async with World(works=False) as world:
            world.api.put(SLO.raw)
            world.api.put(NEW.raw)
            for _ in range(3):
                assert await reconciled(world, asked) == Done()
            assert len(world.api.writes()) == 1
            assert (status(world)["overallStatus"], status(world)["retryCount"]) == ("Succeeded", 1)
            assert condition(world, "Ready")[:2] == ("True", "Succeeded")
        assert len(asked.times) == 1

    async def test_that_fail_come_again_after_the_interval(self) -> None:
        asked = Asked("5")
        async with World(works=False) as world:
            world.api.put(SLO.raw)
            world.api.put(NEW.raw)
            assert await reconciled(world, asked) == After(5.0)
            assert condition(world, "Progressing")[0] == "True"
            assert "attempt 1 of 3: errors: value '5' did not meet objective '<1'" in condition(world, "Ready")[2]
            early = await reconciled(world, asked)
            assert isinstance(early, After)
            assert 4.5 < early.seconds < 5.0
            assert len(asked.times) == 1

    async def test_that_are_used_up_are_the_end_and_said(self) -> None:
        asked = Asked("5", "", "5")
        async with World(works=False) as world:
            world.api.put(SLO.raw)
            world.api.put(NEW.raw)
            outcomes = []
            for _ in range(4):
                outcomes.append(await reconciled(world, asked))
                await asyncio.sleep(5)
            assert outcomes == [After(5.0), After(5.0), Done(), Done()]
            assert (status(world)["overallStatus"], status(world)["retryCount"]) == ("Failed", 3)
            assert condition(world, "Stalled")[:2] == ("True", "ObjectivesNotMet")
            said = {each["reason"]: each for each in world.events("KeptnEvaluation")}
        assert set(said) == {"ReconcileEvaluationFailed", "ReconcileEvaluationReconcileTimeout"}
        assert {each["type"] for each in said.values()} == {"Warning"}
        assert "errors: value '5' did not meet objective '<1'" in said["ReconcileEvaluationFailed"]["message"]
        assert len(asked.times) == 3

    async def test_go_on_at_their_time_in_a_new_worker(self) -> None:
        asked = Asked("5")
        async with World(works=False) as world:
            world.api.put(SLO.raw)
            world.api.put(NEW.raw)
            await reconciled(world, asked)
            await asyncio.sleep(3)
            await world.restart()
            left = await reconciled(world, asked)
            assert isinstance(left, After)
            assert 1.5 < left.seconds < 2.0
            await asyncio.sleep(left.seconds)
            assert await reconciled(world, asked) == After(5.0)
            assert status(world)["retryCount"] == 2
        assert len(asked.times) == 2

    async def test_of_one_that_has_changed_meanwhile_are_made_on_what_it_is_now(self) -> None:
        asked = Asked("0", takes=5)
        async with World(works=False) as world:
            world.api.put(SLO.raw)
            world.api.put(NEW.raw)
            await world.told()
            running = asyncio.create_task(reconciler(world, asked)(KEY))
            await asyncio.sleep(1)
            world.api.edit(resources.EVALUATIONS, NEW.name, {"status": {"overallStatus": "Failed"}})
            with pytest.raises(errors.Conflict, match="modified"):
                await running
            assert status(world) == {"overallStatus": "Failed"}

    async def test_ask_several_metrics_at_once_but_not_all_of_very_many(self) -> None:
        asked = Asked("0", takes=1)
        many = SLO
        for number in range(19):
            many = many.objective(f"m{number}", "<1", "up")
        async with World(works=False) as world:
            world.api.put(many.raw)
            world.api.put(NEW.raw)
            began = seconds()
            await reconciled(world, asked)
            assert seconds() - began < 4
            assert len(status(world)["evaluationStatus"]) == 20
        assert asked.most == 8

    async def test_are_not_made_of_what_is_gone(self) -> None:
        asked = Asked("0")
        async with World(works=False) as world:
            assert await reconciled(world, asked) == Done()
        assert not asked.times


class TestADefinition:
    async def test_that_is_missing_is_waited_for_without_an_attempt_and_said_once(self) -> None:
        asked = Asked("0")
        async with World(works=False) as world:
            world.api.put(NEW.raw)
            for _ in range(3):
                assert await reconciled(world, asked) == Done()
            assert (status(world)["overallStatus"], status(world)["retryCount"]) == ("Pending", 0)
            assert condition(world, "Ready")[:2] == ("False", "EvaluationDefinitionNotFound")
            assert len(world.api.writes()) == 1
            assert [each["reason"] for each in world.events("KeptnEvaluation")] == ["ReconcileEvaluationNotFound"]
            world.api.put(SLO.raw)
            await reconciled(world, asked)
            assert (status(world)["overallStatus"], status(world)["retryCount"]) == ("Succeeded", 1)
            assert condition(world, "Ready")[:2] == ("True", "Succeeded")

    async def test_may_be_the_installations(self) -> None:
        async with World(works=False) as world:
            world.api.put(SLO.in_namespace(INSTALLATION).raw)
            world.api.put(NEW.raw)
            await reconciled(world, Asked("0"))
            assert status(world)["overallStatus"] == "Succeeded"


class TestAVersionThatIsOvertaken:
    OVERTAKEN: Json = {"status": "Failed", "preDeploymentStatus": "Succeeded", "deploymentStatus": "Deprecated"}

    def owner(self, kind: str, **fields: Any) -> Json:
        own = version("owner").raw
        spec = own["spec"] if kind == "KeptnWorkloadVersion" else {"appName": "web", "version": "1.0"}
        return own | {"kind": kind, "spec": spec, "status": fields}

    @pytest.mark.parametrize("kind", ["KeptnWorkloadVersion", "KeptnAppVersion"])
    @pytest.mark.parametrize(
        ("fields", "ends"),
        [
            (OVERTAKEN, True),
            ({"status": "Deprecated"}, True),
            ({"status": "Progressing"}, False),
            ({"status": "Failed", "postDeploymentEvaluationStatus": "Failed"}, False),
        ],
    )
    async def test_ends_its_evaluations_as_failed(self, kind: str, fields: Json, ends: bool) -> None:
        asked = Asked("0")
        async with World(works=False) as world:
            owner = version("owner")
            world.api.put(self.owner(kind, **fields))
            made = NEW.owned_by(owner).raw
            made["metadata"]["ownerReferences"][0]["kind"] = kind
            world.api.put(made)
            world.api.put(SLO.raw)
            await reconciled(world, asked)
            assert status(world)["overallStatus"] == ("Failed" if ends else "Succeeded")
            if ends:
                assert condition(world, "Ready") == ("False", "Superseded", "a newer version has taken over")
            assert not world.events("KeptnEvaluation")
        assert len(asked.times) == (0 if ends else 1)

    async def test_is_not_another_of_its_name(self) -> None:
        async with World(works=False) as world:
            world.api.put(self.owner("KeptnWorkloadVersion", **self.OVERTAKEN))
            world.api.put(NEW.owned_by(version("owner").with_uid("another")).raw)
            world.api.put(SLO.raw)
            await reconciled(world, Asked("0"))
            assert status(world)["overallStatus"] == "Succeeded"


class TestInTheWorker:
    """With the wiring: what wakes an evaluation. Its metric is a KeptnMetric."""

    SLO = evaluation_definition("slo").objective("errors", "<1")

    @staticmethod
    def metric(world: World, value: str) -> None:
        spec = {"fetchIntervalSeconds": 10}
        fields = {"value": value, "rawValue": "eA==", "lastUpdated": stamp()}
        world.api.make(resources.METRICS, "errors", SHOP, spec=spec, status=fields)

    async def test_an_evaluation_made_by_hand_runs_by_itself(self) -> None:
        async with World() as world:
            self.metric(world, "5")
            world.api.put(self.SLO.raw)
            world.api.put(NEW.raw)
            await world.until(lambda: status(world).get("retryCount") == 1, within=1)
            self.metric(world, "0")
            took = await world.until(lambda: status(world)["overallStatus"] == "Succeeded", within=10)
            assert 4.5 < took < 6
            assert await settled(world) == 0

    async def test_the_definition_wakes_it(self) -> None:
        async with World() as world:
            self.metric(world, "0")
            world.api.put(NEW.raw)
            await world.until(lambda: status(world).get("overallStatus") == "Pending")
            assert await settled(world) == 0
            world.api.put(self.SLO.raw)
            await world.until(lambda: status(world)["overallStatus"] == "Succeeded", within=1)

    async def test_the_end_of_an_overtaken_version_wakes_it(self) -> None:
        async with World() as world:
            self.metric(world, "5")
            world.api.put(self.SLO.raw)
            owner = version("owner")
            world.api.put(owner.status(status="Progressing", currentPhase="WorkloadPostDeployEvaluations").raw)
            world.api.put(NEW.spec(retryInterval="1h").owned_by(owner).raw)
            await world.until(lambda: status(world).get("retryCount") == 1)
            world.api.edit(resources.WORKLOAD_VERSIONS, "owner", {"status": {"status": "Failed"}})
            took = await world.until(lambda: status(world)["overallStatus"] == "Failed")
            assert took < 1
            assert condition(world, "Ready")[1] == "Superseded"

    async def test_a_finished_one_costs_nothing_when_the_worker_starts_anew(self) -> None:
        async with World() as world:
            self.metric(world, "5")
            world.api.put(self.SLO.raw)
            world.api.put(NEW.spec(retries=1).raw)
            await world.until(lambda: status(world).get("overallStatus") == "Failed")
            self.metric(world, "0")
            await world.restart()
            world.api.put(self.SLO.changed({"metadata": {"labels": {"a": "b"}}}).raw)
            assert await settled(world) == 0
            assert status(world)["overallStatus"] == "Failed"

    @pytest.mark.parametrize("done", [True, False])
    @pytest.mark.parametrize("write", [1, 2, 3])
    async def test_a_crash_at_any_write_costs_no_attempt_and_no_verdict(self, write: int, done: bool) -> None:
        async with World() as world:
            self.metric(world, "5")
            world.api.put(self.SLO.raw)
            world.crash_at_write(write, done=done)
            world.api.put(NEW.raw)  # of three attempts
            await asyncio.wait_for(world.crashed.wait(), 60)
            assert status(world).get("retryCount", 0) == write - (not done)
            if write == 3:
                self.metric(world, "0")
            await world.recover()
            await world.until(lambda: status(world).get("overallStatus") in ("Succeeded", "Failed"))
            # The third was written as a failure, or it had never been and the metric was right by then.
            assert status(world)["overallStatus"] == ("Succeeded" if write == 3 and not done else "Failed")
            assert status(world)["retryCount"] == 3
            assert await settled(world) == 0
