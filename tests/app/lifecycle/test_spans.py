"""The spans of a rollout, from two states of one object."""

from typing import Any

import pytest

from app.lifecycle import spans, traces
from app.lifecycle.phases import APP_DEPLOY, WORKLOAD_PRE_TASKS
from app.lifecycle.spans import Span
from app.lifecycle.traces import SpanContext
from tests.builders import AppVersionBuilder, TaskBuilder, VersionBuilder, app, app_version, evaluation, task, version

TRACE = "0af7651916cd43dd8448eb211c80319c"
ABOVE = SpanContext(TRACE, "b7ad6b7169203331")
ELSEWHERE = SpanContext("1" * 32, "2" * 16)


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02}Z"


def ns(second: int) -> int:
    return (1_767_225_600 + second) * 1_000_000_000


NOW = at(59)


def item(name: str, status: str, start: int, end: int | None = None) -> dict[str, Any]:
    times = {"startTime": at(start)} | ({"endTime": at(end)} if end is not None else {})
    return {"definitionName": name, "name": f"pre-{name}", "status": status, **times}


# A workload version on its way.

WEB = version("web-web-1.0").changed({"spec": {"metadata": {"team": "shop", "tier": "front"}}})
CHECKING = WEB.checks("a", "b").status(
    currentPhase="WorkloadPreDeployTasks",
    status="Progressing",
    preDeploymentStatus="Progressing",
    startTime=at(1),
    preDeploymentTaskStatus=[item("a", "Succeeded", 1, 5), item("b", "Progressing", 2)],
)
DEPLOYING = CHECKING.passed().status(
    preDeploymentTaskStatus=[item("a", "Succeeded", 1, 5), item("b", "Succeeded", 2, 7)],
    deploymentStartTime=at(8),
    appContextMetadata={"tier": "all", "region": "north"},
)
UP = DEPLOYING.status(
    currentPhase="Completed",
    deploymentStatus="Succeeded",
    postDeploymentStatus="Succeeded",
    postDeploymentEvaluationStatus="Succeeded",
    status="Succeeded",
    endTime=at(20),
)


def workload(old: VersionBuilder, new: VersionBuilder, above: SpanContext | None = ABOVE) -> dict[str, Span]:
    made = spans.of_workload(old.view, new.view, above, TRACE, NOW)
    assert len({span.name for span in made}) == len(made)
    return {span.name: span for span in made}


def test_a_phase_is_told_once_it_has_ended() -> None:
    made = workload(CHECKING, DEPLOYING)
    assert list(made) == ["web-web/WorkloadPreDeployTasks", "web-web/WorkloadPreDeployEvaluations"]
    tasks = made["web-web/WorkloadPreDeployTasks"]
    assert (tasks.start, tasks.end, tasks.failed) == (ns(1), ns(7), False)
    assert tasks.scope == "keptn/lifecycle-operator/workloadversion"
    assert tasks.context == traces.context(WEB.view, WORKLOAD_PRE_TASKS, TRACE)
    assert tasks.parent == traces.context(WEB.view, None, TRACE).span_id
    assert [event.name for event in tasks.events] == ["Workload Pre-Deployment Tasks has succeeded"]
    assert workload(DEPLOYING, DEPLOYING) == {}


def test_a_phase_whose_end_nothing_says_ended_when_that_was_seen() -> None:
    up = DEPLOYING.status(deploymentStatus="Succeeded", currentPhase="WorkloadPostDeployTasks")
    deploy = workload(DEPLOYING, up)["web-web/WorkloadDeploy"]
    assert (deploy.start, deploy.end) == (ns(8), ns(59))


def test_a_phase_without_anything_to_do_takes_no_time() -> None:
    empty = workload(CHECKING, DEPLOYING)["web-web/WorkloadPreDeployEvaluations"]
    assert (empty.start, empty.end) == (ns(59), ns(59))


def test_a_version_that_has_ended_is_under_its_apps_deployment() -> None:
    made = workload(DEPLOYING, UP)
    assert list(made) == [
        "web-web/WorkloadDeploy",
        "web-web/WorkloadPostDeployTasks",
        "web-web/WorkloadPostDeployEvaluations",
        "web-web-1.0",
    ]
    assert (made["web-web/WorkloadDeploy"].start, made["web-web/WorkloadDeploy"].end) == (ns(8), ns(20))
    root = made["web-web-1.0"]
    assert (root.parent, root.context.trace_id, root.links) == (ABOVE.span_id, TRACE, ())
    assert (root.start, root.end, root.failed) == (ns(1), ns(20), False)
    assert [event.name for event in root.events] == ["web-web-1.0 has finished"]
    assert root.attributes == {
        "keptn.deployment.app.name": "web",
        "keptn.deployment.workload.name": "web-web",
        "keptn.deployment.workload.version": "1.0",
        "keptn.deployment.workload.namespace": "shop",
        "tier": "front",
        "region": "north",
        "team": "shop",
    }


def test_a_version_that_was_told_another_trace_links_to_its_apps() -> None:
    root = workload(DEPLOYING, UP, ELSEWHERE)["web-web-1.0"]
    assert (root.parent, root.links, root.context.trace_id) == ("", (ELSEWHERE,), TRACE)


def test_a_version_without_an_app_version_begins_its_trace() -> None:
    root = workload(DEPLOYING, UP, None)["web-web-1.0"]
    assert (root.parent, root.links) == ("", ())


def test_a_failure_is_an_error_and_what_never_began_is_not_told() -> None:
    failed = CHECKING.status(
        preDeploymentTaskStatus=[item("a", "Succeeded", 1, 5), item("b", "Failed", 2, 9)],
        preDeploymentStatus="Failed",
        preDeploymentEvaluationStatus="Deprecated",
        deploymentStatus="Deprecated",
        postDeploymentStatus="Deprecated",
        postDeploymentEvaluationStatus="Deprecated",
        status="Failed",
        endTime=at(9),
    )
    made = workload(CHECKING, failed)
    assert list(made) == ["web-web/WorkloadPreDeployTasks", "web-web-1.0"]
    assert all(span.failed for span in made.values())
    assert [event.name for span in made.values() for event in span.events] == [
        "Workload Pre-Deployment Tasks has failed",
        "web-web-1.0 has failed",
    ]


def test_a_failure_that_does_not_block_is_no_error() -> None:
    warned = DEPLOYING.status(preDeploymentStatus="Warning")
    assert not workload(CHECKING, warned)["web-web/WorkloadPreDeployTasks"].failed


def test_what_a_newer_version_cut_off_says_so() -> None:
    over = CHECKING.status(
        preDeploymentStatus="Deprecated",
        preDeploymentEvaluationStatus="Deprecated",
        deploymentStatus="Deprecated",
        postDeploymentStatus="Deprecated",
        postDeploymentEvaluationStatus="Deprecated",
        status="Failed",
        endTime=at(9),
    )
    made = workload(CHECKING, over)
    assert list(made) == ["web-web/WorkloadPreDeployTasks", "web-web-1.0"]
    assert [event.name for span in made.values() for event in span.events] == [
        "Workload Pre-Deployment Tasks was superseded",
        "web-web-1.0 was superseded",
    ]
    cut = made["web-web/WorkloadPreDeployTasks"]
    assert (cut.start, cut.end, cut.failed) == (ns(1), ns(9), True)


def test_a_version_that_never_began_has_no_span() -> None:
    over = WEB.status(status="Failed", preDeploymentStatus="Deprecated", endTime=at(9))
    assert workload(WEB, over) == {}


# An app version.

SHOP_APP = app_version(app("shop").version("2.1").lists(web="1.0")).changed({"spec": {"metadata": {"team": "shop"}}})
APP_BEGAN = SHOP_APP.status(currentPhase="AppPreDeployTasks", status="Progressing", startTime=at(1))
APP_DEPLOYING = APP_BEGAN.passed().status(
    preDeploymentTaskStatus=[item("a", "Succeeded", 1, 4)], workloadOverallStatus="Progressing"
)
APP_DONE = APP_DEPLOYING.ended(at(30)).status(
    workloadOverallStatus="Succeeded", postDeploymentStatus="Succeeded", postDeploymentEvaluationStatus="Succeeded"
)


def of_app(old: AppVersionBuilder, new: AppVersionBuilder) -> dict[str, Span]:
    return {span.name: span for span in spans.of_app(old.view, new.view, TRACE, NOW)}


def test_an_apps_phases_have_their_short_names() -> None:
    assert list(of_app(APP_BEGAN, APP_DEPLOYING)) == ["AppPreDeployTasks", "AppPreDeployEvaluations"]
    made = of_app(APP_DEPLOYING, APP_DONE)
    assert list(made) == ["AppDeploy", "AppPostDeployTasks", "AppPostDeployEvaluations", SHOP_APP.name]
    deploy = made["AppDeploy"]
    assert (deploy.start, deploy.end) == (ns(4), ns(30))
    assert deploy.context == traces.context(SHOP_APP.view, APP_DEPLOY, TRACE)


def test_an_apps_span_is_the_root_of_its_trace() -> None:
    root = of_app(APP_DEPLOYING, APP_DONE)[SHOP_APP.name]
    assert (root.parent, root.scope) == ("", "keptn/lifecycle-operator/appversion")
    assert (root.start, root.end) == (ns(1), ns(30))
    assert root.attributes == {
        "keptn.deployment.app.name": "shop",
        "keptn.deployment.app.version": "2.1",
        "keptn.deployment.app.namespace": "shop",
        "team": "shop",
    }


def test_an_app_links_to_what_its_context_names_and_leaves_out_what_is_no_traceparent() -> None:
    linked = {"spec": {"spanLinks": [ABOVE.traceparent, "nonsense", ELSEWHERE.traceparent]}}
    root = of_app(APP_DEPLOYING.changed(linked), APP_DONE.changed(linked))[SHOP_APP.name]
    assert root.links == (ABOVE, ELSEWHERE)


def test_an_app_that_says_whose_trace_it_belongs_to_is_under_that() -> None:
    given = {"spec": {"traceId": {"traceparent": ABOVE.traceparent}}}
    assert of_app(APP_DEPLOYING.changed(given), APP_DONE.changed(given))[SHOP_APP.name].parent == ABOVE.span_id


def test_an_app_version_that_ended_is_not_told_again_when_a_newer_one_deprecates_it() -> None:
    assert of_app(APP_DONE, APP_DONE.status(status="Deprecated", workloadOverallStatus="Deprecated")) == {}


# Tasks and evaluations.

SECRET = {"secureParameters": {"secret": "top-secret"}, "parameters": {"map": {"password": "hunter2"}}}
CONTEXT = {"appName": "shop", "appVersion": "2.1", "workloadName": "", "metadata": {"team": "shop"}}


def run(status: str, metadata: dict[str, str], **more: Any) -> TaskBuilder:
    context = {**CONTEXT, "metadata": metadata}
    return (
        task("post-tell")
        .spec(checkType="post", context=context, **SECRET)
        .status(status, startTime=at(3), endTime=at(8), **more)
    )


def test_a_task_is_under_the_phase_that_it_was_told_of() -> None:
    span = spans.of_task(run("Succeeded", {"traceparent": ABOVE.traceparent, "team": "shop"}).view, NOW)
    assert span is not None
    assert (span.name, span.parent, span.context.trace_id) == ("post-tell", ABOVE.span_id, TRACE)
    assert (span.start, span.end, span.failed, span.events) == (ns(3), ns(8), False, ())
    assert span.scope == "keptn/lifecycle-operator/appversion"
    assert span.attributes == {
        "keptn.deployment.app.name": "shop",
        "keptn.deployment.app.version": "2.1",
        "keptn.deployment.workload.name": "",
        "keptn.deployment.workload.version": "",
        "keptn.deployment.task.name": "post-tell",
        "keptn.deployment.task.type": "post",
        "team": "shop",
    }


def test_a_failed_task_says_why_and_nothing_that_it_was_given_or_printed() -> None:
    attempts = [{"number": 1, "podName": "p", "status": "Failed", "lastLines": "hunter2"}]
    told = run("Failed", {"traceparent": ABOVE.traceparent}, reason="BackoffLimitExceeded", attempts=attempts)
    span = spans.of_task(told.view, NOW)
    assert span is not None
    assert span.failed
    assert [event.name for event in span.events] == ["post-tell has failed with reason: BackoffLimitExceeded"]
    assert "hunter2" not in repr(span)
    assert "top-secret" not in repr(span)


def test_a_task_that_was_told_of_no_trace_has_no_span() -> None:
    assert spans.of_task(run("Succeeded", {}).view, NOW) is None


@pytest.mark.parametrize(("state", "failed"), [("Succeeded", False), ("Failed", True), ("Deprecated", True)])
def test_an_evaluation_tells_which_objectives_were_missed(state: str, failed: bool) -> None:
    seen = {
        "latency": {"value": "12", "status": "Failed", "message": "value '12' did not meet objective '<10'"},
        "errors": {"value": "0", "status": "Succeeded"},
    }
    it = (
        evaluation("pre-eval-slo")
        .spec(appName="shop", appVersion="2.1", workload="shop-web", workloadVersion="1.0", checkType="pre-eval")
        .status(state, startTime=at(3), endTime=at(8), evaluationStatus=seen)
    )
    span = spans.of_evaluation(it.view, ABOVE, {"team": "shop"}, NOW)
    assert (span.name, span.parent, span.failed) == ("pre-eval-slo", ABOVE.span_id, failed)
    assert span.scope == "keptn/lifecycle-operator/workloadversion"
    assert [event.name for event in span.events] == [
        "evaluation of 'latency' failed with value: '12' and reason: \"value '12' did not meet objective '<10'\""
    ]
    assert span.attributes == {
        "keptn.deployment.app.name": "shop",
        "keptn.deployment.app.version": "2.1",
        "keptn.deployment.workload.name": "shop-web",
        "keptn.deployment.workload.version": "1.0",
        "keptn.deployment.evaluation.name": "pre-eval-slo",
        "keptn.deployment.evaluation.type": "pre-eval",
        "team": "shop",
    }


def test_no_span_ends_before_its_start() -> None:
    odd = run("Succeeded", {"traceparent": ABOVE.traceparent}).status("Succeeded", startTime=at(9), endTime=at(2))
    span = spans.of_task(odd.view, NOW)
    assert span is not None
    assert span.start == span.end == ns(2)
