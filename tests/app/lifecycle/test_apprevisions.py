"""One KeptnAppVersion for each generation of a KeptnApp."""

from typing import Any

import orjson
import pytest

from app.api import wellknown
from app.api.app import AppContextSpec
from app.lifecycle import apprevisions
from app.lifecycle.phases import APP_PHASES
from tests.builders import START, AppBuilder, app, app_context, app_version

NOW = "2026-01-01T01:00:00Z"
SHOP_APP = app("shop").version("1.0").lists(cart="1.0")
CONTEXT = AppContextSpec(
    metadata={"team": "a"}, pre_deployment_tasks=("db",), post_deployment_tasks=("mail",), span_links=("00-1-2-01",)
)


def old_lists(**lists: list[str]) -> AppBuilder:
    """A KeptnApp that was written in an old version, as v1 has it."""
    old = SHOP_APP
    for name, value in lists.items():
        old = old.marked(f"{wellknown.CONVERSION}spec.{name}", orjson.dumps(value).decode())
    return old


class TestAsked:
    def test_is_the_contexts_word(self) -> None:
        context = app_context("shop").spec(preDeploymentTasks=["db"], metadata={"team": "a"}).view
        assert apprevisions.asked(context, SHOP_APP.view) == context.spec
        assert apprevisions.asked(None, SHOP_APP.view) is None

    def test_is_the_apps_own_word_where_it_was_written_in_an_old_version(self) -> None:
        asked = apprevisions.asked(None, old_lists(preDeploymentTasks=["old"]).view)
        assert asked == AppContextSpec(pre_deployment_tasks=("old",))

    def test_a_list_of_the_context_counts_before_the_apps(self) -> None:
        context = app_context("shop").spec(preDeploymentTasks=["db"], metadata={"team": "a"}).view
        written = old_lists(preDeploymentTasks=["old"], postDeploymentTasks=["mail"]).view
        asked = apprevisions.asked(context, written)
        assert asked == AppContextSpec(
            pre_deployment_tasks=("db",), post_deployment_tasks=("mail",), metadata={"team": "a"}
        )
        assert apprevisions.twice_asked(context, written) == ["preDeploymentTasks"]
        assert apprevisions.twice_asked(None, written) == apprevisions.twice_asked(context, SHOP_APP.view) == []


class TestBody:
    def test_is_named_and_filled_as_keptns(self) -> None:
        waiter = app("waiter").version("0.4").lists(waiter="0.4")
        body = apprevisions.body(waiter.view, CONTEXT)
        assert body["metadata"]["name"] == "waiter-0.4-6b86b273"
        assert body["metadata"]["namespace"] == "shop"
        assert body["spec"] == {
            "appName": "waiter",
            "version": "0.4",
            "revision": 1,
            "workloads": [{"name": "waiter", "version": "0.4"}],
            "metadata": {"team": "a"},
            "preDeploymentTasks": ["db"],
            "postDeploymentTasks": ["mail"],
            "spanLinks": ["00-1-2-01"],
        }
        (owner,) = body["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("KeptnApp", "uid-waiter", True)
        assert owner["blockOwnerDeletion"]

    def test_says_which_version_came_before(self) -> None:
        later = SHOP_APP.changed({"status": {"currentVersion": "0.9"}})
        assert apprevisions.body(later.view, None)["spec"]["previousVersion"] == "0.9"
        again = SHOP_APP.changed({"status": {"currentVersion": "1.0"}})
        assert "previousVersion" not in apprevisions.body(again.view, None)["spec"]

    def test_each_generation_has_its_own(self) -> None:
        body = apprevisions.body(SHOP_APP.version("1.0", generation=2).view, None)
        assert body["metadata"]["name"] == "shop-1.0-d4735e3a"
        assert body["metadata"]["annotations"] == {"keptn.sh/app-generation": "2"}


class TestFollowed:
    def test_before_it_begins_all_of_it_follows(self) -> None:
        made = app_version(SHOP_APP).changed({"spec": {"metadata": {"old": "x"}, "preDeploymentTasks": ["old"]}})
        assert apprevisions.followed(made.view, CONTEXT) == {
            "preDeploymentTasks": ["db"],
            "postDeploymentTasks": ["mail"],
            "metadata": {"old": None, "team": "a"},
            "spanLinks": ["00-1-2-01"],
        }

    def test_what_is_so_already_is_not_written(self) -> None:
        made = app_version(SHOP_APP).changed({"spec": CONTEXT.dump()})
        assert apprevisions.followed(made.view, CONTEXT) == {}

    def test_a_phase_that_has_begun_keeps_what_it_was_given(self) -> None:
        running = app_version(SHOP_APP).status(
            currentPhase="AppPreDeployTasks",
            preDeploymentStatus="Progressing",
            preDeploymentTaskStatus=[{"definitionName": "old", "name": "pre-old-1", "status": "Progressing"}],
        )
        wanted = CONTEXT.model_copy(update={"pre_deployment_evaluations": ("slo",)})
        assert apprevisions.followed(running.view, wanted) == {
            "preDeploymentEvaluations": ["slo"],
            "postDeploymentTasks": ["mail"],
        }
        assert apprevisions.followed(app_version(SHOP_APP).passed().view, wanted) == {"postDeploymentTasks": ["mail"]}

    def test_a_phase_that_waits_for_definitions_can_be_told_others(self) -> None:
        waits = app_version(SHOP_APP).changed({"spec": {"preDeploymentTasks": ["typo"]}})
        waits = waits.status(currentPhase="AppPreDeployTasks", preDeploymentStatus="Pending")
        assert apprevisions.followed(waits.view, CONTEXT)["preDeploymentTasks"] == ["db"]

    @pytest.mark.parametrize("state", [{"status": "Failed"}, {"status": "Deprecated"}, {"endTime": START}])
    def test_one_that_has_ended_follows_no_more(self, state: dict[str, Any]) -> None:
        assert apprevisions.followed(app_version(SHOP_APP).status(**state).view, CONTEXT) == {}

    def test_a_context_that_is_deleted_takes_nothing_back(self) -> None:
        made = app_version(SHOP_APP).changed({"spec": CONTEXT.dump()})
        assert apprevisions.followed(made.view, None) == {}
        assert set(apprevisions.followed(made.view, AppContextSpec())) == set(CONTEXT.dump()) - {
            "preDeploymentEvaluations",
            "postDeploymentEvaluations",
            "promotionTasks",
        }


class TestOlder:
    NOW = SHOP_APP.version("1.0", generation=2)

    def names(self, *given: Any) -> list[str]:
        return [each.metadata.name for each in apprevisions.older(self.NOW.view, [each.view for each in given])]

    def test_are_those_of_earlier_generations(self) -> None:
        assert self.names(app_version(SHOP_APP), app_version(self.NOW)) == ["shop-1.0-6b86b273"]

    def test_keptns_say_no_generation(self) -> None:
        keptns = app_version(SHOP_APP).changed({"metadata": {"annotations": {wellknown.APP_GENERATION: ""}}})
        its_newest = app_version(self.NOW).changed({"metadata": {"annotations": {wellknown.APP_GENERATION: ""}}})
        assert self.names(keptns, its_newest) == ["shop-1.0-6b86b273"]

    def test_one_of_a_generation_that_is_not_known_yet_is_not_older(self) -> None:
        assert self.names(app_version(SHOP_APP.version("1.1", generation=3))) == []

    def test_one_of_another_app_of_that_name_is_none(self) -> None:
        assert self.names(app_version(SHOP_APP.with_uid("another"))) == []

    def test_one_that_is_being_deleted_is_left_alone(self) -> None:
        assert self.names(app_version(SHOP_APP).deleting()) == []


class TestEnded:
    AGAIN = SHOP_APP.version("1.0", generation=2).view
    NEXT = SHOP_APP.version("1.1", generation=2).view

    def test_a_new_revision_of_the_same_version_deprecates_all_of_it(self) -> None:
        fields = apprevisions.ended(app_version(SHOP_APP).ended(START).view, self.AGAIN, NOW)
        assert fields == {phase.field: "Deprecated" for phase in APP_PHASES} | {"status": "Deprecated"}

    def test_one_that_still_ran_ends_with_that(self) -> None:
        fields = apprevisions.ended(app_version(SHOP_APP).passed().view, self.AGAIN, NOW)
        assert fields["endTime"] == NOW
        assert "currentPhase" not in fields

    def test_once_is_enough(self) -> None:
        done = app_version(SHOP_APP).status(status="Deprecated")
        assert apprevisions.ended(done.view, self.AGAIN, NOW) == {}

    def test_another_version_takes_over_from_one_that_runs(self) -> None:
        fields = apprevisions.ended(app_version(SHOP_APP).passed().view, self.NEXT, NOW)
        assert fields["status"] == "Failed"
        assert fields["endTime"] == NOW
        assert fields["workloadOverallStatus"] == fields["postDeploymentStatus"] == "Deprecated"
        assert "preDeploymentStatus" not in fields

    def test_one_of_another_version_that_has_ended_stays_as_it_is(self) -> None:
        assert apprevisions.ended(app_version(SHOP_APP).ended(START).view, self.NEXT, NOW) == {}
        assert apprevisions.ended(app_version(SHOP_APP).failed(START).view, self.NEXT, NOW) == {}
