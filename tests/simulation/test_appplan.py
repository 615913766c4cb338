from tests.simulation.appmanifests import Context
from tests.simulation.manifests import Template
from tests.simulation.plan import Plan, draw

PLANS = [draw(seed) for seed in range(300)]


def share(plans: list[Plan]) -> float:
    return len(plans) / len(PLANS)


def test_some_seeds_have_nothing_of_apps() -> None:
    plain = [plan for plan in PLANS if not (plan.goals or plan.contexts or plan.written or plan.configs)]
    assert 0.3 < share(plain) < 0.6


def test_all_of_it_is_drawn() -> None:
    for field in ("goals", "contexts", "written", "configs", "policy"):
        assert share([plan for plan in PLANS if getattr(plan, field)]) > 0.03, field
    templates = [workload.template for plan in PLANS for workload in plan.workloads]
    assert all(any(getattr(each, field) for each in templates) for field in ("goals", "after", "goals_after"))
    assert {written.follows for plan in PLANS for written in plan.written} == {"at once", "later", "never"}
    assert {context.seconds for plan in PLANS for context in plan.contexts} == {-1.0, 0.0, 0.7, 2.0}


def test_what_is_asked_for_is_there() -> None:
    for plan in PLANS:
        checks = {check.name for check in plan.checks}
        goals = {goal.name for goal in plan.goals}
        asking: list[Context | Template] = [*plan.contexts, *(each.template for each in plan.workloads)]
        for each in asking:
            assert {*each.checks, *each.after} <= checks
            assert {*each.goals, *each.goals_after} <= goals
