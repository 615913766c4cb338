"""Evaluations: no more attempts than their author allows, none before its time, and no verdict that is not so."""

from collections.abc import Callable

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation import clock
from tests.simulation.apiserver.store import Change
from tests.simulation.rules.apptruth import FINAL, EvaluationFacts
from tests.simulation.rules.truth import Truth

_CLOCKS = 0.2  # seconds; a reading takes its time, and the interval runs from its end


class Measures:
    """Looks at every change. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self._truth = truth
        self._finding = finding

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        old, new = change.old, change.new
        if change.resource != resources.EVALUATIONS or old is None or new is None:
            return
        facts = self._truth.apps.evaluations[new["metadata"]["uid"]]
        what = f"KeptnEvaluation {facts.name}"
        was, now = _status(old), _status(new)
        if was.get("overallStatus") in FINAL and was != now:
            self._finding("I7", f"{what} was changed after its verdict")
            return
        self._attempts(what, facts, was, now)
        state = now.get("overallStatus", "")
        if state == "Succeeded" and (why := self._truth.apps.is_met(facts, now.get("evaluationStatus") or {})):
            self._finding("I2", f"{what} is Succeeded, and its metrics do not meet what was asked: {why}")
        if state == "Failed" and now.get("retryCount", 0) < facts.attempts and not self._was_overtaken(facts):
            self._finding("I7", f"{what} is Failed after {now.get('retryCount', 0)} of {facts.attempts} attempts")
        if state in FINAL and not now.get("endTime"):
            self._finding("I7", f"{what} is {state}, and does not say since when")

    def _attempts(self, what: str, facts: EvaluationFacts, was: Json, now: Json) -> None:
        before, after = was.get("retryCount", 0), now.get("retryCount", 0)
        if after > facts.attempts:
            self._finding("I1", f"{what} was tried {after} times, and {facts.attempts} are allowed")
        if after < before or after > before + 1:
            self._finding("I7", f"{what}: retryCount went from {before} to {after}")
        if after == before:
            return
        last = was.get("lastAttemptTime")
        if last and clock.since_stamp(last) < max(facts.interval, 1.0) - _CLOCKS:
            self._finding("I1", f"{what} was tried again {clock.since_stamp(last):.1f} s after the last time")
        earlier = was.get("evaluationStatus") or {}
        for key, result in (now.get("evaluationStatus") or {}).items():
            if result.get("status") != "Succeeded" or earlier.get(key) == result:
                continue
            if not self._truth.apps.could_say(facts, key, str(result.get("value", ""))):
                self._finding("I2", f"{what}: {key} never was {result.get('value')!r} since that was asked")

    def _was_overtaken(self, facts: EvaluationFacts) -> bool:
        owner = self._truth.version_of(facts.owner)
        return owner is not None and owner.over


def _status(body: Json) -> Json:
    status: Json = body.get("status") or {}
    return status
