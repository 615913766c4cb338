"""What a KeptnAppContext asks is asked, whether it comes before its workloads or just after; where no news is late."""

from collections.abc import Callable

from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.store import Change
from tests.simulation.rules.apptruth import AppFacts
from tests.simulation.rules.truth import Truth

# Seconds. What has stood for so long is known to everybody; what comes so soon after its workloads is meant for them.
_KNOWN = 0.5
# The same where an app version says that it has begun, which it says a while after it has.
_KNOWN_AT_BEGIN = 1.5
_SOON = 0.85
_LISTS = (
    "preDeploymentTasks",
    "preDeploymentEvaluations",
    "postDeploymentTasks",
    "postDeploymentEvaluations",
)


class Contexts:
    """Looks at every change. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self._truth = truth
        self._finding = finding
        self._changed: dict[tuple[str, str], float] = {}
        self._gone: dict[tuple[str, str], bool] = {}
        self._specs: dict[tuple[str, str], Json] = {}

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        if change.resource == resources.APP_CONTEXTS:
            self._context(change)
        elif change.resource == resources.APP_VERSIONS and change.new is not None and _is_early(change):
            self._asks(change.time, change.new, made=change.old is None)

    def _context(self, change: Change) -> None:
        meta = change.body["metadata"]
        key = (meta["namespace"], meta["name"])
        known = key in self._changed
        self._changed[key] = change.time
        # Deleting a context takes nothing from a version that there is.
        self._specs[key] = change.body.get("spec") or {}
        self._gone[key] = change.new is None
        if change.old is not None or known or not self._is_punctual() or not self._truth.policies.waits:
            return
        versions = self._truth.apps.of(*key)
        last = max(
            (each.made for each in self._truth.versions.values() if (each.namespace, each.app) == key), default=0
        )
        # One that a person lists is known at once, and one of a later generation to have gone without.
        first = len(versions) == 1 and versions[0].discovered and versions[0].generation == 1
        if first and versions[0].made > last > change.time - _SOON:
            after = change.time - last
            words = f"was made before its KeptnAppContext, which came {after:.2f} s after its workloads"
            self._finding("I2", f"KeptnAppVersion {versions[0].name} {words}")

    def _asks(self, now: float, version: Json, *, made: bool) -> None:
        """`made`: this is a version's first appearance, and a context that had gone by then gives it nothing."""
        facts: AppFacts = self._truth.apps.versions[version["metadata"]["uid"]]
        key = (facts.namespace, facts.app)
        known = _KNOWN if made else _KNOWN_AT_BEGIN
        if not self._is_punctual() or self._changed.get(key, -1.0) > now - known:
            return
        gone, last = self._gone.get(key, False), self._specs.get(key, {})
        for name in _LISTS:
            have, want = version["spec"].get(name) or [], last.get(name) or []
            if have not in _allowed(want, [], gone=gone, made=made):
                self._finding(
                    "I2", f"KeptnAppVersion {facts.name} asks for {have} ({name}), and its context for {want}"
                )
        said, says = version["spec"].get("metadata") or {}, last.get("metadata") or {}
        if said not in _allowed(says, {}, gone=gone, made=made):
            self._finding("I2", f"KeptnAppVersion {facts.name} says of its app {said}, and its context says {says}")

    def _is_punctual(self) -> bool:
        return self._truth.policies.late < 10


def _allowed(last: object, nothing: object, *, gone: bool, made: bool) -> tuple[object, ...]:
    """What an app version may have of a context that said `last` when it was seen last."""
    if not gone:
        return (last,)
    return (nothing,) if made else (nothing, last)


def _is_early(change: Change) -> bool:
    """Whether an app version was just made, or has just begun."""
    if change.old is None:
        return True
    was, now = (((body or {}).get("status") or {}).get("currentPhase") for body in (change.old, change.new))
    return bool(now and not was)
