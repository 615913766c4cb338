"""Whether the workload of a KeptnWorkloadVersion is really up: each kind's own status, read as its controller means it.

Keptn looks at fewer numbers and calls an update finished while old pods still run (keptn-behaviour 3.7, 9.A 7).

`revisions` are always the pod revisions that a version stands for, as `status.revisions` lists them, with the uid in
its resourceReference: what Keptn made has no more than that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from app.api.core import DaemonSet, Deployment, Parent, ReplicaSet, Rollout, StatefulSet
from app.api.meta import Object
from app.api.wellknown import DEPLOYMENT_REVISION, ROLLOUT_POD_HASH

# Seconds. Nothing tells us of a Rollout's own changes: a cluster need not have that kind.
LOOK_AGAIN: Final = 2.0
_ROLLING_UPDATE = "RollingUpdate"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is to be said of a version's workload.

    `up`: all that was asked for is there, and nothing older. A workload of which nothing is asked for (`replicas: 0`)
    is up. `current`: its newest revision is one of the version's; also as long as its controller has not said so
    otherwise. Where that is False something else is rolled out, and the version is superseded or about to be.
    `message` is what a person should know: what is missing, or that nothing is. `gone`: the workload does not exist
    any more, or is being deleted. `again`: nobody will tell of the next change, look after so many seconds. `newest`:
    the revision, as `status.revisions` lists it, that is rolled out instead, "" where that is known by its content.
    """

    up: bool
    current: bool
    message: str
    gone: bool = False
    again: float | None = None
    newest: str = ""


def deployment(found: Deployment, owned: Sequence[Parent], revisions: Collection[str]) -> Deployed:
    """Of a Deployment and all ReplicaSets that it controls.

    That it is paused does not matter by itself: what counts is what runs. One that is paused in the middle is not up.
    """
    if found.metadata.deletion_timestamp:
        return _gone("Deployment", found)
    newest = max(owned, key=revision_number, default=None)
    number = found.metadata.annotations.get(DEPLOYMENT_REVISION)
    if _is_behind(found, found.status.observed_generation) or newest is None or str(revision_number(newest)) != number:
        return _unsettled("Deployment", found)
    if newest.metadata.uid not in revisions:
        return _other("Deployment", found, newest.metadata.uid)
    status, wanted = found.status, found.spec.replicas
    old = status.replicas - status.updated_replicas
    if status.updated_replicas < wanted:
        missing = f"{status.updated_replicas} of {wanted} replicas are updated"
    elif old > 0:
        missing = _counted(old, "old replica still runs", "old replicas still run")
    elif status.available_replicas < wanted:
        missing = f"{status.available_replicas} of {wanted} updated replicas are available"
    elif status.unavailable_replicas:
        missing = _counted(status.unavailable_replicas, "replica is not available", "replicas are not available")
    else:
        return _up("Deployment", found, wanted)
    paused = ", and it is paused: nothing goes on until it is resumed" if found.spec.paused else ""
    return _missing("Deployment", found, missing + paused)


def replica_set(found: ReplicaSet, template: str, revisions: Collection[str]) -> Deployed:
    """Of a ReplicaSet that no Deployment controls; `template` is the digest of its pod template.

    Its controller never replaces a pod whose template was edited, and does not count such pods apart; nor do we.
    """
    if found.metadata.deletion_timestamp:
        return _gone("ReplicaSet", found)
    status, wanted = found.status, found.spec.replicas
    if _is_behind(found, status.observed_generation):
        return _unsettled("ReplicaSet", found)
    if not _covers(found.metadata.uid, template, revisions):
        return _other("ReplicaSet", found)
    if status.available_replicas < wanted:
        return _missing("ReplicaSet", found, f"{status.available_replicas} of {wanted} replicas are available")
    if status.replicas > wanted:
        return _missing("ReplicaSet", found, _too_many(status.replicas - wanted))
    return _up("ReplicaSet", found, wanted)


def stateful_set(found: StatefulSet, revisions: Collection[str]) -> Deployed:
    """Of a StatefulSet.

    With a partition, those below it keep their old pods because somebody wants that: the others have to be updated,
    one at least. With `OnDelete` all have to be: somebody deletes the old pods, one by one, and it is not up before.
    """
    if found.metadata.deletion_timestamp:
        return _gone("StatefulSet", found)
    status, strategy, replicas = found.status, found.spec.update_strategy, found.spec.replicas
    if _is_behind(found, status.observed_generation) or not status.update_revision:
        return _unsettled("StatefulSet", found)
    if not _covers(found.metadata.uid, status.update_revision, revisions):
        return _other("StatefulSet", found, f"{found.metadata.uid}/{status.update_revision}")
    partition = strategy.rolling_update.partition if strategy.type == _ROLLING_UPDATE else 0
    wanted = min(replicas, max(1, replicas - partition))
    if status.updated_replicas < wanted:
        said = f"{status.updated_replicas} of {wanted} replicas are updated"
        missing = said + _by_whom(strategy.type)
    elif status.available_replicas < replicas:
        missing = f"{status.available_replicas} of {replicas} replicas are available"
    elif status.replicas > replicas:
        missing = _too_many(status.replicas - replicas)
    else:
        return _up("StatefulSet", found, replicas, f"; {wanted} of them updated, by its partition" * bool(partition))
    return _missing("StatefulSet", found, missing)


def daemon_set(found: DaemonSet, *, newest: bool) -> Deployed:
    """Of a DaemonSet; `newest` says whether its pod template is that of one of the version's revisions.

    No node may be left for it by the time that it is looked at. As with `replicas: 0` nothing is missing then.
    """
    if found.metadata.deletion_timestamp:
        return _gone("DaemonSet", found)
    status, strategy = found.status, found.spec.update_strategy.type
    if _is_behind(found, status.observed_generation):
        return _unsettled("DaemonSet", found)
    if not newest:
        return _other("DaemonSet", found)
    wanted = status.desired_number_scheduled
    if status.updated_number_scheduled < wanted:
        said = f"{status.updated_number_scheduled} of {wanted} pods are updated"
        return _missing("DaemonSet", found, said + _by_whom(strategy))
    if status.number_available < wanted:
        return _missing("DaemonSet", found, f"{status.number_available} of {wanted} pods are available")
    return _up("DaemonSet", found, wanted)


def rollout(found: Rollout, owned: Sequence[Parent], revisions: Collection[str]) -> Deployed:
    """Of an Argo Rollout and all ReplicaSets that it controls, by what its controller says: `Healthy`, and no old pods.

    A blue-green Rollout keeps its old pods for a while, or for a day, after it has turned all traffic to the new ones;
    it is up once it has.
    """
    if found.metadata.deletion_timestamp:
        return _gone("Rollout", found)
    status = found.status
    newest = next((each for each in owned if is_newest(each, found)), None)
    if newest is None or not is_settled(found):
        return _unsettled("Rollout", found, LOOK_AGAIN)
    if newest.metadata.uid not in revisions:
        return _other("Rollout", found, newest.metadata.uid)
    old = status.replicas - status.updated_replicas
    if status.phase != "Healthy":
        said = f": {status.message}" if status.message else ""
        missing = f"its phase is {status.phase}{said}" if status.phase else "it has no phase yet"
    elif found.spec.strategy.blue_green is not None:
        if status.blue_green.active_selector == status.current_pod_hash:
            return _up("Rollout", found, status.updated_replicas)
        missing = "its traffic does not go to the updated replicas yet"
    elif old > 0:
        missing = _counted(old, "old replica still runs", "old replicas still run")
    else:
        return _up("Rollout", found, status.updated_replicas)
    return _missing("Rollout", found, missing, LOOK_AGAIN)


def is_settled(found: Rollout) -> bool:
    """Whether a Rollout's controller has seen its newest form, and says which ReplicaSet is for that."""
    return bool(found.status.current_pod_hash) and not _is_behind(found, _observed(found))


def is_newest(owned: Parent, found: Rollout) -> bool:
    """Whether a Rollout's ReplicaSet is that of its newest form, as far as its controller has seen."""
    return owned.metadata.labels.get(ROLLOUT_POD_HASH) == found.status.current_pod_hash


def missing(kind: str, name: str) -> Deployed:
    """Of a workload that does not exist."""
    return Deployed(False, False, f"{kind} {name} does not exist any more", gone=True)


def together(each: Sequence[Deployed]) -> Deployed:
    """Of all workloads whose pods a version stands for: one, nearly always. What is gone does not count beside others.

    Raises ValueError if there are none.
    """
    there = [one for one in each if one.current] or [one for one in each if not one.gone] or list(each)
    waits = [one.again for one in there if one.again is not None]
    up = all(one.up for one in there)
    return Deployed(
        up=up,
        current=any(one.current for one in there),
        message="; ".join(dict.fromkeys(one.message for one in there if one.up == up)),
        gone=all(one.gone for one in there),
        again=min(waits, default=None),
        newest=next((one.newest for one in there if one.newest), ""),
    )


def stands_for(looked: Deployed, revisions: Collection[str]) -> bool:
    """Whether what is rolled out by `looked` is, as far as is known, one of another version's `revisions`.

    A new revision may have the very content that was looked for, as after `kubectl rollout restart`: until its pods
    are there to say so, it is nobody's.
    """
    uid, _, name = looked.newest.partition("/")
    return _covers(uid, name, revisions) if name else uid in revisions or not uid


def _is_behind(found: Object, observed: int) -> bool:
    return observed < found.metadata.generation


def _observed(found: Rollout) -> int:
    """Argo's has been the digest of the spec once, which says nothing to us."""
    observed = str(found.status.observed_generation) or "0"
    return int(observed) if observed.isdecimal() else found.metadata.generation


def revision_number(thing: Object) -> int:
    """Which revision of its Deployment a ReplicaSet is, or a Deployment is at, by its controller; 0 if unsaid."""
    number = thing.metadata.annotations.get(DEPLOYMENT_REVISION, "")
    return int(number) if number.isdecimal() else 0


def _covers(uid: str, revision: str, revisions: Collection[str]) -> bool:
    """Whether `revision` of the workload with that uid is listed; if none of it is, as in Keptn's objects, itself."""
    own = {each.partition("/")[2] for each in revisions if each.startswith(f"{uid}/")}
    return revision in own if own else uid in revisions


def _by_whom(strategy: str) -> str:
    return "" if strategy == _ROLLING_UPDATE else f"; its updateStrategy is {strategy}: delete the old pods"


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _too_many(number: int) -> str:
    return _counted(number, "replica too many still runs", "replicas too many still run")


def _gone(kind: str, found: Object) -> Deployed:
    return Deployed(False, False, f"{kind} {found.metadata.name} is being deleted", gone=True)


def _unsettled(kind: str, found: Object, again: float | None = None) -> Deployed:
    message = f"{kind} {found.metadata.name}: its controller has not seen its newest form yet"
    return Deployed(False, True, message, again=again)


def _other(kind: str, found: Object, newest: str = "") -> Deployed:
    return Deployed(False, False, f"{kind} {found.metadata.name} has a newer revision", newest=newest)


def _missing(kind: str, found: Object, what: str, again: float | None = None) -> Deployed:
    return Deployed(False, True, f"{kind} {found.metadata.name}: {what}", again=again)


def _up(kind: str, found: Object, number: int, more: str = "") -> Deployed:
    noun = ("pod", "pods") if kind == "DaemonSet" else ("replica", "replicas")
    if not number:
        return Deployed(True, True, f"{kind} {found.metadata.name}: no {noun[1]} are asked for")
    all_of = _counted(number, f"{noun[0]} is up", f"{noun[1]} are up")
    return Deployed(True, True, f"{kind} {found.metadata.name}: {all_of}{more}")
