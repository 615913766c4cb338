from collections import Counter

from tests.simulation.manifests import KINDS
from tests.simulation.plan import calm, draw

PLANS = [draw(seed) for seed in range(300)]


def test_a_seed_is_the_same_plan_each_time() -> None:
    assert [draw(seed) for seed in range(50)] == PLANS[:50]
    assert calm(2) == calm(2)


def test_two_seeds_are_two_plans() -> None:
    assert len({str(plan) for plan in PLANS}) == len(PLANS)


def test_nothing_goes_wrong_in_a_calm_one() -> None:
    plan = calm(2)
    assert (plan.acts, plan.late, plan.two_leaders, plan.injects, plan.bystander) == ((), (), False, False, False)


def test_acts_come_in_the_order_of_their_time_and_before_the_end() -> None:
    for plan in PLANS:
        times = [at for at, _ in plan.acts]
        assert times == sorted(times)
        assert all(0 <= at <= plan.length for at in times)


def test_workloads_ask_only_for_checks_that_there_are() -> None:
    for plan in PLANS:
        names = {check.name for check in plan.checks}
        assert {name for workload in plan.workloads for name in workload.template.checks} <= names
        assert set(plan.late) <= names


def test_every_kind_and_every_way_to_run_a_check_is_drawn() -> None:
    assert {workload.kind for plan in PLANS for workload in plan.workloads} == set(KINDS)
    runs = {check.runs for plan in PLANS for check in plan.checks}
    assert runs == {"container", "inline", "configmap", "parent", "library"}


def test_what_is_rare_is_drawn_as_well() -> None:
    counts = Counter[str]()
    for plan in PLANS:
        counts.update(field for field in ("two_leaders", "injects", "bystander") if getattr(plan, field))
        for workload in plan.workloads:
            counts.update(field for field in ("above", "gates", "recreate") if getattr(workload, field))
            counts.update(field for field in ("managed", "labelled") if not getattr(workload, field))
        counts.update(field for check in plan.checks for field in ("secret",) if getattr(check, field))
        counts.update("pull" for check in plan.checks if not check.script.pull)
        counts.update("late" for _ in plan.late)
    assert min(counts.values()) >= 5
    assert len(counts) == 11


def test_two_leaders_are_two_workers() -> None:
    assert all(plan.workers == 2 for plan in PLANS if plan.two_leaders)
