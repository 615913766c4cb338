"""What a receiver gets, and that a rollout feels nothing of a receiver that is slow, ill or gone."""

import asyncio
import logging
import random
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import httpx2
import orjson
import pytest
import trustme

from app.lifecycle.happenings import Happening
from app.telemetry import cloudevents
from app.telemetry.cloudevents import CloudEvents
from tests.simulation.clock import now, seconds

URL = "http://receiver.shop:8080/events"


def happened(text: str = "has started") -> Happening:
    data = {"message": text, "type": "Normal", "version": "1.0", "resource": {"kind": "KeptnWorkloadVersion"}}
    return Happening("WorkloadDeployStarted", text, {}, "Workload Deployment.Started", data)


@dataclass
class Receiver:
    """Answers with `status`, after `delay` seconds."""

    status: int = 200
    delay: float = 0.0
    error: Exception | None = None
    url: str = URL
    requests: list[httpx2.Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.times.append(seconds())
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        return httpx2.Response(self.status, content=_thanks())

    def sender(self, capacity: int = cloudevents.CAPACITY) -> CloudEvents:
        return CloudEvents(
            lambda: self.url,
            now=now,
            rng=random.Random(1),
            capacity=capacity,
            transport=httpx2.MockTransport(self._answer),
        )

    def texts(self) -> list[str]:
        return [orjson.loads(request.content)["message"] for request in self.requests]


async def _thanks() -> AsyncIterator[bytes]:
    yield b"thanks"


async def until(condition: Callable[[], bool], within: float = 1000.0) -> None:
    for _ in range(int(within / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


def said(caplog: pytest.LogCaptureFixture, message: str) -> list[Any]:
    return [record for record in caplog.records if record.message == message]


@pytest.mark.looptime
async def test_a_receiver_gets_keptns_event_in_binary_mode() -> None:
    receiver = Receiver()
    sender = receiver.sender()
    sender.send(happened())
    assert not receiver.requests, "sending waits for nobody"
    await sender.aclose()
    (request,) = receiver.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["ce-specversion"] == "1.0"
    assert request.headers["ce-source"] == "keptn.sh"
    # The binding asks for an encoded space; every SDK decodes it.
    assert unquote(request.headers["ce-type"]) == "Workload Deployment.Started"
    assert datetime.fromisoformat(request.headers["ce-time"]) == now()
    assert request.headers["ce-id"]
    assert orjson.loads(request.content) == happened().data


@pytest.mark.looptime
async def test_nobody_asked_so_nothing_waits_and_nothing_is_sent() -> None:
    receiver = Receiver(url="")
    sender = receiver.sender()
    sender.send(happened())
    receiver.url = URL
    await asyncio.sleep(10)
    await sender.aclose()
    assert not receiver.requests
    assert not sender.dropped


@pytest.mark.looptime
async def test_they_come_one_at_a_time_in_the_order_of_what_happened() -> None:
    receiver = Receiver(delay=0.5)
    sender = receiver.sender()
    for number in range(3):
        sender.send(happened(str(number)))
    await until(lambda: len(receiver.requests) == 3)
    await sender.aclose()
    assert receiver.texts() == ["0", "1", "2"]
    assert len({request.headers["ce-id"] for request in receiver.requests}) == 3
    assert all(later - earlier >= 0.5 for earlier, later in zip(receiver.times, receiver.times[1:], strict=False))


@pytest.mark.looptime
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_receiver_that_comes_back_gets_what_it_missed(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    receiver = Receiver(status=status)
    sender = receiver.sender()
    sender.send(happened("first"))
    sender.send(happened("second"))
    await until(lambda: len(receiver.requests) == 3)
    receiver.status = 202
    await until(lambda: "second" in receiver.texts())
    await sender.aclose()
    assert receiver.texts() == ["first"] * 4 + ["second"]
    assert len({request.headers["ce-id"] for request in receiver.requests}) == 2, "a repetition can be told"
    pauses = [later - earlier for earlier, later in zip(receiver.times, receiver.times[1:4], strict=False)]
    assert pauses == sorted(pauses)
    assert len(said(caplog, "a CloudEvent could not be delivered, trying again")) == 1
    assert len(said(caplog, "CloudEvents are delivered again")) == 1
    assert not sender.dropped


@pytest.mark.looptime
async def test_an_endpoint_that_changes_gets_what_its_predecessor_did_not_take() -> None:
    receiver = Receiver(error=httpx2.ConnectError("refused"))
    sender = receiver.sender()
    sender.send(happened())
    await until(lambda: len(receiver.requests) == 2)
    receiver.error, receiver.url = None, "http://other/"
    await until(lambda: len(receiver.requests) == 3)
    await sender.aclose()
    assert str(receiver.requests[-1].url) == "http://other/"


@pytest.mark.looptime
async def test_what_waits_is_forgotten_once_nobody_asks() -> None:
    receiver = Receiver(status=503)
    sender = receiver.sender()
    sender.send(happened("old"))
    await until(lambda: len(receiver.requests) == 1)
    receiver.url = ""
    await asyncio.sleep(30)
    receiver.url, receiver.status = URL, 200
    sender.send(happened("new"))
    await until(lambda: len(receiver.requests) == 2)
    await sender.aclose()
    assert receiver.texts() == ["old", "new"]


@pytest.mark.looptime
async def test_a_receiver_that_never_answers_is_given_up_in_time(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(delay=3600)
    sender = receiver.sender()
    sender.send(happened())
    start = seconds()
    await until(lambda: sender.dropped == 1)
    assert cloudevents.KEPT_SECONDS < seconds() - start < cloudevents.KEPT_SECONDS + 20
    assert 20 < len(receiver.requests) < 80, "it is asked again and again, with pauses"
    (line,) = said(caplog, "CloudEvents were dropped")
    assert line.count == 1
    await sender.aclose()


@pytest.mark.looptime
async def test_the_oldest_give_way_and_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(status=503)
    sender = receiver.sender(capacity=3)
    for number in range(8):
        sender.send(happened(str(number)))
    await until(lambda: len(receiver.requests) == 1)
    receiver.status = 200
    await until(lambda: len(receiver.requests) >= 4)
    sender.send(happened("later"))
    await sender.aclose()
    assert receiver.texts() == ["5", "5", "6", "7", "later"]
    assert sender.dropped == 5
    assert [line.all for line in said(caplog, "CloudEvents were dropped")] == [1], "one line, not five"


@pytest.mark.looptime
async def test_one_that_gives_way_while_it_is_posted_takes_no_other_with_it() -> None:
    receiver = Receiver(delay=1)
    sender = receiver.sender(capacity=2)
    sender.send(happened("a"))
    await until(lambda: len(receiver.requests) == 1)
    for text in ("b", "c"):
        sender.send(happened(text))
    await until(lambda: len(receiver.requests) == 3)
    await sender.aclose()
    assert receiver.texts() == ["a", "b", "c"]


@pytest.mark.looptime
@pytest.mark.parametrize(("status", "tries"), [(400, 1), (404, 1), (302, 1), (500, 5)])
async def test_an_event_that_the_receiver_does_not_want_holds_up_no_other(status: int, tries: int) -> None:
    receiver = Receiver(status=status)
    sender = receiver.sender()
    sender.send(happened("bad"))
    await until(lambda: sender.dropped == 1)
    assert receiver.texts() == ["bad"] * tries
    receiver.status = 200
    sender.send(happened("good"))
    await until(lambda: "good" in receiver.texts())
    await sender.aclose()


@pytest.mark.looptime
async def test_a_dead_receiver_does_not_delay_the_end(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(error=httpx2.ConnectError("refused"))
    sender = receiver.sender()
    sender.send(happened())
    await until(lambda: len(receiver.requests) == 1)
    start = seconds()
    await sender.aclose(2.0)
    assert seconds() - start < 0.1
    (line,) = said(caplog, "CloudEvents were not delivered before the end")
    assert line.count == 1
    sender.send(happened())
    await asyncio.sleep(60)
    assert len(receiver.requests) == 1, "after the end nothing is taken"


@pytest.mark.looptime
async def test_a_slow_receiver_delays_the_end_by_no_more_than_allowed() -> None:
    receiver = Receiver(delay=4)
    sender = receiver.sender()
    sender.send(happened())
    start = seconds()
    await sender.aclose(2.0)
    assert 1.9 < seconds() - start < 2.1


@pytest.mark.looptime
async def test_an_event_that_cannot_be_written_down_costs_only_itself() -> None:
    receiver = Receiver()
    sender = receiver.sender()
    sender.send(Happening("R", "m", {}, "T.Started", {"message": object()}))
    sender.send(happened())
    await until(lambda: bool(receiver.requests))
    await sender.aclose()
    assert receiver.texts() == ["has started"]


@pytest.mark.looptime
async def test_no_password_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # as app.telemetry.logs has it
    secret = "http://user:hunter2@receiver:8080/path?token=hunter3"
    receiver = Receiver(error=httpx2.ConnectError(f"cannot reach {secret}"), url=secret)
    sender = receiver.sender()
    sender.send(happened())
    await until(lambda: sender.dropped == 1)
    receiver.error = None
    sender.send(happened())
    await until(lambda: receiver.texts()[-1] == "has started")
    await sender.aclose()
    assert receiver.requests[-1].headers["authorization"].startswith("Basic ")
    lines = " ".join(str(vars(record)) for record in caplog.records)
    assert "hunter" not in lines
    assert "user" not in " ".join(str(getattr(record, "receiver", "")) for record in caplog.records)
    assert "'receiver': 'http://receiver:8080'" in lines


async def test_over_a_real_connection_an_endless_answer_is_cut() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head.lower())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        with_room = 4 * cloudevents._ANSWER_BYTES
        try:
            for _ in range(100_000_000 // with_room):
                writer.write(b"x" * with_room)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = CloudEvents(lambda: f"http://127.0.0.1:{port}/x", now=now, rng=random.Random(1))
    for text in ("one", "two"):
        sender.send(happened(text))
    await until(lambda: len(heads) == 2, within=10)
    await sender.aclose(5)
    assert not sender.dropped
    assert all(b"post /x http/1.1" in head and b"ce-type: workload%20deployment.started" in head for head in heads)
    server.close()
    await server.wait_closed()


async def reason(url: str, caplog: pytest.LogCaptureFixture) -> str:
    """What the log says of the first failure."""
    sender = CloudEvents(lambda: url, now=now, rng=random.Random(1))
    sender.send(happened())
    await until(lambda: bool(caplog.records), within=10)
    await sender.aclose()
    (line,) = said(caplog, "a CloudEvent could not be delivered, trying again")
    assert "hunter2" not in str(vars(line))
    return str(line.error)


async def test_the_log_says_that_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    words = await reason("http://user:hunter2@127.0.0.1:1/", caplog)
    assert words.startswith("ConnectError: Connect call failed")


async def test_the_log_says_that_a_certificate_is_not_trusted(caplog: pytest.LogCaptureFixture) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    words = await reason(f"https://user:hunter2@127.0.0.1:{port}/", caplog)
    assert "certificate verify failed" in words
    server.close()
    await server.wait_closed()
