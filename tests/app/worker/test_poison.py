"""F16: objects that cannot be worked on, in whole rollouts."""

from typing import Any

import pytest

from app.api.task import Task
from app.cluster import errors
from app.lifecycle import jobs
from tests.app.worker.world import World, settled
from tests.fakes.api import Call

pytestmark = pytest.mark.looptime


class TestAPoisonObject:
    """F16: what Holdfast cannot work on says so, and nothing else is held up by it."""

    async def test_is_told_of_once_and_others_go_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        good = jobs.build

        def build(task: Task, *arguments: Any, **more: Any) -> Any:
            if task.spec.task_definition == "poison":
                raise RuntimeError("the password is hunter2")
            return good(task, *arguments, **more)

        monkeypatch.setattr(jobs, "build", build)
        async with World() as world:
            world.define()
            world.define("poison")
            world.deploy("shop", "poison")
            world.deploy("web", "check")
            await world.until(lambda: world.is_open("web-1-0"), within=2.0)
            await settled(world, 3600.0)
            (event,) = world.events("KeptnTask")
            assert (event["reason"], event["type"], event["count"]) == ("ReconcileFailed", "Warning", 1)
            assert (
                "cannot be worked on: an error inside Holdfast, RuntimeError. It has failed 5 times" in event["message"]
            )
            assert "kubectl -n keptn-system logs deployment/lifecycle-operator" in event["message"]
            assert "hunter2" not in event["message"]
            assert world.held() == ["shop-1-0"]
            monkeypatch.undo()
            await world.until(world.is_open, within=62.0)

    async def test_is_told_of_in_keptns_words_too_if_it_is_a_version(self) -> None:
        def refuse(call: Call) -> None:
            if call.resource == "keptnworkloadversions" and call.verb == "patch" and begun:
                raise errors.Invalid(422, "Invalid", "status: not so")

        begun: list[bool] = []
        async with World() as world:
            world.define()
            world.kubelet.seconds = 10
            world.api.before = refuse
            world.deploy()
            await world.until(lambda: "Progressing" in world.versions().values())
            begun.append(True)
            await settled(world, 600.0)
            events = {event["reason"]: event for event in world.events("KeptnWorkloadVersion")}
            assert events["ReconcileFailed"]["count"] == 1
            told = events["WorkloadPreDeployTasksReconcileError"]
            assert (told["type"], told["count"]) == ("Warning", 1)
            assert told["message"].startswith("Workload Pre-Deployment Tasks: could not get reconciled / Namespace")

    async def test_is_told_of_on_the_workload_if_it_is_a_revision(self) -> None:
        def refuse(call: Call) -> None:
            if str(call) == "create keptnworkloads":
                raise errors.Invalid(422, "Invalid", "metadata.name: too long")

        async with World() as world:
            world.define()
            world.api.before = refuse
            world.deploy()
            await settled(world, 600.0)
            (event,) = world.events("ReplicaSet")
            assert (event["involvedObject"]["name"], event["reason"]) == ("web-1", "ReconcileFailed")
            assert "ReplicaSet web-1 cannot be worked on: 422 Invalid: metadata.name: too long" in event["message"]
