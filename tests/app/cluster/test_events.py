import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.cluster import errors
from app.cluster.api import Json
from app.cluster.events import EventRecorder, ObjectRef
from app.cluster.resources import EVENTS
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime

POD = ObjectRef("v1", "Pod", "shop", "web-1", "u1")


def recorder(api: FakeApi, **options: Any) -> EventRecorder:
    start = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def now() -> datetime:
        return start + timedelta(seconds=asyncio.get_running_loop().time())

    return EventRecorder(api, component="holdfast", instance="worker-0", now=now, **options)


def stored(api: FakeApi) -> list[Json]:
    return api.all(EVENTS)


def held(events: EventRecorder, message: str = "waits for check-a", regarding: ObjectRef = POD) -> None:
    events.record(regarding, type="Normal", reason="Held", message=message, action="Hold", annotations={"k": "v"})


async def test_an_event_says_what_happened_to_which_object() -> None:
    api = FakeApi()
    events = recorder(api)
    held(events)
    assert not api.calls, "recording writes nothing by itself"
    await asyncio.sleep(1)
    (body,) = stored(api)
    assert body.pop("metadata").items() >= {"namespace": "shop", "annotations": {"k": "v"}}.items()
    assert body == {
        "apiVersion": "v1",
        "kind": "Event",
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web-1", "uid": "u1"},
        "type": "Normal",
        "reason": "Held",
        "message": "waits for check-a",
        "action": "Hold",
        "count": 1,
        "firstTimestamp": "2026-11-21T12:00:00Z",
        "lastTimestamp": "2026-11-21T12:00:00Z",
        "source": {"component": "holdfast", "host": "worker-0"},
        "reportingComponent": "holdfast",
        "reportingInstance": "worker-0",
    }
    await events.aclose()


async def test_somebody_else_may_be_the_one_who_says_it() -> None:
    api = FakeApi()
    events = recorder(api)
    events.record(POD, type="Normal", reason="Held", message="m", component="keptntask-controller")
    await events.aclose()
    (body,) = stored(api)
    assert body["source"] == {"component": "keptntask-controller", "host": "worker-0"}
    assert (body["reportingComponent"], body["reportingInstance"]) == ("keptntask-controller", "worker-0")


async def test_the_name_follows_from_what_is_said_about_whom() -> None:
    api = FakeApi()
    events = recorder(api)
    held(events)
    held(events, "other words")
    held(events, regarding=ObjectRef("v1", "Pod", "shop", "web-1", "u2"))
    events.record(POD, type="Warning", reason="Failed", message="waits for check-a")
    await events.aclose()
    names = {body["metadata"]["name"] for body in stored(api)}
    assert len(names) == 4
    assert all(name.startswith("web-1.") for name in names)
    again = FakeApi()
    events = recorder(again)
    held(events)
    await events.aclose()
    assert stored(again)[0]["metadata"]["name"] in names


async def test_what_is_repeated_before_it_is_written_is_one_event() -> None:
    api = FakeApi()
    events = recorder(api)
    for _ in range(5):
        held(events)
    await asyncio.sleep(1)
    assert [(body["count"]) for body in stored(api)] == [5]
    assert api.count() == {"create": 1}
    await events.aclose()


async def test_repetitions_are_counted_but_written_only_every_ten_seconds() -> None:
    api = FakeApi()
    events = recorder(api)
    for _ in range(100):
        held(events)
        await asyncio.sleep(1)
    await events.aclose()
    (body,) = stored(api)
    assert (body["count"], body["firstTimestamp"]) == (100, "2026-11-21T12:00:00Z")
    assert body["lastTimestamp"] == "2026-11-21T12:01:39Z"
    assert api.count()["create"] == 1
    assert api.count()["patch"] <= 11


async def test_a_repetition_after_a_restart_goes_on_counting() -> None:
    api = FakeApi()
    for expected in (1, 2, 3):
        events = recorder(api)
        held(events)
        await events.aclose()
        assert [body["count"] for body in stored(api)] == [expected]


async def test_a_repetition_of_an_expired_event_makes_a_new_one() -> None:
    api = FakeApi()
    events = recorder(api)
    held(events)
    await asyncio.sleep(60)
    api.remove(EVENTS, stored(api)[0]["metadata"]["name"], "shop")
    held(events)
    await asyncio.sleep(60)
    assert [body["count"] for body in stored(api)] == [1]
    held(events)
    await asyncio.sleep(60)
    assert [body["count"] for body in stored(api)] == [2]
    await events.aclose()


async def test_f7_an_api_server_that_is_away_costs_events_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def down(call: Call) -> None:
        raise errors.Unavailable(0, "ConnectionFailed", "refused")

    api = FakeApi()
    api.before = down
    events = recorder(api)
    held(events)
    await asyncio.sleep(1)
    assert events.dropped == 1
    assert "an event could not be written" in caplog.text
    api.before = lambda call: None
    held(events)
    await events.aclose()
    assert len(stored(api)) == 1


async def test_what_waits_is_bounded_and_the_last_room_is_for_warnings() -> None:
    api = FakeApi()
    events = recorder(api, capacity=4)
    for number in range(10):
        held(events, f"message {number}")
    assert events.dropped == 7
    for number in range(3):
        events.record(POD, type="Warning", reason="Failed", message=f"failure {number}")
    assert events.dropped == 9
    await events.aclose()
    said = sorted(body["message"] for body in stored(api))
    assert said == ["failure 0", "message 0", "message 1", "message 2"]


async def test_warnings_come_first_and_all_others_in_the_order_of_what_happened() -> None:
    api = FakeApi()
    events = recorder(api)
    for number in range(3):
        held(events, f"message {number}")
    for number in range(2):
        events.record(POD, type="Warning", reason="Failed", message=f"failure {number}")
    await events.aclose()
    written = sorted(stored(api), key=lambda body: int(body["metadata"]["resourceVersion"]))
    assert [body["message"] for body in written] == [
        "failure 0",
        "failure 1",
        "message 0",
        "message 1",
        "message 2",
    ]


async def test_what_tells_of_progress_waits_for_a_lull() -> None:
    api, busy = FakeApi(), True
    events = recorder(api, idle=lambda: 0.0 if busy else 1.0)
    held(events)
    await asyncio.sleep(0.5)
    assert not stored(api)
    busy = False
    await asyncio.sleep(0.2)
    assert [body["firstTimestamp"] for body in stored(api)] == ["2026-11-21T12:00:00Z"]
    await events.aclose()


async def test_a_warning_waits_for_nothing_and_nothing_waits_for_ever() -> None:
    api = FakeApi()
    events = recorder(api, idle=lambda: 0.0)
    held(events)
    await asyncio.sleep(0.5)
    events.record(POD, type="Warning", reason="Failed", message="failure")
    await asyncio.sleep(0.1)
    assert [body["type"] for body in stored(api)] == ["Warning"]
    await asyncio.sleep(0.5)
    assert sorted(body["type"] for body in stored(api)) == ["Normal", "Warning"]
    await events.aclose()


async def test_what_waits_for_a_lull_is_written_before_the_end() -> None:
    api = FakeApi()
    events = recorder(api, idle=lambda: 0.0)
    held(events)
    await asyncio.sleep(0.1)
    await events.aclose()
    assert len(stored(api)) == 1


async def test_closing_waits_only_so_long_for_a_server_that_hangs() -> None:
    class Hanging(FakeApi):
        async def create(self, *_: Any, **__: Any) -> Json:
            await asyncio.sleep(3600)
            return {}

    events = recorder(Hanging())
    held(events)
    await events.aclose(seconds=2)
    assert asyncio.get_running_loop().time() == 2
    held(events, "too late")
    assert events.dropped == 1


async def test_closing_writes_a_repetition_that_waits_for_its_time() -> None:
    api = FakeApi()
    events = recorder(api)
    held(events)
    await asyncio.sleep(1)
    held(events)
    await events.aclose()
    assert [body["count"] for body in stored(api)] == [2]


async def test_what_a_thousand_failed_rollouts_say_at_once_is_written() -> None:
    api = FakeApi(latency=0)
    events = recorder(api)
    for number in range(4000):
        held(events, f"{number} has failed")
    await asyncio.sleep(60)
    assert (len(stored(api)), events.dropped) == (4000, 0)
    await events.aclose()


async def test_closing_without_an_event_is_quick() -> None:
    await recorder(FakeApi()).aclose()
    assert asyncio.get_running_loop().time() == 0


@pytest.mark.parametrize("message", ["x" * 5000, "ü" * 5000, "a" + "ü" * 5000, "€" * 400])
async def test_a_long_message_is_cut_to_what_the_api_takes(message: str) -> None:
    api = FakeApi()
    events = recorder(api)
    held(events, message)
    await events.aclose()
    text = stored(api)[0]["message"]
    assert 1018 < len(text.encode()) <= 1024
    assert text.endswith("…")


async def test_events_of_a_cluster_wide_object_are_in_the_default_namespace() -> None:
    api = FakeApi()
    events = recorder(api)
    held(events, regarding=ObjectRef("v1", "Namespace", "", "shop", "u"))
    await events.aclose()
    assert stored(api)[0]["metadata"]["namespace"] == "default"


async def test_text_that_is_no_unicode_does_no_harm() -> None:
    api = FakeApi()
    events = recorder(api)
    held(events, "broken \udc80 output")
    await events.aclose()
    assert stored(api)[0]["message"] == "broken ? output"


async def test_f42_an_event_in_a_namespace_that_is_being_deleted_is_dropped_quietly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def terminating(*_: object) -> None:
        details = {"causes": [{"reason": "NamespaceTerminating", "message": "m", "field": "metadata.namespace"}]}
        raise errors.Forbidden(403, "Forbidden", "being terminated", details)

    api = FakeApi()
    api.before = terminating
    events = recorder(api)
    held(events)
    await events.aclose()
    assert events.dropped == 1
    assert not [record for record in caplog.records if record.levelno > 10]
