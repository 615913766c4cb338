"""Pods of Jobs that the cluster ends, and what a Job makes of them that is asked to ignore that."""

from typing import Any

import pytest

from app.cluster.api import Json
from app.cluster.resources import JOBS, PODS
from tests.simulation.conformance.servers import Subject
from tests.simulation.conformance.test_jobs import COMPLETE, LIMIT, MET, conditions, finished, job, pods_of, seconds

IGNORE: Json = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
POLICY: dict[str, Any] = {"podFailurePolicy": {"rules": [IGNORE]}}
EVICTED = ("DisruptionTarget", "EvictionByEvictionAPI", "Eviction API: evicting")


def graceful(body: Json, grace: int) -> Json:
    """The Job with pods that have so many seconds to end."""
    body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = grace
    return body


def nowhere(body: Json) -> Json:
    """The Job with pods that fit no node."""
    field = {"key": "metadata.name", "operator": "In", "values": ["nowhere"]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    body["spec"]["template"]["spec"]["affinity"] = affinity
    return body


async def _running(server: Subject, name: str, but: str = "") -> Json:
    async def running() -> Json | None:
        pods = [pod for pod in await pods_of(server, name) if pod["metadata"]["name"] != but]
        return pods[0] if pods and pods[0]["status"]["phase"] == "Running" else None

    pod = await server.until(running)
    assert pod is not None
    return pod


async def _gone(server: Subject, name: str) -> None:
    async def gone() -> bool:
        return not await pods_of(server, name)

    await server.until(gone)


@pytest.mark.parametrize(("policy", "expected"), [({}, "TerminatingOrFailed"), (POLICY, "Failed")])
async def test_when_a_job_replaces_its_pods(server: Subject, policy: Json, expected: str) -> None:
    body = await server.api.create(JOBS, job("a", "sleep 100", **policy), server.namespace)
    assert body["spec"]["podReplacementPolicy"] == expected


async def test_an_evicted_pod_is_made_again_and_one_that_somebody_deletes_counts(server: Subject) -> None:
    await server.api.create(JOBS, graceful(job("a", "sleep 100", **POLICY), 3), server.namespace)
    first = await _running(server, "a")
    await server.evict(first["metadata"]["name"])
    (ending,) = await pods_of(server, "a")
    assert "deletionTimestamp" in ending["metadata"]
    assert EVICTED in conditions(ending)

    async def noticed() -> bool:
        status = (await server.api.get(JOBS, "a", server.namespace))["status"]
        return (status.get("active", 0), status["terminating"]) == (0, 1)

    await server.until(noticed, 3.0)
    assert len(await pods_of(server, "a")) == 1, "there is no other before it has ended"
    second = await _running(server, "a", but=first["metadata"]["name"])
    pause = seconds(second["metadata"]["creationTimestamp"]) - seconds(ending["metadata"]["deletionTimestamp"])
    assert 9 <= pause <= 14, "the pause between attempts is kept"
    body = await server.api.get(JOBS, "a", server.namespace)
    assert ("failed" in body["status"], body["status"]["active"], conditions(body)) == (False, 1, [])

    await server.api.delete(PODS, second["metadata"]["name"], server.namespace)
    body = await finished(server, "a")
    assert conditions(body) == [("FailureTarget", *LIMIT), ("Failed", *LIMIT)]
    assert body["status"]["failed"] == 1


async def test_one_that_ends_well_while_it_is_evicted_has_succeeded(server: Subject) -> None:
    command = "trap 'exit 0' TERM; sleep 100 & wait"
    await server.api.create(JOBS, graceful(job("a", command, **POLICY), 10), server.namespace)
    await server.evict((await _running(server, "a"))["metadata"]["name"])
    body = await finished(server, "a")
    assert conditions(body) == [MET, COMPLETE]
    assert (body["status"]["succeeded"], "failed" in body["status"]) == (1, False)


@pytest.mark.parametrize(("policy", "phases"), [({}, ["Running"]), (POLICY, [])])
async def test_a_deleted_pod_counts_at_once_or_when_it_has_ended(
    server: Subject, policy: Json, phases: list[str]
) -> None:
    await server.api.create(JOBS, graceful(job("a", "sleep 100", **policy), 5), server.namespace)
    await server.api.delete(PODS, (await _running(server, "a"))["metadata"]["name"], server.namespace)

    async def failing() -> list[tuple[str, str, str]]:
        return conditions(await server.api.get(JOBS, "a", server.namespace))

    assert (await server.until(failing))[0] == ("FailureTarget", *LIMIT)
    assert [pod["status"]["phase"] for pod in await pods_of(server, "a")] == phases


async def test_pods_without_a_node_are_collected_and_counted_like_others(server: Subject) -> None:
    names = {"deleted": 1, "evicted": 0}
    pods: dict[str, str] = {}
    for name in names:
        await server.api.create(JOBS, nowhere(job(name, "sleep 1", backoffLimit=1, **POLICY)), server.namespace)
        (pod,) = await server.until(lambda name=name: pods_of(server, name))  # type: ignore[misc]
        pods[name] = pod["metadata"]["name"]
    await server.api.delete(PODS, pods["deleted"], server.namespace)
    await server.evict(pods["evicted"])
    for name, failed in names.items():

        async def replaced(name: str = name) -> bool:
            found = [pod["metadata"]["name"] for pod in await pods_of(server, name)]
            return len(found) == 1 and found != [pods[name]]

        await server.until(replaced, 40.0)

        async def counted(name: str = name, failed: int = failed) -> bool:
            status = (await server.api.get(JOBS, name, server.namespace))["status"]
            return not status["uncountedTerminatedPods"] and status.get("failed", 0) == failed

        await server.until(counted, 3.0)


async def test_at_its_deadline_a_job_counts_a_pod_that_it_stops(server: Subject) -> None:
    body = graceful(job("a", "sleep 100", activeDeadlineSeconds=3, **POLICY), 3)
    await server.api.create(JOBS, body, server.namespace)
    body = await finished(server, "a")
    assert [(type_, reason) for type_, reason, _ in conditions(body)] == [
        ("FailureTarget", "DeadlineExceeded"),
        ("Failed", "DeadlineExceeded"),
    ]
    assert body["status"]["failed"] == 1
    await _gone(server, "a")
