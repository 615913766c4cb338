import pytest

from app.lifecycle import strategies
from tests.builders import Json, deployment


def warning(strategy: Json, replicas: int = 4) -> str:
    return strategies.warning(deployment("web").changed({"spec": {"replicas": replicas, "strategy": strategy}}).view)


def rolling(surge: int | str, unavailable: int | str) -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


@pytest.mark.parametrize(
    ("strategy", "replicas"),
    [
        ({}, 1),
        (rolling("25%", "25%"), 1),
        (rolling(1, 0), 1),
        (rolling(0, "99%"), 4),
        (rolling(0, 3), 4),
        (rolling(0, "10%"), 4),  # of which the controller makes one
        (rolling("100%", "100%"), 0),
    ],
)
def test_a_deployment_that_keeps_some_old_pods_needs_no_warning(strategy: Json, replicas: int) -> None:
    assert warning(strategy, replicas) == ""


@pytest.mark.parametrize(
    ("strategy", "replicas"),
    [
        (rolling("25%", "100%"), 4),
        (rolling(1, 4), 4),
        (rolling(0, 9), 4),
        (rolling(0, 1), 1),
        (rolling("0%", "25%"), 1),
    ],
)
def test_one_that_may_miss_all_of_its_pods_is_named_with_its_numbers(strategy: Json, replicas: int) -> None:
    number = strategy["rollingUpdate"]["maxUnavailable"]
    assert f"maxUnavailable is {number} of {replicas} replicas: with each update all old" in warning(strategy, replicas)


def test_recreate_ends_all_old_pods_first_however_many_there_are() -> None:
    assert warning({"type": "Recreate"}, 0).startswith("Holdfast: spec.strategy is Recreate: with each update all old")
