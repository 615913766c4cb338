import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app.cluster import errors, resources
from tests.simulation import world
from tests.simulation.acts.rehearsal import PLAN, WEB, Look, play, texts
from tests.simulation.acts.users import Release
from tests.simulation.apiserver.admission import Asked
from tests.simulation.manifests import OFFICE, SHOP
from tests.simulation.world import World

ROOT = Path(__file__).parents[2]
SEEDS = (3, 8, 13)
PRINT = "from tests.simulation import world\nfor seed in {seeds}: print(world.run(seed).digest)"


def test_a_plain_rollout_opens_its_gates_after_one_job() -> None:
    result = play()
    assert (result.counts["rollouts"], result.counts["jobs"], result.counts["gates_opened"]) == (1, 1, 2)
    assert (result.counts["duplicate_jobs"], result.counts["false_openings"], result.counts["stuck_gates"]) == (0, 0, 0)


def test_the_same_seed_is_the_same_run_in_another_process() -> None:
    command = [sys.executable, "-c", PRINT.format(seeds=SEEDS)]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    runs = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (run.communicate(timeout=60)[0].split() for run in runs)
    assert first == second
    assert len(set(first)) == len(SEEDS)


def test_a_log_changes_nothing() -> None:
    assert world.play(PLAN, keep_log=True).digest == world.play(PLAN).digest


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_pods_without_keys_are_not_held(kind: str) -> None:
    result = play(workloads=(replace(WEB, kind=kind, managed=False),))
    assert (result.counts["jobs"], result.counts["gates_opened"]) == (0, 0)


def test_a_version_may_be_left_out() -> None:
    result = play((2.0, Release(1)), workloads=(replace(WEB, labelled=False),))
    assert result.counts["jobs"] == 2


def test_who_did_not_opt_in_starts_without_a_webhook() -> None:
    def elsewhere(world: World) -> list[str]:
        return [pod["spec"].get("nodeName", "") for pod in world.server.list(resources.PODS, OFFICE)]

    look = Look(elsewhere)
    play((1.0, _KillWebhook()), (1.5, look), bystander=True)
    assert look.seen == [["node-1", "node-1"]]


def test_a_check_that_is_not_asked_for_any_more_is_not_run() -> None:
    def asked(world: World) -> list[str]:
        template = world.server.get(resources.DEPLOYMENTS, "web", SHOP)["spec"]["template"]
        return sorted(template["metadata"]["annotations"])

    look = Look(asked)
    play((2.0, _AskForNothing()), (2.1, look))
    assert look.seen == [["keptn.sh/version", "keptn.sh/workload", "team"]]


def test_what_a_finding_says_is_told_once_and_at_once() -> None:
    heard: list[str] = []
    result = world.play(replace(PLAN, acts=((1.0, _Find()), (2.0, _Find()))), tell=heard.append)
    assert result.findings == ("I1: something",)
    assert heard == ["I1: something"]


def test_a_gate_that_stays_for_ever_is_stuck() -> None:
    result = world.play(replace(PLAN, acts=((0.2, _RefuseForEver()),)))
    assert result.counts["stuck_gates"] == 2
    assert any(text.startswith("I3: pod web-") for text in result.findings)


def test_what_people_forgot_they_make_in_the_end() -> None:
    result = play(late=("check",))
    assert "from here on nothing goes wrong any more" in texts(result, "cluster")
    assert result.counts["gates_opened"] == 2


@dataclass(frozen=True)
class _Find:
    async def do(self, world: World) -> str:
        world.finding("I1", "something")
        return ""


@dataclass(frozen=True)
class _AskForNothing:
    async def do(self, world: World) -> str:
        await world.apply(WEB.with_template(replace(WEB.template, checks=())))
        return ""


@dataclass(frozen=True)
class _KillWebhook:
    async def do(self, world: World) -> str:
        world.webhooks[0].crash()
        return ""


@dataclass(frozen=True)
class _RefuseForEver:
    """Nobody opens a gate any more, and nobody can say why."""

    async def do(self, world: World) -> str:
        def policy(asked: Asked) -> None:
            if asked.resource == resources.PODS and asked.operation == "UPDATE" and asked.by.startswith("worker"):
                raise errors.Forbidden(403, "Forbidden", f"not in namespace {SHOP}")

        world.server.policies.append(policy)
        return ""
