"""What happens to Holdfast's own kinds and what belongs to them, in words."""

from app.cluster.api import Json
from tests.simulation.apiserver.store import Change
from tests.simulation.manifests import controller_of
from tests.simulation.telling.phrases import Phrase, is_newly_deleted, quoted, removal, title

_RUNTIMES = {"deno": "a script in Deno", "python": "a script in Python", "container": "a container of the user's own"}
_PASSED = ("Succeeded", "Warning")


def definition(change: Change) -> Phrase | None:
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    spec = new["spec"]
    runs = next((words for runtime, words in _RUNTIMES.items() if runtime in spec), "nothing")
    if old is None:
        tries = int(spec.get("retries", 0)) + 1
        return Phrase(f"applies {what}: {runs}, up to {tries} attempt{'s' if tries > 1 else ''}")
    if old["spec"] != spec:
        return Phrase(f"edits {what}")
    name = ((new.get("status") or {}).get("function") or {}).get("configMap")
    if name and name != ((old.get("status") or {}).get("function") or {}).get("configMap"):
        return Phrase(f"notes in {what} where its script lies: ConfigMap {name}")
    return None


def config_map(change: Change) -> Phrase | None:
    what = title(change.body)
    if change.new is None or is_newly_deleted(change):
        return removal(change)
    owner = controller_of(change.new)
    whose = f" with the script of {owner['kind']} {owner['name']}" if owner else ""
    if change.old is None:
        return Phrase(f"makes {what}{whose}")
    if change.old.get("data") != change.new.get("data"):
        return Phrase(f"puts another script into {what}{whose}" if owner else f"edits {what}")
    return None


def keptn_workload(change: Change) -> Phrase | None:
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        return Phrase(f"makes {what} for {_made_for(new)}")
    if old["spec"] != new["spec"]:
        return Phrase(f"notes in {what} what is wanted now: version {new['spec']['version']}")
    version = (new.get("status") or {}).get("currentVersion")
    if version and version != (old.get("status") or {}).get("currentVersion"):
        return Phrase(f"notes in {what} that its newest version is {version}")
    return None


def version(change: Change) -> Phrase | None:
    """A KeptnWorkloadVersion."""
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        return Phrase(f"makes {what} for {_made_for(new)}")
    now, was = new.get("status") or {}, old.get("status") or {}
    if _has_passed(now) and not _has_passed(was):
        return Phrase(f"records in {what} that its checks have passed", "check")
    if now.get("status") == "Failed" != was.get("status"):
        return Phrase(f"records in {what} that its checks have failed: the pods stay held", "check")
    if now.get("currentPhase") != was.get("currentPhase"):
        return Phrase(f"notes in {what} that phase {now.get('currentPhase')} has begun")
    if now.get("revisions") != was.get("revisions"):
        return Phrase(f"notes in {what} that it counts for another revision of its pods too")
    if now != was:
        states = {item["definitionName"]: item["status"] for item in now.get("preDeploymentTaskStatus") or ()}
        return Phrase(f"notes in {what} how its checks are: {_listed(states)}")
    return None


def task(change: Change) -> Phrase | None:
    """A KeptnTask."""
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        return Phrase(f"makes {what}: to run {new['spec']['taskDefinition']} for {_made_for(new)}")
    now, was = new.get("status") or {}, old.get("status") or {}
    state = now.get("status")
    if state != was.get("status") and state in ("Succeeded", "Failed"):
        reason = f" ({now['reason']})" if now.get("reason") else ""
        return Phrase(f"writes the verdict into {what}: {state}{reason}", "check")
    if now.get("reason") and now.get("reason") != was.get("reason"):
        return Phrase(f"notes in {what} why it waits: {now['reason']}: {quoted(now.get('message', ''))}")
    if len(now.get("attempts") or ()) > len(was.get("attempts") or ()):
        last = now["attempts"][-1]
        if last.get("disrupted"):
            return Phrase(f"notes in {what} that the cluster ended attempt {last['number']}: {last['reason']}")
        end = f"exit code {last['exitCode']}" if last.get("exitCode") is not None else last.get("reason") or "no end"
        return Phrase(f"notes in {what} that attempt {last['number']} {_ended(last)}: {end}")
    if now.get("jobName") != was.get("jobName"):
        return Phrase(f"notes in {what} that its check runs, as Job {now.get('jobName')}")
    return Phrase(f"notes in {what} that it is {state}") if now != was else None


def app(change: Change) -> Phrase | None:
    """A KeptnApp, which a person wrote or which is made from its workloads."""
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    listed = ", ".join(f"{each['name']} {each['version']}" for each in new["spec"].get("workloads") or ()) or "nothing"
    if old is None or old["spec"] != new["spec"]:
        verb = "makes" if old is None else "changes"
        return Phrase(f"{verb} {what}: version {new['spec']['version']}, which lists {listed}")
    version = (new.get("status") or {}).get("currentVersion")
    if version != (old.get("status") or {}).get("currentVersion"):
        return Phrase(f"notes in {what} that its newest version is {version}")
    return None


def app_version(change: Change) -> Phrase | None:
    """A KeptnAppVersion."""
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        return Phrase(f"makes {what} for {_made_for(new)}")
    now, was = new.get("status") or {}, old.get("status") or {}
    state = now.get("status")
    if state != was.get("status") and state in ("Succeeded", "Failed", "Deprecated"):
        return Phrase(f"records in {what} how the app has fared: {state}", "check")
    if now.get("currentPhase") != was.get("currentPhase"):
        return Phrase(f"notes in {what} that phase {now.get('currentPhase')} has begun")
    if old["spec"] != new["spec"]:
        return Phrase(f"has {what} follow its KeptnAppContext")
    return Phrase(f"notes in {what} how its checks and workloads are") if now != was else None


def evaluation(change: Change) -> Phrase | None:
    """A KeptnEvaluation."""
    old, new = change.old, change.new
    what = title(change.body)
    if new is None or is_newly_deleted(change):
        return removal(change)
    if old is None:
        return Phrase(f"makes {what}: to judge {new['spec']['evaluationDefinition']} for {_made_for(new)}")
    now, was = new.get("status") or {}, old.get("status") or {}
    values = {key: each.get("value") for key, each in (now.get("evaluationStatus") or {}).items()}
    said = ", ".join(f"{key} is {value or 'nothing'}" for key, value in values.items())
    if now.get("overallStatus") != was.get("overallStatus") and now.get("endTime"):
        return Phrase(f"writes the verdict into {what}: {now['overallStatus']}; {said}", "check")
    if now.get("retryCount") != was.get("retryCount"):
        return Phrase(f"notes in {what} that attempt {now.get('retryCount')} has failed: {said}")
    return None


def lease(change: Change) -> Phrase | None:
    """Only who leads; that a Lease is renewed is nobody's news."""
    what = title(change.body)
    if change.new is None or is_newly_deleted(change):
        return removal(change)
    holder = change.new["spec"].get("holderIdentity") or ""
    before = change.old["spec"].get("holderIdentity") or "" if change.old else ""
    if holder == before:
        return None
    return Phrase(f"takes {what}: it leads now" if holder else f"gives {what} back: nobody leads")


def _made_for(body: Json) -> str:
    owner = controller_of(body) or next(iter(body["metadata"].get("ownerReferences") or ()), {})
    return f"{owner['kind']} {owner['name']}" if owner else "nobody"


def _has_passed(status: Json) -> bool:
    states = (status.get("preDeploymentStatus"), status.get("preDeploymentEvaluationStatus"))
    return all(state in _PASSED for state in states)


def _ended(attempt: Json) -> str:
    return "has succeeded" if attempt.get("status") == "Succeeded" else "has failed"


def _listed(states: dict[str, str]) -> str:
    return ", ".join(f"{name} {state}" for name, state in states.items()) or "none yet"
