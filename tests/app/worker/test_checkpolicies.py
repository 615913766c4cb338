"""Enforce, warn and observe, in whole rollouts: what holds pods, what lets them go, and what is told of it."""

import pytest

from app.api import wellknown
from app.cluster import resources
from tests.app.worker.world import INSTALLATION, ONCE, World, settled
from tests.builders import SHOP, Json

pytestmark = pytest.mark.looptime

POLICY = "keptn.sh/check-policy"


def opened(world: World) -> list[Json]:
    return [each for each in world.events("Deployment") if each["reason"] == "SchedulingGateOpenedByPolicy"]


def annotate(world: World, policy: str, name: str = "web") -> None:
    world.api.edit(resources.DEPLOYMENTS, name, {"metadata": {"annotations": {POLICY: policy}}})


def of_namespace(world: World, policy: str) -> None:
    world.api.edit(resources.NAMESPACES, SHOP, {"metadata": {"annotations": {POLICY: policy}}}, "")


def failing(world: World) -> None:
    world.define("bad", **ONCE)
    world.kubelet.exit_codes["bad"] = [1]


def configure(world: World, blocking: bool) -> None:
    meta = {"name": "keptn", "namespace": INSTALLATION}
    kind = {"kind": "KeptnConfig", "apiVersion": "options.keptn.sh/v1alpha1"}
    world.api.put({**kind, "metadata": meta, "spec": {"blockDeployment": blocking}})


async def test_a_failure_that_is_only_to_warn_opens_the_gate_and_says_so() -> None:
    async with World() as world:
        failing(world)
        of_namespace(world, "warn")
        world.deploy(checks="bad")
        await world.until(world.is_open)
        await settled(world)
        (event,) = opened(world)
        assert event["type"] == "Warning"
        assert "have the policy 'warn': pre-deployment task bad failed" in event["message"]
        (version,) = world.api.all(resources.WORKLOAD_VERSIONS)
        assert version["status"]["preDeploymentStatus"] == "Warning"
        assert [item["status"] for item in version["status"]["preDeploymentTaskStatus"]] == ["Failed"]


async def test_the_gate_waits_for_the_end_of_a_check_that_is_only_to_warn() -> None:
    async with World() as world:
        world.define("slow", **ONCE)
        world.kubelet.seconds = 1000
        of_namespace(world, "warn")
        world.deploy(checks="slow")
        await settled(world, 60)
        assert world.held()


async def test_pods_that_are_only_observed_go_at_once_and_are_checked_all_the_same() -> None:
    async with World() as world:
        world.define("slow", **ONCE)
        world.kubelet.seconds = 1000
        of_namespace(world, "observe")
        world.deploy(checks="slow")
        await world.until(world.is_open, within=2)
        await settled(world)
        (event,) = opened(world)
        assert "have the policy 'observe': they have not ended yet" in event["message"]
        assert world.task()["status"]["status"] == "Progressing"


@pytest.mark.parametrize("seed", range(10))
async def test_the_checks_of_pods_that_went_at_once_have_a_verdict(seed: int) -> None:
    async with World(seed=seed) as world:
        failing(world)
        of_namespace(world, "observe")
        world.deploy(checks="bad")
        await world.until(world.is_open, within=2)
        await world.until(lambda: set(world.versions().values()) == {"Warning"}, within=10)
        (version,) = world.api.all(resources.WORKLOAD_VERSIONS)
        assert [item["status"] for item in version["status"]["preDeploymentTaskStatus"]] == ["Failed"]
        assert version["status"]["revisions"]


async def test_a_pass_is_nobodys_word() -> None:
    async with World() as world:
        world.define()
        of_namespace(world, "warn")
        world.deploy()
        await world.until(world.is_open)
        await settled(world)
        assert not opened(world)


@pytest.mark.parametrize("on_workload", [True, False])
async def test_a_workload_says_otherwise_than_its_namespace_wherever_its_keys_stand(on_workload: bool) -> None:
    async with World() as world:
        failing(world)
        of_namespace(world, "warn")
        world.deploy(checks="bad", keys_on_workload=on_workload)
        annotate(world, "enforce")
        await settled(world)
        assert world.held()
        annotate(world, "warn")
        await world.until(world.is_open, within=5)


async def test_a_policy_that_is_written_after_the_failure_lets_the_held_pods_go() -> None:
    async with World() as world:
        failing(world)
        world.deploy(checks="bad")
        await settled(world)
        assert world.held()
        of_namespace(world, "warn")
        await world.until(world.is_open, within=5)
        await settled(world)
        assert "pre-deployment task bad failed" in opened(world)[0]["message"]


async def test_a_workload_whose_app_has_failed_goes_on_where_that_only_warns() -> None:
    async with World() as world:
        failing(world)
        meta, spec = {"name": "web", "namespace": SHOP}, {"preDeploymentTasks": ["bad"]}
        world.api.put({"kind": "KeptnAppContext", "apiVersion": wellknown.API_VERSION, "metadata": meta, "spec": spec})
        world.define()
        world.deploy()
        annotate(world, "warn")
        await world.until(world.is_open)
        world.is_up("web")
        await settled(world)
        (version,) = world.api.all(resources.WORKLOAD_VERSIONS)
        assert (version["status"]["status"], version["status"]["currentPhase"]) == ("Succeeded", "Completed")
        assert "checks of app web failed" in opened(world)[0]["message"]
        assert version["status"]["preDeploymentEvaluationStatus"] == "Warning"
        annotate(world, "enforce")
        world.kubelet.exit_codes["bad"] = [1]
        world.deploy(revision=2)
        await settled(world)
        assert world.held() == ["web-2-0"]  # it was no pass
        assert world.kubelet.started == {"check": 2, "bad": 2}


async def test_so_does_a_keptn_config() -> None:
    async with World() as world:
        failing(world)
        world.deploy(checks="bad")
        await settled(world)
        assert world.held()
        configure(world, blocking=False)
        await world.until(world.is_open, within=5)


async def test_a_word_that_is_none_holds_the_pods_and_is_told_of_once() -> None:
    async with World() as world:
        failing(world)
        configure(world, blocking=False)
        world.deploy(checks="bad")
        annotate(world, "wran")
        await settled(world)
        assert world.held()
        unknown = [each for each in world.events("Deployment") if each["reason"] == "UnknownCheckPolicy"]
        (event,) = unknown
        assert (event["type"], event["count"]) == ("Warning", 1)
        assert "'wran'" in event["message"]
        annotate(world, "warn")
        await world.until(world.is_open, within=5)


async def test_what_was_let_go_is_checked_again_when_it_is_rolled_out_again_and_not_when_it_scales() -> None:
    async with World() as world:
        failing(world)
        of_namespace(world, "warn")
        world.deploy(checks="bad")
        await world.until(world.is_open)
        await settled(world)
        of_namespace(world, "enforce")
        world.scale_up("web-1", "web-1-9")
        await world.until(world.is_open, within=5)
        assert len(world.tasks()) == 1
        world.kubelet.exit_codes["bad"] = [1]
        world.deploy(checks="bad", revision=2)
        await settled(world)
        assert world.held() == ["web-2-0"]
        assert len(world.tasks()) == 2


@pytest.mark.parametrize(
    ("on_workload", "of_pods", "state"), [(True, "", "Warning"), (False, "", "Warning"), (False, "enforce", "Failed")]
)
async def test_a_word_on_the_workload_counts_for_what_follows_the_deployment(
    on_workload: bool, of_pods: str, state: str
) -> None:
    """Written once the pods have gone; what stands beside the pods' own keys is their version's for good."""
    async with World() as world:
        failing(world)
        world.deploy(
            checks="",
            keys_on_workload=on_workload,
            marks={"keptn.sh/post-deployment-tasks": "bad"} | ({POLICY: of_pods} if of_pods else {}),
        )
        await world.until(world.is_open)
        await settled(world, 5)
        annotate(world, "warn")
        await settled(world, 5)
        world.is_up("web")
        await settled(world)
        (version,) = world.api.all(resources.WORKLOAD_VERSIONS)
        assert version["status"]["postDeploymentStatus"] == state


async def test_a_word_that_was_written_while_no_worker_was_there_is_heard_by_the_next() -> None:
    async with World() as world:
        failing(world)
        world.deploy(checks="bad")
        await settled(world)
        assert world.held()
        await world.stop()
        annotate(world, "observe")
        await world.start()
        await world.until(world.is_open, within=5)
