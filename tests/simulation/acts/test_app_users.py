"""Each act does what it says; what becomes of it is the worlds' business."""

from typing import Any

import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation.acts import app_users
from tests.simulation.acts.act import Act
from tests.simulation.acts.rehearsal import WEB, Look, play
from tests.simulation.appmanifests import CONFIG, Context, Goal, Written
from tests.simulation.manifests import BROKEN, INSTALLATION, SHOP
from tests.simulation.world import World

GOAL = Goal("speed", (">10",), ("20",), retries=1, interval=1)
SHOP_APP = Written("shop", "later")


def spec(resource: Resource, name: str, home: str = SHOP) -> Look:
    def look(world: World) -> Json | None:
        found = world.server.find(resource, name, home)
        return found and found["spec"]

    return Look(look)


def after(act: Act, look: Look, **plan: Any) -> Any:
    """What the look sees right after the act, at a moment when all is there."""
    play((4.0, act), (4.2, look), **plan)
    return look.seen[0]


def test_a_context_is_written_for_an_app() -> None:
    seen = after(app_users.EditContext(3), spec(resources.APP_CONTEXTS, "web"))
    assert set(seen) >= {"preDeploymentTasks", "postDeploymentTasks"}


def test_a_context_is_deleted_for_a_while_or_for_good() -> None:
    there = [
        after(app_users.DeleteContext(luck), spec(resources.APP_CONTEXTS, "web"), contexts=(Context("web"),))
        for luck in range(6)
    ]
    assert None in there


def test_a_metric_says_something_else() -> None:
    look = Look(lambda world: world.server.get(resources.METRICS, "speed-0", SHOP)["status"]["value"])
    seen = {after(app_users.ChangeMetric(luck), look, goals=(GOAL,)) for luck in range(1)}
    play(*((2.0, app_users.ChangeMetric(luck)) for luck in range(8)), (2.1, look), goals=(GOAL,))
    assert seen | {look.seen[-1]} <= {"5", "20", "no number", ""}


def test_a_goal_is_edited_or_away_for_a_while() -> None:
    seen = [
        after(app_users.EditGoal(luck), spec(resources.EVALUATION_DEFINITIONS, "speed"), goals=(GOAL,))
        for luck in range(6)
    ]
    assert None in seen
    assert any(each["objectives"][0]["evaluationTarget"] != ">10" for each in seen if each)


def test_a_person_s_app_follows_its_workloads() -> None:
    shop = WEB.__class__("web", app="shop", template=WEB.template)
    seen = after(app_users.UpdateApp(1), spec(resources.APPS, "shop"), workloads=(shop,), written=(SHOP_APP,))
    assert seen["workloads"] == [{"name": "web", "version": "1.0"}]
    assert seen["version"].startswith("app-")


def test_a_bump_is_another_revision_and_nothing_else() -> None:
    seen = after(app_users.BumpApp(1), spec(resources.APPS, "web"))
    assert (seen["revision"], seen["version"]) == (2, "1.0")


def test_a_policy_stands_on_a_workload_an_app_or_the_namespace() -> None:
    def words(world: World) -> list[str]:
        found = [
            world.server.find(resource, name, home)
            for resource, name, home in (
                (resources.DEPLOYMENTS, "web", SHOP),
                (resources.APPS, "web", SHOP),
                (resources.NAMESPACES, SHOP, ""),
            )
        ]
        return [
            (each or {"metadata": {}})["metadata"].get("annotations", {}).get(wellknown.CHECK_POLICY, "")
            for each in found
        ]

    seen = [after(app_users.SetPolicy(luck), Look(words)) for luck in range(12)]
    assert all(any(each[place] for each in seen) for place in range(3))
    assert all(sum(map(bool, each)) <= 1 for each in seen)


def test_a_config_is_written_here_or_elsewhere() -> None:
    def homes(world: World) -> list[str]:
        return [home for home in (INSTALLATION, SHOP) if world.server.find(resources.CONFIGS, CONFIG, home)]

    seen = [after(app_users.SetConfig(luck), Look(homes)) for luck in range(6)]
    assert [INSTALLATION] in seen
    assert [SHOP] in seen


def test_a_check_runs_by_hand() -> None:
    look = Look(
        lambda world: [
            each["spec"]
            for each in world.server.list(resources.TASKS, SHOP)
            if each["metadata"]["name"].startswith("by-hand")
        ]
    )
    (task,) = after(app_users.RunByHand(1), look)
    assert (task["taskDefinition"], task["context"]["objectType"]) == ("check", "")


def test_what_is_broken_never_gets_ready() -> None:
    look = Look(
        lambda world: world.server.get(resources.DEPLOYMENTS, "web", SHOP)["spec"]["template"]["spec"]["containers"][0][
            "image"
        ]
    )
    assert BROKEN in after(app_users.ReleaseBroken(1), look)


@pytest.mark.parametrize("act", [app_users.ChangeMetric(1), app_users.EditGoal(1), app_users.UpdateApp(1)])
def test_where_there_is_nothing_to_do_nothing_is_done(act: Act) -> None:
    assert type(act).__name__ not in play((1.0, act)).counts


def test_another_image_asks_for_other_checks() -> None:
    look = Look(
        lambda world: world.server.get(resources.DEPLOYMENTS, "web", SHOP)["spec"]["template"]["spec"]["containers"][0][
            "image"
        ]
    )
    assert after(app_users.Ask(1), look) == "shop/web:2"
