# ruff: noqa: E501 -- pieces of code are quoted as they stand
"""Faults put on purpose into copies of the code: a simulation that does not find them finds nothing.

Each is a mistake that somebody could make, told by what it changes. `python -m tests.simulation.mutations` puts them in
one after another and says how many seeds it took to find each.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Edit:
    """One piece of text in a file of `app`, which must be there exactly once, and what takes its place."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake: a short name, what it does to people, and where."""

    name: str
    harm: str
    edits: tuple[Edit, ...]


def _one(name: str, harm: str, path: str, old: str, new: str) -> Mutation:
    return Mutation(name, harm, (Edit(path, old, new),))


MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "verdict-from-the-job",
        "a task is judged by whether its Job exists, so finished checks run again once their Jobs are gone",
        (
            Edit(
                "lifecycle/tasks.py",
                "    if is_completed(status.status) or task.metadata.deletion_timestamp:\n        return Nothing()\n    lost =",
                "    if task.metadata.deletion_timestamp:\n        return Nothing()\n    lost =",
            ),
            Edit("worker/tasks.py", "        if is_completed(task.status.status):\n", "        if False:\n"),
            Edit(
                "worker/wiring.py", "if new is not None and not is_completed(new.status.status):", "if new is not None:"
            ),
        ),
    ),
    _one(
        "gate-opened-on-deprecated",
        "a failed check opens the gate, since the phases after it are Deprecated and so completed, as with Keptn",
        "lifecycle/revisions.py",
        "    return status.pre_deployment_status in PASSED and status.pre_deployment_evaluation_status in PASSED\n",
        "    return status.pre_deployment_evaluation_status in (*PASSED, State.DEPRECATED)\n",
    ),
    _one(
        "random-task-name",
        "a task gets another name each time that it is made, so making it twice makes two",
        "lifecycle/names.py",
        "    end = _digest(owner_uid, check_type, definition)[:_TASK_HASH]\n",
        "    end = __import__('random').randbytes(5).hex()\n",
    ),
    _one(
        "random-job-name",
        "a Job gets another name each time that it is made, so making it twice makes two",
        "lifecycle/names.py",
        "    end = _digest(task_name, task_uid)[:_HASH]\n",
        "    end = __import__('random').randbytes(4).hex()\n",
    ),
    _one(
        "gate-patch-without-test",
        "the gate is taken away by its place in the list alone, and it may be another's by then",
        "lifecycle/gates.py",
        '    patch: list[Json] = [{"op": "test", "path": path, "value": {"name": wellknown.GATE}}]\n',
        "    patch: list[Json] = []\n",
    ),
    _one(
        "gate-patch-without-uid",
        "the gate of whatever pod has that name now is opened, of a StatefulSet's next revision too",
        "lifecycle/gates.py",
        "    if meta.uid:\n",
        "    if not meta.uid:\n",
    ),
    _one(
        "stale-cache-believed",
        "a Job is made on the word of a cache that may be behind",
        "worker/tasks.py",
        "        context, meta = self._context, task.metadata\n        if meta.uid in context.newborn",
        "        context, meta = self._context, task.metadata\n        return True\n        if meta.uid in context.newborn",
    ),
    _one(
        "status-without-precondition",
        "a status is written whatever the object has become since it was read",
        "worker/context.py",
        '"metadata": {"resourceVersion": meta.resource_version, "uid": meta.uid}, ',
        "",
    ),
    _one(
        "content-is-the-version-label",
        "a verdict belongs to the version label: the same label with another image is not checked again",
        "lifecycle/revisions.py",
        "    return _digest([template, identity.version, ",
        "    return _digest([identity.version, ",
    ),
    _one(
        "job-conflict-is-a-failure",
        "a Job that is there already is taken for an error instead of being adopted",
        "worker/tasks.py",
        "        except AlreadyExists:\n            there = await context.api.get(resources.JOBS, body",
        '        except AlreadyExists as error:\n            raise Invalid(422, "Invalid", "exists") from error\n'
        "            there = await context.api.get(resources.JOBS, body",
    ),
    _one(
        "pass-before-the-end",
        "a check's pod counts as passed as soon as it runs",
        "lifecycle/tasks.py",
        '        if pod.status.phase in ("Succeeded", "Failed") and',
        '        if pod.status.phase in ("Succeeded", "Failed", "Running") and',
    ),
    _one(
        "missing-definition-passes",
        "a check whose definition is not there counts as none",
        "lifecycle/workloadversions.py",
        "    state = overall((item.status for item in items), len(version.spec.pre_deployment_tasks))\n",
        "    state = overall((item.status for item in items), len(items))\n",
    ),
    _one(
        "one-passed-is-enough",
        "one check that passed opens the gate whatever the others say",
        "lifecycle/states.py",
        "    for state in (State.PROGRESSING, State.PENDING, State.UNKNOWN):\n",
        "    if State.SUCCEEDED in seen:\n        return State.SUCCEEDED\n"
        "    for state in (State.PROGRESSING, State.PENDING, State.UNKNOWN):\n",
    ),
    _one(
        "failure-is-forgotten",
        "a failed content is checked again and again by one new version after another",
        "lifecycle/revisions.py",
        "    if seen and wanted.retry in tried:\n",
        "    if False:\n",
    ),
    _one(
        "watch-without-relist",
        "a watch that is too old is tried again at the same version for ever",
        "cluster/informer.py",
        '            log.info("the watch is too old, listing again", extra=about)\n            self._must_list = True\n',
        '            log.info("the watch is too old, listing again", extra=about)\n',
    ),
    _one(
        "list-without-deletes",
        "what vanished while nobody watched stays in the cache for ever",
        "cluster/cache.py",
        "            if key not in present:\n",
        "            if False:\n",
    ),
    _one(
        "older-news-believed",
        "an object in the cache goes back to an older state when old news come late",
        "cluster/cache.py",
        "        return current is None or stamp.version > number(current.metadata.resource_version)\n",
        "        return True\n",
    ),
    _one(
        "queue-loses-what-comes-meanwhile",
        "a key that is added while it is being worked on is forgotten",
        "cluster/queue.py",
        "        if key in self._dirty:\n            self._ready.append(key)\n            self._wake()\n\n    def shutdown",
        "        self._dirty.pop(key, None)\n\n    def shutdown",
    ),
    _one(
        "no-retry-after-an-error",
        "what failed once is never tried again",
        "cluster/controller.py",
        "            self.queue.retry(key, at_least=",
        "            self.queue.forget(key) or (lambda *a, **k: None)(key, at_least=",
    ),
    _one(
        "nobody-tells-the-revision",
        "a version that passes wakes nobody, so its pods stay held",
        "worker/wiring.py",
        "        for revision in self._links.waiting_for(version.key):\n            self.revisions.queue.add(revision)\n            self.holds",
        "        for revision in self._links.waiting_for(version.key):\n            self.holds",
    ),
    _one(
        "old-revision-by-new-words",
        "pods of an older revision are judged by what stands on their Deployment for the newer one",
        "worker/parents.py",
        "    return Age.CURRENT if newest else Age.OLD\n",
        "    return Age.CURRENT\n",
    ),
    _one(
        "admission-fails-open",
        "a pod whose owner cannot be read goes unchecked",
        "admission/pods.py",
        "    return patched(gates.hold(raw)",
        "    return allowed() or patched(gates.hold(raw)",
    ),
    _one(
        "failure-without-a-word",
        "a failed check does not fail the rollout",
        "lifecycle/rollouts.py",
        "    if hold.state is HoldState.FAILED:\n",
        "    if hold.state is HoldState.FAILED:\n        return Change()\n    if hold.state is HoldState.FAILED:\n",
    ),
    _one(
        "attempts-counted-twice",
        "a pod that is on record counts as another attempt each time that it is seen",
        "lifecycle/tasks.py",
        "    return [pod for pod in order if pod.metadata.name not in names]\n",
        "    return order\n",
    ),
    _one(
        "lost-job-is-a-pass",
        "a Job that somebody deleted in mid-run counts as a success",
        "lifecycle/tasks.py",
        '    return Attempt(number=number, pod_name="", status=State.FAILED, reason=_LOST_REASON, message=message)\n',
        '    return Attempt(number=number, pod_name="", status=State.SUCCEEDED, reason=_LOST_REASON, message=message)\n',
    ),
    _one(
        "all-gates-at-once",
        "other controllers' gates go with ours",
        "lifecycle/gates.py",
        '    patch.append({"op": "remove", "path": path})\n',
        '    patch.append({"op": "remove", "path": _GATES})\n',
    ),
)


def source() -> Path:
    """The code that is changed."""
    return ROOT / "app"


def missing() -> list[str]:
    """Mutations whose text is not in the code (any more), or more than once: they must be written anew."""
    return [
        f"{mutation.name}: {edit.path}"
        for mutation in MUTATIONS
        for edit in mutation.edits
        if (source() / edit.path).read_text().count(edit.old) != 1
    ]
