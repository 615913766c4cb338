import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.behaviour import Behaviour
from tests.simulation.controllers.kubelet import Run
from tests.simulation.manifests import Script
from tests.simulation.rules.staged import Stage


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.open_shop()
    return stage


def of(job: Json, script: Script) -> Json:
    """A check's pod as its Job would make it."""
    owner = {"uid": job["metadata"]["uid"], "kind": "Job", "name": "job-1", "controller": True}
    meta = {"name": "a", "namespace": "shop", "labels": {wellknown.LABEL: wellknown.LABEL_TASK}}
    container = {"name": "check", "args": [str(script)]}
    return {"metadata": {**meta, "ownerReferences": [owner]}, "spec": {"containers": [container]}}


async def job(stage: Stage, name: str = "pre-check-1") -> Json:
    version = stage.server.find(resources.WORKLOAD_VERSIONS, "web-web-1.0", "shop")
    version = version or await stage.version(*await stage.deploy())
    return await stage.job(await stage.task(version, name), f"job-of-{name}")


async def test_what_is_no_check_runs_for_ever(stage: Stage) -> None:
    pod: Json = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": "shop/web:1"}]}}
    assert Behaviour(stage.server).run(pod) == Run(seconds=None)


async def test_what_is_broken_never_starts(stage: Stage) -> None:
    pod: Json = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": "shop/web-broken:1"}]}}
    assert Behaviour(stage.server).run(pod) == Run(seconds=None, waiting="ImagePullBackOff")


async def test_the_first_attempts_fail_as_the_script_says(stage: Stage) -> None:
    behaviour, pod = Behaviour(stage.server), of(await job(stage), Script(0.3, fails=2))
    runs = [behaviour.run(pod) for _ in range(3)]
    assert [run.exit_code for run in runs] == [1, 1, 0]
    assert [run.said for run in runs] == ["attempt 1 failed", "attempt 2 failed", "attempt 3 is fine"]
    assert {run.seconds for run in runs} == {0.3}


async def test_attempts_are_counted_for_each_task(stage: Stage) -> None:
    behaviour = Behaviour(stage.server)
    for name in ("pre-check-1", "pre-check-2"):
        assert behaviour.run(of(await job(stage, name), Script(0.3, fails=1))).exit_code == 1


async def test_an_image_that_cannot_be_pulled_is_no_attempt(stage: Stage) -> None:
    behaviour = Behaviour(stage.server)
    assert behaviour.run(of(await job(stage), Script(pull=False))).waiting == "ImagePullBackOff"
    assert not behaviour.attempts


async def test_a_script_is_read_from_where_it_is_mounted_when_it_starts(stage: Stage) -> None:
    behaviour, pod = Behaviour(stage.server), of(await job(stage), Script())
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "code", "configMap": {"name": "code"}}]
    pod["spec"] = {"containers": [{"name": "check"}], "volumes": volumes}
    held = await stage.make(resources.CONFIGMAPS, "code", data={"code": str(Script(1.0))})
    await stage.patch(held, {"data": {"code": str(Script(2.0))}}, by="user")
    assert behaviour.run(pod).seconds == 2.0
