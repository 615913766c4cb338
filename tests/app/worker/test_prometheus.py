"""worker/prometheus.py against a server on a real socket, which says what it is told to."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import trustme

from app.worker import prometheus
from app.worker.prometheus import AskError, Server, ask

TOKEN = "very-secret-token"
BEARER = f"Bearer {TOKEN}"
CA = trustme.CA()


def vector(*samples: Any) -> bytes:
    return success("vector", [{"metric": {}, "value": [1.5, sample]} for sample in samples])


def success(kind: str, result: Any) -> bytes:
    return orjson.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


@dataclass
class Double:
    """A server. `head` are further lines of its answers' head."""

    body: bytes = vector("7")
    status: str = "200 OK"
    head: tuple[str, ...] = ()
    silent: bool = False
    trickles: bool = False
    url: str = ""
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if self.silent:
                await reader.read()
            head = [f"HTTP/1.1 {self.status}", f"content-length: {len(self.body)}", "connection: close", *self.head]
            writer.write("\r\n".join(head).encode() + b"\r\n\r\n")
            for part in (self.body[at : at + 1] for at in range(len(self.body))) if self.trickles else (self.body,):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.02 if self.trickles else 0)
        writer.close()


@contextlib.asynccontextmanager
async def double(tls: ssl.SSLContext | None = None, **given: Any) -> AsyncIterator[Double]:
    made = Double(**given)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    made.url = f"{'https' if tls else 'http'}://localhost:{port}"
    async with server:
        yield made


async def refused(**given: Any) -> str:
    """What is said of a server that answers like this, asked with a token."""
    async with double(**given) as server:
        with pytest.raises(AskError) as error:
            await ask(Server(server.url, BEARER), "up")
        assert str(error.value).startswith(server.url)
        return str(error.value).removeprefix(server.url)


class TestAQuery:
    async def test_is_an_instant_query_as_the_api_has_it(self) -> None:
        async with double() as server:
            assert await ask(Server(server.url), 'sum(rate(x{job="a b"}[5m])) > 0 & 1') == "7"
        (request,) = server.requests
        line, *headers = request.splitlines()
        assert line == (
            "GET /api/v1/query?query=sum%28rate%28x%7Bjob%3D%22a+b%22%7D%5B5m%5D%29%29+%3E+0+%26+1 HTTP/1.1"
        )  # fmt: skip
        assert not any(header.lower().startswith("authorization") for header in headers)

    @pytest.mark.parametrize(
        ("given", "path"), [("", ""), ("/", ""), ("/select/0/prometheus", "/select/0/prometheus"), ("/p/?a=b#c", "/p")]
    )
    async def test_goes_below_the_path_of_the_address(self, given: str, path: str) -> None:
        async with double() as server:
            await ask(Server(server.url + given), "up")
        assert server.requests[0].startswith(f"GET {path}/api/v1/query?query=up HTTP/1.1\r\n")

    async def test_carries_the_authorization(self) -> None:
        async with double() as server:
            await ask(Server(server.url, BEARER), "up")
        assert f"\r\nauthorization: {BEARER}\r\n" in server.requests[0].replace("Authorization", "authorization")

    async def test_passes_by_the_proxy_and_the_netrc_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine localhost login somebody password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        async with double() as server:
            assert await ask(Server(server.url), "up") == "7"
        assert "uthorization" not in server.requests[0]


class TestAnAnswer:
    @pytest.mark.parametrize("text", ["7", "0", "-1.5", "1.5e+06", "NaN", "+Inf", "-Inf"])
    async def test_of_one_sample_is_its_value_as_it_stands(self, text: str) -> None:
        async with double(body=vector(text)) as server:
            assert await ask(Server(server.url), "up") == text

    async def test_that_is_a_scalar_is_its_value(self) -> None:
        async with double(body=success("scalar", [1.5, "3"])) as server:
            assert await ask(Server(server.url), "scalar(up)") == "3"

    async def test_without_a_sample_is_none(self) -> None:
        assert "has no data for the query" in await refused(body=vector())

    async def test_of_several_samples_says_how_many_and_what_to_do(self) -> None:
        assert "has 3 values for the query; make one of them" in await refused(body=vector("1", "2", "3"))

    @pytest.mark.parametrize("kind", ["matrix", "string"])
    async def test_of_another_kind_is_none(self, kind: str) -> None:
        assert f"answers with a {kind}; write a query that comes to one number" in await refused(body=success(kind, []))

    @pytest.mark.parametrize(
        "body",
        [
            success("vector", [{"metric": {}, "histogram": [1, {}]}]),
            success("vector", ["x"]),
            success("vector", [{"value": [1]}]),
            success("vector", [{"value": [1, 7]}]),
            success("scalar", "7"),
            success("scalar", None),
            vector("seven"),
            vector("1_0"),
            vector(""),
        ],
    )
    async def test_without_a_number_is_none(self, body: bytes) -> None:
        assert "write a query that comes to one number" in await refused(body=body)

    @pytest.mark.parametrize(
        "body", [b"", b"<html>hello", b"[]", b"7", b"{}", b'{"status":"ok"}', b"\xff", b"\x1f\x8b\x08"]
    )
    async def test_of_another_kind_of_server_is_told(self, body: bytes) -> None:
        assert "does not answer as Prometheus does (HTTP 200)" in await refused(body=body)

    @pytest.mark.parametrize("body", [b'{"status":"success"}', b'{"status":"success","data":[]}'])
    async def test_without_data_is_none(self, body: bytes) -> None:
        assert "write a query that comes to one number" in await refused(body=body)

    async def test_that_refuses_the_query_says_why(self) -> None:
        body = orjson.dumps({"status": "error", "errorType": "bad_data", "error": "parse error: unexpected <eof>"})
        said = await refused(status="400 Bad Request", body=body)
        assert "refuses the query: bad_data: parse error: unexpected <eof>" in said

    @pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
    async def test_that_refuses_us_says_where_the_credentials_go(self, status: str) -> None:
        assert f"refuses us ({status[:3]}); name a Secret in secretKeyRef" in await refused(status=status)

    @pytest.mark.parametrize("status", ["502 Bad Gateway", "404 Not Found"])
    async def test_of_a_gateway_in_between_is_told_by_its_status(self, status: str) -> None:
        assert f"(HTTP {status[:3]})" in await refused(status=status, body=b"sorry")


class TestWhatAServerMayNotDo:
    @pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
    async def test_send_us_elsewhere(self, status: str) -> None:
        async with double() as other:
            said = await refused(status=status, head=(f"location: {other.url}/api/v1/query",))
        assert "a redirect" in said
        assert other.requests == []

    async def test_answer_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prometheus, "LARGEST_ANSWER", 2048)
        assert "answers with more than 2 KiB" in await refused(body=b" " * 4096 + vector("7"))

    @pytest.mark.parametrize("how", ["silent", "trickles"])
    async def test_let_us_wait(self, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prometheus, "TOTAL", 0.2)
        assert "did not answer" in await refused(**{how: True})

    @pytest.mark.parametrize(
        "authorization", [BEARER, "Basic dXNlcjp2ZXJ5LXNlY3JldC10b2tlbg=="], ids=["bearer", "basic"]
    )
    @pytest.mark.parametrize("said", [TOKEN, BEARER, "dXNlcjp2ZXJ5LXNlY3JldC10b2tlbg=="])
    async def test_have_the_credentials_said_back(self, authorization: str, said: str) -> None:
        bodies = (
            orjson.dumps({"status": "error", "errorType": said, "error": f"you sent {said}"}),
            vector(said),
            success(said, []),
        )
        for body in bodies:
            async with double(body=body) as server:
                with pytest.raises(AskError) as error:
                    await ask(Server(server.url, authorization), "up")
        sent = authorization.partition(" ")[2]
        assert sent not in str(error.value)
        assert said != TOKEN or TOKEN not in str(error.value)

    def test_and_nobody_sees_them_in_a_log(self) -> None:
        assert TOKEN not in repr(Server("http://x", BEARER))


class TestAddresses:
    @pytest.mark.parametrize(
        "url", ["", "prometheus", "prometheus:9090", "ftp://prometheus", "http://", "http:///x", "//x", "http://x:port"]
    )
    async def test_that_are_none_are_told(self, url: str) -> None:
        with pytest.raises(AskError, match="write one such as http://prometheus"):
            await ask(Server(url), "up")

    async def test_with_a_password_in_them_are_refused_without_saying_it(self) -> None:
        with pytest.raises(AskError, match="put them into a Secret") as error:
            await ask(Server(f"http://me:{TOKEN}@localhost:1"), "up")
        assert TOKEN not in str(error.value)

    @pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
    async def test_where_nobody_is_are_told(self, url: str) -> None:
        with pytest.raises(AskError, match=f"{url} cannot be asked: "):
            await ask(Server(url), "up")

    async def test_of_a_server_that_hangs_up_are_told(self) -> None:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(AskError, match="cannot be asked"):
                await ask(Server(f"http://127.0.0.1:{port}"), "up")


class TestTls:
    @pytest.fixture(autouse=True)
    def forget(self) -> Any:
        prometheus._tls.cache_clear()
        yield
        prometheus._tls.cache_clear()

    @pytest.fixture
    def tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CA.issue_cert("localhost").configure_cert(context)
        return context

    async def test_is_verified(self, tls: ssl.SSLContext) -> None:
        async with double(tls) as server:
            with pytest.raises(AskError, match="certificate verify failed"):
                await ask(Server(server.url, BEARER), "up")
        assert server.requests == []

    async def test_is_verified_by_the_authorities_that_the_environment_names(
        self, tls: ssl.SSLContext, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        CA.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with double(tls) as server:
            assert await ask(Server(server.url, BEARER), "up") == "7"

    async def test_is_not_verified_where_the_provider_says_so(self, tls: ssl.SSLContext) -> None:
        async with double(tls) as server:
            assert await ask(Server(server.url, BEARER, skip_tls_verify=True), "up") == "7"
