"""How versions walk through their phases: none begins before its turn, and none says what did not happen.

I1 a check is made once for each phase that asks for it   I2 a phase that has passed has really passed
I7 what has ended stays so, what failed has failed, and only what was overtaken ends for that
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from app.lifecycle import names
from tests.simulation import clock
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import controller_of
from tests.simulation.rules.apptruth import FINAL, PASSED, AppFacts
from tests.simulation.rules.gates import Gates, enforced
from tests.simulation.rules.truth import Item, Truth, VersionFacts

_CLOCKS = 2.5  # seconds; times in a status are whole ones, and of another clock than this one


@dataclass(frozen=True, slots=True)
class _Phase:
    """A phase of tasks or evaluations: its state, the spec's list, the status's list, its checkType."""

    state: str
    asked: str
    items: str
    check: str


def _phases(when: str) -> tuple[_Phase, _Phase]:
    long = f"{when}Deployment"
    return (
        _Phase(f"{long}Status", f"{long}Tasks", f"{long}TaskStatus", when),
        _Phase(f"{long}EvaluationStatus", f"{long}Evaluations", f"{long}EvaluationTaskStatus", f"{when}-eval"),
    )


_PRE, _PRE_EVAL = _phases("pre")
_POST, _POST_EVAL = _phases("post")
PHASES = (_PRE, _PRE_EVAL, _POST, _POST_EVAL)
DEPLOYMENT = {resources.WORKLOAD_VERSIONS: "deploymentStatus", resources.APP_VERSIONS: "workloadOverallStatus"}
_TIMES = ("startTime", "endTime", "deploymentStartTime")


class Walks:
    """Looks at every change. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, server: Server, truth: Truth, gates: Gates, finding: Callable[[str, str], None]) -> None:
        self._server = server
        self._truth = truth
        self._gates = gates
        self._finding = finding

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        old, new = change.old, change.new
        if new is None:
            return
        if change.resource in (resources.TASKS, resources.EVALUATIONS) and old is None:
            self._child(new)
        elif change.resource in DEPLOYMENT and old is not None:
            facts = self._truth.version_of(new["metadata"]["uid"])
            assert facts is not None
            self._went_on(change, old, new, facts)

    # A child is made

    def _child(self, child: Json) -> None:
        owner = self._server.store.by_uid(controller_of(child).get("uid", ""))
        facts = self._truth.version_of(controller_of(child).get("uid", ""))
        if owner is None or facts is None:
            return
        phase = next((each for each in PHASES if each.check == child["spec"].get("checkType")), None)
        if phase is None:
            return
        what = f"{child['kind']} {child['metadata']['name']}"
        before = PHASES[: PHASES.index(phase)]
        late = [name for each in before for name in self._not_passed(each, owner, facts)]
        if late:
            self._finding("I2", f"{what} was made before its turn: {', '.join(late)} has not passed")
        if phase in (_POST, _POST_EVAL) and not self._is_up(owner, facts):
            self._finding("I2", f"{what} was made although {owner['metadata']['name']} was not up")
        if isinstance(facts, AppFacts) and child["kind"] == "KeptnTask":
            said = (child["spec"].get("context") or {}).get("metadata") or {}
            own = {key: value for key, value in said.items() if key != "traceparent"}
            if own not in facts.metadata:
                self._finding("I2", f"{what} was told {own} of its app, which never said so: {facts.metadata}")

    def _not_passed(self, phase: _Phase, owner: Json, facts: VersionFacts | AppFacts) -> list[str]:
        """What a phase asks for and has not come to a good end, or, where that is enough, to any."""
        asked = owner["spec"].get(phase.asked) or ()
        missing = [name for name in asked if (phase.check, name) not in facts.passed]
        if not missing or _state(owner, phase.state) in PASSED:
            return []  # what it says itself is judged by itself
        if not enforced(self._words(facts)):
            return [name for name in missing if (phase.check, name) not in facts.ended_checks]
        return missing

    def _words(self, facts: VersionFacts | AppFacts) -> set[str]:
        return self._gates.app_words(facts) if isinstance(facts, AppFacts) else self._gates.words(facts)

    def _is_up(self, owner: Json, facts: VersionFacts | AppFacts) -> bool:
        if isinstance(facts, VersionFacts):
            kind, name = facts.owner
            return self._truth.arrived.was_up(kind, facts.namespace, name, facts.images, facts.made)
        return all(self._is_done(facts, name, version) for name, version in facts.refs)

    def _is_done(self, app: AppFacts, name: str, version: str) -> bool:
        workload = names.workload_name(app.app, name)
        return any(
            each.done and (each.workload, each.version.lower()) == (workload, version.lower())
            for each in self._truth.versions.values()
            if each.namespace == app.namespace
        )

    # A version goes on

    def _went_on(self, change: Change, old: Json, new: Json, facts: VersionFacts | AppFacts) -> None:
        what = f"{new['kind']} {new['metadata']['name']}"
        if _state(new, "status") == "Deprecated" != _state(old, "status") and isinstance(facts, AppFacts):
            self._deprecated(what, new, facts)
            return
        deployment = DEPLOYMENT[change.resource]
        fields = (*(phase.state for phase in PHASES), deployment, "status")
        for field in fields:
            was, now = _state(old, field), _state(new, field)
            if was in FINAL and now != was and not self._only_warns(field, was, now, facts):
                self._finding("I7", f"{what}: {field} went from {was} back to {now or 'nothing'}")
        self._stays(what, old, new)
        for phase in PHASES:
            if (state := _state(new, phase.state)) != _state(old, phase.state):
                self._phase(what, phase, state, new, facts)
        if (state := _state(new, deployment)) != _state(old, deployment):
            self._deployed(what, state, new, facts)
        if (state := _state(new, "status")) != _state(old, "status"):
            failed = [field for field in fields[:-1] if _state(new, field) == "Failed"]
            if state == "Failed" and not failed:
                self._superseded(what, new, facts)
            if state == "Succeeded" and any(_state(new, field) not in PASSED for field in fields[:-1]):
                self._finding("I7", f"{what} is Succeeded, and its phases are not")
        if _state(new, "status") in FINAL and not _state(new, "endTime"):
            self._finding("I7", f"{what} is {_state(new, 'status')}, and does not say since when")

    def _only_warns(self, field: str, was: str, now: str, facts: VersionFacts | AppFacts) -> bool:
        """Whether a workload's pass becomes a warning, since it goes on although its app has failed."""
        if (field, was, now) != ("preDeploymentEvaluationStatus", "Succeeded", "Warning"):
            return False
        if isinstance(facts, AppFacts):
            return False
        return any(each.failed for each in self._truth.apps.of(facts.namespace, facts.app))

    def _stays(self, what: str, old: Json, new: Json) -> None:
        for field in _TIMES:
            was, now = _state(old, field), _state(new, field)
            if was and was != now:
                self._finding("I7", f"{what}: {field} went from {was} to {now}")
        for phase in PHASES:
            states = {item["definitionName"]: item.get("status") for item in _items(new, phase)}
            for item in _items(old, phase):
                if item.get("status") in FINAL and states.get(item["definitionName"]) != item["status"]:
                    self._finding("I7", f"{what}: {item['definitionName']} is not {item['status']} any more")

    def _phase(self, what: str, phase: _Phase, state: str, new: Json, facts: VersionFacts | AppFacts) -> None:
        asked: list[Item] = [(phase.check, name) for name in new["spec"].get(phase.asked) or ()]
        missing = [item for item in asked if item not in facts.passed]
        said = ", ".join(name for _, name in missing)
        if state == "Succeeded" and missing:
            self._finding("I2", f"{what} says that its checks have passed ({phase.state}), and {said} has not")
        if state == "Warning":
            running = [name for check, name in missing if (check, name) not in facts.ended_checks]
            if enforced(self._words(facts)):
                self._finding("I2", f"{what} goes on ({phase.state}) although {said} has failed and is enforced")
            elif running:
                self._finding("I2", f"{what} goes on ({phase.state}) before {', '.join(running)} has ended")
        if state == "Failed" and not any(facts.ended_checks.get(item) == "Failed" for item in asked):
            self._finding("I7", f"{what} has failed ({phase.state}), and none of its checks has")
        if state == "Failed" and "enforce" not in self._words(facts):
            self._finding("I7", f"{what} has failed ({phase.state}) by {said}, and nobody enforces that")

    def _deployed(self, what: str, state: str, new: Json, facts: VersionFacts | AppFacts) -> None:
        if state == "Succeeded" and not self._is_up(new, facts):
            self._finding("I7", f"{what} says that it is up, and it was not")
        if state != "Failed":
            return
        if isinstance(facts, AppFacts):
            failed = [
                each for each in _state_list(new, "workloadStatus") if each.get("status") in ("Failed", "Deprecated")
            ]
            if not failed:
                self._finding("I7", f"{what} has failed, and none of its workloads has")
            return
        began = clock.since_stamp(_state(new, "deploymentStartTime"))
        if began < self._truth.policies.shortest_timeout(clock.seconds()) - _CLOCKS:
            self._finding("I7", f"{what} has failed by its timeout, after {began:.0f} s already")

    def _deprecated(self, what: str, new: Json, facts: AppFacts) -> None:
        app = self._server.find(resources.APPS, facts.app, facts.namespace)
        if app is not None and app["metadata"]["uid"] != controller_of(new).get("uid"):
            return  # of another app of that name, which is gone
        if app is None or app["metadata"]["generation"] <= facts.generation:
            self._finding("I7", f"{what} is Deprecated, and no newer one of its KeptnApp is wanted")

    def _superseded(self, what: str, new: Json, facts: VersionFacts | AppFacts) -> None:
        if isinstance(facts, AppFacts):
            self._deprecated(what, new, facts)
            return
        newer = [
            other
            for other in self._server.owned(controller_of(new)["uid"])
            if other["metadata"]["uid"] != new["metadata"]["uid"] and (other.get("status") or {}).get("currentPhase")
        ]
        if any(_content(other) == _content(new) for other in newer):
            return  # another try of the same
        gone = any(
            each.gone and (each.namespace, each.workload) == (facts.namespace, facts.workload)
            for each in self._truth.versions.values()
        )
        if not newer and not gone:  # somebody may just have deleted it
            self._finding("I7", f"{what} ends for a newer one, and there is none")
        kind, name = facts.owner
        since = clock.seconds() - self._truth.policies.late
        if not self._truth.arrived.wanted_other(kind, facts.namespace, name, facts.images, facts.made, since):
            self._finding("I7", f"{what} ends for a newer one, and its content is what {kind} {name} is to run")


def _content(body: Json) -> str:
    return str((body["metadata"].get("annotations") or {}).get(wellknown.CONTENT))


def _state(body: Json, field: str) -> str:
    return str((body.get("status") or {}).get(field) or "")


def _state_list(body: Json, field: str) -> list[Json]:
    return list((body.get("status") or {}).get(field) or ())


def _items(body: Json, phase: _Phase) -> list[Json]:
    return _state_list(body, phase.items)
