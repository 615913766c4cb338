import pytest

from app.api.workload import WorkloadVersionStatus
from app.lifecycle.config import Config
from app.lifecycle.policies import Policy, is_unknown, lets_go, opened, policy, unknown
from tests.builders import VersionBuilder, version

BLOCKING, LENIENT = Config(), Config(blocking=False)


@pytest.mark.parametrize(
    ("workload", "namespace", "config", "counts"),
    [
        ("", "", BLOCKING, Policy.ENFORCE),
        ("", "", LENIENT, Policy.WARN),
        ("", "observe", BLOCKING, Policy.OBSERVE),
        ("", "enforce", LENIENT, Policy.ENFORCE),
        ("enforce", "observe", LENIENT, Policy.ENFORCE),
        ("warn", "observe", BLOCKING, Policy.WARN),
        ("observe", "enforce", BLOCKING, Policy.OBSERVE),
        (" warn ", "", BLOCKING, Policy.WARN),
        ("  ", "warn", BLOCKING, Policy.WARN),
    ],
)
def test_the_narrowest_that_is_given_counts(workload: str, namespace: str, config: Config, counts: Policy) -> None:
    assert policy(workload, namespace, config) is counts


@pytest.mark.parametrize("word", ["wran", "Warn", "observe,warn", "false", "none"])
@pytest.mark.parametrize("config", [BLOCKING, LENIENT])
def test_a_word_that_is_none_of_the_three_opens_nothing(word: str, config: Config) -> None:
    assert is_unknown(word)
    assert policy(word, "observe", config) is Policy.ENFORCE
    assert policy("", word, config) is Policy.ENFORCE
    assert policy("warn", word, config) is Policy.WARN, "the workload's own word is narrower"


@pytest.mark.parametrize("word", ["", "  ", "enforce", " warn", "observe "])
def test_a_word_that_is_known_or_blank_is_not_unknown(word: str) -> None:
    assert not is_unknown(word)


def test_whoever_wrote_an_unknown_word_reads_it_and_what_to_write() -> None:
    words = unknown(" wran ")
    assert "keptn.sh/check-policy is 'wran'" in words
    assert "enforce, warn and observe" in words
    assert len(unknown("x" * 1000)) < 200


@pytest.mark.parametrize(("which", "blocks"), [(Policy.ENFORCE, True), (Policy.WARN, False), (Policy.OBSERVE, False)])
def test_only_one_of_them_ends_a_rollout(which: Policy, blocks: bool) -> None:
    assert which.blocks is blocks


RUNNING = WorkloadVersionStatus(pre_deployment_status="Progressing")
FAILED = WorkloadVersionStatus(pre_deployment_status="Failed")


@pytest.mark.parametrize(
    ("which", "status", "app_failed", "goes"),
    [
        (Policy.ENFORCE, RUNNING, False, False),
        (Policy.ENFORCE, FAILED, True, False),
        (Policy.WARN, RUNNING, False, False),
        (Policy.WARN, FAILED, False, True),
        (Policy.WARN, RUNNING, True, True),
        (Policy.OBSERVE, RUNNING, False, True),
    ],
)
def test_pods_go_without_a_pass_only_by_what_a_person_wrote(
    which: Policy, status: WorkloadVersionStatus, app_failed: bool, goes: bool
) -> None:
    assert lets_go(which, status, app_failed=app_failed) is goes


def item(definition: str, state: str) -> dict[str, str]:
    return {"definitionName": definition, "name": f"pre-{definition}-1", "status": state}


@pytest.mark.parametrize(
    ("made", "which", "app_failed", "words"),
    [
        (
            version("v").status(preDeploymentStatus="Warning", preDeploymentTaskStatus=[item("bad", "Failed")]),
            Policy.WARN,
            False,
            "have the policy 'warn': pre-deployment task bad failed (KeptnTask pre-bad-1). See KeptnWorkloadVersion v.",
        ),
        (
            version("v").status(preDeploymentTaskStatus=[item("a", "Succeeded"), item("bad", "Failed")]),
            Policy.ENFORCE,
            False,
            "were not enforced when they ended: pre-deployment task bad failed (KeptnTask pre-bad-1).",
        ),
        (
            version("v").status(preDeploymentEvaluationTaskStatus=[item("slo", "Failed")]),
            Policy.WARN,
            True,
            "pre-deployment evaluation slo failed (KeptnEvaluation pre-slo-1); checks of app web failed.",
        ),
        (version("v"), Policy.OBSERVE, False, "have the policy 'observe': they have not ended yet."),
    ],
)
def test_that_pods_go_without_a_pass_is_told_with_what_did_not_pass(
    made: VersionBuilder, which: Policy, app_failed: bool, words: str
) -> None:
    told = opened(made.view, which, app_failed=app_failed)
    assert told.startswith("Holdfast: pods of version 1.0 go without a pass, since their checks ")
    assert words in told
