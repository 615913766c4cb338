"""Each act does what it says; what becomes of it is the worlds' business."""

from dataclasses import replace

import pytest

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json, Resource
from tests.simulation.acts import users
from tests.simulation.acts.act import Act
from tests.simulation.acts.rehearsal import CHECK, WEB, Look, play, texts
from tests.simulation.manifests import SHOP, Check, Script
from tests.simulation.world import World

LUCK = 7


def web(world: World) -> Json:
    return world.server.get(resources.DEPLOYMENTS, "web", SHOP)


def image(world: World) -> str:
    return str(web(world)["spec"]["template"]["spec"]["containers"][0]["image"])


def version(world: World) -> str:
    return str(web(world)["spec"]["template"]["metadata"]["annotations"][wellknown.VERSION])


def test_a_release_has_new_content_and_a_new_version() -> None:
    look = Look(lambda world: (image(world), version(world)))
    result = play((1.0, users.Release(LUCK)), (1.1, look))
    assert look.seen == [("shop/web:2", "2.0")]
    assert (result.counts["Release"], result.counts["rollouts"]) == (1, 2)


def test_a_release_may_keep_the_version() -> None:
    look = Look(lambda world: (image(world), version(world)))
    play((1.0, users.Release(LUCK, same_version=True)), (1.1, look))
    assert look.seen == [("shop/web:2", "1.0")]


def test_many_releases_are_ten() -> None:
    assert play((1.0, users.ManyReleases(LUCK))).counts["rollouts"] == 11


def test_a_roll_back_goes_to_what_was_before() -> None:
    look = Look(image)
    play((1.0, users.Release(LUCK)), (2.0, users.RollBack(LUCK)), (2.1, look))
    assert look.seen == ["shop/web:1"]


def test_nothing_is_rolled_back_where_nothing_was_before() -> None:
    assert "RollBack" not in play((1.0, users.RollBack(LUCK))).counts


def test_a_restart_changes_nothing_but_its_mark() -> None:
    look = Look(lambda world: (image(world), web(world)["spec"]["template"]["metadata"]["annotations"]))
    play((1.0, users.Restart(LUCK)), (1.1, look))
    assert look.seen[0][0] == "shop/web:1"
    assert wellknown.RESTARTED_AT in look.seen[0][1]


def test_another_try_is_asked_for_on_the_workload() -> None:
    look = Look(lambda world: web(world)["metadata"]["annotations"])
    play((1.0, users.Retry(LUCK)), (1.1, look))
    assert wellknown.RETRY in look.seen[0]


def test_scaling_sets_the_replicas() -> None:
    look = Look(lambda world: (web(world)["spec"]["replicas"], world.workloads["web"].replicas))
    play((1.0, users.Scale(LUCK)), (1.1, look))
    assert look.seen[0][0] == look.seen[0][1] != 2


def test_a_daemon_set_is_scaled_by_a_node() -> None:
    result = play((1.0, users.Scale(LUCK)), workloads=(replace(WEB, kind="DaemonSet"),))
    assert "adds node-2" in texts(result, "user")


@pytest.mark.parametrize("resource", [resources.PODS, resources.JOBS, resources.TASKS, resources.WORKLOAD_VERSIONS])
def test_one_object_is_deleted(resource: Resource) -> None:
    result = play((0.9, users.DeleteOne(LUCK, resource)))
    assert [text for text in texts(result, "user") if text.startswith(f"deletes {resource.kind} ")]


def test_a_workload_that_is_deleted_is_gone_for_a_while_at_least() -> None:
    result = play((1.0, users.DeleteWorkload(LUCK)))
    assert result.counts["DeleteWorkload"] == 1
    assert any("Deployment web" in text for text in texts(result, "user"))


def test_a_check_is_edited() -> None:
    look = Look(lambda world: world.server.get(resources.TASK_DEFINITIONS, "check", SHOP)["spec"]["deno"])
    play((1.0, users.EditCheck(LUCK)), (1.1, look))
    assert look.seen[0]["inline"]["code"] != str(CHECK.script)


def test_a_check_is_away_for_a_while_and_then_there_again() -> None:
    there = Look(lambda world: world.server.find(resources.TASK_DEFINITIONS, "check", SHOP) is not None)
    play((1.0, users.DeleteCheck(LUCK)), (1.005, there), (7.0, there))
    assert there.seen == [False, True]


def test_a_script_is_away_for_a_while_and_then_there_again() -> None:
    there = Look(lambda world: world.server.find(resources.CONFIGMAPS, "check-code", SHOP) is not None)
    check = Check("check", Script(1.5), runs="configmap")
    play((1.0, users.DeleteScript(LUCK)), (1.1, there), (12.0, there), checks=(check,))
    assert there.seen == [False, True]


def test_held_pods_of_a_stateful_set_are_replaced() -> None:
    result = play((1.0, users.ReplaceHeld(LUCK)), workloads=(replace(WEB, kind="StatefulSet"),))
    assert result.counts["ReplaceHeld"] == 1
    assert result.counts["rollouts"] == 2


@pytest.mark.parametrize("luck", [1, 2, 3, 4])
def test_a_pod_of_a_check_is_ended_by_the_cluster(luck: int) -> None:
    (said,) = [text for text in texts(play((1.2, users.Evict(luck))), "user") if text.startswith("pod pre-check")]
    assert "evicted" in said or "drained" in said


def test_a_node_is_lost_and_another_joins() -> None:
    assert "node-1 is lost, node-2 has joined" in texts(play((1.0, users.LoseNode(LUCK))), "user")


def test_ten_nodes_join() -> None:
    result = play((1.0, users.JoinNodes()), workloads=(replace(WEB, kind="DaemonSet"),))
    assert "ten nodes join" in texts(result, "user")


def test_pods_of_nobody_are_never_held() -> None:
    look = Look(lambda world: [world.server.get(resources.PODS, name, SHOP)["spec"] for name in ("bare-2", "placed-2")])
    play((1.0, users.Strangers(LUCK)), (1.1, look))
    assert [spec.get("schedulingGates") for spec in look.seen[0]] == [None, None]


def test_a_rehearsal_asks_the_webhook_and_stores_nothing() -> None:
    result = play((1.0, users.Rehearse(LUCK)))
    assert result.counts["Rehearse"] == 1
    assert not any("pod rehearsal" in text for text in texts(result, "write"))


def test_gates_are_wiped_by_those_who_may() -> None:
    look = Look(lambda world: [pod["spec"].get("schedulingGates") for pod in world.server.list(resources.PODS, SHOP)])
    result = play((1.0, users.WipeGates(LUCK)), (1.1, look))
    assert look.seen[0].count(None) == len(look.seen[0])
    assert result.counts["bypasses"] == 2


def test_others_write_notes_on_our_objects() -> None:
    look = Look(lambda world: world.server.list(resources.TASKS, SHOP)[0]["metadata"]["annotations"])
    play((1.0, users.Scribble(LUCK)), (3.0, look))
    assert "example.com/note" in look.seen[0]


def test_a_namespace_goes_with_all_that_is_in_it() -> None:
    left = Look(lambda world: [*world.server.list(resources.PODS, SHOP), *world.server.list(resources.TASKS, SHOP)])
    play((1.0, users.DeleteNamespace(LUCK)), (60.0, left))
    assert left.seen == [[]]


ALL: tuple[Act, ...] = tuple(
    make(LUCK)
    for make in (users.Release, users.RollBack, users.Restart, users.Retry, users.Scale, users.DeleteWorkload)
)


@pytest.mark.parametrize("act", ALL, ids=lambda act: type(act).__name__)
def test_where_there_is_no_workload_there_is_nothing_to_do(act: Act) -> None:
    assert type(act).__name__ not in play((1.0, act), workloads=()).counts


def test_templates_of_the_past_are_kept_in_their_order() -> None:
    look = Look(lambda world: [template.image for template in world.history["web"]])
    play((1.0, users.Release(1)), (1.5, users.Release(2)), (2.0, look))
    assert look.seen == [["shop/web:1", "shop/web:2", "shop/web:3"]]
