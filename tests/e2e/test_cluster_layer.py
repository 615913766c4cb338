"""The layer under all else, against a real API server: what the tests with a server of our own only suppose."""

import asyncio
import base64
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.api.meta import Object
from app.certificates import authority
from app.certificates.authority import Contents
from app.certificates.manager import CertificateManager
from app.certificates.secret import decode
from app.certificates.tls import LiveCertificate
from app.cluster import errors
from app.cluster.api import Json, PatchType
from app.cluster.events import EventRecorder, ObjectRef
from app.cluster.informer import Informer
from app.cluster.kube import KubeApi
from app.cluster.leader import LeaderElector, LeadershipLost
from app.cluster.resources import (
    CONFIGMAPS,
    CRDS,
    EVENTS,
    LEASES,
    PODS,
    SECRETS,
    TASKS,
    VALIDATING_WEBHOOKS,
)
from app.settings import Settings, from_environment
from tests.e2e.namespaces import Namespaces


@pytest.fixture(scope="module")
def scratch(namespaces: Namespaces) -> str:
    return namespaces.new("cluster-layer", annotations={})


@pytest.fixture
async def api(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeApi]:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    api = await KubeApi.connect()
    yield api
    await api.aclose()
    await asyncio.sleep(0.25)  # connections with TLS take a moment to end, and are complained of if the loop goes first


def now() -> datetime:
    return datetime.now(UTC)


def config_map(name: str, **more: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}, "data": {"a": "1"}}


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, LeadershipLost):
            await task


async def until(holds: Callable[[], object], seconds: float = 10) -> float:
    """Waits until it holds and returns how long that took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not holds():
        assert loop.time() - started < seconds, "too late"
        await asyncio.sleep(0.02)
    return loop.time() - started


async def test_an_object_from_its_creation_to_its_end(api: KubeApi, scratch: str) -> None:
    await api.create(CONFIGMAPS, config_map("one"), scratch, dry_run=True)
    with pytest.raises(errors.NotFound):
        await api.get(CONFIGMAPS, "one", scratch)
    first = await api.create(CONFIGMAPS, config_map("one"), scratch)
    with pytest.raises(errors.AlreadyExists):
        await api.create(CONFIGMAPS, config_map("one"), scratch)
    second = await api.patch(CONFIGMAPS, "one", {"data": {"b": "2"}}, scratch)
    assert second["data"] == {"a": "1", "b": "2"}
    stale = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}, "data": {"a": None}}
    with pytest.raises(errors.Conflict):
        await api.patch(CONFIGMAPS, "one", stale, scratch)
    with pytest.raises(errors.Invalid, match="immutable"):
        await api.patch(CONFIGMAPS, "one", {"metadata": {"uid": str(uuid.uuid4())}}, scratch)
    test = {"op": "test", "path": "/data/a", "value": "9"}
    with pytest.raises(errors.Invalid):
        await api.patch(CONFIGMAPS, "one", [test], scratch, patch_type=PatchType.JSON)
    applied = config_map("one") | {"data": {"c": "3"}}
    stored = await api.patch(CONFIGMAPS, "one", applied, scratch, patch_type=PatchType.APPLY)
    assert stored["data"] == {"a": "1", "b": "2", "c": "3"}
    slim = await api.get(CONFIGMAPS, "one", scratch, metadata_only=True)
    assert (slim["kind"], "data" in slim) == ("PartialObjectMetadata", False)
    with pytest.raises(errors.Conflict):
        await api.delete(CONFIGMAPS, "one", scratch, uid=str(uuid.uuid4()))
    await api.delete(CONFIGMAPS, "one", scratch, uid=first["metadata"]["uid"])
    with pytest.raises(errors.NotFound):
        await api.get(CONFIGMAPS, "one", scratch)


async def test_refusals_are_told_apart(api: KubeApi) -> None:
    with pytest.raises(errors.NotFound):
        await api.create(CONFIGMAPS, config_map("one"), f"missing-{uuid.uuid4().hex}")
    with pytest.raises(errors.Invalid, match="data"):
        await api.create(CONFIGMAPS, config_map("one") | {"data": {"a key": "1"}}, "default", dry_run=True)


async def test_a_list_comes_in_pages_of_one_moment(api: KubeApi, scratch: str) -> None:
    for number in range(3):
        await api.create(CONFIGMAPS, config_map(f"page-{number}", labels={"of": "pages"}), scratch)
    names, token, versions = [], "", set()
    while True:
        page = await api.list_page(CONFIGMAPS, scratch, label_selector="of=pages", limit=1, continue_token=token)
        names += [item["metadata"]["name"] for item in page["items"]]
        versions.add(page["metadata"]["resourceVersion"])
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert (names, len(versions)) == (["page-0", "page-1", "page-2"], 1)
    slim = await api.list_page(CRDS, metadata_only=True)
    assert slim["kind"] == "PartialObjectMetadataList"


async def test_f8_a_version_that_is_too_old_is_gone(api: KubeApi, installed: None) -> None:
    # A kind of ours: the API server's memory of it begins with its installation, on a cluster of any age.
    try:
        events = [event async for event in api.watch(TASKS, resource_version="1", timeout_seconds=5)]
    except errors.Gone:
        return
    assert [(event["type"], event["object"].get("code")) for event in events] == [("ERROR", 410)]


async def test_a_watch_ends_in_its_time(api: KubeApi, scratch: str) -> None:
    page = await api.list_page(PODS, scratch)
    version = page["metadata"]["resourceVersion"]
    events = api.watch(PODS, scratch, resource_version=version, timeout_seconds=1)
    assert [event["type"] async for event in events if event["type"] != "BOOKMARK"] == []


async def test_an_informer_keeps_in_step(api: KubeApi, scratch: str) -> None:
    told: list[tuple[str, str]] = []
    informer: Informer[Object] = Informer(
        api,
        CONFIGMAPS,
        Object.model_validate,
        namespace=scratch,
        label_selector="of=informer",
        metadata_only=True,
        rng=random.Random(1),
    )
    informer.subscribe(lambda old, new: told.append(tuple(item.metadata.name if item else "" for item in (old, new))))  # type: ignore[arg-type]
    async with running(informer.run()):
        await asyncio.wait_for(informer.synced(), 10)
        informer.observe(await api.create(CONFIGMAPS, config_map("seen", labels={"of": "informer"}), scratch))
        assert informer.get(scratch, "seen") is not None, "our own write is there at once"
        await api.create(CONFIGMAPS, config_map("other", labels={"of": "informer"}), scratch)
        await until(lambda: informer.get(scratch, "other"))
        await api.patch(CONFIGMAPS, "other", {"metadata": {"labels": {"of": None}}}, scratch)
        await until(lambda: informer.get(scratch, "other") is None)
        await api.patch(CONFIGMAPS, "other", {"metadata": {"labels": {"of": "informer"}}}, scratch)
        await until(lambda: informer.get(scratch, "other"))
        await api.delete(CONFIGMAPS, "seen", scratch)
        await until(lambda: informer.get(scratch, "seen") is None)
    assert told == [("", "seen"), ("", "other"), ("other", ""), ("", "other"), ("seen", "")]


async def test_f4_leadership_passes_within_three_seconds_of_a_clean_end(api: KubeApi, scratch: str) -> None:
    began: dict[str, float] = {}

    def elector(identity: str) -> Coroutine[Any, Any, None]:
        async def work() -> None:
            began[identity] = asyncio.get_running_loop().time()
            await asyncio.sleep(3600)

        return LeaderElector(
            api, namespace=scratch, name="lease", identity=identity, now=now, rng=random.Random(identity)
        ).run(work)

    async with running(elector("a")) as first:
        await until(lambda: began)
        async with running(elector("b")):
            await asyncio.sleep(5)
            assert set(began) == {"a"}
            first.cancel()
            assert await until(lambda: "b" in began, seconds=3) < 3
            spec = (await api.get(LEASES, "lease", scratch))["spec"]
            assert (spec["holderIdentity"], spec["leaseTransitions"], spec["leaseDurationSeconds"]) == ("b", 1, 15)


async def test_an_event_is_stored_and_counts_its_repetitions(api: KubeApi, scratch: str) -> None:
    regarding = ObjectRef("v1", "Pod", scratch, "some-pod", str(uuid.uuid4()))
    for _ in range(2):
        recorder = EventRecorder(api, component="holdfast", instance="test", now=now)
        for ref in (regarding, ObjectRef("v1", "Namespace", "", scratch, regarding.uid)):
            recorder.record(ref, type="Warning", reason="Held", message="waits", action="Hold", annotations={"k": "v"})
        await recorder.aclose()
        assert recorder.dropped == 0
    for namespace in (scratch, "default"):
        page = await api.list_page(EVENTS, namespace, field_selector=f"involvedObject.uid={regarding.uid}")
        (event,) = page["items"]
        assert (event["count"], event["type"], event["reason"], event["message"]) == (2, "Warning", "Held", "waits")
    await api.delete(EVENTS, event["metadata"]["name"], "default")


def scratch_settings(scratch: str) -> Settings:
    return from_environment({"POD_NAMESPACE": scratch, "POD_NAME": "test", "WEBHOOK_SERVICE": "scratch"})


def webhook(name: str, scratch: str) -> Json:
    """A configuration that selects nothing, at a service that is not there."""
    return {
        "apiVersion": VALIDATING_WEBHOOKS.api_version,
        "kind": VALIDATING_WEBHOOKS.kind,
        "metadata": {"name": name, "labels": {"keptn.sh/inject-cert": "true"}},
        "webhooks": [
            {
                "name": "scratch.keptn.sh",
                "clientConfig": {"service": {"namespace": scratch, "name": "scratch"}},
                "rules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
                ],
                "namespaceSelector": {"matchLabels": {"nobody": uuid.uuid4().hex}},
                "failurePolicy": "Ignore",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }


async def test_certificates_from_nothing_to_being_served_and_back_after_a_deletion(api: KubeApi, scratch: str) -> None:
    name = f"{scratch}-certificates"
    await api.create(VALIDATING_WEBHOOKS, webhook(name, scratch))
    manager = CertificateManager(api, scratch_settings(scratch), now, random.Random(1))
    live = LiveCertificate(api, scratch_settings(scratch), random.Random(1))

    async def injected() -> bytes:
        body = await api.get(VALIDATING_WEBHOOKS, name)
        return base64.b64decode(body["webhooks"][0]["clientConfig"].get("caBundle", ""))

    async def stored() -> Contents:
        return Contents.of(decode(await api.get(SECRETS, "keptn-certs", scratch)))

    try:
        async with running(manager.run()), running(live.run()):
            await until(lambda: manager.ready and live.ready)
            before = await stored()
            assert authority.is_valid(before, now())
            assert await injected() == before.ca_cert

            await api.patch(
                VALIDATING_WEBHOOKS,
                name,
                [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}],
                patch_type=PatchType.JSON,
            )
            await until(lambda: not manager.ready, seconds=5)
            await until(lambda: manager.ready, seconds=5)
            assert await injected() == before.ca_cert

            await api.delete(SECRETS, "keptn-certs", scratch)
            await asyncio.sleep(3)
            after = await stored()
            assert after.ca_cert != before.ca_cert
            assert (after.tls_cert, after.ca_cert_old) == (before.tls_cert, before.ca_cert)
            assert await injected() == after.ca_cert + before.ca_cert
            assert live.loads == 1
    finally:
        await api.delete(VALIDATING_WEBHOOKS, name)
