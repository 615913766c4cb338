"""A KeptnApp is made from the workloads that name it, to the letter as Keptn makes it."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api import wellknown
from app.api.app import AppSpec, WorkloadRef
from app.api.meta import Object
from app.api.workload import Workload
from app.lifecycle import apps, discovery, names
from tests.builders import START, AppVersionBuilder, VersionBuilder, app, app_version, version, workload

LATER = "2026-01-01T00:01:00Z"
words = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,15}[a-z0-9])?", fullmatch=True)


def part(name: str, number: str = "1.0", of: str = "shop") -> Workload:
    named = workload(names.workload_name(of, name))
    return named.changed({"spec": {"app": of, "version": number}}).view


def refs(spec: AppSpec | None) -> list[tuple[str, str]]:
    assert spec is not None
    return [(ref.name, ref.version) for ref in spec.workloads]


class TestVersion:
    def test_of_one_workload_is_that_workloads(self) -> None:
        assert discovery.version([part("waiter", "0.4", of="waiter")]) == "0.4"

    def test_of_several_is_keptns_digest_of_all(self) -> None:
        listed = [
            part(f"podtato-head-{name}", "0.1.0", of="podtato-head")
            for name in ("entry", "hat", "left-leg", "left-arm", "right-leg", "right-arm")
        ]
        assert discovery.version(listed) == discovery.version(reversed(listed)) == "95a0b0ddca"

    def test_has_no_separator_between_workloads(self) -> None:
        both = [part("cart", "1.0"), part("pay", "2.0")]
        assert discovery.version(both) == hashlib.sha256(b"shop-cart-1.0shop-pay-2.0").hexdigest()[:10]


class TestListed:
    def test_a_new_app_lists_its_workloads_by_name_without_its_own(self) -> None:
        spec = discovery.listed("shop", [part("pay", "2.0"), part("cart")])
        assert refs(spec) == [("cart", "1.0"), ("pay", "2.0")]
        assert spec is not None
        assert spec.revision == 1

    def test_without_workloads_there_is_no_app(self) -> None:
        assert discovery.listed("shop", []) is None
        going = workload("shop-cart").changed({"spec": {"app": "shop"}}).deleting().view
        assert discovery.listed("shop", [going]) is None

    def test_what_an_app_lists_already_keeps_its_place(self) -> None:
        known = app("shop").lists(pay="1.0", gone="1.0", cart="1.0").changed({"spec": {"revision": 4}}).view.spec
        spec = discovery.listed("shop", [part("cart", "1.1"), part("new"), part("adverts"), part("pay")], known)
        assert refs(spec) == [("pay", "1.0"), ("cart", "1.1"), ("adverts", "1.0"), ("new", "1.0")]
        assert spec is not None
        assert spec.revision == 4

    def test_a_workload_that_was_listed_twice_is_listed_once(self) -> None:
        twice = [WorkloadRef(name="cart", version="1.0"), WorkloadRef(name="Cart", version="0.9")]
        known = AppSpec(version="x", workloads=tuple(twice))
        assert refs(discovery.listed("shop", [part("cart")], known)) == [("cart", "1.0")]

    @given(st.lists(words, unique=True, min_size=1, max_size=6), st.randoms(use_true_random=False))
    def test_the_order_in_which_workloads_came_says_nothing(self, workloads: list[str], rng: random.Random) -> None:
        parts = [part(name) for name in workloads]
        shuffled = list(parts)
        rng.shuffle(shuffled)
        assert discovery.listed("shop", shuffled) == discovery.listed("shop", parts)

    @given(st.lists(words, unique=True, min_size=1, max_size=6))
    def test_nothing_is_left_to_do_once_it_is_done(self, workloads: list[str]) -> None:
        parts = [part(name) for name in workloads]
        spec = discovery.listed("shop", parts)
        assert spec is not None
        done = app("shop").changed({"spec": spec.dump()}).view
        assert discovery.next_spec(done, parts, None, []) is None

    def test_a_name_so_long_that_it_was_cut_is_listed_whole(self) -> None:
        of = "a" * 250
        cut = names.workload_name(of, "cart")
        one = workload(cut).changed({"spec": {"app": of, "version": "1.0"}}).view
        spec = discovery.listed(of, [one])
        assert refs(spec) == [(cut, "1.0")]
        assert refs(discovery.listed(of, [one], spec)) == [(cut, "1.0")]


class TestNextSpec:
    KNOWN = app("shop").lists(cart="1.0").discovered()

    def done(self, kept: AppVersionBuilder, *versions: VersionBuilder) -> AppSpec | None:
        listed = [each.view for each in versions]
        return discovery.next_spec(self.KNOWN.view, [part("cart")], kept.view, listed)

    def made(self, at: str) -> VersionBuilder:
        spec = {"app": "shop", "workloadName": "shop-cart", "version": "1.0"}
        return version(f"shop-cart-1.0-{at[-3:-1]}").changed({"spec": spec}).created(at)

    def test_new_content_of_the_same_version_has_the_app_checked_again(self) -> None:
        spec = self.done(app_version(self.KNOWN).ended(START), self.made(LATER))
        assert spec is not None
        assert (spec.version, spec.revision, refs(spec)) == ("1.0", 2, [("cart", "1.0")])

    def test_so_does_another_try(self) -> None:
        assert self.done(app_version(self.KNOWN).failed(START), self.made(START).failed(), self.made(LATER))

    def test_what_was_made_before_it_ended_was_its_own(self) -> None:
        assert self.done(app_version(self.KNOWN).ended(LATER), self.made(START)) is None

    def test_while_it_runs_new_content_belongs_to_it(self) -> None:
        assert self.done(app_version(self.KNOWN).passed(), self.made(LATER)) is None

    def test_what_has_ended_too_waits_for_nothing(self) -> None:
        ended = app_version(self.KNOWN).ended(START)
        assert self.done(ended, self.made(LATER).failed()) is None
        assert self.done(ended, self.made(LATER).status(status="Succeeded", endTime=LATER)) is None

    def test_only_the_newest_try_of_a_workload_counts(self) -> None:
        newest = self.made(LATER).status(status="Failed", preDeploymentStatus="Deprecated")
        assert self.done(app_version(self.KNOWN).ended(START), self.made(START), newest) is None

    def test_its_checks_are_not_made_again_before_they_were_made_once(self) -> None:
        assert discovery.next_spec(self.KNOWN.view, [part("cart")], None, [self.made(LATER).view]) is None

    def test_a_new_version_needs_no_new_revision(self) -> None:
        ended = app_version(self.KNOWN).ended(START).view
        spec = discovery.next_spec(self.KNOWN.view, [part("cart", "1.1")], ended, [self.made(LATER).view])
        assert spec is not None
        assert (spec.version, spec.revision) == ("1.1", 1)

    def test_that_a_workload_is_gone_is_no_reason_to_check_its_app_again(self) -> None:
        both = app("shop").lists(cart="1.0", pay="2.0").discovered()
        left = [part("cart")]
        assert discovery.next_spec(both.view, left, app_version(both).ended().view, []) is None
        posting = (
            app_version(both).passed().status(workloadOverallStatus="Succeeded", currentPhase="AppPostDeployTasks")
        )
        assert discovery.next_spec(both.view, left, posting.view, []) is None
        news = discovery.next_spec(both.view, [part("cart", "1.1")], app_version(both).ended().view, [])
        assert refs(news) == [("cart", "1.1")]

    def test_an_app_does_not_wait_for_a_workload_that_is_gone(self) -> None:
        both = app("shop").lists(cart="1.0", pay="2.0").discovered()
        for waits in (None, app_version(both).view, app_version(both).passed().view):
            assert refs(discovery.next_spec(both.view, [part("cart")], waits, [])) == [("cart", "1.0")]

    def test_one_that_keptn_left_waiting_is_not_checked_again_for_that(self) -> None:
        both = app("shop").lists(cart="1.0", pay="2.0").discovered()
        keptns = app_version(both).passed().marked(wellknown.APP_GENERATION, "").view
        assert discovery.next_spec(both.view, [part("cart")], keptns, []) is None

    def test_an_app_whose_workloads_are_gone_stays_as_it_was(self) -> None:
        assert discovery.next_spec(self.KNOWN.view, [], None, []) is None


class TestSingleService:
    MARK = {"metadata": {"annotations": {wellknown.APP_TYPE: wellknown.SINGLE_SERVICE}}}

    def test_it_stands_on_the_workload(self) -> None:
        marked = workload("web-web").changed(self.MARK).view
        assert discovery.is_single_service([marked], [])
        assert not discovery.is_single_service([part("cart")], [])
        assert not discovery.is_single_service([marked, part("cart")], [])
        assert not discovery.is_single_service([], [])

    def test_keptn_has_it_on_other_objects(self) -> None:
        assert discovery.is_single_service([part("cart")], [Object.model_validate(self.MARK)])


def test_a_new_app_is_marked_as_ours() -> None:
    spec = AppSpec(version="1.0", workloads=(WorkloadRef(name="web", version="1.0"),))
    body = discovery.made("web", "shop", spec, single_service=True)
    assert body["spec"] == {"version": "1.0", "revision": 1, "workloads": [{"name": "web", "version": "1.0"}]}
    assert body["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "keptn"}
    assert body["metadata"]["annotations"]["keptn.sh/app-type"] == "single-service"
    assert (
        "keptn.sh/app-type" not in discovery.made("web", "shop", spec, single_service=False)["metadata"]["annotations"]
    )
    assert apps.is_discovered(app("web").changed(body).view)


def test_a_change_is_about_the_app_that_was_looked_at() -> None:
    known = app("web").lists(web="1.0").discovered()
    spec = AppSpec(version="1.1", workloads=(WorkloadRef(name="web", version="1.1"),))
    change = discovery.changed(known.view, spec)
    assert (change["metadata"]["uid"], change["metadata"]["resourceVersion"]) == ("uid-web", "1")
    assert apps.is_discovered(known.changed(change).view)


@pytest.mark.parametrize("revision", [1, 5])
def test_a_persons_revision_is_kept(revision: int) -> None:
    known = app("shop").lists(cart="1.0").discovered().changed({"spec": {"revision": revision}}).view
    spec = discovery.next_spec(known, [part("cart", "1.1")], None, [])
    assert spec is not None
    assert spec.revision == revision
