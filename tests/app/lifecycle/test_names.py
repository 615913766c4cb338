"""Names: Keptn's for ordinary input, valid and distinct for any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lifecycle import names

anything = st.text(max_size=300)
ordinary = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("app", "workload", "expected"),
    [
        ("waiter", "waiter", "waiter-waiter"),
        ("podtato-head", "podtato-head-left-leg", "podtato-head-podtato-head-left-leg"),
        ("My_App", "Back_End", "my-app-back-end"),
        ("shop.example.com", "cart", "shop.example.com-cart"),
    ],
)
def test_a_workload_is_named_as_keptn_names_it(app: str, workload: str, expected: str) -> None:
    assert names.workload_name(app, workload) == expected


@pytest.mark.parametrize(
    ("workload", "version", "expected"),
    [
        ("waiter-waiter", "0.4", "waiter-waiter-0.4"),
        ("waiter-waiter", "0.1.0_RC1", "waiter-waiter-0.1.0-rc1"),
        ("w", "3252319577", "w-3252319577"),
    ],
)
def test_a_version_is_named_as_keptn_names_it(workload: str, version: str, expected: str) -> None:
    assert names.workload_version_name(workload, version) == expected


@pytest.mark.parametrize(
    ("app", "version", "generation", "expected"),
    [
        ("waiter", "0.4", 1, "waiter-0.4-6b86b273"),
        ("waiter", "0.4", 2, "waiter-0.4-d4735e3a"),
        ("podtato-head", "95a0b0ddca", 3, "podtato-head-95a0b0ddca-4e074085"),
        ("shop", "1.0_RC1", 1, "shop-1.0-rc1-6b86b273"),
    ],
)
def test_an_app_version_is_named_as_keptn_names_it(app: str, version: str, generation: int, expected: str) -> None:
    assert names.app_version_name(app, version, generation) == expected


@given(ordinary, anything, st.integers(min_value=1))
def test_an_app_version_has_a_valid_name_and_each_generation_its_own(app: str, version: str, generation: int) -> None:
    made = [names.app_version_name(app, version, each) for each in (generation, generation + 1)]
    assert made[0] != made[1]
    assert all(names.is_dns_subdomain(name) for name in made)


@pytest.mark.parametrize(
    "version", ["1.0+build", "1.0+", "+1.0", "5000/img", "", "-", ".", "a..b", "a-.b", "1.0\n", "é", "v" * 300]
)
def test_an_odd_version_gives_a_valid_name_of_its_own(version: str) -> None:
    name = names.workload_version_name("shop-cart", version)
    assert names.is_dns_subdomain(name)
    assert name.startswith("shop-cart")
    assert name not in {
        names.workload_version_name("shop-cart", other) for other in ("1.0-build", "1.0", "x", "v" * 301)
    }


def test_what_is_readable_of_an_odd_version_stays_readable() -> None:
    assert names.workload_version_name("shop-cart", "1.0+build").startswith("shop-cart-1.0-build-")


@given(ordinary, ordinary)
def test_ordinary_names_get_no_hash(app: str, workload: str) -> None:
    assert names.workload_name(app, workload) == f"{app}-{workload}"


@given(anything, anything)
def test_every_name_is_one_that_kubernetes_takes(first: str, second: str) -> None:
    made = [
        names.app_name(first),
        names.workload_name(first, second),
        names.workload_version_name(names.workload_name(first, second), second),
        names.later_version_name(names.app_name(first), second, 1),
        names.task_name("pre", first, second),
    ]
    assert all(names.is_dns_subdomain(name) for name in made), made


@given(anything, anything)
def test_a_sanitised_app_name_names_the_same_workload_as_the_raw_one(app: str, workload: str) -> None:
    assert names.workload_name(names.app_name(app), workload) == names.workload_name(app, workload)


@given(anything, anything)
def test_different_versions_have_different_names_unless_they_differ_in_case_alone(first: str, second: str) -> None:
    def folded(text: str) -> str:
        return text.lower().replace("_", "-")

    same = names.workload_version_name("w", first) == names.workload_version_name("w", second)
    assert same == (folded(first) == folded(second))


@given(st.lists(st.tuples(anything, anything), unique=True, min_size=2, max_size=2))
def test_different_tasks_have_different_names(pairs: list[tuple[str, str]]) -> None:
    first, second = (names.task_name("pre", definition, uid) for definition, uid in pairs)
    assert first != second


def test_a_task_keeps_keptns_prefix_however_long_its_definition_is() -> None:
    definition = "check-" + "x" * 200
    assert names.task_name("pre", definition, "uid").startswith(f"pre-{definition}-")
    assert names.task_name("pre", "a--b", "uid").startswith("pre-a--b-")


def test_pre_and_post_tasks_of_one_definition_differ_beyond_their_prefix() -> None:
    pre, post = names.task_name("pre", "hello", "uid"), names.task_name("post", "hello", "uid")
    assert pre.removeprefix("pre-hello-") != post.removeprefix("post-hello-")


@given(st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,250}[a-z0-9])?", fullmatch=True).filter(names.is_dns_subdomain), anything)
def test_a_job_name_is_short_enough_for_a_label_and_differs_for_each_run(task: str, uid: str) -> None:
    made = [names.job_name(task, uid, run) for run in (1, 2, 3, 11, 12)]
    assert len(set(made)) == len(made)
    for name in made:
        assert len(name) <= 63
        assert names.is_dns_subdomain(name)
        assert name.startswith(task[:40].rstrip("-."))


def test_a_task_made_anew_has_jobs_of_its_own() -> None:
    assert names.job_name("pre-hello-1", "old", 1) != names.job_name("pre-hello-1", "new", 1)


def test_long_tasks_that_begin_alike_have_jobs_of_their_own() -> None:
    first, second = "pre-" + "x" * 60 + "1", "pre-" + "x" * 60 + "2"
    assert names.job_name(first, "uid", 1) != names.job_name(second, "uid", 1)


def test_each_content_and_number_has_a_version_of_its_own() -> None:
    base = "shop-cart-1"
    variants = {names.later_version_name(base, *parts) for parts in [("c", 1), ("c", 2), ("c", 12), ("c1", 2), ("", 1)]}
    assert len(variants) == 5
    assert all(name.startswith(f"{base}-") and len(name) == len(base) + 9 for name in variants)


def test_a_later_version_of_a_name_that_is_full_still_fits_and_keeps_apart() -> None:
    first = names.later_version_name("v" * 252 + "1", "c", 1)
    second = names.later_version_name("v" * 252 + "2", "c", 1)
    assert first != second
    assert names.is_dns_subdomain(first)


def test_the_config_map_of_a_definition_has_keptns_name() -> None:
    assert names.function_config_map("hello") == "keptnfn-hello"
    assert names.function_config_map("x" * 245) == "keptnfn-" + "x" * 245


def test_long_definitions_that_begin_alike_have_config_maps_of_their_own() -> None:
    first, second = (names.function_config_map("x" * 246 + end) for end in "ab")
    assert first != second
    assert names.is_dns_subdomain(first)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a..b", ".a", "a.", "a.-b", "a\n", "é", "a" * 254])
def test_what_kubernetes_refuses_is_no_subdomain(name: str) -> None:
    assert not names.is_dns_subdomain(name)


@pytest.mark.parametrize("name", ["a", "0", "a-b.c-d", "a" * 253, "1.2.3"])
def test_what_kubernetes_takes_is_a_subdomain(name: str) -> None:
    assert names.is_dns_subdomain(name)


@pytest.mark.parametrize(
    ("name", "taken"), [("a-b", True), ("a.b", False), ("a" * 63, True), ("a" * 64, False), ("", False)]
)
def test_a_label_has_no_dots_and_at_most_63_characters(name: str, taken: bool) -> None:
    assert names.is_dns_label(name) is taken
