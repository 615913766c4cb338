import pytest

from app.api import wellknown
from app.lifecycle import names, takeover
from app.lifecycle.identity import Identity
from app.lifecycle.takeover import Origin
from tests.builders import VersionBuilder, pod, replica_set, task, version

BEFORE, AT, AFTER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z", "2026-01-01T00:00:06Z"
ASKED = Identity("web", "web", True, "1.0", ("a", "b"), (), (), (), {})
ORIGIN = Origin("uid-web-1", BEFORE)


def keptns() -> VersionBuilder:
    """As Keptn makes it: no annotation says which content it is about."""
    return version("web-web-1.0").checks("a", "b").created(AT)


@pytest.mark.parametrize("made", [BEFORE, AT])
def test_what_keptn_made_for_this_very_owner_is_adopted(made: str) -> None:
    assert takeover.adopt([keptns().view], ASKED, Origin("uid-web-1", made)) == keptns().view


@pytest.mark.parametrize(
    "other",
    [
        keptns().content("x"),  # ours, or adopted already
        keptns().deleting(),
        keptns().checks("a"),
        keptns().evaluations("slo"),
        keptns().changed({"metadata": {"name": "web-web-2.0"}, "spec": {"version": "2.0"}}),
        keptns().changed({"spec": {"resourceReference": {"uid": "uid-web-2"}}}),
    ],
)
def test_what_may_be_about_something_else_is_not(other: VersionBuilder) -> None:
    assert takeover.adopt([other.view], ASKED, ORIGIN) is None


def test_a_revision_that_came_later_under_the_same_version_was_never_checked() -> None:
    assert takeover.adopt([keptns().view], ASKED, Origin("uid-web-1", AFTER)) is None


def test_keptns_blanks_in_lists_and_their_order_do_not_matter() -> None:
    blanks = keptns().checks("b", " a")
    assert takeover.adopt([blanks.view], ASKED, ORIGIN) == blanks.view


def test_a_name_that_keptn_cut_is_known_by_what_it_stands_for() -> None:
    long = "w" * 260
    cut = keptns().changed({"metadata": {"name": "w" * 249 + "-1.0"}, "spec": {"workloadName": long}})
    asked = Identity("w", "w", True, "1.0", ("a", "b"), (), (), (), {})
    assert takeover.adopt([cut.view], asked, ORIGIN) is None
    asked = Identity(names.app_name("web"), "web", True, "1.0", ("a", "b"), (), (), (), {})
    renamed = keptns().changed({"metadata": {"name": "web-w-1.0"}, "spec": {"workloadName": "web-web"}})
    assert takeover.adopt([renamed.view], asked, ORIGIN) == renamed.view


def test_of_several_the_youngest_counts() -> None:
    old = keptns().changed({"metadata": {"name": "web-w-1.0"}}).created(BEFORE)
    assert takeover.adopt([keptns().view, old.view], ASKED, ORIGIN) == keptns().view


def test_what_keptn_checked_was_the_newest_when_it_made_the_version() -> None:
    made = [replica_set(name).created(stamp).view.metadata for name, stamp in (("a", BEFORE), ("b", AT), ("c", AFTER))]
    first = takeover.first_checked(keptns().view, made)
    assert first is not None
    assert first.name == "b"
    assert takeover.first_checked(keptns().view, made[2:]) is None


def test_a_pod_that_keptn_holds_has_the_gate_and_not_our_label() -> None:
    web = pod("web-1-a").owned_by(replica_set("web-1"))
    assert takeover.is_gated_by_keptn(web.gated("other", wellknown.GATE).raw)
    assert not takeover.is_gated_by_keptn(web.gated("other").raw)
    assert not takeover.is_gated_by_keptn(web.raw)
    assert not takeover.is_gated_by_keptn(web.held().raw)
    assert not takeover.is_gated_by_keptn(web.gated(wellknown.GATE).deleting().raw)


def test_a_task_in_a_job_of_keptns_goes_on_there() -> None:
    running = task("pre-a-34567").status("Progressing", jobName="pre-a-34567-12345")
    assert takeover.has_foreign_job(running.view)
    assert not takeover.has_foreign_job(running.status("Succeeded").view)
    assert not takeover.has_foreign_job(running.deleting().view)
    assert not takeover.has_foreign_job(task("pre-a-34567").status("Pending").view)
    ours = names.job_name("pre-a-34567", "uid-pre-a-34567", 1)
    assert not takeover.has_foreign_job(running.status("Progressing", jobName=ours, runs=1).view)
