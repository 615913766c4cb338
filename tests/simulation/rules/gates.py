"""I2: whether a gate was opened rightly. By the checks of the workload and those of its app, or by a person's word."""

from collections.abc import Callable

from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import names
from tests.simulation import clock
from tests.simulation.apiserver.store import Change
from tests.simulation.rules.apptruth import AppFacts
from tests.simulation.rules.policytruth import ENFORCE, OBSERVE, WARN
from tests.simulation.rules.truth import Truth, VersionFacts

# Seconds. The times by which an app version is older than a workload version are whole ones, of two clocks.
_CLOCKS = 2.5


class Gates:
    """Looks at every change. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self._truth = truth
        self._finding = finding

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        old, new = change.old, change.new
        if change.resource != resources.WORKLOAD_VERSIONS or old is None or new is None:
            return
        if _status(new).get("deploymentStartTime") and not _status(old).get("deploymentStartTime"):
            facts = self._truth.versions[new["metadata"]["uid"]]
            if not self.lets_go(facts) and not self._only_warns(facts, new):
                name, app = new["metadata"]["name"], facts.app
                self._finding("I2", f"KeptnWorkloadVersion {name} is deployed, and no checks of app {app} let it go")

    def _only_warns(self, facts: VersionFacts, version: Json) -> bool:
        """Whether its app has failed, a person's word lets it go all the same, and that is on record as a warning."""
        if enforced(self.words(facts)) or _status(version).get("preDeploymentEvaluationStatus") != "Warning":
            return False
        return self._app_failed(facts)

    def lets_go(self, facts: VersionFacts) -> bool:
        """Whether the app of a workload version had really passed its checks for it."""
        return any(
            self._counts(each) and (self._is_fresh(each, facts) if lists(each, facts) else _moved_on(each, facts))
            for each in self._truth.apps.of(facts.namespace, facts.app)
        )

    def _counts(self, app: AppFacts) -> bool:
        """Whether an app version has passed, or had nothing to pass just now."""
        return app.recorded is not None or not app.asks or app.free_until >= clock.seconds() - self._truth.policies.late

    def without_a_pass(self, pod: Json, asked: list[dict[str, str]]) -> bool:
        """Whether a person's word was in force that lets the pod go as things are."""
        for marks in asked:
            # A version that somebody has deleted since may have been there when the patch was sent.
            for facts in self._truth.about(pod, marks):
                words = self.words(facts)
                if OBSERVE in words or (WARN in words and (facts.failed or self._app_failed(facts))):
                    return True
        return False

    def _app_failed(self, facts: VersionFacts) -> bool:
        """Whether a version of its app that lists it has failed."""
        return any(each.failed for each in self._truth.apps.of(facts.namespace, facts.app) if lists(each, facts))

    def words(self, facts: VersionFacts) -> set[str]:
        """The policies that counted for a workload version just now."""
        return self._truth.policies.in_force(facts.namespace, *facts.owner, clock.seconds())

    def app_words(self, facts: AppFacts) -> set[str]:
        return self._truth.policies.in_force(facts.namespace, resources.APPS.kind, facts.app, clock.seconds())

    def _is_fresh(self, app: AppFacts, facts: VersionFacts) -> bool:
        """Whether an app version's pass counts for a workload version: it had not ended before that was made.

        In an app that a person wrote, whoever names its version again takes its pass.
        """
        now = clock.seconds()
        if app.deprecated is not None and app.deprecated < now - self._truth.policies.late:
            return False
        before = app.ended is not None and app.ended < facts.made - _CLOCKS
        return not (before and app.discovered)


def lists(app: AppFacts, facts: VersionFacts) -> bool:
    return any(
        names.workload_name(app.app, name) == facts.workload and version.lower() == facts.version.lower()
        for name, version in app.refs
    )


def _moved_on(app: AppFacts, facts: VersionFacts) -> bool:
    """Whether an app that asks for nothing has gone on to another version of this workload."""
    return not app.asks and any(names.workload_name(app.app, name) == facts.workload for name, _ in app.refs)


def enforced(words: set[str]) -> bool:
    """Whether nothing but ENFORCE counted."""
    return words == {ENFORCE}


def _status(body: Json) -> Json:
    status: Json = body.get("status") or {}
    return status
