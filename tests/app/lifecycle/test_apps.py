"""Which app version a workload waits for, and how an app's workloads fare."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api import wellknown
from app.api.app import WorkloadRef
from app.api.workload import WorkloadVersion
from app.lifecycle import apps, names
from app.lifecycle.apps import AppGate
from tests.builders import START, AppBuilder, AppVersionBuilder, VersionBuilder, app, app_version, version

BEFORE, LATER = "2025-12-31T23:59:00Z", "2026-01-01T00:01:00Z"
USERS = app("shop").version("1.0").lists(cart="1.0", pay="2.0")
OURS = USERS.discovered()


def part(name: str = "cart", number: str = "1.0", of: str = "shop") -> VersionBuilder:
    """A version of a workload of the app."""
    spec = {"app": of, "workloadName": names.workload_name(of, name), "version": number}
    return version(f"{of}-{name}-{number}").changed({"spec": spec})


def asking(owner: AppBuilder) -> AppVersionBuilder:
    """A version with a check before the deployment."""
    return app_version(owner).changed({"spec": {"preDeploymentTasks": ["db"]}})


def by_hand(owner: AppBuilder) -> AppVersionBuilder:
    """The same, made by a person."""
    return asking(owner).changed({"metadata": {"ownerReferences": []}})


def judged(thing: VersionBuilder, owner: AppBuilder | None, *versions: AppVersionBuilder) -> AppGate:
    return apps.gate(thing.view, owner.view if owner else None, [each.view for each in versions])


class TestGate:
    def test_it_opens_once_the_checks_before_the_deployment_have_passed(self) -> None:
        passed = app_version(USERS).passed()
        assert judged(part(), USERS, passed) == AppGate(True, False, passed.view, "")

    def test_a_warning_lets_it_go_as_well(self) -> None:
        warned = app_version(USERS).status(
            currentPhase="AppDeploy", preDeploymentStatus="Warning", preDeploymentEvaluationStatus="Warning"
        )
        assert judged(part(), USERS, warned).open

    @pytest.mark.parametrize("state", ["", "Pending", "Progressing", "Failed", "Deprecated", "Unknown"])
    @pytest.mark.parametrize("field", ["preDeploymentStatus", "preDeploymentEvaluationStatus"])
    def test_nothing_else_does(self, field: str, state: str) -> None:
        assert not judged(part(), USERS, asking(USERS).passed().status(**{field: state})).open

    def test_one_that_asks_for_nothing_holds_nobody(self) -> None:
        assert judged(part(), USERS, app_version(USERS)).open

    def test_without_an_app_a_persons_app_version_counts_and_no_other(self) -> None:
        gate = judged(part(), None, by_hand(USERS))
        assert (gate.open, gate.failed, gate.version) == (False, False, by_hand(USERS).view)
        assert judged(part(), None, by_hand(USERS).passed()).open
        assert judged(part(), None, by_hand(USERS).failed()).failed
        assert not judged(part("web"), None, by_hand(USERS).passed()).open
        for gone in (by_hand(USERS).passed().deleting(), by_hand(USERS).passed().status(status="Deprecated")):
            assert judged(part(), None, gone).version is None
        assert not judged(part(), None, asking(USERS).passed()).open
        assert not judged(part(), USERS.deleting(), by_hand(USERS).passed()).open

    def test_it_says_what_it_waits_for(self) -> None:
        items = [{"definitionName": "db", "status": "Progressing"}, {"definitionName": "dns", "status": "Succeeded"}]
        running = asking(USERS).status(
            currentPhase="AppPreDeployTasks", preDeploymentStatus="Progressing", preDeploymentTaskStatus=items
        )
        gate = judged(part(), USERS, running)
        assert (gate.open, gate.failed, gate.version) == (False, False, running.view)
        assert gate.message == "KeptnAppVersion shop-1.0-6b86b273: in phase AppPreDeployTasks, waiting for db."

    def test_it_says_which_definitions_are_not_there(self) -> None:
        lists = {"preDeploymentTasks": ["db", "dns"], "preDeploymentEvaluations": ["slo"]}
        asking = app_version(USERS).changed({"spec": lists})
        items = [{"definitionName": "db", "status": "Succeeded"}]
        gate = judged(part(), USERS, asking.status(currentPhase="AppPreDeployTasks", preDeploymentTaskStatus=items))
        assert gate.stuck
        assert not gate.open
        assert gate.message == (
            "KeptnAppVersion shop-1.0-6b86b273: there is no KeptnTaskDefinition dns in its namespace or Holdfast's. "
            "Create it, and the check starts by itself."
        )
        later = judged(part(), USERS, asking.status(currentPhase="AppPreDeployEvaluations"))
        assert "no KeptnEvaluationDefinition slo in" in later.message

    def test_one_that_has_not_begun_is_waited_for(self) -> None:
        gate = judged(part(), USERS, asking(USERS))
        assert not gate.open
        assert "it begins once" in gate.message

    def test_a_failure_names_the_check_and_how_to_try_again(self) -> None:
        items = [{"definitionName": "db", "name": "pre-db-1", "status": "Failed"}]
        failed = app_version(USERS).failed().status(preDeploymentTaskStatus=items)
        gate = judged(part(), USERS, failed)
        assert (gate.open, gate.failed, gate.version) == (False, True, failed.view)
        assert gate.message == (
            "KeptnAppVersion shop-1.0-6b86b273 has failed: KeptnTask pre-db-1 of db. Mend what it found, then have the "
            'app checked again: kubectl -n shop patch keptnapp shop --type merge -p \'{"spec":{"revision":2}}\''
        )

    def test_a_failed_evaluation_is_named_too(self) -> None:
        items = [{"definitionName": "slo", "name": "pre-eval-slo-1", "status": "Failed"}]
        failed = app_version(USERS).status(
            preDeploymentEvaluationStatus="Failed", status="Failed", preDeploymentEvaluationTaskStatus=items
        )
        assert "KeptnEvaluation pre-eval-slo-1 of slo" in judged(part(), USERS, failed).message

    def test_a_failure_after_the_deployment_does_not_close_it(self) -> None:
        failed = app_version(USERS).passed().status(postDeploymentStatus="Failed", status="Failed", endTime=LATER)
        assert judged(part(), USERS, failed).open

    def test_without_an_app_it_stays_closed(self) -> None:
        gate = judged(part(), None, app_version(USERS).passed())
        assert not gate.open
        assert gate.message.startswith("KeptnApp shop/shop is not there yet.")

    def test_an_app_that_is_being_deleted_lets_nobody_go(self) -> None:
        assert not judged(part(), USERS.deleting(), app_version(USERS).passed()).open

    def test_the_version_of_another_app_of_that_name_does_not_count(self) -> None:
        assert not judged(part(), USERS.with_uid("another"), app_version(USERS).passed()).open

    def test_one_that_is_being_deleted_does_not_count(self) -> None:
        assert not judged(part(), USERS, app_version(USERS).passed().deleting()).open

    def test_the_app_as_it_is_now_counts_not_as_it_was(self) -> None:
        now = USERS.version("1.1", generation=2)
        old = app_version(USERS).passed()
        gate = judged(part(), now, old)
        assert not gate.open
        assert "shop-1.1-d4735e3a" in gate.message
        assert judged(part(), now, old, app_version(now).passed()).open

    def test_the_newest_that_lists_it_counts_where_the_app_does_not_any_more(self) -> None:
        second = USERS.version("1.1", generation=2)
        third = second.version("1.2", generation=3).lists(cart="1.2")
        passed, failed = app_version(USERS).passed(), app_version(second).failed()
        assert judged(part(), third, failed, passed).failed
        assert judged(part(), third, app_version(second).passed(), app_version(USERS).failed()).open

    def test_a_deprecated_one_does_not_count(self) -> None:
        second = USERS.version("1.0", generation=2).lists(cart="1.1")
        assert not judged(part(), second, app_version(USERS).passed().status(status="Deprecated")).open

    def test_one_that_was_overtaken_counts_only_if_it_had_passed(self) -> None:
        second = USERS.version("1.1", generation=2).lists(cart="1.1")
        overtaken = app_version(USERS).passed().status(workloadOverallStatus="Deprecated", status="Failed")
        assert judged(part(), second, overtaken).open
        gate = judged(part(), second, overtaken.status(preDeploymentStatus="Deprecated"))
        assert (gate.open, gate.failed) == (False, False)

    def test_a_persons_app_that_has_ended_still_counts(self) -> None:
        assert judged(part().created(LATER), USERS, app_version(USERS).ended(START)).open

    def test_ours_that_had_ended_before_says_nothing_of_new_content(self) -> None:
        gate = judged(part().created(LATER), OURS, app_version(OURS).ended(START))
        assert (gate.open, gate.failed) == (False, False)
        assert "made again" in gate.message
        assert not judged(part().created(LATER), OURS, app_version(OURS).failed(START)).failed

    def test_ours_counts_for_what_it_was_about(self) -> None:
        assert judged(part().created(BEFORE), OURS, app_version(OURS).ended(START)).open

    def test_what_a_person_has_not_listed_is_told_with_what_to_write(self) -> None:
        gate = judged(part(number="1.1"), USERS, app_version(USERS).passed())
        assert (gate.open, gate.version) == (False, None)
        assert gate.message == (
            "KeptnApp shop/shop does not list workload cart of version 1.1, but cart of version 1.0. "
            'Write {name: cart, version: "1.1"} into its spec.workloads.'
        )

    def test_what_we_have_not_listed_comes_by_itself(self) -> None:
        gate = judged(part("new"), OURS, app_version(OURS).passed())
        assert "yet. It will once" in gate.message
        assert "Write" not in gate.message

    def test_names_and_versions_are_compared_as_they_stand_in_names_of_objects(self) -> None:
        odd = app("my-shop").changed({"spec": {"workloads": [{"name": "My_Cart", "version": "1.0-RC1"}]}})
        assert judged(part("my-cart", "1.0-rc1", of="my-shop"), odd, app_version(odd).passed()).open

    def test_a_workload_is_not_taken_for_another_whose_name_ends_alike(self) -> None:
        lists = app("a").changed({"spec": {"workloads": [{"name": "a-b", "version": "1.0"}]}})
        assert not judged(part("b", of="a"), lists, app_version(lists).passed()).open
        assert judged(part("a-b", of="a"), lists, app_version(lists).passed()).open


STATES = st.sampled_from(["", "Pending", "Progressing", "Succeeded", "Failed", "Deprecated", "Warning", "Unknown"])
KNOWN = st.tuples(st.integers(1, 4), st.sampled_from(["1.0", "1.1"]), STATES, STATES, STATES, st.booleans())


@given(
    st.lists(KNOWN, max_size=5, unique_by=lambda each: each[:2]),
    st.integers(1, 4),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_it_opens_by_a_pass_of_this_app_alone_whatever_else_is_known(
    known: list[tuple[int, str, str, str, str, bool]], generation: int, ours: bool, rng: random.Random
) -> None:
    owner = (OURS if ours else USERS).version("1.0", generation=generation)
    versions = []
    for of, listed, tasks, evaluations, state, lists in known:
        then = owner.version(listed, generation=of)
        fields = {"preDeploymentStatus": tasks, "preDeploymentEvaluationStatus": evaluations, "status": state}
        versions.append(asking(then if lists else then.lists(other="1.0")).status(**fields))
    gate = judged(part(), owner, *versions)
    shuffled = list(versions)
    rng.shuffle(shuffled)
    again = judged(part(), owner, *shuffled)
    assert (again.open, again.failed, again.message) == (gate.open, gate.failed, gate.message)
    assert not (gate.open and gate.failed)
    assert bool(gate.message) != gate.open
    if gate.open and gate.version is not None:
        status = gate.version.status
        passed = {"Succeeded", "Warning"}
        assert status.pre_deployment_status in passed
        assert status.pre_deployment_evaluation_status in passed
        assert status.status != "Deprecated"
    current = [each for each in versions if apps.is_current(each.view, owner.view)]
    if not current:
        assert not gate.open


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_what_an_app_calls_its_workload_means_that_workload(of: str, workload: str) -> None:
    name = names.app_name(of)
    full = names.workload_name(of, workload)
    owner = app(name).changed({"spec": {"workloads": [{"name": apps.ref_name(name, full), "version": "1.0"}]}})
    mine = version("v").changed({"spec": {"app": name, "workloadName": full, "version": "1.0"}})
    assert judged(mine, owner, app_version(owner).passed()).open


class TestWorkloadStates:
    def states(self, *versions: VersionBuilder) -> tuple[list[str], list[str]]:
        states, missing = apps.workload_states(app_version(USERS).view, [each.view for each in versions])
        assert [each.workload for each in states] == list(USERS.view.spec.workloads)
        return [each.status for each in states], [ref.name for ref in missing]

    def test_each_has_the_state_of_its_version(self) -> None:
        cart, pay = part().status(status="Succeeded"), part("pay", "2.0").status(status="Progressing")
        assert self.states(pay, cart) == (["Succeeded", "Progressing"], [])

    def test_one_that_is_not_there_is_pending_and_missing(self) -> None:
        assert self.states(part()) == (["Pending", "Pending"], ["pay"])

    def test_other_versions_and_other_apps_do_not_count(self) -> None:
        done: dict[str, Any] = {"status": "Succeeded"}
        others = [part(number="1.1").status(**done), part(of="other").status(**done)]
        assert self.states(*others) == (["Pending", "Pending"], ["cart", "pay"])

    def test_the_newest_try_counts(self) -> None:
        old, new = part().failed(), part().with_uid("2").status(status="Progressing").created(LATER)
        again = new.changed({"metadata": {"name": "shop-cart-1.0-again"}})
        assert self.states(old, again)[0][0] == "Progressing"
        assert self.states(again, old)[0][0] == "Progressing"

    def test_one_that_was_overtaken_is_not_there_any_more(self) -> None:
        overtaken = part().status(preDeploymentStatus="Deprecated", status="Failed").created(LATER)
        assert self.states(overtaken) == (["Pending", "Pending"], ["cart", "pay"])
        assert self.states(overtaken, part().status(status="Succeeded"))[0][0] == "Succeeded"

    def test_one_that_is_being_deleted_is_not_there(self) -> None:
        assert self.states(part().status(status="Succeeded").deleting())[1] == ["cart", "pay"]

    def test_one_of_an_app_with_a_long_name_is_found_by_its_own(self) -> None:
        full = f"{'a' * 250}-12345678"
        done = version("v").changed({"spec": {"app": "shop", "workloadName": full, "version": "1.0"}})
        wanted = app_version(app("shop").changed({"spec": {"workloads": [{"name": full, "version": "1.0"}]}}))
        states, missing = apps.workload_states(wanted.view, [done.status(status="Succeeded").view])
        assert ([each.status for each in states], missing) == (["Succeeded"], [])

    def test_old_versions_of_others_are_not_looked_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A hundred workloads with a hundred old versions each are a million looks otherwise, at each change."""
        looked: list[WorkloadVersion] = []
        own = apps._means

        def means(ref: WorkloadRef, of: str, each: WorkloadVersion) -> bool:
            looked.append(each)
            return own(ref, of, each)

        monkeypatch.setattr(apps, "_means", means)
        self.states(*(part(name, f"{number}.0") for name in ("cart", "pay", "mail") for number in range(5)))
        assert len(looked) == 10


class TestDiscovered:
    def test_a_persons_app_is_one_without_keptns_label(self) -> None:
        assert not apps.is_discovered(USERS.view)
        assert not apps.is_discovered(USERS.changed({"metadata": {"labels": {wellknown.MANAGED_BY: "Helm"}}}).view)

    def test_one_that_keptn_left_is_ours(self) -> None:
        assert apps.is_discovered(OURS.view)

    def test_a_person_who_writes_into_ours_makes_it_theirs(self) -> None:
        marked = OURS.marked(wellknown.DISCOVERED, apps.digest(OURS.view.spec))
        assert apps.is_discovered(marked.view)
        assert apps.is_discovered(marked.changed({"spec": {"revision": 7}}).view)
        assert not apps.is_discovered(marked.version("2.0").view)
        assert not apps.is_discovered(marked.lists(cart="1.0").view)

    def test_so_does_one_who_applies_it(self) -> None:
        assert not apps.is_discovered(OURS.marked(wellknown.LAST_APPLIED, "{}").view)


class TestHadEnded:
    def test_it_goes_by_when_the_workload_version_was_made(self) -> None:
        ended = app_version(OURS).ended(START).view
        assert apps.had_ended(ended, part().created(LATER).view)
        assert not apps.had_ended(ended, part().created(BEFORE).view)

    def test_the_same_second_is_not_before(self) -> None:
        assert not apps.had_ended(app_version(OURS).ended(START).view, part().created(START).view)

    def test_whose_pods_it_let_go_is_its_own_whatever_another_clock_says(self) -> None:
        ended = app_version(OURS).ended(START).view
        mine = part().created(LATER)
        assert not apps.had_ended(ended, mine.status(deploymentStartTime=BEFORE).view)
        assert apps.had_ended(ended, mine.status(deploymentStartTime=LATER).view)

    def test_one_that_goes_on_has_not_ended(self) -> None:
        assert not apps.had_ended(app_version(OURS).passed().view, part().created(LATER).view)


class TestBegins:
    def test_it_begins_once_its_app_has_settled(self) -> None:
        assert apps.begins(app_version(USERS).view, USERS.view)

    def test_one_that_a_newer_one_replaces_does_not(self) -> None:
        assert not apps.begins(app_version(USERS).view, USERS.version("1.0", generation=2).view)

    def test_one_that_a_person_has_made_needs_no_app(self) -> None:
        assert apps.begins(by_hand(USERS).view, None)
        assert not apps.begins(by_hand(USERS.version("2.0")).view, USERS.view)

    def test_nor_does_one_without_its_app(self) -> None:
        assert not apps.begins(app_version(USERS).view, None)
        assert not apps.begins(app_version(USERS).view, USERS.deleting().view)


@pytest.mark.parametrize(
    ("silent", "waited", "left"), [(0.0, 0.0, 0.5), (0.2, 0.7, 0.3), (0.5, 0.5, 0.0), (9.0, 9.0, 0.0), (0.1, 29.9, 0.1)]
)
def test_quiet_is_waited_for_but_never_longer_than_the_limit(silent: float, waited: float, left: float) -> None:
    assert apps.quiet_left(silent, waited, quiet=0.5, limit=30.0) == pytest.approx(left)


class TestAnAppThatHasGoneOn:
    """Its workload's older revision still has pods: after its objects were deleted, for one."""

    OLD = version("shop-web-1.0").changed({"spec": {"app": "shop", "workloadName": "shop-web", "version": "1.0"}})
    APP = app("shop").discovered().lists(web="2.0")

    def test_lets_the_older_one_go_if_it_asks_for_nothing(self) -> None:
        begun = app_version(self.APP).passed()
        assert apps.gate(self.OLD.view, self.APP.view, [begun.view]).open

    def test_holds_it_while_that_is_not_certain(self) -> None:
        made = app_version(self.APP)
        asking = made.passed().changed({"spec": {"preDeploymentTasks": ["check"]}})
        before = made.passed().created("2025-12-31T23:59:59Z")
        for current in (asking, before):
            assert not apps.gate(self.OLD.view, self.APP.view, [current.view]).open

    def test_that_a_person_wrote_holds_it(self) -> None:
        written = app("shop").lists(web="2.0")
        assert not apps.gate(self.OLD.view, written.view, [app_version(written).passed().view]).open
