from typing import Any

import pytest

from app.cluster.api import Json
from tests.simulation.rules.staged import Stage
from tests.simulation.rules.uptruth import is_up

pytestmark = pytest.mark.looptime
WEB = ("Deployment", "shop", "web")
UP = {"observedGeneration": 9, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
ONE, TWO = {"shop/web:1": None}, {"shop/web:2": None}


@pytest.mark.parametrize(
    ("kind", "status", "up"),
    [
        ("Deployment", UP, True),
        ("Deployment", UP | {"replicas": 2}, False),
        ("Deployment", UP | {"updatedReplicas": 0}, False),
        ("Deployment", UP | {"observedGeneration": 0}, False),
        ("ReplicaSet", {"observedGeneration": 1, "replicas": 1, "availableReplicas": 1}, True),
        ("DaemonSet", {"observedGeneration": 1, "desiredNumberScheduled": 2, "numberAvailable": 2}, False),
    ],
)
def test_up_is_all_of_one_content_and_nothing_else(kind: str, status: Json, up: bool) -> None:
    body: dict[str, Any] = {"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": status}
    assert is_up(kind, body) is up


async def test_a_workload_was_up_with_its_content_only() -> None:
    stage = Stage()
    await stage.open_shop()
    deployment, _ = await stage.deploy()
    arrived = stage.truth.arrived
    assert not arrived.was_up(*WEB, ONE, 0.0)
    await stage.say(deployment, by="deployment-controller", **UP)
    assert arrived.was_up(*WEB, ONE, 0.0)
    assert arrived.was_up(*WEB, ONE, 5.0), "it still is"
    assert not arrived.was_up(*WEB, TWO, 0.0)


async def test_what_was_asked_for_before_is_not_another_content() -> None:
    stage = Stage()
    await stage.open_shop()
    deployment, _ = await stage.deploy()
    wanted = stage.truth.arrived.wanted_other
    assert not wanted(*WEB, ONE, 0.0, 0.0)
    assert wanted(*WEB, TWO, 0.0, 0.0)
    marks = {"annotations": {"keptn.sh/version": "1.0", "keptn.sh/pre-deployment-tasks": "smoke"}}
    await stage.patch(deployment, {"spec": {"template": {"metadata": marks}}}, by="user")
    assert wanted(*WEB, ONE, -1.0, 0.0)
