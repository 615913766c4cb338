"""Findings about what is under way: held pods, versions, tasks, and what will become of each."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TypeVar

from pydantic import ValidationError

from app.api import wellknown
from app.api.app import AppVersion
from app.api.core import Parent, Pod
from app.api.evaluation import Evaluation
from app.api.meta import Object
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.cluster.api import Json
from app.lifecycle import revisions, takeover
from app.lifecycle.identity import Identity, identify, owner_of
from app.lifecycle.states import State, is_completed
from app.lifecycle.takeover import Origin
from app.migrate.cluster import Cluster, Held, name_of, some
from app.migrate.finding import Finding, action, note

T = TypeVar("T", bound=Object)

_ENDED = (State.SUCCEEDED, State.FAILED, State.DEPRECATED, State.WARNING)
_AGAIN = "change it, or try again with keptn.sh/retry or kubectl rollout restart"


def findings(cluster: Cluster) -> Iterator[Finding]:
    """What has conditions is in Holdfast's hands already, and is not told of."""
    unreadable: list[Finding] = []
    versions = _views(WorkloadVersion, cluster.versions, "KeptnWorkloadVersion", unreadable)
    app_versions = _views(AppVersion, cluster.app_versions, "KeptnAppVersion", unreadable)
    tasks = _views(Task, cluster.tasks, "KeptnTask", unreadable)
    evaluations = _views(Evaluation, cluster.evaluations, "KeptnEvaluation", unreadable)
    yield from unreadable
    yield from _held(cluster, versions, app_versions)
    yield from _versions(versions, app_versions)
    yield from _tasks(cluster, tasks)
    yield from _evaluations(evaluations)


def _views(model: type[T], items: tuple[Json, ...], kind: str, unreadable: list[Finding]) -> list[T]:
    found = []
    for item in items:
        try:
            found.append(model.model_validate(item))
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, part["loc"])) for part in error.errors())
            unreadable.append(action(f"{kind} {name_of(item)}", f"Holdfast cannot read its {fields}", "correct it"))
    return found


def _held(cluster: Cluster, versions: list[WorkloadVersion], app_versions: list[AppVersion]) -> Iterator[Finding]:
    """One finding for all held pods of one owner, since they share their lot."""
    groups: dict[tuple[str, str], list[Held]] = defaultdict(list)
    for held in cluster.held:
        above = held.owner or held.pod
        groups[(held.pod["metadata"]["namespace"], above["metadata"]["uid"])].append(held)
    for (namespace, _), group in sorted(groups.items()):
        first = group[0]
        pod = Pod.model_validate(first.pod)
        names = sorted(each.pod["metadata"]["name"] for each in group)
        about = f"Pod {namespace}/{names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        if wellknown.LABEL in pod.metadata.labels:
            continue  # Holdfast has it in hand, and says on the pod itself what it waits for
        parent = Parent.model_validate(first.parent) if first.parent else None
        asked = identify(pod, parent)
        owner = owner_of(pod)
        if asked is None or owner is None or first.owner is None:
            yield note(about, "held, and asks for no checks that can be found: its gate will be opened")
            continue
        of_workload = [
            each
            for each in versions
            if each.metadata.namespace == namespace and each.spec.workload_name == asked.workload_name
        ]
        origin = Origin(owner.uid, first.made) if first.made is not None else None
        adopted = takeover.adopt(of_workload, asked, origin) if origin is not None else None
        apps = [each for each in app_versions if each.metadata.namespace == namespace]
        yield _lot(about, asked, adopted, apps)


def _lot(about: str, asked: Identity, version: WorkloadVersion | None, app_versions: list[AppVersion]) -> Finding:
    """What will become of held pods, of which Keptn made `version`."""
    if version is None:
        checks = ", ".join((*asked.pre_deployment_tasks, *asked.pre_deployment_evaluations))
        return note(
            about,
            "held, and no verdict of Keptn's is about it for certain: "
            + (f"its checks run under Holdfast: {checks}" if checks else "it is let go, once its app's checks pass"),
        )
    words = f"held for KeptnWorkloadVersion {version.metadata.name}"
    if revisions.has_passed(version.status):
        return note(about, f"{words}, which has passed: its gate will be opened")
    if revisions.has_failed(version.status):
        return action(about, f"{words}, whose checks have failed: it stays held, where Keptn would let it go", _AGAIN)
    failed = [
        each for each in app_versions if each.spec.app_name == version.spec.app and revisions.has_failed(each.status)
    ]
    if failed:
        newest = max(failed, key=lambda each: each.metadata.creation_timestamp or "")
        return action(
            about,
            f"{words}; the checks of its app's version {newest.metadata.name} have failed: it stays held",
            f"change the KeptnApp {version.spec.app}, or raise its revision",
        )
    phase = version.status.current_phase or "the beginning"
    return note(about, f"{words}, which is under way: Holdfast goes on from {phase}")


def _versions(versions: list[WorkloadVersion], app_versions: list[AppVersion]) -> Iterator[Finding]:
    for kind, things in (("KeptnWorkloadVersions", versions), ("KeptnAppVersions", app_versions)):
        states = Counter(each.status.status for each in things)
        ended = sum(states[state] for state in _ENDED)
        if ended:
            listed = ", ".join(f"{states[state]} {state}" for state in _ENDED if states[state])
            yield note(kind, f"{ended} have ended ({listed}). They stay as they are; nothing of them runs again")
        going = [each for each in things if not is_completed(each.status.status) and not each.status.conditions]
        for each in going:
            where = each.status.current_phase or "the beginning"
            yield note(
                f"{kind[:-1]} {each.metadata.namespace}/{each.metadata.name}",
                f"is under way ({each.status.status}): Holdfast goes on from {where}",
            )
    leaked = [
        f"{each.metadata.namespace}/{each.metadata.name}"
        for each in versions
        if revisions.has_failed(each.status) and takeover.is_keptns(each)
    ]
    if leaked:
        yield note(
            "KeptnWorkloadVersions",
            f"{len(leaked)} failed their checks, and Keptn let their pods go all the same: {some(leaked)}. What runs "
            "goes on; a new pod of theirs is held",
        )


def _tasks(cluster: Cluster, tasks: list[Task]) -> Iterator[Finding]:
    ended = [each for each in tasks if is_completed(each.status.status)]
    if ended:
        yield note(
            "KeptnTasks",
            f"{len(ended)} have ended. They stay as they are, whether their Jobs are there or not; a restart of Keptn "
            "would have run them again",
        )
    for each in tasks:
        if is_completed(each.status.status) or each.status.conditions:
            continue
        about = f"KeptnTask {each.metadata.namespace}/{each.metadata.name}"
        job = each.status.job_name
        if not job:
            yield note(about, "has no Job yet: Holdfast makes it")
        elif (each.metadata.namespace, job) in cluster.jobs:
            yield note(about, f"runs in Job {job}, which goes on")
        else:
            yield note(about, f"its Job {job} is gone and nobody saw its end: that counts as a failed attempt")


def _evaluations(evaluations: list[Evaluation]) -> Iterator[Finding]:
    ended = [each for each in evaluations if is_completed(each.status.overall_status)]
    if ended:
        yield note("KeptnEvaluations", f"{len(ended)} have ended. They stay as they are")
    for each in evaluations:
        if not is_completed(each.status.overall_status) and not each.status.conditions:
            yield note(
                f"KeptnEvaluation {each.metadata.namespace}/{each.metadata.name}",
                f"is under way: Holdfast goes on after attempt {each.status.retry_count}",
            )
