"""The worker's own writes, by the code that makes them: events, the Lease, certificates, caches, gates."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from app.api import wellknown
from app.api.core import Pod
from app.api.meta import Object
from app.cluster import errors
from app.cluster.api import PatchType
from app.cluster.events import EventRecorder, ObjectRef
from app.cluster.informer import Informer
from app.cluster.leader import LeaderElector, LeadershipLost
from app.cluster.resources import CONFIGMAPS, EVENTS, LEASES, PODS, SECRETS
from app.lifecycle import gates
from tests.simulation.conformance import bodies
from tests.simulation.conformance.bodies import GATE, OURS
from tests.simulation.conformance.facts import INVALID, refused
from tests.simulation.conformance.servers import WORKER, Subject

START = datetime(2026, 1, 1, tzinfo=UTC)


def _now() -> datetime:
    return START


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> Any:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, LeadershipLost):
            await task


async def test_an_event_and_its_repetition(server: Subject) -> None:
    regarding = ObjectRef("v1", "Pod", server.namespace, "some-pod", str(uuid.uuid4()))
    for _ in range(2):
        recorder = EventRecorder(server.api, component="holdfast", instance="test", now=_now)
        recorder.record(regarding, type="Warning", reason="Held", message="waits", action="Hold")
        await recorder.aclose()
        assert recorder.dropped == 0
    (event,) = (await server.api.list_page(EVENTS, server.namespace, field_selector="reason=Held"))["items"]
    assert (event["count"], event["type"], event["message"]) == (2, "Warning", "waits")
    assert event["involvedObject"]["uid"] == regarding.uid


async def test_one_leads_after_the_other(server: Subject) -> None:
    began: list[str] = []

    def elector(identity: str) -> Coroutine[Any, Any, None]:
        async def work() -> None:
            began.append(identity)
            await asyncio.get_running_loop().create_future()

        rng = random.Random(identity)
        home = {"namespace": server.namespace, "name": "lease", "identity": identity}
        times = {"lease_duration": 6.0, "renew_deadline": 4.0, "retry_period": 0.5}
        return LeaderElector(server.api, **home, **times, now=_now, rng=rng).run(work)  # type: ignore[arg-type]

    async def leads(identity: str) -> bool:
        return began[-1:] == [identity]

    async with _running(elector("a")) as first:
        await server.until(lambda: leads("a"))
        async with _running(elector("b")):
            await asyncio.sleep(1.5)
            assert began == ["a"]
            first.cancel()
            await server.until(lambda: leads("b"), seconds=3)
            spec = (await server.api.get(LEASES, "lease", server.namespace))["spec"]
            assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("b", 1)


async def test_a_secret_is_written_as_it_was_read(server: Subject) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "certs"}, "data": {"a": "YQ==", "b": "Yg=="}}
    made = await server.api.create(SECRETS, body, server.namespace)
    version = {"resourceVersion": made["metadata"]["resourceVersion"]}
    changed = await server.api.patch(
        SECRETS, "certs", {"metadata": version, "data": {"a": "Yw==", "b": None}}, server.namespace
    )
    assert changed["data"] == {"a": "Yw=="}


async def test_a_cache_keeps_in_step(server: Subject) -> None:
    told: list[tuple[str, str]] = []

    def heard(old: Object | None, new: Object | None) -> None:
        told.append((old.metadata.name if old else "", new.metadata.name if new else ""))

    informer: Informer[Object] = Informer(
        server.api,
        CONFIGMAPS,
        Object.model_validate,
        namespace=server.namespace,
        label_selector="of=cache",
        metadata_only=True,
        rng=random.Random(1),
    )
    informer.subscribe(heard)

    async def label(value: str | None) -> None:
        await server.api.patch(CONFIGMAPS, "b", {"metadata": {"labels": {"of": value}}}, server.namespace)

    async def knows(names: list[str]) -> bool:
        return sorted(item.metadata.name for item in informer.all()) == names

    await server.api.create(CONFIGMAPS, bodies.config_map("a", labels={"of": "cache"}), server.namespace)
    async with _running(informer.run()):
        await asyncio.wait_for(informer.synced(), 10)
        assert await knows(["a"])
        await server.api.create(CONFIGMAPS, bodies.config_map("b"), server.namespace)
        await label("cache")
        await server.until(lambda: knows(["a", "b"]))
        await label(None)
        await server.until(lambda: knows(["a"]))
        informer.observe(
            await server.api.create(CONFIGMAPS, bodies.config_map("c", labels={"of": "cache"}), server.namespace)
        )
        assert await knows(["a", "c"]), "our own write is there at once"
        await server.api.delete(CONFIGMAPS, "a", server.namespace)
        await server.until(lambda: knows(["c"]))
    assert told == [("", "a"), ("", "b"), ("b", ""), ("", "c"), ("a", "")]


async def test_the_patch_that_opens_our_gate(server: Subject) -> None:
    for name, marks in (("bare", {}), ("marked", {"annotations": {"a/b": "c"}})):
        body = bodies.pod(name, GATE, OURS, labels={wellknown.LABEL: wellknown.LABEL_HELD}, **marks)
        pod = Pod.model_validate(await server.api.create(PODS, body, server.namespace))
        opened = await server.patch_pod_as(WORKER, ["system:masters"], name, gates.release(pod))
        assert bodies.gates(opened) == [GATE]
        assert not opened["metadata"].get("labels")
        assert opened["metadata"]["annotations"][wellknown.GATE_REMOVED] == "true"
        assert (
            await refused(server.api.patch(PODS, name, gates.release(pod), server.namespace, patch_type=PatchType.JSON))
            == INVALID
        )


async def test_the_patch_that_opens_our_gate_is_for_one_pod_only(server: Subject) -> None:
    first = Pod.model_validate(await server.api.create(PODS, bodies.pod("a", OURS), server.namespace))
    await server.api.delete(PODS, "a", server.namespace)
    await server.api.create(PODS, bodies.pod("a", OURS), server.namespace)
    try:
        await server.patch_pod_as(WORKER, ["system:masters"], "a", gates.release(first))
    except errors.Invalid:
        assert bodies.gates(await server.api.get(PODS, "a", server.namespace)) == [OURS]
    else:
        raise AssertionError("a gate was opened that nobody asked for")
