import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from app.api.meta import Object
from app.cluster import errors, informer
from app.cluster.api import Json, Resource
from app.cluster.informer import Informer
from app.cluster.resources import PODS
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime

POD: Json = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}


class Frugal(FakeApi):
    """A server whose pages are smaller than was asked for, and which may say no bookmarks."""

    def __init__(self, *, page: int = 500, bookmarks: bool = True) -> None:
        super().__init__()
        self._page = page
        self._bookmarks = bookmarks

    async def list_page(self, resource: Resource, namespace: str = "", **options: Any) -> Json:
        return await super().list_page(resource, namespace, **{**options, "limit": self._page})

    async def watch(self, resource: Resource, namespace: str = "", **options: Any) -> AsyncIterator[Json]:
        async for event in super().watch(resource, namespace, **options):
            if self._bookmarks or event["type"] != "BOOKMARK":
                yield event


class Watched:
    """An informer of pods in ``shop`` that runs, and what it told."""

    def __init__(self, api: FakeApi, **options: Any) -> None:
        options.setdefault("decode", Object.model_validate)
        self.pods: Informer[Object] = Informer(api, PODS, rng=random.Random(1), **options)
        self.told: list[str] = []
        self.pods.subscribe(lambda old, new: self.told.append(f"{_short(old)}>{_short(new)}"))

    @property
    def names(self) -> list[str]:
        return [pod.metadata.name for pod in self.pods.all()]


def _short(pod: Object | None) -> str:
    return pod.metadata.name if pod else ""


@contextlib.asynccontextmanager
async def watching(api: FakeApi, **options: Any) -> AsyncIterator[Watched]:
    watched = Watched(api, **options)
    task = asyncio.create_task(watched.pods.run())
    await watched.pods.synced()
    await asyncio.sleep(0.01)
    try:
        yield watched
    finally:
        assert not task.done(), "no failure ends an informer"
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def failing(error: Callable[[], Exception], *verbs: str, times: int = 1) -> Callable[[Call], None]:
    left = [times]

    def hook(call: Call) -> None:
        if call.verb in verbs and left[0]:
            left[0] -= 1
            raise error()

    return hook


def unavailable() -> Exception:
    return errors.Unavailable(0, "ConnectionFailed", "refused")


async def test_it_lists_by_pages_and_then_follows_the_watch() -> None:
    api = Frugal(page=2)
    for name in "abc":
        api.make(PODS, name, "shop")
    async with watching(api) as watched:
        assert (watched.names, watched.told) == (["a", "b", "c"], [">a", ">b", ">c"])
        assert api.count()["list"] == 2
        api.make(PODS, "a", "shop", metadata={"labels": {"x": "y"}})
        api.remove(PODS, "b", "shop")
        api.make(PODS, "d", "shop")
        await asyncio.sleep(0.01)
        assert (watched.names, watched.told[3:]) == (["a", "c", "d"], ["a>a", "b>", ">d"])
        pod = watched.pods.get("shop", "a")
        assert pod is not None
        assert pod.metadata.labels == {"x": "y"}
        assert watched.pods.get("shop", "b") is None
        assert api.count()["watch"] == 1


async def test_an_index_answers_by_value() -> None:
    api = FakeApi()
    api.make(PODS, "a", "shop", metadata={"labels": {"app": "x"}})
    api.make(PODS, "b", "shop", metadata={"labels": {"app": "y"}})
    async with watching(api, indexes={"app": lambda pod: [pod.metadata.labels["app"]]}) as watched:
        assert [pod.metadata.name for pod in watched.pods.by_index("app", "y")] == ["b"]
        assert watched.pods.by_index("app", "z") == []
        with pytest.raises(KeyError):
            watched.pods.by_index("owner", "z")


async def test_it_has_synced_only_after_the_last_page() -> None:
    api = Frugal(page=1)
    for name in "ab":
        api.make(PODS, name, "shop")
    api.before = failing(unavailable, "list", times=1)
    watched = Watched(api)
    assert not watched.pods.has_synced
    async with watching(api) as watched:
        assert watched.pods.has_synced


async def test_f8_a_list_whose_continue_token_expired_starts_over() -> None:
    api = Frugal(page=1)
    for name in "ab":
        api.make(PODS, name, "shop")

    def expire(call: Call) -> None:
        if call.verb == "list" and api.count()["list"] == 2:
            api.make(PODS, "c", "shop")
            api.compact()

    api.before = expire
    async with watching(api) as watched:
        assert watched.names == ["a", "b", "c"]


async def test_f8_gone_as_a_status_relists_and_tells_what_vanished() -> None:
    api = FakeApi()
    api.make(PODS, "a", "shop")
    api.make(PODS, "b", "shop")
    async with watching(api) as watched:
        await asyncio.sleep(20)
        api.cut()
        api.remove(PODS, "a", "shop")
        api.make(PODS, "c", "shop")
        api.before = failing(lambda: errors.Gone(410, "Expired", "too old"), "watch")
        await asyncio.sleep(1)
        assert (watched.names, watched.told) == (["b", "c"], [">a", ">b", "a>", ">c"])
        assert api.count()["list"] == 2


class Scripted(FakeApi):
    """A server whose watches follow a script: each a list of events, or an exception to end with."""

    def __init__(self, *scripts: Sequence[Json | Exception]) -> None:
        super().__init__()
        self.server.store.version = 100
        self.scripts = list(scripts)
        self.watched: list[tuple[float, str]] = []

    async def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str, timeout_seconds: int, **_: Any
    ) -> AsyncIterator[Json]:
        self.watched.append((asyncio.get_running_loop().time(), resource_version))
        if not self.scripts:
            await asyncio.sleep(timeout_seconds)
            return
        for step in self.scripts.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step


def event(kind: str, name: str, version: int, uid: str = "", **metadata: Any) -> Json:
    about = {"name": name, "namespace": "shop", "uid": uid or name, "resourceVersion": str(version), **metadata}
    return {"type": kind, "object": {"metadata": about}}


def gone() -> Json:
    return {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


def bookmark(version: int) -> Json:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


async def test_f8_gone_as_an_event_relists() -> None:
    api = Scripted([gone()])
    api.make(PODS, "a", "shop")
    async with watching(api) as watched:
        await asyncio.sleep(1)
        assert (watched.names, api.count()["list"], len(api.watched)) == (["a"], 2, 2)


async def test_f8_a_server_that_always_says_gone_is_not_asked_in_a_loop() -> None:
    api = Scripted(*[[gone()] for _ in range(100)])
    async with watching(api):
        await asyncio.sleep(60)
        assert 15 < api.count()["list"] < 40


async def test_f8_the_next_watch_starts_at_the_last_event_or_bookmark() -> None:
    api = Scripted([event("ADDED", "a", 105), bookmark(140)], [bookmark(130)])
    async with watching(api):
        await asyncio.sleep(2)
        assert [version for _, version in api.watched] == ["100", "140", "140"]


async def test_f13_a_repeated_event_tells_nobody() -> None:
    api = Scripted([event("ADDED", "a", 105), event("MODIFIED", "a", 106), event("ADDED", "a", 105)])
    async with watching(api) as watched:
        await asyncio.sleep(1)
        assert watched.told == [">a", "a>a"]


async def test_f10_a_watch_that_ends_empty_at_once_is_not_reopened_in_a_loop() -> None:
    api = Scripted(*[[] for _ in range(1000)])
    async with watching(api):
        await asyncio.sleep(60)
        assert 15 < len(api.watched) < 40
        assert api.count()["list"] == 1, "an empty watch is no reason to list"


async def test_a_watch_that_ends_in_its_time_is_reopened_at_once_at_a_random_age() -> None:
    api = Scripted()
    async with watching(api):
        await asyncio.sleep(3000)
        times = [time for time, _ in api.watched]
        ages = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert all(180 <= age <= 300 for age in ages)
        assert len(set(ages)) > 5
        assert api.count()["list"] == 1


async def test_f7_an_outage_of_a_minute_is_caught_up_within_five_seconds_without_a_storm() -> None:
    api = FakeApi()
    api.make(PODS, "a", "shop")
    async with watching(api) as watched:
        await asyncio.sleep(30)
        api.calls.clear()
        api.before = failing(unavailable, "watch", "list", times=10_000)
        api.cut()
        await asyncio.sleep(60)
        assert len(api.calls) < 40
        assert watched.names == ["a"], "what was known is served meanwhile"
        assert watched.pods.has_synced
        api.remove(PODS, "a", "shop")
        api.make(PODS, "b", "shop")
        api.before = failing(unavailable)
        await asyncio.sleep(5)
        assert watched.names == ["b"]
        assert watched.told[1:] == ["a>", ">b"]


async def test_f7_a_short_cut_goes_on_at_the_same_version_without_a_list() -> None:
    api = FakeApi()
    async with watching(api) as watched:
        await asyncio.sleep(30)
        api.cut()
        api.make(PODS, "a", "shop")
        await asyncio.sleep(0.2)
        assert (watched.names, api.count()["list"]) == (["a"], 1)


@pytest.mark.parametrize("bookmarks", [True, False])
async def test_f9_a_stalled_watch_is_given_up_and_reopened(bookmarks: bool) -> None:
    api = Frugal(bookmarks=bookmarks)
    async with watching(api) as watched:
        await asyncio.sleep(90)
        api.stall()
        api.make(PODS, "a", "shop")
        await asyncio.sleep(140 if bookmarks else 311)
        assert api.count()["watch"] == 2, "silence was noticed"
        await asyncio.sleep(1)
        assert watched.names == ["a"]


async def test_f9_contact_is_never_older_than_promised_while_the_server_answers() -> None:
    api = Frugal(bookmarks=False)
    loop = asyncio.get_running_loop()
    async with watching(api) as watched:
        for _ in range(200):
            await asyncio.sleep(7)
            assert loop.time() - watched.pods.last_contact <= informer.MAX_SILENCE
        api.before = failing(unavailable, "watch", "list", times=10_000)
        api.cut()
        before = watched.pods.last_contact
        await asyncio.sleep(informer.MAX_SILENCE + 1)
        assert watched.pods.last_contact == before


async def test_f12_a_list_from_a_server_that_lags_is_asked_for_again() -> None:
    api = Scripted([event("ADDED", "a", 200), gone()])
    async with watching(api) as watched:
        await asyncio.sleep(0.3)
        assert watched.names == ["a"], "not believed"
        api.server.store.version = 300
        api.make(PODS, "b", "shop")
        await asyncio.sleep(5)
        assert (watched.names, watched.told) == (["b"], [">a", "a>", ">b"])


async def test_f12_a_history_that_stays_behind_was_restored_from_a_backup_and_is_believed() -> None:
    api = Scripted([event("ADDED", "a", 200), gone()])
    api.make(PODS, "b", "shop")
    async with watching(api) as watched:
        await asyncio.sleep(10)
        assert watched.names == ["b"]
        assert [version for _, version in api.watched] == ["101", "101"]


async def test_our_own_write_is_known_at_once_and_its_event_tells_nobody_again() -> None:
    api = FakeApi()
    async with watching(api) as watched:
        watched.pods.observe(await api.create(PODS, POD, "shop"))
        assert (watched.names, watched.told) == (["a"], [">a"])
        await asyncio.sleep(1)
        assert watched.told == [">a"]
        watched.pods.observe(await api.patch(PODS, "a", {"metadata": {"labels": {"x": "y"}}}, "shop"))
        await asyncio.sleep(1)
        assert watched.told == [">a", "a>a"]


async def test_an_answer_older_than_the_cache_is_ignored() -> None:
    api = FakeApi()
    async with watching(api) as watched:
        answer = await api.create(PODS, POD, "shop")
        api.make(PODS, "a", "shop", metadata={"labels": {"x": "y"}})
        await asyncio.sleep(1)
        watched.pods.observe(answer)
        pod = watched.pods.get("shop", "a")
        assert pod is not None
        assert pod.metadata.labels == {"x": "y"}


async def test_an_answer_about_what_was_deleted_since_does_not_bring_it_back() -> None:
    api = FakeApi()
    async with watching(api) as watched:
        answer = await api.create(PODS, POD, "shop")
        api.remove(PODS, "a", "shop")
        await asyncio.sleep(1)
        watched.pods.observe(answer)
        assert watched.names == []


async def test_an_answer_outside_the_selection_removes_and_one_from_elsewhere_is_ignored() -> None:
    api = FakeApi()
    api.make(PODS, "a", "shop", metadata={"labels": {"held": "yes"}}, spec=POD["spec"])
    async with watching(api, namespace="shop", label_selector="held=yes") as watched:
        watched.pods.observe(await api.patch(PODS, "a", {"metadata": {"labels": {"held": None}}}, "shop"))
        assert (watched.names, watched.told) == ([], [">a", "a>"])
        watched.pods.observe(api.make(PODS, "a", "shop", metadata={"labels": {"held": "yes"}}))
        assert watched.names == ["a"]
        watched.pods.observe(api.make(PODS, "b", "other", metadata={"labels": {"held": "yes"}}))
        watched.pods.observe({"metadata": {"name": "dry", "namespace": "shop", "labels": {"held": "yes"}}})
        await asyncio.sleep(1)
        assert watched.names == ["a"]


async def test_a_write_seen_while_a_list_is_under_way_survives_it() -> None:
    api = FakeApi()
    api.make(PODS, "a", "shop")
    async with watching(api) as watched:

        def answer_first(call: Call) -> None:
            if call.verb == "list":
                answer = event("ADDED", "mine", 900)["object"]
                watched.pods.observe(answer)

        await asyncio.sleep(20)
        api.before = answer_first
        api.cut()
        api.make(PODS, "b", "shop")
        api.compact()
        await asyncio.sleep(1)
        assert watched.names == ["a", "mine", "b"]


async def test_decode_may_leave_objects_out_and_that_counts_as_a_deletion() -> None:
    def only_marked(body: Json) -> Object | None:
        return Object.model_validate(body) if "labels" in body["metadata"] else None

    api = FakeApi()
    api.make(PODS, "a", "shop", metadata={"labels": {"x": "y"}})
    api.make(PODS, "b", "shop")
    async with watching(api, decode=only_marked) as watched:
        assert watched.names == ["a"]
        api.make(PODS, "a", "shop")
        await asyncio.sleep(1)
        assert (watched.names, watched.told) == ([], [">a", "a>"])


async def test_f16_an_object_that_cannot_be_decoded_is_left_out_and_its_content_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = FakeApi()
    api.make(PODS, "bad", "shop", metadata={"labels": {"password": ["hunter2"]}})
    api.make(PODS, "good", "shop")
    async with watching(api) as watched:
        assert watched.names == ["good"]
    record = next(record for record in caplog.records if record.levelno == logging.WARNING)
    assert vars(record)["object_name"] == "bad"
    assert vars(record)["error"] == "metadata.labels.password: string_type"
    assert "hunter2" not in caplog.text + str([vars(record) for record in caplog.records])


async def test_f16_a_handler_that_raises_does_not_keep_others_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi()
    api.make(PODS, "a", "shop")
    heard: list[str] = []
    async with watching(api) as watched:
        watched.pods.subscribe(lambda old, new: heard.append(str(1 // 0)))
        watched.pods.subscribe(lambda old, new: heard.append(_short(new)))
        api.make(PODS, "b", "shop")
        await asyncio.sleep(1)
    assert heard == ["a", "b"]
    assert caplog.text.count("a handler of changes failed") == 2


async def test_f16_an_event_that_makes_no_sense_is_answered_by_a_list() -> None:
    api = Scripted([{"type": "ADDED", "object": {}}])
    async with watching(api):
        await asyncio.sleep(1)
        assert (api.count()["list"], len(api.watched)) == (2, 2)


async def test_a_handler_sees_the_cache_with_the_change_in_it() -> None:
    api = FakeApi()
    seen: list[int] = []
    async with watching(api) as watched:
        watched.pods.subscribe(lambda old, new: seen.append(len(watched.pods.all())))
        api.make(PODS, "a", "shop")
        await asyncio.sleep(0.01)
        api.remove(PODS, "a", "shop")
        await asyncio.sleep(0.01)
        assert seen == [1, 0]


async def test_an_error_of_the_operating_system_is_one_more_reason_to_try_again() -> None:
    api = Scripted([OSError("no route to host")], [bookmark(101)])
    async with watching(api):
        await asyncio.sleep(2)
        assert len(api.watched) == 3


async def test_f16_whatever_a_decoder_raises_the_content_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def decoder(body: Json) -> Object:
        raise KeyError(body["metadata"]["labels"]["password"])

    api = FakeApi()
    api.make(PODS, "bad", "shop", metadata={"labels": {"password": "hunter2"}})
    async with watching(api, decode=decoder) as watched:
        assert watched.names == []
    assert [vars(record)["error"] for record in caplog.records] == ["KeyError"]


async def test_others_get_their_turn_while_a_long_list_is_decoded() -> None:
    api = FakeApi(latency=0)  # the clock stands still while somebody else has something to do
    for number in range(400):
        api.make(PODS, f"pod-{number}", "shop")
    decoded: list[int] = [0]
    seen: set[int] = set()

    def decoder(body: Json) -> Object:
        decoded[0] += 1
        return Object.model_validate(body)

    async def somebody_else() -> None:
        while decoded[0] < 400:
            seen.add(decoded[0])
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(somebody_else())
        async with watching(api, decode=decoder):
            pass
    assert len(seen) >= 8
