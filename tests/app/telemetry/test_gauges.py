"""Gauges, from what there is."""

from collections.abc import Sequence

from app.telemetry import gauges
from tests.app.telemetry.reading import Sample, read, types
from tests.builders import (
    AppVersionBuilder,
    EvaluationBuilder,
    TaskBuilder,
    VersionBuilder,
    app,
    app_version,
    evaluation,
    task,
    version,
)


def page(
    apps: Sequence[AppVersionBuilder] = (),
    versions: Sequence[VersionBuilder] = (),
    tasks: Sequence[TaskBuilder] = (),
    evaluations: Sequence[EvaluationBuilder] = (),
) -> bytes:
    made = gauges.families(
        [each.view for each in apps],
        [each.view for each in versions],
        [each.view for each in tasks],
        [each.view for each in evaluations],
    )
    return "".join(each.head + "".join(f"{line}\n" for line in each.lines) for each in made if each).encode()


def values(samples: list[Sample], label: str) -> dict[str, float]:
    return {sample.labels[f"keptn_deployment_{label}"]: sample.value for sample in samples}


def at(minute: int, second: int = 0) -> str:
    return f"2026-01-01T00:{minute:02}:{second:02}Z"


def deployed(number: str, start: str, end: str, before: str = "", *, namespace: str = "shop") -> VersionBuilder:
    spec = {"app": "shop", "workloadName": "shop-web", "version": number, "previousVersion": before}
    name = f"shop-web-{number}"
    made = version(name, namespace).with_uid(f"{namespace}-{number}-{end}").changed({"spec": spec})
    return made.status(status="Succeeded", currentPhase="Completed", startTime=start, endTime=end)


def test_the_names_and_that_all_are_gauges() -> None:
    assert types(page()) == {
        f"keptn_{name}": "gauge"
        for name in (
            "app_active",
            "deployment_active",
            "task_active",
            "evaluation_active",
            "app_deploymentduration",
            "app_deploymentinterval",
            "deployment_deploymentduration",
            "deployment_deploymentinterval",
        )
    }


def test_what_is_under_way_is_1_and_what_has_ended_is_0() -> None:
    shop = app_version(app("shop").version("1.0"))
    found = read(
        page(
            [shop, app_version(app("cart").version("1.0")).ended()],
            [version("a").changed({"spec": {"workloadName": "a"}}), deployed("1.0", at(0), at(1))],
            [task("runs").status("Progressing"), task("failed").status("Failed"), task("waits")],
            [evaluation("asks"), evaluation("passed").status("Succeeded")],
        )
    )
    assert values(found["keptn_app_active"], "app_name") == {"shop": 1, "cart": 0}
    assert values(found["keptn_deployment_active"], "workload_name") == {"a": 1, "shop-web": 0}
    assert values(found["keptn_task_active"], "task_name") == {"runs": 1, "failed": 0, "waits": 1}
    assert values(found["keptn_evaluation_active"], "evaluation_name") == {"asks": 1, "passed": 0}


def test_what_a_newer_one_deprecated_is_not_under_way_though_nothing_says_its_end() -> None:
    over = app_version(app("shop")).status(status="Deprecated")
    assert values(read(page([over]))["keptn_app_active"], "app_name") == {"shop": 0}


def test_objects_of_the_same_labels_are_one_sample() -> None:
    done, runs = task("check", "a").status("Succeeded"), task("check", "b").status("Progressing")
    assert values(read(page(tasks=[runs, done]))["keptn_task_active"], "task_name") == {"check": 1}


def test_how_long_and_how_far_apart() -> None:
    versions = [
        deployed("2.0", at(10), at(12), "1.0"),
        deployed("1.0", at(0), at(1, 30)),
        deployed("3.0", at(20), at(20, 5), "2.0"),
    ]
    found = read(page(versions=versions))
    duration = values(found["keptn_deployment_deploymentduration"], "workload_version")
    assert duration == {"1.0": 90, "2.0": 120, "3.0": 5}
    interval = values(found["keptn_deployment_deploymentinterval"], "workload_version")
    assert interval == {"2.0": 630, "3.0": 485}
    assert values(found["keptn_deployment_deploymentinterval"], "workload_previousversion").keys() == {"1.0", "2.0"}


def test_the_previous_version_is_of_the_same_namespace_and_the_latest_before_this_one() -> None:
    versions = [
        deployed("1.0", at(0), at(1), namespace="other"),
        deployed("1.0", at(0), at(2)),
        deployed("1.0", at(3), at(5), "2.0"),  # a rollback in between
        deployed("2.0", at(6), at(7), "1.0"),
    ]
    found = read(page(versions=versions))
    assert values(found["keptn_deployment_deploymentinterval"], "workload_version") == {"2.0": 120}


def test_without_a_previous_version_that_ended_there_is_no_interval() -> None:
    found = read(page(versions=[deployed("2.0", at(6), at(7), "1.0"), deployed("3.0", at(8), at(9))]))
    assert "keptn_deployment_deploymentinterval" not in found


def test_revisions_of_one_app_version_are_one_sample_that_says_the_newest() -> None:
    old = app_version(app("shop").version("1.0", 1)).ended(at(2)).status(startTime=at(0))
    new = app_version(app("shop").version("1.0", 2)).ended(at(9)).status(startTime=at(8))
    assert values(read(page([new, old]))["keptn_app_deploymentduration"], "app_name") == {"shop": 60}


def test_what_has_not_ended_has_no_duration() -> None:
    runs = version("shop-web-1.0").status(status="Progressing", startTime=at(0))
    assert "keptn_deployment_deploymentduration" not in read(page(versions=[runs]))


def test_others_get_their_turn_while_many_objects_are_looked_at() -> None:
    tasks = [task(f"pre-{number}").view for number in range(1000)]
    versions = [deployed(str(number), at(0), at(1)).view for number in range(1000)]
    assert list(gauges.families([], versions, tasks, [])).count(None) == 15
