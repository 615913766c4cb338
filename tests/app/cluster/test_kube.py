import asyncio
import datetime
import json
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.cluster import errors, kube, transport
from app.cluster.api import Json, PatchType
from app.cluster.resources import DEPLOYMENTS, LEASES, NAMESPACES, PODS
from tests.app.cluster.server import Handler, serving

DAY = datetime.timedelta(days=1)
POD: Json = {"metadata": {"name": "p", "namespace": "shop", "resourceVersion": "7"}, "somethingNew": {"x": [1]}}


def answers(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return handler


def status_body(reason: str, code: int, **details: Any) -> Json:
    return {"kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": "so", "details": details}


async def watch(api: kube.KubeApi, seconds: int = 60) -> list[Json]:
    return [event async for event in api.watch(PODS, "shop", resource_version="7", timeout_seconds=seconds)]


async def test_an_object_comes_back_with_the_fields_nobody_knows() -> None:
    async with serving(answers(POD)) as server:
        api = server.api()
        assert await api.get(PODS, "p", "shop") == POD
        await api.aclose()
    assert server.requests[0].path == "/api/v1/namespaces/shop/pods/p"
    assert server.requests[0].headers["User-Agent"] == "holdfast"


async def test_paths_follow_group_scope_and_subresource() -> None:
    async with serving(answers({})) as server:
        api = server.api()
        await api.get(NAMESPACES, "shop", "ignored for what has no namespace")
        await api.list_page(DEPLOYMENTS)
        await api.patch(DEPLOYMENTS, "d", {"status": {}}, "shop", subresource="status")
        await api.aclose()
    assert [request.path for request in server.requests] == [
        "/api/v1/namespaces/shop",
        "/apis/apps/v1/deployments",
        "/apis/apps/v1/namespaces/shop/deployments/d/status",
    ]


@pytest.mark.parametrize("name", ["../secrets/token", "..", ".", "a/b", "..%2Fsecrets%2Ftoken"])
async def test_a_name_does_not_lead_to_anything_else(name: str) -> None:
    async with serving(answers({})) as server:
        api = server.api()
        with pytest.raises(errors.NotFound) as here:
            await api.get(PODS, name, "shop")
        with pytest.raises(errors.NotFound):
            await api.get(PODS, "p", name)
        with pytest.raises(errors.NotFound):
            await api.patch(PODS, name, {}, "shop")
        await api.aclose()
    assert not server.requests
    assert here.value.details == {"name": name}


async def test_a_name_is_no_query() -> None:
    async with serving(answers({})) as server:
        api = server.api()
        await api.get(PODS, "p?watch=true#x", "shop")
        await api.aclose()
    assert server.requests[0].path == "/api/v1/namespaces/shop/pods/p?watch=true#x"
    assert not server.requests[0].query


async def test_a_list_asks_for_one_page_by_selectors_and_metadata_only() -> None:
    async with serving(answers({"items": []})) as server:
        api = server.api()
        await api.list_page(PODS, "shop", label_selector="a=b,c", field_selector="metadata.name=x", metadata_only=True)
        await api.list_page(PODS, "shop", continue_token="more", resource_version="5")
        await api.aclose()
    first, second = server.requests
    assert dict(first.query) == {"labelSelector": "a=b,c", "fieldSelector": "metadata.name=x", "limit": "500"}
    assert first.headers["Accept"] == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert dict(second.query) == {"limit": "500", "continue": "more"}


async def test_writes_carry_their_media_type_and_options() -> None:
    async with serving(answers(POD, 201)) as server:
        api = server.api()
        await api.create(PODS, {"kind": "Pod"}, "shop", dry_run=True)
        await api.patch(PODS, "p", [{"op": "test", "path": "/a", "value": 1}], "shop", patch_type=PatchType.JSON)
        await api.patch(PODS, "p", {"a": 1}, "shop", patch_type=PatchType.APPLY, force=True, field_manager="me")
        await api.delete(PODS, "p", "shop", uid="u")
        await api.delete(PODS, "p", "shop", propagation="Foreground")
        await api.aclose()
    created, json_patch, applied, deleted, _ = server.requests
    assert dict(created.query) == {"dryRun": "All", "fieldManager": "holdfast"}
    assert json_patch.headers["Content-Type"] == "application/json-patch+json"
    assert json.loads(server.bodies[1]) == [{"op": "test", "path": "/a", "value": 1}]
    assert applied.headers["Content-Type"] == "application/apply-patch+yaml"
    assert dict(applied.query) == {"fieldManager": "me", "force": "true"}
    assert deleted.method == "DELETE"
    assert json.loads(server.bodies[3]) == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "u"},
    }
    assert json.loads(server.bodies[4]) == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Foreground",
    }


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (404, "NotFound", errors.NotFound),
        (409, "AlreadyExists", errors.AlreadyExists),
        (409, "Conflict", errors.Conflict),
        (422, "Invalid", errors.Invalid),
        (403, "Forbidden", errors.Forbidden),
        (410, "Expired", errors.Gone),
        (500, "InternalError", errors.Unavailable),
        (504, "Timeout", errors.Unavailable),
        (401, "Unauthorized", errors.ApiError),
    ],
)
async def test_each_refusal_has_its_own_error(status: int, reason: str, expected: type[errors.ApiError]) -> None:
    async with serving(answers(status_body(reason, status, kind="pods"), status)) as server:
        api = server.api()
        with pytest.raises(errors.ApiError) as caught:
            await api.get(PODS, "p", "shop")
        await api.aclose()
    assert type(caught.value) is expected
    assert (caught.value.status, caught.value.reason, caught.value.message) == (status, reason, "so")
    assert caught.value.details == {"kind": "pods"}


async def test_a_refusal_that_is_not_json_still_says_what_came() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>bad gateway")

    async with serving(handler) as server:
        api = server.api()
        with pytest.raises(errors.Unavailable, match="502 HTTP502: <html>bad gateway"):
            await api.get(PODS, "p", "shop")
        await api.aclose()


@pytest.mark.parametrize("text", ["{", "[]"])
async def test_a_success_that_is_no_json_object_is_not_believed(text: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text)

    async with serving(handler) as server:
        api = server.api()
        with pytest.raises(errors.Unavailable, match="MalformedResponse"):
            await api.get(PODS, "p", "shop")
        await api.aclose()


async def test_nobody_listening_is_unavailable() -> None:
    async with serving(answers({})) as server:
        pass
    api = server.api()
    with pytest.raises(errors.Unavailable, match="ConnectionFailed"):
        await api.get(PODS, "p", "shop")
    await api.aclose()


async def test_a_server_that_does_not_answer_is_unavailable_after_the_timeout() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(handler) as server:
        api = server.api(request_timeout=0.1)
        with pytest.raises(errors.Unavailable, match="Timeout"):
            await api.get(PODS, "p", "shop")
        await api.aclose()


async def test_an_aborted_connection_is_unavailable() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    async with serving(handler) as server:
        api = server.api()
        with pytest.raises(errors.Unavailable):
            await api.create(PODS, POD, "shop")
        await api.aclose()
    assert len(server.requests) == 1, "a write whose fate is unknown is not repeated behind the caller's back"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Sleeps of the module under test, not slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(kube, "asyncio", SimpleNamespace(sleep=sleep, Semaphore=asyncio.Semaphore))
    return slept


async def test_f15_retry_after_is_honoured(waits: list[float]) -> None:
    left = [429, 429]

    async def handler(_: web.Request) -> web.Response:
        if left:
            return web.json_response({}, status=left.pop(), headers={"Retry-After": "2"})
        return web.json_response(POD)

    async with serving(handler) as server:
        api = server.api()
        assert await api.get(PODS, "p", "shop") == POD
        await api.aclose()
    assert waits == [2, 2]


async def test_f15_retries_of_a_shedding_server_are_bounded(waits: list[float]) -> None:
    async with serving(answers(status_body("TooManyRequests", 429, retryAfterSeconds=1), 429)) as server:
        api = server.api(shed_retries=3)
        with pytest.raises(errors.TooManyRequests) as caught:
            await api.create(PODS, POD, "shop")
        await api.aclose()
    assert len(server.requests) == 4
    assert waits == [1, 1, 1]
    assert caught.value.retry_after == 1


async def test_f15_a_wait_too_long_to_sit_out_is_the_callers(waits: list[float]) -> None:
    async with serving(answers({}, 429, {"Retry-After": "600"})) as server:
        api = server.api()
        with pytest.raises(errors.TooManyRequests) as caught:
            await api.get(PODS, "p", "shop")
        await api.aclose()
    assert (caught.value.retry_after, waits) == (600, [])


async def test_f15_a_lease_call_passes_a_full_queue() -> None:
    held = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if "pods" in request.path:
            await held.wait()
        return web.json_response({})

    async with serving(handler) as server:
        api = server.api(connections=1)
        slow = asyncio.create_task(api.get(PODS, "p", "shop"))
        waiting = asyncio.create_task(api.get(DEPLOYMENTS, "d", "shop"))
        await api.get(LEASES, "l", "shop")
        assert [request.path.split("/")[-2] for request in server.requests] == ["pods", "leases"]
        held.set()
        await asyncio.gather(slow, waiting)
        await api.aclose()


def streams(*chunks: bytes, end: str = "clean", status: int = 200) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if end == "abort":
            assert request.transport
            request.transport.abort()
        elif end == "stall":
            await asyncio.sleep(30)
        return response

    return handler


def event(kind: str, version: int, **more: Any) -> bytes:
    return (
        json.dumps({"type": kind, "object": {"metadata": {"resourceVersion": str(version)}, **more}}).encode() + b"\n"
    )


async def test_a_watch_hands_on_events_and_bookmarks_and_ends_when_the_server_closes() -> None:
    both = event("ADDED", 8) + event("BOOKMARK", 9)
    async with serving(streams(both[:30], both[30:], b"\n")) as server:
        api = server.api()
        events = await watch(api)
        await api.aclose()
    assert [item["type"] for item in events] == ["ADDED", "BOOKMARK"]
    assert dict(server.requests[0].query) == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "60",
    }


async def test_f8_gone_as_a_status_raises_and_as_an_event_is_handed_on() -> None:
    async with serving(answers(status_body("Expired", 410), 410)) as server:
        api = server.api()
        with pytest.raises(errors.Gone):
            await watch(api)
        await api.aclose()
    line = json.dumps({"type": "ERROR", "object": status_body("Expired", 410)}).encode() + b"\n"
    async with serving(streams(line)) as server:
        api = server.api()
        assert [(item["type"], item["object"]["code"]) for item in await watch(api)] == [("ERROR", 410)]
        await api.aclose()


async def test_an_event_of_six_megabytes_arrives_whole() -> None:
    big = event("MODIFIED", 8, data="x" * 6_000_000)
    async with serving(streams(big, event("BOOKMARK", 9))) as server:
        api = server.api()
        first, second = await watch(api)
        await api.aclose()
    assert len(first["object"]["data"]) == 6_000_000
    assert second["type"] == "BOOKMARK"


async def test_f7_a_watch_cut_by_the_network_keeps_what_came_and_is_unavailable() -> None:
    async with serving(streams(event("ADDED", 8), end="abort")) as server:
        api = server.api()
        stream = api.watch(PODS, resource_version="7", timeout_seconds=60)
        assert (await anext(stream))["type"] == "ADDED"
        with pytest.raises(errors.Unavailable):
            await anext(stream)
        await api.aclose()


async def test_half_an_event_at_a_clean_end_is_a_broken_watch() -> None:
    async with serving(streams(event("ADDED", 8)[:-10])) as server:
        api = server.api()
        with pytest.raises(errors.Unavailable, match="within an event"):
            await watch(api)
        await api.aclose()


async def test_f9_a_watch_that_stays_silent_past_the_servers_own_timeout_is_unavailable() -> None:
    async with serving(streams(event("ADDED", 8), end="stall")) as server:
        api = server.api()
        with pytest.raises(errors.Unavailable, match="Timeout"):
            await watch(api, seconds=-14)  # 15 s of grace upon it: one second of silence
        await api.aclose()


async def test_leaving_a_watch_closes_its_connection() -> None:
    gone = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(event("ADDED", 8))
        try:
            await asyncio.sleep(30)
        finally:
            gone.set()
        return response

    async with serving(handler) as server:
        api = server.api()
        stream = api.watch(PODS, resource_version="7", timeout_seconds=60)
        assert (await anext(stream))["type"] == "ADDED"
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.wait_for(gone.wait(), 5)
        await api.aclose()


async def test_a_proxy_in_the_environment_is_not_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with serving(answers(POD)) as server:
        api = server.api()
        assert await api.get(PODS, "p", "shop") == POD
        await api.aclose()


@pytest.fixture
def in_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod's service account files, with a token that counts as old at once."""
    monkeypatch.setattr(transport.incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(transport.incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    stale = SimpleNamespace(datetime=datetime.datetime, timedelta=lambda minutes: datetime.timedelta(0))
    monkeypatch.setattr(transport.incluster_config, "datetime", stale)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "localhost")
    return tmp_path


def authority(folder: Path) -> ssl.SSLContext:
    """TLS for a server, from a new CA that the pod's files name."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.crt"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    return context


async def test_in_a_pod_the_service_account_is_used_and_a_rotated_token_noticed(
    in_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_cluster / "token").write_text("one")
    async with serving(answers(POD), authority(in_cluster)) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        api = await kube.KubeApi.connect()
        await api.get(PODS, "p", "shop")
        (in_cluster / "token").write_text("two")
        await api.get(PODS, "p", "shop")
        await api.aclose()
    assert [request.headers["Authorization"] for request in server.requests] == ["bearer one", "bearer two"]


async def test_a_rotated_authority_of_the_api_server_is_trusted_on_the_second_try(
    in_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_cluster / "token").write_text("one")
    async with serving(answers(POD), authority(in_cluster)) as first:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(first.port))
        api = await kube.KubeApi.connect()
        await api.get(PODS, "p", "shop")
    async with serving(answers(POD), authority(in_cluster), port=first.port):
        with pytest.raises(errors.Unavailable):
            await api.get(PODS, "p", "shop")
        assert await api.get(PODS, "p", "shop") == POD
    await api.aclose()


def plain_authority(folder: Path) -> ssl.SSLContext:
    """As ``authority``, from a CA that leaves out all that is not needed, as those of many clusters do."""
    now = datetime.datetime.now(datetime.UTC)
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def builder(public: ec.EllipticCurvePublicKey, name: str) -> x509.CertificateBuilder:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number(), now, now + DAY)

    ca = builder(ca_key.public_key(), "kubernetes").add_extension(x509.BasicConstraints(True, None), critical=False)
    leaf = builder(key.public_key(), "localhost").add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
    )
    (folder / "ca.crt").write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server").write_bytes(pem + leaf.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server")
    return context


async def test_an_api_server_with_plain_certificates_is_accepted_by_every_python(
    in_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = ssl.create_default_context

    def as_of_python_3_13(**options: Any) -> ssl.SSLContext:
        context = default(**options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    (in_cluster / "token").write_text("one")
    async with serving(answers(POD), plain_authority(in_cluster)) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        monkeypatch.setattr(ssl, "create_default_context", as_of_python_3_13)
        api = await kube.KubeApi.connect()
        assert await api.get(PODS, "p", "shop") == POD
        await api.aclose()


async def test_outside_a_pod_the_kubeconfig_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    async with serving(answers(POD)) as server:
        config = {
            "current-context": "c",
            "clusters": [{"name": "k", "cluster": {"server": server.url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        }
        (tmp_path / "config").write_text(json.dumps(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        api = await kube.KubeApi.connect()
        assert await api.get(PODS, "p", "shop") == POD
        await api.aclose()
    assert server.requests[0].headers["Authorization"] == "Bearer t"
