import pytest

from app.lifecycle.phases import APP_POST_TASKS, PROMOTION, WORKLOAD_PRE_TASKS
from app.lifecycle.taskbodies import Json, task_body
from tests.builders import app, app_version, definition, version

VERSION = version("web-web-1.0").checks("check")
CHECK = definition("check").spec(retries=3, timeout="90s")


def of_workload() -> Json:
    return task_body(VERSION.view, CHECK.view, WORKLOAD_PRE_TASKS, "t", {"stage": "dev"})


class TestTheTask:
    def test_has_the_definitions_limits_as_go_writes_them(self) -> None:
        spec = of_workload()["spec"]
        assert (spec["taskDefinition"], spec["checkType"]) == ("check", "pre")
        assert (spec["retries"], spec["timeout"]) == (3, "1m30s")

    def test_knows_what_it_checks(self) -> None:
        assert of_workload()["spec"]["context"] == {
            "workloadName": "web-web",
            "appName": "web",
            "appVersion": "",
            "workloadVersion": "1.0",
            "taskType": "pre",
            "objectType": "Workload",
            "metadata": {"stage": "dev"},
        }
        plain = task_body(version("v").view, CHECK.view, WORKLOAD_PRE_TASKS, "t", {})["spec"]["context"]
        assert "metadata" not in plain

    def test_belongs_to_its_version(self) -> None:
        (owner,) = of_workload()["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("KeptnWorkloadVersion", VERSION.uid, True)

    @pytest.mark.parametrize(
        ("mark", "carried"),
        [
            ("team", True),
            ("keptn.sh/note", True),
            ("app.kubernetes.io/name", True),
            ("kubectl.kubernetes.io/last-applied-configuration", False),
            ("argocd.argoproj.io/tracking-id", False),
            ("meta.helm.sh/release-name", False),
            ("helm.sh/chart", False),
            ("kustomize.toolkit.fluxcd.io/name", False),
            ("app.kubernetes.io/managed-by", False),
            ("app.kubernetes.io/instance", False),
            ("conversion.keptn.sh/function", False),
        ],
    )
    def test_has_the_definitions_marks_but_not_those_of_delivery_tools(self, mark: str, carried: bool) -> None:
        marked = CHECK.changed({"metadata": {"labels": {mark: "x"}, "annotations": {mark: "x"}}})
        meta = task_body(VERSION.view, marked.view, WORKLOAD_PRE_TASKS, "t", {})["metadata"]
        assert (mark in meta["labels"]) == (mark in meta["annotations"]) == carried

    def test_of_an_app_knows_the_app(self) -> None:
        of = app_version(app("shop").version("0.1"))
        made = task_body(of.view, CHECK.view, APP_POST_TASKS, "t", {})
        assert made["spec"]["context"] == {
            "workloadName": "",
            "appName": "shop",
            "appVersion": "0.1",
            "workloadVersion": "",
            "taskType": "post",
            "objectType": "App",
        }
        assert made["metadata"]["ownerReferences"][0]["kind"] == "KeptnAppVersion"
        assert task_body(of.view, CHECK.view, PROMOTION, "t", {})["spec"]["checkType"] == "promotion"
