"""A Deployment's status: its counts, and the conditions Available, Progressing and ReplicaFailure.

Progressing is kept as it is, whoever wrote it, until there is progress, completion or a deadline to report: a new
condition takes the place of one of its type only with another status or reason.
"""

from app.cluster.api import Json
from tests.simulation import clock
from tests.simulation.controllers import objects
from tests.simulation.controllers.rollout import Rollout, count, replicas

PROGRESSING = "Progressing"
AVAILABLE = "Available"
REPLICA_FAILURE = "ReplicaFailure"
TIMED_OUT = "ProgressDeadlineExceeded"
COMPLETE = "NewReplicaSetAvailable"
UPDATED = "ReplicaSetUpdated"
CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
NOT_CREATED = "ReplicaSetCreateError"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"
_NO_DEADLINE = 2**31 - 1
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def deadline(deployment: Json) -> int | None:
    """Seconds, None for none."""
    seconds = deployment["spec"].get("progressDeadlineSeconds", 600)
    return None if seconds is None or seconds == _NO_DEADLINE else int(seconds)


def with_condition(conditions: list[Json], type_: str, status: str, reason: str, message: str) -> list[Json]:
    """The conditions with this one among them, unless one of its type says the same status and reason already."""
    known = next((each for each in conditions if each["type"] == type_), None)
    if known is not None and (known["status"], known["reason"]) == (status, reason):
        return conditions
    return [*_others(conditions, type_), _condition(known, type_, status, reason, message)]


def counted(rollout: Rollout) -> Json:
    """The status without news of Progressing."""
    available = count(rollout.all, "availableReplicas")
    counts = {
        "replicas": count(rollout.all, "replicas"),
        "updatedReplicas": count([rollout.new] if rollout.new else [], "replicas"),
        "readyReplicas": count(rollout.all, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(map(replicas, rollout.all)) - available),
    }
    conditions: list[Json] = (rollout.deployment.get("status") or {}).get("conditions") or []
    if available >= rollout.minimum:
        said = "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        said = "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    conditions = with_condition(conditions, AVAILABLE, *said)
    status = {"observedGeneration": rollout.deployment["metadata"]["generation"], "conditions": conditions}
    return status | objects.without_zeros(counts)


def progressed(rollout: Rollout) -> Json:
    """The status with all its conditions, during a rollout."""
    deployment = rollout.deployment
    old: Json = deployment.get("status") or {}
    status = counted(rollout)
    conditions = status["conditions"]
    current = objects.condition(deployment, PROGRESSING)
    what = f'ReplicaSet "{rollout.new["metadata"]["name"]}"' if rollout.new else f'Deployment "{_name(deployment)}"'
    was_complete = (
        current is not None
        and current["reason"] == COMPLETE
        and status.get("replicas", 0) == status.get("updatedReplicas", 0)
    )
    if deadline(deployment) is None:
        conditions = _others(conditions, PROGRESSING)
    elif was_complete:
        pass
    elif is_complete(deployment, status):
        conditions = with_condition(conditions, PROGRESSING, "True", COMPLETE, f"{what} has successfully progressed.")
    elif _has_progressed(old, status):
        # Said again each time there is some, for its lastUpdateTime: the deadline is measured from there.
        news = _condition(current, PROGRESSING, "True", UPDATED, f"{what} is progressing.")
        conditions = [*_others(conditions, PROGRESSING), news]
    elif has_timed_out(deployment):
        conditions = with_condition(conditions, PROGRESSING, "False", TIMED_OUT, f"{what} has timed out progressing.")
    failure = _replica_failure(rollout)
    if failure is None:
        conditions = _others(conditions, REPLICA_FAILURE)
    else:
        conditions = with_condition(conditions, REPLICA_FAILURE, "True", failure["reason"], failure["message"])
    return status | {"conditions": conditions}


def is_complete(deployment: Json, status: Json) -> bool:
    """Whether all pods there are, are of the newest template, available, and as many as asked for."""
    wanted = deployment["spec"]["replicas"]
    counts = (status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas"))
    seen: int = status.get("observedGeneration", 0)
    return all(number == wanted for number in counts) and seen >= deployment["metadata"]["generation"]


def has_timed_out(deployment: Json) -> bool:
    current = objects.condition(deployment, PROGRESSING)
    if current is None or current["reason"] == COMPLETE:
        return False
    return current["reason"] == TIMED_OUT or _seconds_left(deployment, current) < 0


def look_again(deployment: Json) -> float | None:
    """Seconds after which the deadline has passed if nothing happens until then, None if there is none to wait for.

    A second late, as Kubernetes is, unless less than one is left.
    """
    current = objects.condition(deployment, PROGRESSING)
    if current is None or deadline(deployment) is None or current["reason"] == TIMED_OUT:
        return None
    if is_complete(deployment, deployment.get("status") or {}):
        return None
    left = _seconds_left(deployment, current)
    return left + 1.0 if left >= 1.0 else max(left, 0.0) + 0.01


def _seconds_left(deployment: Json, current: Json) -> float:
    """Until the deadline, which counts from when the condition was last updated."""
    limit = deadline(deployment)
    assert limit is not None
    return objects.seconds_of(current["lastUpdateTime"]) + limit - clock.seconds()


def _has_progressed(old: Json, new: Json) -> bool:
    before, after = ({field: status.get(field, 0) for field in _COUNTS} for status in (old, new))
    old_pods_before, old_pods_after = (counts["replicas"] - counts["updatedReplicas"] for counts in (before, after))
    return old_pods_after < old_pods_before or any(after[field] > before[field] for field in _COUNTS[1:])


def _replica_failure(rollout: Rollout) -> Json | None:
    """The failure of the new ReplicaSet, or else of an old one."""
    newest_first = [rollout.new, *rollout.old] if rollout.new else rollout.old
    failures = (objects.condition(each, REPLICA_FAILURE) for each in newest_first)
    return next((failure for failure in failures if failure is not None), None)


def _condition(known: Json | None, type_: str, status: str, reason: str, message: str) -> Json:
    now = clock.stamp()
    same = known is not None and known["status"] == status
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": known.get("lastTransitionTime", now) if known is not None and same else now,
    }


def _others(conditions: list[Json], type_: str) -> list[Json]:
    return [each for each in conditions if each["type"] != type_]


def _name(deployment: Json) -> str:
    return str(deployment["metadata"]["name"])
