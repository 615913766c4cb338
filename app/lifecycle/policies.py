"""What a check's failure does to a rollout: a workload, its namespace or the cluster's KeptnConfig says so."""

from enum import StrEnum

from app.api import wellknown
from app.api.workload import WorkloadVersion, WorkloadVersionStatus
from app.lifecycle.config import Config
from app.lifecycle.explain import PREFIX
from app.lifecycle.revisions import has_failed
from app.lifecycle.states import State


class Policy(StrEnum):
    """How much a check counts.

    ENFORCE holds the pods until all checks have passed. WARN holds them until all checks have ended; a failure is told
    and opens the gate. OBSERVE holds nothing; the checks run beside the rollout, and a failure is told.
    """

    ENFORCE = "enforce"
    WARN = "warn"
    OBSERVE = "observe"

    @property
    def blocks(self) -> bool:
        """Whether a failed check ends the rollout."""
        return self is Policy.ENFORCE


def policy(workload: str, namespace: str, config: Config) -> Policy:
    """What counts for a workload: the narrowest that is given.

    `workload` and `namespace` are the values of ``keptn.sh/check-policy`` there, "" without one. A word that is none of
    the three counts as given, and as ENFORCE: nothing opens for a slip of the pen.
    """
    for given in (workload.strip(), namespace.strip()):
        if given:
            return Policy.ENFORCE if is_unknown(given) else Policy(given)
    return Policy.ENFORCE if config.blocking else Policy.WARN


def lets_go(policy: Policy, status: WorkloadVersionStatus, *, app_failed: bool) -> bool:
    """Whether pods may go although their checks have no pass on record: only by what a person wrote.

    `app_failed`: the checks of their app have failed for good. A failure from before the policy was written counts.
    """
    if policy is Policy.OBSERVE:
        return True
    return policy is Policy.WARN and (has_failed(status) or app_failed)


def opened(version: WorkloadVersion, policy: Policy, *, app_failed: bool) -> str:
    """That the pods of `version` go without a pass, for whose word, and what it is that did not pass."""
    status = version.status
    failed = [
        f"pre-deployment {what} {item.definition_name} failed ({kind} {item.name})"
        for what, kind, items in (
            ("task", "KeptnTask", status.pre_deployment_task_status),
            ("evaluation", "KeptnEvaluation", status.pre_deployment_evaluation_task_status),
        )
        for item in items
        if item.status == State.FAILED
    ]
    if app_failed:
        failed.append(f"checks of app {version.spec.app} failed")
    how = "were not enforced when they ended" if policy.blocks else f"have the policy '{policy}'"
    return (
        f"{PREFIX}pods of version {version.spec.version} go without a pass, since their checks {how}: "
        f"{'; '.join(failed) or 'they have not ended yet'}. See KeptnWorkloadVersion {version.metadata.name}."
    )


def is_unknown(word: str) -> bool:
    """Whether this value of the annotation is none of the three words, nor blank."""
    return bool(word.strip()) and word.strip() not in list(Policy)


def unknown(word: str) -> str:
    """To whoever wrote `word`, which `is_unknown`."""
    shown = word.strip()
    shown = shown if len(shown) <= 40 else shown[:39] + "…"
    return (
        f"{wellknown.CHECK_POLICY} is {shown!r}, which is none of enforce, warn and observe, so checks are enforced; "
        "correct the word"
    )
