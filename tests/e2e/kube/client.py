"""A small synchronous client on raw JSON: what kubectl would send, and the whole answer, warnings included."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import urllib3

from tests.e2e.kube.config import KubeConfig
from tests.e2e.kube.resources import Json, path

T = TypeVar("T")

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
SECONDS = 60.0  # for anything that should take a few; a test that waits for less says so

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


class Refused(Exception):
    """The API server said no. `body` is its Status object."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status} {body.get('reason', '')}: {body.get('message', body)}")
        self.status = status
        self.body = body

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class NotInTime(AssertionError):
    """What was waited for did not happen."""


@dataclass(frozen=True)
class Answer:
    body: Json
    warnings: tuple[str, ...]


class Kube:
    """The API server, as the kubeconfig's user or, by `as_`, as somebody else."""

    def __init__(self, config: KubeConfig, user: str = "", groups: Sequence[str] = ()) -> None:
        self.config = config
        headers = urllib3.HTTPHeaderDict({"Accept": "application/json"})
        if config.token:
            headers.add("Authorization", f"Bearer {config.token}")
        if user:
            headers.add("Impersonate-User", user)
        for group in groups:
            headers.add("Impersonate-Group", group)
        self._headers = headers
        self._pool = urllib3.PoolManager(
            maxsize=16,
            retries=False,
            ca_certs=config.authority or None,
            cert_file=config.certificate or None,
            key_file=config.key or None,
        )

    @contextlib.contextmanager
    def as_(self, user: str, groups: Sequence[str] = ()) -> Iterator["Kube"]:
        """The same cluster, seen and written by another user."""
        other = Kube(self.config, user, groups)
        try:
            yield other
        finally:
            other.close()

    def close(self) -> None:
        self._pool.clear()

    def send(self, method: str, where: str, body: Any = None, *, content: str = "", **query: str) -> Answer:
        """One request. Raises Refused for any answer that is not a success."""
        headers = self._headers.copy()
        data = None
        if body is not None:
            headers.add("Content-Type", content or "application/json")
            data = json.dumps(body).encode()
        url = self.config.server + where + (f"?{urlencode(query)}" if query else "")
        response = self._pool.request(method, url, body=data, headers=headers, timeout=30.0)
        warnings = _WARNING.findall(", ".join(response.headers.getlist("Warning")))
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = {"message": response.data.decode(errors="replace")}
        if response.status >= 300:
            raise Refused(response.status, answer)
        return Answer(answer, tuple(warning.replace('\\"', '"') for warning in warnings))

    def text(self, where: str, **query: str) -> str:
        """What is not JSON: logs, metrics."""
        url = self.config.server + where + (f"?{urlencode(query)}" if query else "")
        response = self._pool.request("GET", url, headers=self._headers, timeout=30.0)
        if response.status >= 300:
            raise Refused(response.status, {"message": response.data.decode(errors="replace")})
        return response.data.decode(errors="replace")

    def create(self, body: Json, namespace: str = "", *, dry_run: bool = False) -> Answer:
        meta = body["metadata"]
        where = path(body["kind"], meta.get("namespace", namespace), version=body["apiVersion"])
        return self.send("POST", where, body, **({"dryRun": "All"} if dry_run else {}))

    def create_all(self, namespace: str, *bodies: Json) -> None:
        for body in bodies:
            self.create(body, namespace)

    def get(self, kind: str, namespace: str, name: str, *, version: str = "") -> Json:
        return self.send("GET", path(kind, namespace, name, version=version)).body

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        try:
            return self.get(kind, namespace, name)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def all(self, kind: str, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Json]:
        items: list[Json] = self.send("GET", path(kind, namespace), **_selectors(labels, fields)).body["items"]
        return items

    def patch(
        self, kind: str, namespace: str, name: str, body: Any, *, content: str = MERGE, subresource: str = ""
    ) -> Answer:
        return self.send("PATCH", path(kind, namespace, name, subresource=subresource), body, content=content)

    def delete(self, kind: str, namespace: str, name: str, *, propagation: str = "Background", **options: Any) -> None:
        """Deletes, or finds it gone already. Does not wait."""
        with contextlib.suppress(Refused):
            self.send("DELETE", path(kind, namespace, name), {"propagationPolicy": propagation, **options})

    def watch(
        self, kind: str, namespace: str, since: str, seconds: float, *, labels: str = "", fields: str = ""
    ) -> "Watch":
        """Changes after the resourceVersion `since`, for at most that many seconds."""
        query = {"watch": "1", "resourceVersion": since, "timeoutSeconds": str(max(1, int(seconds + 0.999)))}
        url = f"{self.config.server}{path(kind, namespace)}?{urlencode(query | _selectors(labels, fields))}"
        timeout = urllib3.Timeout(connect=10, read=seconds + 5)
        return Watch(self._pool.request("GET", url, headers=self._headers, timeout=timeout, preload_content=False))

    def until(
        self,
        kind: str,
        namespace: str,
        done: Callable[[list[Json]], T | None],
        what: str,
        *,
        seconds: float = SECONDS,
        labels: str = "",
        fields: str = "",
    ) -> T:
        """What `done` makes of the objects that are there, as soon as it makes something of them (not None, not False).

        Lists once and then watches, so it is told at once and asks nothing twice. Raises NotInTime after `seconds`.
        """
        end = time.monotonic() + seconds
        selectors = {"labels": labels, "fields": fields}
        while True:
            answer = self.send("GET", path(kind, namespace), **_selectors(labels, fields)).body
            there = {item["metadata"]["uid"]: item for item in answer["items"]}
            since = answer["metadata"]["resourceVersion"]
            while True:
                if (found := done(list(there.values()))) is not None and found is not False:
                    return found
                left = end - time.monotonic()
                if left <= 0:
                    raise NotInTime(f"not within {seconds:g} s: {what}")
                with contextlib.closing(self.watch(kind, namespace, since, left, **selectors)) as changes:
                    change = next(changes, None)
                    while change is not None and change.type != "ERROR":
                        _take(there, change)
                        since = change.object["metadata"]["resourceVersion"]
                        if (found := done(list(there.values()))) is not None and found is not False:
                            return found
                        if time.monotonic() > end:
                            break
                        change = next(changes, None)
                if change is not None and change.type == "ERROR":
                    break

    def until_one(
        self, kind: str, namespace: str, name: str, done: Callable[[Json], Any], what: str, *, seconds: float = SECONDS
    ) -> Json:
        """The object once `done` holds for it."""
        return self.until(
            kind,
            namespace,
            lambda items: next((item for item in items if done(item)), None),
            f"{kind} {namespace}/{name}: {what}",
            seconds=seconds,
            fields=f"metadata.name={name}",
        )


@dataclass(frozen=True)
class Change:
    type: str
    object: Json


class Watch:
    """The changes of one watch request, in order; ends when the server ends it or after `stop`."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._lines = self._read()

    def __iter__(self) -> "Watch":
        return self

    def __next__(self) -> Change:
        return next(self._lines)

    def close(self) -> None:
        self._lines.close()
        self._response.close()
        self._response.release_conn()

    def stop(self) -> None:
        """Ends the iteration from another thread."""
        # Not the response's own shutdown: that takes the TLS layer away from under the thread that reads.
        held = getattr(self._response.connection, "sock", None)
        if isinstance(held, socket.socket):
            with contextlib.suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(held, socket.SHUT_RDWR)

    def _read(self) -> Generator[Change, None, None]:
        held = b""
        try:
            if self._response.status >= 300:
                yield Change("ERROR", json.loads(self._response.data))
                return
            for chunk in self._response.stream(None):
                *lines, held = (held + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    yield Change(event["type"], event["object"])
        except urllib3.exceptions.HTTPError:
            return  # the server or `stop` ended it in the middle


def _take(there: dict[str, Json], change: Change) -> None:
    uid = change.object["metadata"]["uid"]
    if change.type == "DELETED":
        there.pop(uid, None)
    else:
        there[uid] = change.object


def _selectors(labels: str, fields: str) -> dict[str, str]:
    chosen = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in chosen.items() if value}
