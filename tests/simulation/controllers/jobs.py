"""The Job controller: pods that run a Job, tried again after a while, and the Job's end.

After kube-controller-manager 1.34. Not here: indexed and suspended Jobs, policies for successes, adoption. Policies for
failures as far as ``disruptions`` knows them.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from app.cluster import resources
from app.cluster.api import Json
from app.cluster.errors import ApiError
from tests.simulation import clock
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change
from tests.simulation.controllers import disruptions, objects
from tests.simulation.controllers.base import Controller, Key, in_batches
from tests.simulation.controllers.complaints import Complaints

FINALIZER = "batch.kubernetes.io/job-tracking"
BATCH_SECONDS = 1.0  # between something that happens to a pod and the work on it
FIRST_BACKOFF_SECONDS = 10.0  # between a failed pod and the next, doubled each time
LAST_BACKOFF_SECONDS = 600.0
FIRST_REFUSAL_SECONDS = 1.0  # between two tries to create a pod, doubled each time
LAST_REFUSAL_SECONDS = 60.0
# What is due within that many seconds is due now: a loop does not tell such times apart.
INSTANT = 0.001

_FINAL = {"SuccessCriteriaMet": "Complete", "FailureTarget": "Failed"}
_POD = "pod/"  # begins the name in a key that is about a pod to let go; no Job can be called that


@dataclass(frozen=True, slots=True)
class _Backoff:
    """How many pods have failed since the last that succeeded, and when the last of them did.

    Those that the Job ignores are among them: they do not count against its limit, and delay the next pod all the same.
    """

    failures: int = 0
    last: float = 0.0

    def after(self, succeeded: list[Json], failed: list[Json]) -> "_Backoff":
        if not failed and not succeeded:
            return self
        times = [_finished_at(pod) for pod in failed]
        if not succeeded:
            return _Backoff(self.failures + len(failed), max(times))
        success = max(_finished_at(pod) for pod in succeeded)
        later = [time for time in times if time > success]
        return _Backoff(len(later), max(later, default=0.0))

    def remaining(self) -> float:
        """Seconds until the next pod may be made."""
        if not self.failures:
            return 0.0
        pause = min(FIRST_BACKOFF_SECONDS * 2 ** min(self.failures - 1, 10), LAST_BACKOFF_SECONDS)
        return float(self.last + pause - clock.seconds())


class JobController(Controller):
    name = "job-controller"
    resource = resources.JOBS
    watches = (resources.JOBS, resources.PODS)

    def __init__(self, server: Server, rng: random.Random) -> None:
        super().__init__(server, rng)
        self._backoffs: dict[Key, _Backoff] = {}
        self._refusals: dict[Key, int] = {}
        self._complaints = Complaints(server, self.name)

    def keys(self, change: Change) -> Iterable[Key]:
        if change.resource == resources.PODS:
            return self._of_pod(change)
        return self._of_job(change)

    def _of_job(self, change: Change) -> Iterator[Key]:
        meta = change.body["metadata"]
        key = (meta["namespace"], meta["name"])
        if change.new is None or is_finished(change.new):
            self._backoffs.pop(key, None)
            self._refusals.pop(key, None)
            for pod in objects.controlled(self.server, change.body, "Pod"):
                if _is_tracked(pod):
                    yield meta["namespace"], _POD + pod["metadata"]["name"]
        elif change.old is None or change.old["metadata"]["generation"] != meta["generation"]:
            yield key
        else:
            self.after(BATCH_SECONDS, key)

    def _of_pod(self, change: Change) -> Iterator[Key]:
        meta = change.body["metadata"]
        owner = next((each for each in meta.get("ownerReferences") or () if each.get("controller")), None)
        if owner is not None and owner["kind"] != "Job":
            return
        job = self._job_of(meta["namespace"], owner)
        if job is not None:
            self.after(BATCH_SECONDS, (meta["namespace"], job["metadata"]["name"]))
        elif change.new is not None and _is_tracked(change.new):
            yield meta["namespace"], _POD + meta["name"]

    def _job_of(self, namespace: str, owner: Json | None) -> Json | None:
        """The Job that a pod still counts for."""
        job = self.server.find(resources.JOBS, owner["name"], namespace) if owner else None
        if owner is None or job is None or job["metadata"]["uid"] != owner["uid"] or is_finished(job):
            return None
        return job

    async def reconcile(self, namespace: str, name: str) -> None:
        if name.startswith(_POD):
            await self._let_go(namespace, name.removeprefix(_POD))
            return
        job = self.server.find(resources.JOBS, name, namespace)
        if job is not None and not is_finished(job):
            await self._sync((namespace, name), job)

    async def _sync(self, key: Key, job: Json) -> None:
        spec, old = job["spec"], job.get("status") or {}
        pods = objects.controlled(self.server, job, "Pod")
        tracked = [pod for pod in pods if _is_tracked(pod)]
        uncounted = {word: list((old.get("uncountedTerminatedPods") or {}).get(word) or ()) for word in _ENDS}
        known = {*uncounted["succeeded"], *uncounted["failed"]}
        fresh = [pod for pod in tracked if pod["metadata"]["uid"] not in known]
        succeeded = [pod for pod in fresh if objects.phase(pod) == "Succeeded"]
        failed = [pod for pod in fresh if _is_failed(job, pod)]
        backoff = self._backoffs.get(key, _Backoff()).after(succeeded, failed)
        successes = old.get("succeeded", 0) + len(succeeded) + len(uncounted["succeeded"])
        counting = sum(not disruptions.is_ignored(job, pod) for pod in failed)
        failures = old.get("failed", 0) + counting + len(uncounted["failed"])
        active = [pod for pod in pods if objects.is_active(pod)]
        terminating = sum(objects.is_ending(pod) and objects.phase(pod) not in objects.ENDED for pod in pods)
        ready = sum(objects.is_ready(pod) for pod in active)
        start = old.get("startTime") or clock.stamp()

        end = self._end(key, job, start, failures)
        if end is not None:
            for pod in active:
                await objects.delete_pod(self.server, pod, by=self.name)
            running, ready, terminating = 0, 0, terminating + len(active)
        else:
            running = len(active)
            if not objects.is_ending(job):
                held_up = terminating if disruptions.waits_for_the_end(job) else 0
                running = await self._manage(key, job, running, successes, held_up, backoff)
            if successes >= spec.get("completions", 1) and not running:
                words = "CompletionsReached", "Reached expected number of succeeded pods"
                end = _condition("SuccessCriteriaMet", *words)

        removable = [pod for pod in tracked if end or objects.is_ending(job) or _is_over(job, pod)]
        for pod in removable:
            if pod["metadata"]["uid"] in known:
                continue
            if objects.phase(pod) == "Succeeded":
                uncounted["succeeded"].append(pod["metadata"]["uid"])
            elif disruptions.is_ignored(job, pod):
                continue
            elif _is_failed(job, pod) or (end and end["type"] == "FailureTarget"):
                uncounted["failed"].append(pod["metadata"]["uid"])
        status: Json = {"startTime": start, "ready": ready, "terminating": terminating}
        status |= objects.without_zeros({"active": running})
        status |= {name: old[name] for name in ("conditions", *_ENDS) if name in old}
        if end is not None and end not in status.get("conditions", ()):
            status["conditions"] = [*status.get("conditions", ()), end]
        holding = {pod["metadata"]["uid"] for pod in tracked}
        status = _counted(status, uncounted, holding)
        job = await self._write(job, status)
        self._backoffs[key] = backoff
        for pod in removable:
            await self._let_go(key[0], pod["metadata"]["name"])
        holding -= {pod["metadata"]["uid"] for pod in removable}
        status = _counted(status, status["uncountedTerminatedPods"], holding)
        if end is not None and not status["uncountedTerminatedPods"] and not terminating:
            final = _condition(_FINAL[end["type"]], end["reason"], end["message"])
            status = {**status, "conditions": [*status["conditions"], final]}
            if final["type"] == "Complete":
                status["completionTime"] = final["lastTransitionTime"]
        await self._write(job, status)

    def _end(self, key: Key, job: Json, start: str, failures: int) -> Json | None:
        """The condition that the Job ends by, if it does: an earlier one, or a failure."""
        for type_ in _FINAL:
            if (known := objects.condition(job, type_)) is not None:
                return known
        spec = job["spec"]
        if failures > spec.get("backoffLimit", 6):
            return _condition("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        deadline = spec.get("activeDeadlineSeconds")
        if deadline is not None:
            left = objects.seconds_of(start) + deadline - clock.seconds()
            if left <= INSTANT:
                words = "DeadlineExceeded", "Job was active longer than specified deadline"
                return _condition("FailureTarget", *words)
            self.after(left, key)
        return None

    async def _manage(self, key: Key, job: Json, active: int, successes: int, held_up: int, backoff: _Backoff) -> int:
        """Makes the pods that are missing, if it is time. How many are active then.

        `held_up` are those that cannot be made yet since the pods that they replace have not ended.
        """
        spec, meta = job["spec"], job["metadata"]
        missing: int = min(spec.get("parallelism", 1), spec.get("completions", 1) - successes) - active - held_up
        if missing <= 0:
            return active
        if (remaining := backoff.remaining()) > 0:
            self.after(max(remaining, BATCH_SECONDS), key)
            return 0
        labels = {
            "batch.kubernetes.io/controller-uid": meta["uid"],
            "batch.kubernetes.io/job-name": meta["name"],
            "controller-uid": meta["uid"],
            "job-name": meta["name"],
        }
        pod = objects.pod_from(spec["template"], job, labels)
        pod["metadata"]["finalizers"] = [*pod["metadata"].get("finalizers", ()), FINALIZER]
        try:
            await in_batches(
                missing, lambda _: self.server.create(resources.PODS, pod, meta["namespace"], by=self.name)
            )
        except ApiError as error:
            tries = self._refusals[key] = self._refusals.get(key, 0) + 1
            self.after(min(FIRST_REFUSAL_SECONDS * 2 ** min(tries - 1, 10), LAST_REFUSAL_SECONDS), key)
            await self._complaints.write(job, "FailedCreate", f"Error creating: {error.message}")
            return active
        self._refusals.pop(key, None)
        return active + missing

    async def _let_go(self, namespace: str, name: str) -> None:
        """Takes the finalizer off a pod, if it is there."""
        pod = self.server.find(resources.PODS, name, namespace)
        if pod is None or not _is_tracked(pod):
            return
        finalizers = [each for each in pod["metadata"]["finalizers"] if each != FINALIZER]
        change = {"metadata": {"finalizers": finalizers or None}}
        await self.server.patch(resources.PODS, name, change, namespace, by=self.name)

    async def _write(self, job: Json, status: Json) -> Json:
        old = job.get("status") or {}
        if old == status:
            return job
        meta = job["metadata"]
        uncounted = {**dict.fromkeys(_ENDS), **status["uncountedTerminatedPods"]}
        change = {
            "metadata": {"uid": meta["uid"]},
            "status": {**dict.fromkeys(old), **status, "uncountedTerminatedPods": uncounted},
        }
        return await self.server.patch(
            resources.JOBS, meta["name"], change, meta["namespace"], by=self.name, subresource="status"
        )


_ENDS = ("succeeded", "failed")


def is_finished(job: Json) -> bool:
    return finished_at(job) is not None


def finished_at(job: Json) -> str | None:
    """When the Job was marked as complete or failed, None if it is neither."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["lastTransitionTime"])
    return None


def _is_tracked(pod: Json) -> bool:
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def _is_failed(job: Json, pod: Json) -> bool:
    """Also one that is being deleted, if the Job does not wait for its end: it may never get to say that it failed."""
    phase = objects.phase(pod)
    if phase == "Failed" or disruptions.waits_for_the_end(job):
        return phase == "Failed"
    return objects.is_ending(pod) and phase != "Succeeded"


def _is_over(job: Json, pod: Json) -> bool:
    return objects.phase(pod) == "Succeeded" or _is_failed(job, pod)


def _counted(status: Json, uncounted: dict[str, list[str]], holding: set[str]) -> Json:
    """`status` with those of the `uncounted` pods added to its counts that are not held by a finalizer any more."""
    left: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for word in _ENDS:
        uids = uncounted.get(word) or []
        held = [uid for uid in uids if uid in holding]
        counts[word] = status.get(word, 0) + len(uids) - len(held)
        if held:
            left[word] = held
    return {**status, **objects.without_zeros(counts), "uncountedTerminatedPods": left}


def _condition(type_: str, reason: str, message: str) -> Json:
    now = clock.stamp()
    words = {"reason": reason, "message": message}
    return {"type": type_, "status": "True", "lastProbeTime": now, "lastTransitionTime": now, **words}


def _finished_at(pod: Json) -> float:
    """When a pod ended, as well as it can be known."""
    ends = [each["state"].get("terminated") for each in (pod.get("status") or {}).get("containerStatuses") or ()]
    if ends and all(end and end.get("finishedAt") for end in ends):
        return max(objects.seconds_of(end["finishedAt"]) for end in ends)
    ready = objects.condition(pod, "Ready")
    if ready is not None and ready["status"] == "False":
        return objects.seconds_of(ready["lastTransitionTime"])
    meta = pod["metadata"]
    if "deletionTimestamp" in meta:
        return objects.seconds_of(meta["deletionTimestamp"]) - float(meta.get("deletionGracePeriodSeconds", 0))
    return objects.seconds_of(meta["creationTimestamp"])
