from typing import Any

import pytest

from app.worker.overtaken import overtaken
from tests.app.worker.world import World
from tests.builders import Builder, app, app_version, task, version

pytestmark = pytest.mark.looptime

ENDED = {"status": {"status": "Failed", "deploymentStatus": "Deprecated"}}
OLD = version("web-web-1.0")
NEW = version("web-web-2.0").created("2026-01-01T00:00:30Z")
NEWEST = version("web-web-3.0").created("2026-01-01T00:00:40Z")
ELSEWHERE = NEWEST.changed({"spec": {"workloadName": "web-db"}})
APP = app_version(app("shop").version("1", 1)).created("2026-01-01T00:00:10Z")
NEW_APP = app_version(app("shop").version("2", 2)).created("2026-01-01T00:00:20Z")
OLD_APP = app_version(app("shop").version("0", 3))


async def by(child: Builder[Any], *there: Builder[Any]) -> tuple[str, str] | None:
    async with World(works=False) as world:
        for each in there:
            world.api.put(each.raw)
        await world.told()
        return overtaken(world.context.caches, child.view)


@pytest.mark.parametrize(
    ("others", "newer"),
    [((NEW,), NEW.name), ((NEW, NEWEST), NEWEST.name), ((ELSEWHERE,), ""), ((), "")],
    ids=["one", "two", "of another workload", "gone"],
)
async def test_a_task_of_a_workload_version_is_overtaken_by_the_newest(
    others: tuple[Builder[Any], ...], newer: str
) -> None:
    child = task("t").owned_by(OLD)
    assert await by(child, OLD.changed(ENDED), *others) == ("KeptnWorkloadVersion web-web-1.0", newer)


async def test_a_task_of_an_app_version_is_overtaken_by_a_later_one() -> None:
    child = task("t").owned_by(APP)
    found = await by(child, APP.changed(ENDED), NEW_APP, OLD_APP)
    assert found == (f"KeptnAppVersion {APP.name}", NEW_APP.name)


@pytest.mark.parametrize(
    ("child", "there"),
    [
        (task("t"), OLD.changed(ENDED)),
        (task("t").owned_by(OLD), OLD),
        (task("t").owned_by(OLD), OLD.passed()),
        (task("t").owned_by(OLD), OLD.failed()),
        (task("t").owned_by(OLD), OLD.with_uid("another").changed(ENDED)),
        (task("t").owned_by(OLD), NEW.changed(ENDED)),
        (task("t").owned_by(OLD).deleting(), OLD.changed(ENDED)),
    ],
    ids=["of nobody", "running", "passed", "failed", "made anew", "gone", "being deleted"],
)
async def test_no_other_task_is(child: Builder[Any], there: Builder[Any]) -> None:
    assert await by(child, there, NEW) is None
