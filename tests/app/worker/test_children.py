"""What is told of a version's phases and of what it runs in them. How its children are made: test_workloadversions."""

from dataclasses import replace

import pytest

from app.lifecycle.advance import Step, Word
from app.lifecycle.phases import WORKLOAD_PHASES, WORKLOAD_PRE_EVALUATIONS, WORKLOAD_PRE_TASKS
from app.worker.children import Children
from tests.app.worker.world import World
from tests.builders import version

pytestmark = pytest.mark.looptime

ITEM = {"definitionName": "check", "name": "pre-check-1", "status": "Progressing"}
FAILED = {**ITEM, "status": "Failed"}


async def test_what_becomes_of_each_check_is_told_between_the_beginning_and_the_end() -> None:
    heard: list[tuple[str, str]] = []
    async with World(works=False) as world:
        context = replace(world.context, notify=lambda each: heard.append((each.type, each.data["type"])))
        children = Children(context, "KeptnWorkloadVersion", WORKLOAD_PHASES)
        began = (Word(WORKLOAD_PRE_TASKS, "Started"),)
        children.tell(version("v").view, Step(fields={"preDeploymentTaskStatus": [ITEM]}, words=began))
        assert heard == [
            ("Workload Pre-Deployment Tasks.Started", "Normal"),
            ("Reconcile Task.StatusChanged", "Normal"),
        ]
        heard.clear()
        running = version("v").status(preDeploymentTaskStatus=[ITEM]).view
        ended = (Word(WORKLOAD_PRE_TASKS, "Failed"), Word(WORKLOAD_PRE_EVALUATIONS, "Started"))
        children.tell(running, Step(fields={"preDeploymentTaskStatus": [FAILED]}, words=ended))
        assert heard == [
            ("Reconcile Task.StatusChanged", "Normal"),
            ("Workload Pre-Deployment Tasks.Failed", "Warning"),
            ("Workload Pre-Deployment Evaluations.Started", "Normal"),
        ]
