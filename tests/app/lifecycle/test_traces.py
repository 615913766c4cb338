"""Which trace a rollout belongs to: the same whoever asks, in whatever order things came, also after a restart."""

import pytest

from app.lifecycle import traces
from app.lifecycle.phases import APP_DEPLOY, WORKLOAD_DEPLOY, WORKLOAD_PRE_TASKS
from app.lifecycle.traces import SpanContext, parse
from tests.builders import AppVersionBuilder, app, app_version, version

PLACE = "uid-of-namespace"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONTEXT = SpanContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")

FIRST = app_version(app("web").version("1.0", 1).lists(web="1.0")).created("2026-01-01T00:00:10Z")
SECOND = app_version(app("web").version("2.0", 2).lists(web="2.0")).created("2026-01-01T00:00:20Z")
WEB_1 = version("web-web-1.0").created("2026-01-01T00:00:09Z")
WEB_2 = version("web-web-2.0").changed({"spec": {"version": "2.0"}}).created("2026-01-01T00:00:19Z")


def of_app(builder: AppVersionBuilder, *others: AppVersionBuilder) -> str:
    return traces.trace_of_app(builder.view, [each.view for each in others], PLACE)


def test_a_traceparent_is_read_and_written() -> None:
    assert parse(TRACEPARENT) == CONTEXT
    assert parse(f" {TRACEPARENT}\n") == CONTEXT
    assert parse(TRACEPARENT.replace("00-", "cc-", 1) + "-what-a-later-version-adds") == CONTEXT
    assert CONTEXT.traceparent == TRACEPARENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        TRACEPARENT.upper(),
        TRACEPARENT[:-3],
        TRACEPARENT + "-more",
        TRACEPARENT.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    ],
)
def test_what_is_no_traceparent_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_workload_that_begins_before_its_app_version_is_in_its_trace() -> None:
    early = traces.trace_of_workload(WEB_1.view, [], PLACE)
    assert early == of_app(FIRST, FIRST)
    assert traces.trace_of_workload(WEB_1.view, [FIRST.view], PLACE) == early

    next_early = traces.trace_of_workload(WEB_2.view, [FIRST.view], PLACE)
    assert next_early == of_app(SECOND, FIRST, SECOND)
    assert traces.trace_of_workload(WEB_2.view, [FIRST.view, SECOND.view], PLACE) == next_early
    assert next_early != early


def test_all_that_begin_between_two_app_versions_find_the_same_trace() -> None:
    others = [
        version(f"web-{name}-1.0").changed({"spec": {"workloadName": f"web-{name}", "version": "1.0"}}).view
        for name in ("api", "db")
    ]
    assert len({traces.trace_of_workload(each, [FIRST.view], PLACE) for each in others}) == 1


def test_app_versions_of_the_same_second_follow_each_other_by_generation() -> None:
    third = app_version(app("web").version("2.0", 3).lists(web="2.0")).created("2026-01-01T00:00:20Z")
    everything = (FIRST, SECOND, third)
    assert len({of_app(each, *everything) for each in everything}) == 3
    assert traces.trace_of_workload(WEB_2.view, [each.view for each in everything], PLACE) == of_app(third, *everything)


def test_another_namespace_of_the_same_name_is_another_trace() -> None:
    assert traces.trace_of_app(FIRST.view, [], "uid-of-an-earlier-one") != of_app(FIRST)


def test_the_same_app_by_its_raw_and_its_sanitised_name() -> None:
    raw = WEB_1.changed({"spec": {"app": "WEB"}})
    assert traces.trace_of_workload(raw.view, [], PLACE) == of_app(FIRST)


def test_what_is_written_down_counts_more_than_what_is_found() -> None:
    noted = {"AppPreDeployTasks": {"traceparent": TRACEPARENT}}
    assert of_app(SECOND.status(phaseTraceIDs=noted), FIRST) == CONTEXT.trace_id
    assert of_app(SECOND.changed({"spec": {"traceId": {"traceparent": TRACEPARENT}}}), FIRST) == CONTEXT.trace_id
    started = WEB_2.status(phaseTraceIDs={"WorkloadPreDeployTasks": {"traceparent": TRACEPARENT}})
    assert traces.trace_of_workload(started.view, [SECOND.view], PLACE) == CONTEXT.trace_id


def test_what_keptn_noted_without_a_trace_is_no_trace() -> None:
    assert of_app(SECOND.status(phaseTraceIDs={"AppDeploy": {}}), FIRST, SECOND) == of_app(SECOND, FIRST, SECOND)


def test_an_app_version_that_had_ended_before_is_not_that_of_new_content() -> None:
    ended = FIRST.ended("2026-01-01T00:00:15Z")
    again = WEB_1.created("2026-01-01T00:00:30Z")
    assert not traces.covers(ended.view, again.view)
    later = app_version(app("web").version("1.0", 2).lists(web="1.0")).created("2026-01-01T00:00:31Z")
    assert traces.trace_of_workload(again.view, [ended.view], PLACE) == of_app(later, ended, later)


def test_an_app_version_covers_what_it_lists() -> None:
    assert traces.covers(FIRST.view, WEB_1.view)
    assert not traces.covers(FIRST.view, WEB_2.view)


def test_ids_have_the_form_that_traces_need_and_follow_from_uids() -> None:
    view = WEB_1.view
    trace_id = traces.trace_of_workload(view, [], PLACE)
    places = [
        traces.context(view, None, trace_id),
        traces.context(view, WORKLOAD_PRE_TASKS, trace_id),
        traces.context(view, WORKLOAD_DEPLOY, trace_id),
        traces.context(WEB_1.with_uid("another").view, None, trace_id),
    ]
    assert len({place.span_id for place in places}) == 4
    assert all(parse(place.traceparent) == place for place in places)
    assert traces.context(WEB_1.view, WORKLOAD_DEPLOY, trace_id) == places[2]


def test_a_phase_keeps_the_span_that_is_written_down_for_it() -> None:
    noted = FIRST.status(phaseTraceIDs={"AppDeploy": {"traceparent": TRACEPARENT}}).view
    assert traces.carrier(noted, APP_DEPLOY, CONTEXT.trace_id) == {"traceparent": TRACEPARENT}
    assert traces.context(noted, None, CONTEXT.trace_id).span_id != CONTEXT.span_id
