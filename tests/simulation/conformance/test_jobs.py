"""Jobs and their pods: what of them a check's verdict is made of."""

import re
from datetime import datetime

from app.cluster import errors
from app.cluster.api import Json, Resource
from app.cluster.resources import EVENTS, JOBS, NAMESPACES, PODS, RESOURCEQUOTAS
from tests.simulation.conformance.facts import now, refusal, told
from tests.simulation.conformance.servers import Subject
from tests.simulation.conformance.shell import container

MET = ("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")
COMPLETE = ("Complete", *MET[1:])
LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")


def job(name: str, command: str, **spec: object) -> Json:
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container(command)]}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": pod}
    about = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}}
    return {**about, "spec": {"backoffLimit": 0, **spec, "template": template}}


def conditions(body: Json) -> list[tuple[str, str, str]]:
    found = (body.get("status") or {}).get("conditions") or ()
    return [
        (each["type"], each.get("reason", ""), each.get("message", "")) for each in found if each["status"] == "True"
    ]


async def find(server: Subject, resource: Resource, name: str, namespace: str = "") -> Json | None:
    try:
        return await server.api.get(resource, name, namespace or server.namespace)
    except errors.NotFound:
        return None


async def pods_of(server: Subject, name: str, namespace: str = "") -> list[Json]:
    selector = f"batch.kubernetes.io/job-name={name}"
    page = await server.api.list_page(PODS, namespace or server.namespace, label_selector=selector)
    return sorted(page["items"], key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


async def finished(server: Subject, name: str) -> Json:
    async def end() -> Json | None:
        body = await server.api.get(JOBS, name, server.namespace)
        return body if any(type_ in ("Complete", "Failed") for type_, *_ in conditions(body)) else None

    body = await server.until(end)
    assert body is not None
    return body


async def steps(server: Subject, body: Json) -> list[tuple[bool, list[str], bool]]:
    """What became of the Job until it was gone: whether a pod was active, the conditions, whether it was ending."""
    since = await now(server, JOBS)
    name = body["metadata"]["name"]
    await server.api.create(JOBS, body, server.namespace)
    seen = []
    for each in await told(server, JOBS, since, ("DELETED", name)):
        status = each.object.get("status") or {}
        types = [condition["type"] for condition in status.get("conditions") or ()]
        step = bool(status.get("active")), types, "deletionTimestamp" in each.object["metadata"]
        if step not in seen:
            seen.append(step)
    return seen


async def test_the_way_of_a_job_that_succeeds_and_has_no_time_to_live(server: Subject) -> None:
    assert await steps(server, job("a", "sleep 2; echo fine", ttlSecondsAfterFinished=0)) == [
        (False, [], False),
        (True, [], False),
        (False, ["SuccessCriteriaMet"], False),
        (False, ["SuccessCriteriaMet", "Complete"], False),
        (False, ["SuccessCriteriaMet", "Complete"], True),
    ]


async def test_the_way_of_a_job_that_fails_and_lives_for_a_second(server: Subject) -> None:
    assert await steps(server, job("a", "echo oops; exit 3", ttlSecondsAfterFinished=1)) == [
        (False, [], False),
        (True, [], False),
        (False, ["FailureTarget"], False),
        (False, ["FailureTarget", "Failed"], False),
        (False, ["FailureTarget", "Failed"], True),
    ]


async def test_how_jobs_end_and_what_their_pods_say(server: Subject) -> None:
    await server.api.create(JOBS, job("ok", "sleep 1; echo fine"), server.namespace)
    await server.api.create(JOBS, job("bad", "echo oops; exit 3"), server.namespace)
    await server.api.create(JOBS, job("again", "echo oops; exit 1", backoffLimit=1), server.namespace)
    ok, bad, again = [await finished(server, name) for name in ("ok", "bad", "again")]
    assert conditions(ok) == [MET, COMPLETE]
    assert conditions(bad) == conditions(again) == [("FailureTarget", *LIMIT), ("Failed", *LIMIT)]
    counts = [(body["status"].get("succeeded", 0), body["status"].get("failed", 0)) for body in (ok, bad, again)]
    assert counts == [(1, 0), (0, 1), (0, 2)]

    (pod,) = await pods_of(server, "bad")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (pod["status"]["phase"], pod["status"].get("reason")) == ("Failed", None)
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (3, "Error", "oops\n")
    assert not pod["metadata"].get("finalizers")
    (pod,) = await pods_of(server, "ok")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (pod["status"]["phase"], ended["exitCode"], ended["reason"]) == ("Succeeded", 0, "Completed")
    assert "message" not in ended
    first, second = [seconds(pod["metadata"]["creationTimestamp"]) for pod in await pods_of(server, "again")]
    assert 9 <= second - first <= 14


async def test_a_pod_is_its_jobs(server: Subject) -> None:
    body = await server.api.create(JOBS, job("a", "sleep 100"), server.namespace)
    (pod,) = await server.until(lambda: pods_of(server, "a"))
    uid = body["metadata"]["uid"]
    assert re.fullmatch("a-[a-z0-9]{5}", pod["metadata"]["name"])
    assert pod["metadata"]["labels"] == {
        "app": "a",
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "a",
        "controller-uid": uid,
        "job-name": "a",
    }
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": uid}
    reference |= {"controller": True, "blockOwnerDeletion": True}
    assert pod["metadata"]["ownerReferences"] == [reference]
    assert pod["metadata"]["finalizers"] == ["batch.kubernetes.io/job-tracking"]


async def test_a_job_at_its_deadline(server: Subject) -> None:
    await server.api.create(JOBS, job("a", "sleep 100", activeDeadlineSeconds=3), server.namespace)

    async def failing() -> list[tuple[str, str, str]]:
        return conditions(await server.api.get(JOBS, "a", server.namespace))

    assert await server.until(failing) == [("FailureTarget", *DEADLINE)]
    (pod,) = await pods_of(server, "a")
    assert "deletionTimestamp" in pod["metadata"]
    body = await finished(server, "a")
    assert conditions(body) == [("FailureTarget", *DEADLINE), ("Failed", *DEADLINE)]
    assert body["status"]["failed"] == 1
    assert not await pods_of(server, "a")


async def _running(server: Subject, name: str, namespace: str = "") -> str:
    async def running() -> str:
        pods = await pods_of(server, name, namespace)
        return str(pods[0]["metadata"]["name"]) if pods and pods[0]["status"]["phase"] == "Running" else ""

    return await server.until(running)


async def test_a_job_that_is_deleted_takes_its_pod_with_it(server: Subject) -> None:
    await server.api.create(JOBS, job("a", "sleep 100"), server.namespace)
    pod = await _running(server, "a")
    since = await now(server, PODS)
    await server.api.delete(JOBS, "a", server.namespace)
    assert await find(server, JOBS, "a") is None
    seen = await told(server, PODS, since, ("DELETED", pod))
    ending = [each.object for each in seen if "deletionTimestamp" in each.object["metadata"]]
    assert [ending[0]["status"]["phase"], ending[-1]["status"]["phase"]] == ["Running", "Failed"]
    ended = ending[-1]["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")


async def test_a_pod_that_is_deleted_counts_as_a_failure(server: Subject) -> None:
    await server.api.create(JOBS, job("a", "sleep 100"), server.namespace)
    await server.api.delete(PODS, await _running(server, "a"), server.namespace)
    body = await finished(server, "a")
    assert conditions(body) == [("FailureTarget", *LIMIT), ("Failed", *LIMIT)]
    assert body["status"]["failed"] == 1


async def test_a_pod_that_a_quota_refuses_is_complained_of(server: Subject) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}}
    await server.api.create(RESOURCEQUOTAS, quota, server.namespace)

    async def known() -> bool:
        body = await server.api.get(RESOURCEQUOTAS, "q", server.namespace)
        return not server.is_real or bool((body.get("status") or {}).get("hard"))

    await server.until(known)
    body = await server.api.create(JOBS, job("a", "sleep 1"), server.namespace)

    async def complaints() -> list[Json]:
        selector = "involvedObject.kind=Job,reason=FailedCreate"
        page = await server.api.list_page(EVENTS, server.namespace, field_selector=selector)
        found: list[Json] = page["items"]
        return found if len(found) >= 2 else []

    for event in await server.until(complaints):
        about = event["involvedObject"]
        assert (about["kind"], about["name"], about["uid"]) == ("Job", "a", body["metadata"]["uid"])
        assert (event["type"], event["count"], event["source"]) == ("Warning", 1, {"component": "job-controller"})
        words = 'Error creating: pods "a-[a-z0-9]{5}" is forbidden: exceeded quota: q, '
        assert re.fullmatch(words + "requested: pods=1, used: pods=0, limited: pods=0", event["message"])
    status = (await server.api.get(JOBS, "a", server.namespace))["status"]
    assert (status.get("active", 0), status["ready"], bool(status["startTime"])) == (0, 0, True)


async def test_a_namespace_that_ends_while_a_job_runs(server: Subject) -> None:
    name = f"{server.namespace}-ending"
    await server.api.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    await server.api.create(JOBS, job("a", "sleep 100"), name)
    await _running(server, "a", name)
    await server.api.delete(NAMESPACES, name)
    body = await server.api.get(NAMESPACES, name)
    assert body["status"]["phase"] == "Terminating"
    assert "deletionTimestamp" in body["metadata"]
    error = await refusal(server.api.create(JOBS, job("b", "sleep 1"), name))
    assert isinstance(error, errors.Forbidden)
    assert error.namespace_terminating
    (pod,) = await pods_of(server, "a", name)
    assert "deletionTimestamp" not in pod["metadata"], "it begins a few seconds later"

    async def failing() -> list[tuple[str, str, str]]:
        return conditions(await server.api.get(JOBS, "a", name))

    assert (await server.until(failing))[0] == ("FailureTarget", *LIMIT), "its pod goes before it does"

    async def gone() -> bool:
        return await find(server, NAMESPACES, name) is None

    await server.until(gone)
    assert await find(server, JOBS, "a", name) is None


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
