import pytest

from app.lifecycle.config import Config
from app.lifecycle.policies import Policy, is_unknown, lets_go, policy, unknown
from tests.builders import VersionBuilder, version

BLOCKING, NOT_BLOCKING = Config(), Config(blocking=False)


@pytest.mark.parametrize(
    ("workload", "namespace", "config", "expected"),
    [
        ("", "", BLOCKING, Policy.ENFORCE),
        ("", "", NOT_BLOCKING, Policy.WARN),
        ("", "observe", BLOCKING, Policy.OBSERVE),
        ("", "enforce", NOT_BLOCKING, Policy.ENFORCE),
        ("warn", "enforce", BLOCKING, Policy.WARN),
        (" observe ", "", BLOCKING, Policy.OBSERVE),
        (" ", "warn", BLOCKING, Policy.WARN),
        ("wran", "observe", NOT_BLOCKING, Policy.ENFORCE),
        ("", "Observe", NOT_BLOCKING, Policy.ENFORCE),
    ],
)
def test_the_narrowest_that_is_given_counts(workload: str, namespace: str, config: Config, expected: Policy) -> None:
    assert policy(workload, namespace, config) is expected
    assert expected.blocks == (expected is Policy.ENFORCE)


def test_a_slip_of_the_pen_is_told() -> None:
    assert is_unknown("wran")
    assert not any(map(is_unknown, ["", " ", "warn", " enforce "]))
    assert "'wran', which is none of enforce, warn and observe" in unknown(" wran ")
    assert len(unknown("x" * 1000)) < 200


RUNNING = version("v").status(currentPhase="WorkloadPreDeployTasks", preDeploymentStatus="Progressing")


@pytest.mark.parametrize("state", [RUNNING, RUNNING.failed(), version("v").superseded()])
@pytest.mark.parametrize("app_failed", [False, True])
def test_nothing_goes_where_checks_are_enforced(state: VersionBuilder, app_failed: bool) -> None:
    assert not lets_go(Policy.ENFORCE, state.view.status, app_failed=app_failed)


def test_where_they_only_warn_pods_go_once_a_failure_is_on_record() -> None:
    assert not lets_go(Policy.WARN, RUNNING.view.status, app_failed=False)
    assert lets_go(Policy.WARN, RUNNING.failed().view.status, app_failed=False)
    assert lets_go(Policy.WARN, RUNNING.view.status, app_failed=True)


def test_where_they_only_observe_pods_go_at_once() -> None:
    assert lets_go(Policy.OBSERVE, RUNNING.view.status, app_failed=False)
