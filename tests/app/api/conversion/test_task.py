import pytest

from app.api.conversion import convert
from tests.app.api.conversion.objects import made, notes

OLDEST = ["v1alpha1", "v1alpha2"]
CONTEXT = {
    "workloadName": "shop-cart",
    "appName": "shop",
    "appVersion": "1",
    "workloadVersion": "2",
    "taskType": "pre",
    "objectType": "Workload",
}
TWICE = {"app": "shop", "appVersion": "1", "workload": "shop-cart", "workloadVersion": "2"}
FILLED_IN = {"retries": 10, "timeout": "5m"}


@pytest.mark.parametrize("old", OLDEST)
def test_an_old_task_needs_no_annotation_if_it_says_the_same_twice(old: str) -> None:
    before = made("KeptnTask", old, {**TWICE, "taskDefinition": "check", "context": CONTEXT})
    now = convert(before, "v1")
    assert now == made("KeptnTask", "v1", {"taskDefinition": "check", "context": CONTEXT, **FILLED_IN})
    assert convert(now, old) == before


@pytest.mark.parametrize("old", OLDEST)
def test_what_an_old_task_says_otherwise_than_its_context_is_kept(old: str) -> None:
    before = made("KeptnTask", old, {**TWICE, "app": "other", "taskDefinition": "check", "context": CONTEXT})
    now = convert(before, "v1")
    assert notes(now) == {"spec.app": "other"}
    assert convert(now, old) == before


@pytest.mark.parametrize("old", OLDEST)
def test_a_task_without_a_context_is_valid_in_the_oldest_versions_and_comes_back_without(old: str) -> None:
    before = made("KeptnTask", "v1", {"taskDefinition": "check", **FILLED_IN})
    shown = convert(before, old)
    assert shown["spec"] == {
        "taskDefinition": "check",
        "context": dict.fromkeys(CONTEXT, ""),
        **dict.fromkeys(TWICE, ""),
    }
    assert convert(shown, "v1") == before


def test_what_was_filled_in_and_then_written_by_hand_stays() -> None:
    shown = convert(made("KeptnTask", "v1", {"taskDefinition": "check", **FILLED_IN}), "v1alpha2")
    shown["spec"]["context"]["taskType"] = "post"
    assert convert(shown, "v1")["spec"]["context"] == {"taskType": "post"}


@pytest.mark.parametrize("old", OLDEST)
def test_retries_timeout_reason_and_metadata_come_back(old: str) -> None:
    spec = {"taskDefinition": "check", "context": {**CONTEXT, "metadata": {"a": "b"}}, "retries": 0, "timeout": "1s"}
    before = made("KeptnTask", "v1", spec, {"status": "Failed", "reason": "Superseded"})
    shown = convert(before, old)
    assert shown["spec"] == {**TWICE, "taskDefinition": "check", "context": CONTEXT}
    assert shown["status"] == {"status": "Failed"}
    assert convert(shown, "v1") == before
