"""What happens to Kubernetes' own objects, in words: who did it is the subject of each phrase."""

from dataclasses import dataclass
from typing import Any

from app.api import wellknown
from app.cluster.api import Json
from app.lifecycle import keys
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import controller_of, held_by_us
from tests.simulation.telling.result import Kind


@dataclass(frozen=True, slots=True)
class Phrase:
    """`who` is set where it was not the one who wrote: the webhook puts its gate into what others create."""

    text: str
    kind: Kind = "write"
    who: str = ""


_PLAIN = {"Pod": "pod", "Namespace": "namespace", "Node": "node"}


def title(body: Json) -> str:
    """The object as a person names it."""
    return _named(body["kind"], body["metadata"]["name"])


def workload(change: Change) -> Phrase | None:
    """A Deployment, StatefulSet, DaemonSet or ReplicaSet."""
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        owner = controller_of(new)
        return Phrase(
            f"makes {what} for {owner['kind']} {owner['name']}" if owner else f"applies {what}: {_content(new)}"
        )
    if old["spec"].get("template") != new["spec"].get("template"):
        if _restarted(old) != _restarted(new):
            return Phrase(f"restarts {what}")
        return Phrase(f"rolls out another content of {what}: {_content(new)}")
    if old["spec"].get("replicas") != new["spec"].get("replicas"):
        return Phrase(f"scales {what} to {new['spec'].get('replicas')}")
    if controller_of(new):
        return None  # its annotations are copies of its owner's
    if _mark(old, wellknown.RETRY) != _mark(new, wellknown.RETRY):
        return Phrase(f"asks for another try of the checks of {what}: keptn.sh/retry")
    if _asked_above(old) != _asked_above(new):
        return Phrase(f"changes what {what} asks for: {_content(new)}")
    return _progress(change, what)


def _progress(change: Change, what: str) -> Phrase | None:
    """What the status of a workload says newly."""
    before, after = condition(change.old, "Progressing"), condition(change.new, "Progressing")
    if change.by.startswith("worker") and before != after:
        if after.get("status") == "False":
            return Phrase(f"fails the rollout of {what}: {quoted(after.get('message', ''))}", "check")
        return Phrase(f"says why the rollout of {what} waits: {quoted(after.get('message', ''))}")
    if before.get("reason") != after.get("reason") and after.get("reason") in _PROGRESS:
        return Phrase(f"says of {what}: {_PROGRESS[after['reason']]}", "cluster")
    return None


_PROGRESS = {
    "NewReplicaSetAvailable": "all pods of the new revision are ready; the rollout is done",
    "ProgressDeadlineExceeded": "the rollout makes no progress",
}


def pod(change: Change) -> Phrase | None:
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        return _new_pod(new, what)
    if held_by_us(old) and not held_by_us(new):
        if change.by.startswith("worker"):
            return Phrase(f"opens the gate of {what}", "gate")
        return Phrase(f"takes the gate off {what}, checked or not", "gate")
    if gone := [gate for gate in _gates(old) if gate not in _gates(new)]:
        return Phrase(f"takes gate {gone[0]} off {what}", "cluster")
    if not old["spec"].get("nodeName") and new["spec"].get("nodeName"):
        return Phrase(f"places {what} on {new['spec']['nodeName']}", "cluster")
    return _lived(old, new, what)


def _new_pod(body: Json, what: str) -> Phrase:
    if held_by_us(body):
        return Phrase(f"holds {what}, which is just being made: puts gate {wellknown.GATE} on it", "gate", "webhook")
    if _is_check(body):
        return Phrase(f"makes {what}, in which the check is to run", "cluster")
    return Phrase(f"makes {what}, without our gate", "cluster")


def _lived(old: Json, new: Json, what: str) -> Phrase | None:
    """What became of a pod on its node."""
    kind: Kind = "check" if _is_check(new) else "cluster"
    phase, was = _status(new).get("phase"), _status(old).get("phase")
    if phase != was and phase in ("Succeeded", "Failed"):
        return Phrase(f"{what} has {phase.lower()}: {_end(new)}", kind)
    if _ended(new) and not _ended(old):
        return Phrase(f"the container of {what} has ended: {_end(new)}", kind)
    if phase != was and phase == "Running":
        return Phrase(f"starts {what}", kind)
    ending, before = (condition(each, wellknown.DISRUPTION) for each in (new, old))
    if ending and ending["reason"] != before.get("reason"):
        return Phrase(f"asks {what} to leave its node: {ending['reason']}", kind)
    reason = _waiting(new)
    if reason and reason != _waiting(old):
        return Phrase(f"cannot start {what}: {reason}", kind)
    ready, was_ready = (condition(each, "Ready").get("status") == "True" for each in (new, old))
    if ready and not was_ready:
        return Phrase(f"{what} is ready", kind)
    return Phrase(f"{what} is not ready any more", kind) if was_ready and not ready else None


def _ended(body: Json) -> Json:
    """How a pod's container ended, {} for not yet."""
    for each in _status(body).get("containerStatuses") or ():
        ended: Json = (each.get("state") or {}).get("terminated") or {}
        if ended:
            return ended
    return {}


def _end(body: Json) -> str:
    if reason := _status(body).get("reason"):
        return str(reason)
    ended = _ended(body)
    if not ended:
        return "nobody knows how"
    said = f", last words {quoted(ended['message'])}" if ended.get("message") else ""
    return f"exit code {ended['exitCode']}{said}"


def job(change: Change) -> Phrase | None:
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        return Phrase(f"makes {what}, which runs the check as a pod")
    for kind, text in (("Complete", "is complete"), ("Failed", "has failed")):
        now = condition(new, kind)
        if now.get("status") == "True" and condition(old, kind).get("status") != "True":
            reason = f": {now['reason']}" if now.get("reason") and kind == "Failed" else ""
            return Phrase(f"says that {what} {text}{reason}", "cluster")
    return None


def event(change: Change) -> Phrase | None:
    """An event for people; that one expires is nobody's news."""
    body, old = change.new, change.old
    if body is None or (old is not None and old.get("count") == body.get("count")):
        return None
    about, words = body["involvedObject"], f"{body['reason']}: {quoted(body['message'])}"
    again = f" ({body['count']} times by now)" if old is not None else ""
    return Phrase(f"event on {_named(about['kind'], about['name'])}: {words}{again}", "event")


def namespace(change: Change) -> Phrase | None:
    old, new = change.old, change.new
    name = change.body["metadata"]["name"]
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        if _mark(new, wellknown.NAMESPACE_OPT_IN):
            return Phrase(f"makes namespace {name} and opts it in: annotation {wellknown.NAMESPACE_OPT_IN}")
        return Phrase(f"makes namespace {name}")
    label = (new["metadata"].get("labels") or {}).get(wellknown.LABEL)
    if label != (old["metadata"].get("labels") or {}).get(wellknown.LABEL):
        return Phrase(f"mirrors the opt-in of namespace {name} into its label: {wellknown.LABEL}={label}")
    return None


def other(change: Change) -> Phrase:
    """Any kind that needs no words of its own."""
    if change.new is None or is_newly_deleted(change):
        return removal(change)
    return Phrase(f"{'makes' if change.old is None else 'changes'} {title(change.body)}")


def removal(change: Change) -> Phrase:
    """An object that is gone, or that was asked to go and waits for its finalizers or for its pod to end."""
    if change.new is None and change.old is not None and "deletionTimestamp" in change.old["metadata"]:
        return Phrase(f"{title(change.body)} is gone")
    return Phrase(f"deletes {title(change.body)}")


def is_newly_deleted(change: Change) -> bool:
    """Whether the object was asked to go, and waits for its finalizers or its grace to be over."""
    if change.old is None or change.new is None:
        return False
    return "deletionTimestamp" in change.new["metadata"] and "deletionTimestamp" not in change.old["metadata"]


def condition(body: Json | None, kind: str) -> dict[str, Any]:
    """The condition of that type, {} if there is none."""
    found = (_status(body or {}).get("conditions")) or ()
    return next((each for each in found if each["type"] == kind), {})


def quoted(text: str) -> str:
    """On one line."""
    return f'"{" / ".join(text.splitlines())}"'


def _named(kind: str, name: str) -> str:
    return f"{_PLAIN.get(kind, kind)} {name}"


def _status(body: Json) -> Json:
    status: Json = body.get("status") or {}
    return status


def _waiting(body: Json) -> str:
    for each in _status(body).get("containerStatuses") or ():
        reason = ((each.get("state") or {}).get("waiting") or {}).get("reason", "")
        if reason not in ("", "ContainerCreating", "PodInitializing"):
            return str(reason)
    return ""


def _gates(body: Json) -> list[str]:
    return [gate["name"] for gate in body["spec"].get("schedulingGates") or ()]


def _is_check(body: Json) -> bool:
    return (body["metadata"].get("labels") or {}).get(wellknown.LABEL) == wellknown.LABEL_TASK


def _mark(body: Json, key: str) -> str:
    return str((body["metadata"].get("annotations") or {}).get(key, ""))


def _restarted(body: Json) -> str:
    return _mark({"metadata": body["spec"]["template"].get("metadata") or {}}, wellknown.RESTARTED_AT)


def _asked_above(body: Json) -> tuple[str, ...]:
    return tuple(_mark(body, key) for key in (wellknown.WORKLOAD, wellknown.VERSION, keys.PRE_TASKS))


def _content(body: Json) -> str:
    """What a workload runs and asks for; its keys are on its pods, or else on itself."""
    template = body["spec"]["template"]
    marks = (template.get("metadata") or {}).get("annotations") or {}
    if wellknown.WORKLOAD not in marks:
        marks = body["metadata"].get("annotations") or {}
    image = template["spec"]["containers"][0]["image"]
    count = body["spec"].get("replicas")
    pods = "" if count is None else f", {count} pod{'s' if count != 1 else ''}"
    checks = marks.get(keys.PRE_TASKS, "").replace(",", ", ")
    asked = f"asks for {checks} to pass first" if checks else "asks for no checks"
    return f"image {image}{pods}, version {marks.get(wellknown.VERSION) or 'by its image'}; {asked}"
