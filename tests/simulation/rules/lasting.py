"""What is once written of a check or a version stays: its beginning, its end, its Job, its attempts, its verdict.

And what a verdict says must have happened: I1 no check runs more often than its author allows, one KeptnWorkload for
each workload; I2 a pass on record is the pass of every check; I7 nothing goes back.
"""

from collections.abc import Callable

from app.api import wellknown
from app.cluster import resources
from app.cluster.api import Json
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import controller_of
from tests.simulation.rules.truth import Truth

_FINAL = ("Succeeded", "Failed", "Warning", "Deprecated")
_KEPT_ATTEMPTS = 25
_TASK_TIMES = ("startTime", "endTime")


class Lasting:
    """Looks at every change. `finding` is called with the invariant's number and what is wrong."""

    def __init__(self, server: Server, truth: Truth, finding: Callable[[str, str], None]) -> None:
        self._server = server
        self._truth = truth
        self._finding = finding

    def check(self, change: Change) -> None:
        """After `truth` has seen the change."""
        old, new, resource = change.old, change.new, change.resource
        if new is None:
            return
        if resource == resources.TASKS and old is not None:
            self._task(old, new)
        elif resource == resources.WORKLOADS and old is None:
            self._workload(new)
        elif resource == resources.PODS and old is None:
            self._attempt(new)

    def _task(self, old: Json, new: Json) -> None:
        was, now = _status(old), _status(new)
        name = f"KeptnTask {new['metadata']['name']}"
        self._times(name, was, now, _TASK_TIMES)
        if now.get("runs", 0) < was.get("runs", 0):
            self._finding("I7", f"{name} has forgotten a Job: runs went from {was['runs']} to {now.get('runs', 0)}")
        if was.get("jobName") and now.get("jobName") != was["jobName"] and now.get("runs", 0) <= was.get("runs", 0):
            self._finding("I7", f"{name} names another Job than before, {now.get('jobName')}, and counts no other run")
        before, after = was.get("attempts") or [], now.get("attempts") or []
        if len(after) <= _KEPT_ATTEMPTS > len(before) and after[: len(before)] != before:
            self._finding("I7", f"{name} has forgotten or changed an attempt")
        if was.get("status") in _FINAL and _bare(was) != _bare(now):
            self._finding("I7", f"{name} was changed after its verdict")
        if now.get("status") in _FINAL and not now.get("endTime"):
            self._finding("I7", f"{name} is {now['status']}, and does not say since when")

    def _times(self, name: str, was: Json, now: Json, fields: tuple[str, ...]) -> None:
        for field in fields:
            if was.get(field) and now.get(field) != was[field]:
                self._finding("I7", f"{name}: {field} went from {was[field]} to {now.get(field)}")

    def _workload(self, workload: Json) -> None:
        name = workload["metadata"]["name"]
        for other in self._server.owned(controller_of(workload).get("uid", "")):
            meta = other["metadata"]
            same = other["kind"] == "KeptnWorkload" and meta["uid"] != workload["metadata"]["uid"]
            if same and "deletionTimestamp" not in meta:
                self._finding("I1", f"KeptnWorkload {name} was made beside {meta['name']}, for the same workload")

    def _attempt(self, pod: Json) -> None:
        """One more pod of a check: as long as no Job was lost, the Job's own limit is the author's."""
        if (pod["metadata"].get("labels") or {}).get(wellknown.LABEL) != wellknown.LABEL_TASK:
            return
        facts = self._truth.task_of(pod)
        if facts is None or facts.lost or facts.pods - len(facts.spared) <= facts.tries:
            return
        told = f"{facts.pods} pods, {len(facts.spared)} of them ended by the cluster"
        self._finding("I1", f"KeptnTask {facts.name} runs more often than {facts.tries} times: {told}")


def _status(body: Json) -> Json:
    status: Json = body.get("status") or {}
    return status


def _bare(status: Json) -> Json:
    return {field: value for field, value in status.items() if field != "attempts"}
