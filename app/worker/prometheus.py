"""One instant query to a server that speaks Prometheus' HTTP API, and the one number that it answers.

The server is one that somebody named in an object, so nothing of its answer is taken on trust: its size, its time and
its form are limited, it cannot send us elsewhere with the credentials, and what it says goes into messages only cut
short and without them.
"""

import asyncio
import base64
import functools
import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import httpx2
import orjson

# Seconds.
CONNECT: Final = 3.0
TOTAL: Final = 10.0
LARGEST_ANSWER: Final = 1 << 16  # bytes
_SHOWN: Final = 300
# As Prometheus writes a sample.
_VALUE = re.compile(r"[+-]?(NaN|Inf|[0-9]+\.?[0-9]*([eE][+-]?[0-9]+)?)")


class AskError(Exception):
    """There is no number; the message says which server, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask. `authorization` is the header's value, "" for none; it never shows."""

    url: str
    authorization: str = field(default="", repr=False)
    skip_tls_verify: bool = False


class Ask(Protocol):
    async def __call__(self, server: Server, query: str) -> str: ...


async def ask(server: Server, query: str) -> str:
    """The value of `query` at this moment, as the server writes it. Raises AskError.

    The query must come to a scalar or to a vector with exactly one sample, as Keptn asks for. One more than a few
    seconds in coming is none.
    """
    url = _url(server.url)
    place = f"{url.scheme}://{url.netloc.decode('ascii')}"
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "holdfast"}
    if server.authorization:
        headers["Authorization"] = server.authorization
    target = url.copy_with(path=f"{url.path.rstrip('/')}/api/v1/query", query=None, fragment=None)
    try:
        async with (
            asyncio.timeout(TOTAL),
            httpx2.AsyncClient(
                verify=_tls(not server.skip_tls_verify),
                timeout=httpx2.Timeout(TOTAL, connect=CONNECT),
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream("GET", target, params={"query": query}, headers=headers) as answer,
        ):
            body = await _body(answer, place)
            status = answer.status_code
    except TimeoutError:
        raise AskError(f"{place} did not answer within {TOTAL:.0f} s") from None
    except httpx2.TimeoutException:
        raise AskError(f"{place} did not answer in time") from None
    except httpx2.HTTPError as error:
        said = _cut(_without(server.authorization, str(error))) or type(error).__name__
        raise AskError(f"{place} cannot be asked: {said}") from None
    try:
        return _value(status, body)
    except AskError as error:
        raise AskError(f"{place} {_cut(_without(server.authorization, str(error)))}") from None


def _url(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text.strip())
    except (httpx2.InvalidURL, UnicodeError):
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise AskError("targetServer is not a URL; write one such as http://prometheus.monitoring:9090")
    if url.userinfo:
        raise AskError(
            "targetServer has a user or a password in it, which everybody may read; put them into a Secret, with the "
            "keys user and password, and name it in secretKeyRef"
        )
    return url


@functools.cache
def _tls(verify: bool) -> ssl.SSLContext:
    return httpx2.create_ssl_context(verify)


async def _body(answer: httpx2.Response, place: str) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise AskError(f"{place} answers with more than {LARGEST_ANSWER >> 10} KiB; let the query sum up")
    return bytes(body)


def _value(status: int, body: bytes) -> str:
    """The one number in an answer. The messages of its errors go on from the server's address."""
    if status in (401, 403):
        raise AskError(
            f"refuses us ({status}); name a Secret in secretKeyRef whose key holds a token, or whose keys user and "
            "password are right"
        )
    if 300 <= status < 400:
        raise AskError(f"answers with a redirect ({status}), which is not followed; write the final address")
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
        raise AskError(f"does not answer as Prometheus does (HTTP {status}); is the address right, with its path?")
    if answer["status"] == "error":
        raise AskError(f"refuses the query: {answer.get('errorType')}: {answer.get('error')}")
    data = answer.get("data")
    return _number(data if isinstance(data, dict) else {})


def _number(data: dict[str, Any]) -> str:
    kind, result = data.get("resultType"), data.get("result")
    if kind == "vector" and isinstance(result, list):
        if not result:
            raise AskError("has no data for the query; correct it, or say what counts then with 'or vector(0)'")
        if len(result) > 1:
            raise AskError(f"has {len(result)} values for the query; make one of them, with sum() or max() for example")
        result = result[0].get("value") if isinstance(result[0], dict) else None
    elif kind != "scalar":
        raise AskError(f"answers with a {_cut(str(kind))}; write a query that comes to one number")
    if not isinstance(result, list) or len(result) != 2 or not isinstance(result[1], str):
        raise AskError("answers with what is no number; write a query that comes to one number")
    if not _VALUE.fullmatch(result[1]):
        raise AskError("answers with a value that is no number; write a query that comes to one number")
    return result[1]


def _without(authorization: str, text: str) -> str:
    """The text without the credentials, should a server say them back."""
    scheme, _, secret = authorization.partition(" ")
    hidden = {authorization, secret}
    if scheme == "Basic":
        pair = base64.b64decode(secret).decode("utf-8", "replace")
        hidden |= {pair, pair.partition(":")[2]}
    for each in sorted(hidden - {""}, key=len, reverse=True):
        text = text.replace(each, "***")
    return text


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
