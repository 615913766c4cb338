import pytest

from app.api import wellknown
from app.cluster import errors, resources
from app.migrate.cluster import Cluster, Unread
from app.migrate.read import read
from tests.app.migrate.objects import OWNER, crd, custom, operator, webhook
from tests.builders import deployment, job, pod, stateful_set, task
from tests.fakes.api import Call, FakeApi

pytestmark = pytest.mark.looptime


def keptns() -> FakeApi:
    """A cluster that Keptn runs in."""
    api = FakeApi()
    for kind in ("keptntaskdefinitions", "keptnapps", "keptntasks", "keptnworkloadversions"):
        api.put(crd(kind))
    api.put({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}})
    api.put(operator("lifecycle-operator", "registry.example.com/keptn/lifecycle-operator:v2"))
    api.put(deployment("web").raw)
    api.put(webhook("mpod.keptn.sh"))
    for namespace in ("keptn-system", "elsewhere"):
        spec = {"selector": {"control-plane": "lifecycle-operator"}}
        api.put(custom("Service", "lifecycle-webhook-service", namespace, api="v1", spec=spec))
    api.put(custom("KeptnTaskDefinition", "check", spec={}))
    return api


async def test_what_is_there_is_read_and_nothing_is_written() -> None:
    api = keptns()
    found = await read(api, "keptn-system")
    assert [each["metadata"]["name"] for each in found.operators] == ["lifecycle-operator"]
    assert [each["metadata"]["name"] for each in found.definitions] == ["check"]
    assert [each["metadata"]["name"] for each in found.webhooks] == ["lifecycle-mutating-webhook-configuration"]
    assert [each["metadata"]["namespace"] for each in found.services] == ["keptn-system"]
    assert set(found.crds) >= {"keptnapps.lifecycle.keptn.sh", "keptntasks.lifecycle.keptn.sh"}
    assert [each["metadata"]["name"] for each in found.namespaces] == ["shop"]
    assert (found.configs, found.evaluations, found.unread) == ((), (), ())
    assert api.writes() == []


async def test_held_pods_come_with_what_they_come_from() -> None:
    api = keptns()
    above = api.put(deployment("shop").raw)["metadata"]
    owner = api.put(OWNER.owned_by(deployment("shop").with_uid(above["uid"])).raw)["metadata"]
    gated = pod("web-1-a").phase("Pending").gated(wellknown.GATE)
    api.put(gated.owned_by(OWNER.with_uid(owner["uid"])).raw)
    api.put(pod("other").phase("Pending").gated("kueue").raw)
    api.put(pod("runs").running().raw)
    (one,) = (await read(api, "keptn-system")).held
    assert one.pod["metadata"]["name"] == "web-1-a"
    assert one.owner is not None
    assert one.parent is not None
    assert (one.owner["metadata"]["uid"], one.parent["metadata"]["uid"]) == (owner["uid"], above["uid"])
    assert one.made == owner["creationTimestamp"]


async def test_a_stateful_sets_revision_has_an_age_of_its_own() -> None:
    api = keptns()
    owner = api.put(stateful_set("db").raw)["metadata"]
    record = api.put(OWNER.changed({"metadata": {"name": "db-abc"}}).raw | {"kind": "ControllerRevision", "data": {}})
    gated = pod("db-0").phase("Pending").gated(wellknown.GATE).revision("db-abc")
    api.put(gated.owned_by(stateful_set("db").with_uid(owner["uid"])).raw)
    (one,) = (await read(api, "keptn-system")).held
    assert one.made == record["metadata"]["creationTimestamp"]
    assert one.owner is not None
    assert one.parent == one.owner


async def test_an_owner_that_is_another_by_now_is_none() -> None:
    api = keptns()
    api.put(OWNER.raw)
    api.put(pod("web-1-a").phase("Pending").gated(wellknown.GATE).owned_by(OWNER.with_uid("gone")).raw)
    (one,) = (await read(api, "keptn-system")).held
    assert (one.owner, one.parent, one.made) == (None, None, None)


async def test_the_jobs_of_unfinished_tasks_are_looked_for() -> None:
    api = keptns()
    api.put(task("runs").status("Progressing", jobName="runs-1").raw)
    api.put(task("lost").status("Progressing", jobName="lost-1").raw)
    api.put(task("done").status("Succeeded", jobName="done-1").raw)
    for name in ("runs-1", "done-1"):
        api.put(job(name).raw)
    assert (await read(api, "keptn-system")).jobs == {("shop", "runs-1")}


async def refused(resource: str) -> Cluster:
    api = keptns()

    def refuse(call: Call) -> None:
        if call.resource == resource:
            raise errors.Forbidden(403, "Forbidden", "not you")

    api.before = refuse
    return await read(api, "keptn-system")


async def test_what_may_not_be_read_is_noted_and_the_rest_is_read() -> None:
    found = await refused(resources.MUTATING_WEBHOOKS.plural)
    assert found.unread == (Unread("all objects of MutatingWebhookConfiguration in version v1", "not you"),)
    assert len(found.operators) == 1
    found = await refused(resources.CRDS.plural)
    assert Unread("CustomResourceDefinition keptnapps.lifecycle.keptn.sh", "not you") in found.unread
    assert found.definitions == ()


async def test_without_a_cluster_there_is_nothing_to_say() -> None:
    api = keptns()

    def away(call: Call) -> None:
        raise errors.Unavailable(0, "ConnectionFailed", "no answer")

    api.before = away
    with pytest.raises(errors.Unavailable):
        await read(api, "keptn-system")
