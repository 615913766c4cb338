from typing import Any

import pytest

from app.api.app import AppContextSpec
from app.api.conversion import app_lists, convert
from tests.app.api.conversion.objects import made, notes

TASKS = "conversion.keptn.sh/spec.preDeploymentTasks"
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WORKLOADS = [{"name": "cart", "version": "1"}]


@pytest.mark.parametrize("old", ["v1alpha1", "v1alpha2", "v1alpha3"])
@pytest.mark.parametrize("new", ["v1", "v1beta1"])
def test_the_lists_of_an_old_app_stay_with_it_and_count(old: str, new: str) -> None:
    spec: dict[str, Any] = {
        "version": "2",
        "workloads": WORKLOADS,
        "preDeploymentTasks": ["a", "b"],
        "postDeploymentEvaluations": [],
    }
    if old != "v1alpha1":
        spec["revision"] = 4
    before = made("KeptnApp", old, spec)
    now = convert(before, new)
    assert now["spec"] == {"version": "2", "workloads": WORKLOADS, "revision": spec.get("revision", 1)}
    assert notes(now) == {
        "spec.preDeploymentTasks": ["a", "b"],
        "spec.postDeploymentEvaluations": [],
    }
    assert app_lists(now["metadata"]["annotations"]) == AppContextSpec(pre_deployment_tasks=("a", "b"))
    assert convert(now, old) == before


def test_a_revision_survives_the_version_that_has_none() -> None:
    before = made("KeptnApp", "v1", {"version": "2", "revision": 3})
    assert convert(before, "v1alpha1")["spec"] == {"version": "2"}
    assert convert(convert(before, "v1alpha1"), "v1") == before


def test_an_app_of_today_needs_no_annotation_in_any_version() -> None:
    before = made("KeptnApp", "v1", {"version": "2", "revision": 1, "workloads": WORKLOADS})
    for version in ("v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"):
        assert notes(convert(before, version)) == {}


def test_all_four_lists_are_given() -> None:
    lists = {
        "preDeploymentTasks": ["a"],
        "postDeploymentTasks": ["b"],
        "preDeploymentEvaluations": ["c"],
        "postDeploymentEvaluations": ["d"],
    }
    now = convert(made("KeptnApp", "v1alpha3", {"version": "1", **lists}), "v1")
    assert app_lists(now["metadata"]["annotations"]) == AppContextSpec.model_validate(lists)


@pytest.mark.parametrize(
    "text",
    ["", "[", "[]", "{}", '"a"', '[7,""]', "null"],
)
def test_an_annotation_without_lists_gives_none(text: str) -> None:
    assert app_lists({TASKS: text}) is None


def test_an_app_without_annotations_has_no_lists() -> None:
    assert app_lists({}) is None


@pytest.mark.parametrize(
    ("applied", "counts"),
    [
        ('{"apiVersion":"lifecycle.keptn.sh/v1alpha3"}', True),
        ('{"apiVersion":"lifecycle.keptn.sh/v1beta1"}', False),
        ('{"apiVersion":"lifecycle.keptn.sh/v1"}', False),
        ('{"apiVersion":"other/v1"}', True),
        ("no json", True),
        ("[]", True),
    ],
)
def test_lists_that_client_side_apply_left_behind_in_a_newer_app_do_not_count(applied: str, counts: bool) -> None:
    lists = app_lists({TASKS: '["a"]', APPLIED: applied})
    assert (lists is not None) is counts
