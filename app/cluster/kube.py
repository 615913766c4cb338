"""The real cluster: ``Api`` over HTTP, on raw JSON."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Self
from urllib.parse import quote

import aiohttp
import orjson

from app.cluster import errors, resources, transport
from app.cluster.api import Json, PatchType, Resource

log = logging.getLogger(__name__)

_JSON = "application/json"
# No plain JSON as a second choice: a server that cannot transform must refuse rather than send whole objects.
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Identity: inside a cluster, unpacking costs more than it saves.
_HEADERS = {"Accept-Encoding": "identity"}


class KubeApi:
    """An ``api.Api`` for the cluster that this process runs in, or that ``$KUBECONFIG`` names.

    ``request_timeout`` is seconds for one attempt of anything but a watch. At most ``connections`` requests are in
    flight at once, watches and Lease calls not counted: a burst of writes must not cost us the leadership.
    A 429 is tried again after the server's ``Retry-After``, ``shed_retries`` times and never waiting over
    ``shed_wait`` seconds; then it is the caller's.
    """

    def __init__(
        self,
        configuration: transport.Configuration,
        *,
        request_timeout: float = 30.0,
        connections: int = 48,
        shed_retries: int = 4,
        shed_wait: float = 10.0,
    ) -> None:
        self._transport = transport.Transport(configuration)
        self._limits = aiohttp.ClientTimeout(total=request_timeout)
        self._slots = asyncio.Semaphore(connections)
        self._shed_retries = shed_retries
        self._shed_wait = shed_wait

    @classmethod
    async def connect(cls, *, request_timeout: float = 30.0, connections: int = 48) -> Self:
        """Finds the cluster, contacts nobody yet. Raises the client's ``ConfigException`` when it finds none."""
        configuration = await transport.load_configuration()
        return cls(configuration, request_timeout=request_timeout, connections=connections)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def get(self, resource: Resource, name: str, namespace: str = "", *, metadata_only: bool = False) -> Json:
        return await self._call("GET", resource, namespace, name, accept=_METADATA if metadata_only else _JSON)

    async def list_page(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        continue_token: str = "",
        metadata_only: bool = False,
        resource_version: str = "",
    ) -> Json:
        query = _query(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=str(limit) if limit else "",
            # `continue` is a word of Python's
            **{"continue": continue_token},
            resourceVersion="" if continue_token else resource_version,
        )
        accept = _METADATA_LIST if metadata_only else _JSON
        return await self._call("GET", resource, namespace, query=query, accept=accept)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int,
        metadata_only: bool = False,
    ) -> AsyncIterator[Json]:
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            timeoutSeconds=str(timeout_seconds),
        )
        # The server ends the watch after timeout_seconds, so silence for longer than that is a dead connection.
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=timeout_seconds + 15)
        accept = _METADATA if metadata_only else _JSON
        with _as_unavailable():
            response = await self._send("GET", _path(resource, namespace), query, {"Accept": accept}, None, limits)
            try:
                if response.status != 200:
                    raise await _refusal(response)
                async for line in _lines(response.content):
                    yield _parse(response.status, line)
            finally:
                response.close()

    async def create(self, resource: Resource, body: Json, namespace: str = "", *, dry_run: bool = False) -> Json:
        query = _query(dryRun="All" if dry_run else "", fieldManager="holdfast")
        return await self._call("POST", resource, namespace, query=query, body=body)

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Json | list[Json],
        namespace: str = "",
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "holdfast",
        force: bool = False,
    ) -> Json:
        query = _query(dryRun="All" if dry_run else "", fieldManager=field_manager, force="true" if force else "")
        return await self._call(
            "PATCH", resource, namespace, name, subresource, query=query, body=body, content_type=patch_type.value
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", *, propagation: str = "Background", uid: str = ""
    ) -> Json:
        body: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if uid:
            body["preconditions"] = {"uid": uid}
        return await self._call("DELETE", resource, namespace, name, body=body)

    async def _call(
        self,
        method: str,
        resource: Resource,
        namespace: str,
        name: str = "",
        subresource: str = "",
        *,
        query: list[tuple[str, str]] | None = None,
        body: object = None,
        accept: str = _JSON,
        content_type: str = _JSON,
    ) -> Json:
        path = _path(resource, namespace, name, subresource)
        headers = {"Accept": accept, "Content-Type": content_type}
        slots = contextlib.nullcontext() if resource == resources.LEASES else self._slots
        sheds = 0
        while True:
            async with slots:
                try:
                    return await self._attempt(method, path, query or [], headers, body)
                except errors.TooManyRequests as shed:
                    wait = 1.0 if shed.retry_after is None else shed.retry_after
                    sheds += 1
                    if sheds > self._shed_retries or wait > self._shed_wait:
                        raise
            log.debug("the API server asks us to wait", extra={"path": path, "seconds": wait})
            await asyncio.sleep(wait)

    async def _attempt(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: object
    ) -> Json:
        with _as_unavailable():
            response = await self._send(method, path, query, headers, body, self._limits)
            async with response:
                if response.status >= 300:
                    raise await _refusal(response)
                return _parse(response.status, await response.read())

    async def _send(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        headers: dict[str, str],
        body: object,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        try:
            return await self._transport.request(method, path, list(query), _HEADERS | headers, body, limits)
        except aiohttp.ClientConnectorCertificateError:
            self._transport.reload_authorities()  # good for the next attempt
            raise


@contextlib.contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise errors.Unavailable(0, "Timeout", "no answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise errors.Unavailable(0, "ConnectionFailed", f"{type(error).__name__}: {error}") from error


def _path(resource: Resource, namespace: str, name: str = "", subresource: str = "") -> str:
    """Raises NotFound for what no object can be called.

    Names come out of objects that anybody may write. One such as ``../../other/secrets/token`` would have us read, with
    our rights, what its author may not: the path is put in order before it is sent.
    """
    for text in (namespace, name):
        if text in (".", "..") or "/" in text or "%" in text:
            raise errors.NotFound(404, "NotFound", f"{resource.plural}: {text!r} is no name", {"name": text})
    parts = [f"/apis/{resource.group}" if resource.group else "/api", resource.version]
    if namespace and resource.namespaced:
        parts += ["namespaces", quote(namespace)]
    parts += [part for part in (resource.plural, quote(name), subresource) if part]
    return "/".join(parts)


def _query(**parameters: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters.items() if value]


def _parse(status: int, data: bytes) -> Json:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise errors.Unavailable(status, "MalformedResponse", "the answer is not JSON") from error
    if not isinstance(body, dict):
        raise errors.Unavailable(status, "MalformedResponse", "the answer is not a JSON object")
    return body


async def _refusal(response: aiohttp.ClientResponse) -> errors.ApiError:
    data = await response.read()
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = {"message": data[:200].decode(errors="replace")}
    header = response.headers.get("Retry-After", "")
    return errors.from_status(
        response.status, body if isinstance(body, dict) else {}, float(header) if header.isdigit() else None
    )


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length, as soon as each is complete. Half a line at the end is a broken connection."""
    pending: list[bytes] = []
    async for chunk in content.iter_any():
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            whole = b"".join((*pending, line)) if pending else line
            pending.clear()
            if whole:
                yield whole
        if rest:
            pending.append(rest)
    if pending:
        raise aiohttp.ClientPayloadError("the watch ended within an event")
