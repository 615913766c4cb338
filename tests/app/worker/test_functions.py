import pytest

from app.api.task import Task
from app.cluster import resources
from app.lifecycle.functions import Code, ConfigMapCode, InlineCode, Problem, RemoteCode, code_digest
from app.lifecycle.jobs import Mounted
from app.worker.functions import FunctionReconciler, mount
from tests.app.worker.world import INSTALLATION, World, settled
from tests.builders import SHOP, Json, definition, task

pytestmark = pytest.mark.looptime

TASK: Task = task("pre-check-1").view


def config_map(name: str, data: Json, namespace: str = SHOP) -> Json:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


async def mounted(world: World, code: Code) -> Mounted | Problem | None:
    await world.told()
    return await mount(world.context, TASK, code)


class TestTheReconciler:
    async def test_keeps_inline_code_in_a_config_map_that_goes_with_its_definition(self) -> None:
        async with World() as world:
            world.define("check", deno={"inline": {"code": "1"}})
            assert await settled(world) == 2
            made = world.api.one(resources.CONFIGMAPS, "keptnfn-check")
            assert made["data"] == {"code": "1"}
            assert made["metadata"]["annotations"] == {"keptn.sh/code-digest": code_digest("1")}
            status = world.api.one(resources.TASK_DEFINITIONS, "check")["status"]
            assert status == {"function": {"configMap": "keptnfn-check"}}
            assert await settled(world) == 0
            world.api.remove(resources.TASK_DEFINITIONS, "check")
            assert world.api.all(resources.CONFIGMAPS) == []

    async def test_follows_the_code(self) -> None:
        async with World() as world:
            world.define("check", deno={"inline": {"code": "1"}})
            await settled(world)
            world.api.edit(resources.TASK_DEFINITIONS, "check", {"spec": {"deno": {"inline": {"code": "2"}}}})
            assert await settled(world) == 1
            assert world.api.one(resources.CONFIGMAPS, "keptnfn-check")["data"] == {"code": "2"}

    async def test_makes_it_again_when_it_was_deleted(self) -> None:
        async with World() as world:
            world.define("check", deno={"inline": {"code": "1"}})
            await settled(world)
            world.api.remove(resources.CONFIGMAPS, "keptnfn-check")
            assert await settled(world) == 1

    async def test_takes_over_what_keptn_left_there(self) -> None:
        async with World() as world:
            world.api.put(config_map("keptnfn-check", {"code": "old"}))
            world.define("check", deno={"inline": {"code": "1"}})
            await settled(world)
            made = world.api.one(resources.CONFIGMAPS, "keptnfn-check")
            assert made["data"] == {"code": "1"}
            assert [owner["kind"] for owner in made["metadata"]["ownerReferences"]] == ["KeptnTaskDefinition"]

    async def test_names_a_config_map_of_the_users(self) -> None:
        async with World() as world:
            world.define("check", python={"configMapRef": {"name": "script"}})
            assert await settled(world) == 1
            status = world.api.one(resources.TASK_DEFINITIONS, "check")["status"]
            assert status == {"function": {"configMap": "script"}}

    async def test_takes_the_name_back_when_the_code_is_elsewhere(self) -> None:
        async with World() as world:
            world.api.put(
                definition("check")
                .spec(deno={"httpRef": {"url": "https://x/y.ts"}})
                .changed({"status": {"function": {"configMap": "keptnfn-check"}}})
                .raw
            )
            assert await settled(world) == 1
            assert world.api.one(resources.TASK_DEFINITIONS, "check")["status"] == {"function": {}}

    @pytest.mark.parametrize("spec", [{"deno": {"httpRef": {"url": "u"}}}, {"container": {"name": "c"}}])
    async def test_has_nothing_to_do_without_code_of_ours(self, spec: Json) -> None:
        async with World() as world:
            world.define("check", **spec)
            assert await settled(world) == 0

    async def test_leaves_a_definition_that_is_being_deleted(self) -> None:
        async with World(works=False) as world:
            world.api.put(definition("check").inline("1").deleting().raw)
            await world.told()
            await FunctionReconciler(world.context)((SHOP, "check"))
            assert world.api.writes() == []


class TestMount:
    async def test_is_nothing_for_code_that_the_pod_fetches(self) -> None:
        async with World(works=False) as world:
            assert await mounted(world, RemoteCode("https://x/y.ts")) is None

    async def test_makes_the_definitions_config_map_if_it_is_not_there_yet(self) -> None:
        async with World(works=False) as world:
            world.api.put(definition("check").inline("1").raw)
            place = await mounted(world, InlineCode(SHOP, "check", "1"))
            assert place == Mounted("keptnfn-check")
            assert world.api.one(resources.CONFIGMAPS, "keptnfn-check")["data"] == {"code": "1"}

    async def test_copies_code_from_elsewhere_for_this_task_alone(self) -> None:
        async with World(works=False) as world:
            place = await mounted(world, InlineCode(INSTALLATION, "check", "1"))
            assert isinstance(place, Mounted)
            copy = world.api.one(resources.CONFIGMAPS, place.config_map)
            assert copy["data"] == {"code": "1"}
            assert [owner["name"] for owner in copy["metadata"]["ownerReferences"]] == ["pre-check-1"]

    async def test_copies_a_config_map_from_elsewhere(self) -> None:
        async with World(works=False) as world:
            world.api.put(config_map("script", {"code": "1"}, INSTALLATION))
            place = await mounted(world, ConfigMapCode(INSTALLATION, "script"))
            assert isinstance(place, Mounted)
            assert world.api.one(resources.CONFIGMAPS, place.config_map)["data"] == {"code": "1"}

    async def test_takes_a_config_map_at_home_as_it_is(self) -> None:
        async with World(works=False) as world:
            world.api.put(config_map("script", {"code": "1"}))
            assert await mounted(world, ConfigMapCode(SHOP, "script")) == Mounted("script")
            assert world.api.writes() == []

    @pytest.mark.parametrize("namespace", [SHOP, INSTALLATION])
    async def test_says_which_config_map_is_missing(self, namespace: str) -> None:
        async with World(works=False) as world:
            problem = await mounted(world, ConfigMapCode(namespace, "script"))
            assert isinstance(problem, Problem)
            assert problem.reason == "ConfigMapNotFound"
            assert f"no ConfigMap script in namespace {namespace}; create it" in problem.message

    async def test_says_which_key_is_missing(self) -> None:
        async with World(works=False) as world:
            world.api.put(config_map("script", {"main.py": "1"}))
            problem = await mounted(world, ConfigMapCode(SHOP, "script"))
            assert isinstance(problem, Problem)
            assert (problem.reason, "no key 'code'" in problem.message) == ("ConfigMapWithoutCode", True)

    async def test_says_that_a_definition_has_gone_meanwhile(self) -> None:
        async with World(works=False) as world:
            problem = await mounted(world, InlineCode(SHOP, "check", "1"))
            assert isinstance(problem, Problem)
            assert problem.reason == "TaskDefinitionNotFound"
