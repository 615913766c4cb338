"""An app's rules: whose KeptnApp it is, which of its versions a workload waits for, and how its workloads fare.

Names of workloads and versions are compared as they stand in objects' names, since that is how they were written down:
a KeptnApp that says ``MyApp`` and ``v1.0-RC1`` means what its workloads say in lower case.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from app.api import wellknown
from app.api.app import App, AppSpec, AppVersion, WorkloadRef, WorkloadState
from app.api.workload import ItemStatus, WorkloadVersion
from app.lifecycle import advance, names
from app.lifecycle.phases import APP_PRE_EVALUATIONS, APP_PRE_TASKS
from app.lifecycle.revisions import checks_passed, has_failed, was_superseded
from app.lifecycle.states import State, is_completed

# Seconds without news of an app after which all that was applied together with it is taken to be there: its
# workloads, and a KeptnAppContext. Where there is none yet, one may still come, so more time is given.
QUIET: Final = 0.5
QUIET_WITHOUT_CONTEXT: Final = 1.0


@dataclass(frozen=True, slots=True)
class AppGate:
    """Whether a workload version may go as far as its app is concerned.

    `version` is the app version that it waits or waited for, None if there is none. `failed` says that its checks have
    failed for good. `message` says for people what is waited for or what to do; "" once it is open. `stuck` says that
    somebody has to do that: nothing goes on by itself.
    """

    open: bool
    failed: bool
    version: AppVersion | None
    message: str
    stuck: bool = False


def gate(version: WorkloadVersion, app: App | None, app_versions: Sequence[AppVersion]) -> AppGate:
    """Whether the app of `version` lets it go; `app` is that app, `app_versions` all of its versions that are known.

    It goes by the app version of the KeptnApp as it is now, or, if that does not list the workload, by the newest one
    that does; without a KeptnApp by the newest one that a person has made. Source: keptn-behaviour 3.7; that
    evaluations with a Warning let it go as well is the design's.
    """
    named = f"KeptnApp {version.metadata.namespace}/{version.spec.app}"
    if app is None:
        written = [each for each in app_versions if is_by_hand(each) and _stands(each)]
        written = [each for each in written if _has(each.spec, version.spec.app, version)]
        if written:
            return _gate(max(written, key=_age), "")
    if app is None or app.metadata.deletion_timestamp:
        return _wait(f"{named} is not there yet. It is made once all workloads that name it have been seen.")
    fitting = [each for each in app_versions if _counts(each, app) and _lists(each.spec, app, version)]
    current = current_name(app)
    if _lists(app.spec, app, version):
        fitting = [each for each in fitting if each.metadata.name == current]
    chosen = max(fitting, key=_age, default=None)
    if chosen is None:
        if _lists(app.spec, app, version):
            return _wait(f"KeptnAppVersion {current}, which stands for {named} as it is now, is being made.")
        moved_on = next((each for each in app_versions if each.metadata.name == current), None)
        if moved_on is not None and is_discovered(app) and _asks_nothing_of(version, moved_on):
            return AppGate(True, False, moved_on, "")
        return _wait(_unlisted(named, app, version))
    name = f"KeptnAppVersion {chosen.metadata.name}"
    if is_discovered(app) and had_ended(chosen, version):
        return _wait(f"{name} had ended before; the app's checks are made again for this content.")
    return _gate(chosen, _again(app))


def workload_states(
    app_version: AppVersion, versions: Iterable[WorkloadVersion]
) -> tuple[tuple[WorkloadState, ...], list[WorkloadRef]]:
    """The state of each workload that an app version lists, in its order, and those of them that are not there.

    `versions` are the app's workload versions; the newest of a workload and version counts. One that a newer one has
    overtaken is not there any more. Source: keptn-behaviour 3.5.
    """
    app = app_version.spec.app_name
    refs = app_version.spec.workloads
    states: list[WorkloadState] = []
    missing: list[WorkloadRef] = []
    for ref, found in zip(refs, newest_of_each(refs, app, standing(versions)), strict=True):
        if found is None:
            missing.append(ref)
        state = found.status.status if found is not None else ""
        states.append(WorkloadState(workload=ref, status=state or State.PENDING))
    return tuple(states), missing


def standing(versions: Iterable[WorkloadVersion]) -> list[WorkloadVersion]:
    """Those of `versions` that no newer one has overtaken, and that nobody deletes."""
    return [each for each in versions if not each.metadata.deletion_timestamp and not was_superseded(each.status)]


def newest_of_each(
    refs: Iterable[WorkloadRef], app: str, versions: Iterable[WorkloadVersion]
) -> list[WorkloadVersion | None]:
    """`newest_of` of each of `refs`. Nobody deletes old versions, so that not all are looked at for each."""
    known: dict[str, list[WorkloadVersion]] = {}
    for each in versions:
        known.setdefault(each.spec.workload_name, []).append(each)
    return [
        newest_of(ref, app, [*known.get(names.workload_name(app, ref.name), ()), *known.get(ref.name, ())])
        for ref in refs
    ]


def newest_of(ref: WorkloadRef, app: str, versions: Iterable[WorkloadVersion]) -> WorkloadVersion | None:
    """The newest of `versions` that is meant by what the app lists, None without one."""
    name = names.app_name(app)
    mine = [each for each in versions if names.app_name(each.spec.app) == name and _means(ref, app, each)]
    return max(mine, key=lambda each: each.metadata.order, default=None)


def ref_name(app: str, workload_name: str) -> str:
    """What an app calls its KeptnWorkload `workload_name`: the same without the app's name in front."""
    return workload_name.removeprefix(f"{app}-")


def is_discovered(app: App) -> bool:
    """Whether a KeptnApp was made from its workloads, and no person has written to it since.

    Its revision may be anybody's: that is how its checks are asked for again.
    """
    marks = app.metadata.annotations
    if app.metadata.labels.get(wellknown.MANAGED_BY) != wellknown.MANAGED_BY_VALUE or wellknown.LAST_APPLIED in marks:
        return False
    return marks.get(wellknown.DISCOVERED, (said := digest(app.spec))) == said


def digest(spec: AppSpec) -> str:
    """Ten hex digits for what a KeptnApp lists, by which we know our own words again."""
    content = [spec.version, [[ref.name, ref.version] for ref in spec.workloads]]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:10]


def lists(app: App, version: WorkloadVersion) -> bool:
    """Whether the KeptnApp, as it is now, names this workload in this version."""
    return _lists(app.spec, app, version)


def asks(app_version: AppVersion) -> bool:
    """Whether an app version has checks before the deployment. One that has none holds nobody, begun or not."""
    return bool(app_version.spec.pre_deployment_tasks or app_version.spec.pre_deployment_evaluations)


def current_name(app: App) -> str:
    """Name of the KeptnAppVersion that stands for a KeptnApp as it is now."""
    return names.app_version_name(app.metadata.name, app.spec.version, app.metadata.generation)


def is_current(app_version: AppVersion, app: App) -> bool:
    """Whether an app version stands for its KeptnApp as it is now."""
    return app_version.metadata.name == current_name(app)


def has_ended(app_version: AppVersion) -> bool:
    status = app_version.status
    return bool(status.end_time) or status.status in (State.FAILED, State.DEPRECATED)


def had_ended(app_version: AppVersion, version: WorkloadVersion) -> bool:
    """Whether an app version had ended before `version` was made, so that its checks say nothing of that content.

    Times are whole seconds, of two clocks: what was made before the app version, and whose pods were let go before its
    end, belongs to it whatever the other clock says. So the next one, made for this content, settles it.
    """
    made, end = version.metadata.creation_timestamp or "", app_version.status.end_time
    started = version.status.deployment_start_time
    if not end or made <= end or made <= (app_version.metadata.creation_timestamp or ""):
        return False
    return not (started and started <= end)


def begins(app_version: AppVersion, app: App | None) -> bool:
    """Whether an app version may begin: one that a newer one is about to replace does not any more.

    One that a person has made, and that no KeptnApp stands behind, is there for itself, as in Keptn.
    """
    if app is None:
        return is_by_hand(app_version)
    return not app.metadata.deletion_timestamp and is_current(app_version, app)


def is_by_hand(version: AppVersion | WorkloadVersion) -> bool:
    """Whether a person has made a version: what Holdfast and Keptn make is a KeptnApp's or a KeptnWorkload's."""
    return version.metadata.controller is None and wellknown.CONTENT not in version.metadata.annotations


def quiet_left(silent: float, waited: float, *, quiet: float, limit: float) -> float:
    """Seconds until what was told last has been left alone for `quiet` seconds, 0 if it has.

    `silent` are the seconds since that, `waited` those since the first news; after `limit` it ends in any case.
    """
    return max(0.0, min(quiet - silent, limit - waited))


def _gate(chosen: AppVersion, again: str) -> AppGate:
    """As far as the checks of `chosen` have come; `again` says how to have them made again."""
    name = f"KeptnAppVersion {chosen.metadata.name}"
    if has_failed(chosen.status):
        return AppGate(False, True, chosen, f"{name} has failed: {_failures(chosen)}. {again}".rstrip())
    if checks_passed(chosen.status) or not asks(chosen):
        return AppGate(True, False, chosen, "")
    if lacking := _lacking(chosen):
        return AppGate(False, False, chosen, f"{name}: {lacking}", stuck=True)
    return AppGate(False, False, chosen, f"{name}: {_running(chosen)}.")


def _wait(message: str) -> AppGate:
    return AppGate(False, False, None, message)


def _counts(app_version: AppVersion, app: App) -> bool:
    """Whether a version of this very app can still let anybody go."""
    owner = app_version.metadata.controller
    mine = owner is None or owner.kind != "KeptnApp" or owner.uid == app.metadata.uid
    return mine and _stands(app_version)


def _stands(app_version: AppVersion) -> bool:
    """Whether nobody has overtaken, deprecated or deleted it."""
    if app_version.metadata.deletion_timestamp or app_version.status.status == State.DEPRECATED:
        return False
    return checks_passed(app_version.status) or not was_superseded(app_version.status)


def _lists(spec: AppSpec, app: App, version: WorkloadVersion) -> bool:
    return _has(spec, app.metadata.name, version)


def _has(spec: AppSpec, app: str, version: WorkloadVersion) -> bool:
    return any(_means(ref, app, version) for ref in spec.workloads)


def _means(ref: WorkloadRef, app: str, version: WorkloadVersion) -> bool:
    return _names(ref, app, version) and ref.version.lower() == version.spec.version.lower()


def _names(ref: WorkloadRef, app: str, version: WorkloadVersion) -> bool:
    workload = version.spec.workload_name
    if names.workload_name(app, ref.name) == workload:
        return True
    # An app's name so long that its workloads' names do not begin with it.
    return ref.name == workload and not workload.startswith(f"{app}-")


def _age(app_version: AppVersion) -> tuple[int, str, str]:
    """The order in which versions of one app were made. Keptn's, which say no generation, were there before ours."""
    return generation_of(app_version), *app_version.metadata.order


def generation_of(app_version: AppVersion) -> int:
    """The generation of its KeptnApp that a version stands for, 0 for one that Keptn made."""
    text = app_version.metadata.annotations.get(wellknown.APP_GENERATION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _asks_nothing_of(version: WorkloadVersion, app_version: AppVersion) -> bool:
    """Whether an app has gone on to a newer version of this workload, and has no checks before its deployment.

    Then nobody will ever list this version again, and nobody asks for anything of its app: an old revision that still
    serves may go on, as far as its own checks let it.
    """
    spec, made = app_version.spec, app_version.metadata.creation_timestamp or ""
    of_it = any(_names(ref, spec.app_name, version) for ref in spec.workloads)
    return of_it and not asks(app_version) and made >= (version.metadata.creation_timestamp or "")


def _unlisted(named: str, app: App, version: WorkloadVersion) -> str:
    wanted = version.spec.version
    ref = ref_name(app.metadata.name, version.spec.workload_name)
    says = f"{named} does not list workload {ref} of version {wanted}"
    if is_discovered(app):
        return f"{says} yet. It will once all workloads that name it have been seen."
    others = [each.version for each in app.spec.workloads if _names(each, app.metadata.name, version)]
    instead = f", but {ref} of version {', '.join(others)}" if others else ""
    return f'{says}{instead}. Write {{name: {ref}, version: "{wanted}"}} into its spec.workloads.'


def _failures(app_version: AppVersion) -> str:
    """Which items have failed, by their definitions and objects."""
    said = [f"{kind} {item.name} of {item.definition_name}" for kind, item in _items(app_version) if _is_bad(item)]
    return ", ".join(said) or "its checks before the deployment"


def _running(app_version: AppVersion) -> str:
    if not app_version.status.current_phase:
        return "it begins once all that was applied with it has been seen"
    open_items = [item.definition_name for _, item in _items(app_version) if not is_completed(item.status)]
    waits = f", waiting for {', '.join(open_items)}" if open_items else ""
    return f"in phase {app_version.status.current_phase}{waits}"


def _lacking(app_version: AppVersion) -> str:
    """Which definitions a phase that has begun cannot find, "" if none: it lists what it has found."""
    status = app_version.status.model_dump(by_alias=True)
    spec = app_version.spec.model_dump(by_alias=True)
    for phase in (APP_PRE_TASKS, APP_PRE_EVALUATIONS):
        if phase.name == status["currentPhase"]:
            found = {item["definitionName"] for item in status[phase.items]}
            return advance.lacking(phase, [name for name in dict.fromkeys(spec[phase.asked]) if name not in found])
    return ""


def _items(app_version: AppVersion) -> Sequence[tuple[str, ItemStatus]]:
    status = app_version.status
    return (
        *(("KeptnTask", item) for item in status.pre_deployment_task_status),
        *(("KeptnEvaluation", item) for item in status.pre_deployment_evaluation_task_status),
    )


def _is_bad(item: ItemStatus) -> bool:
    return item.status in (State.FAILED, State.DEPRECATED)


def _again(app: App) -> str:
    patch = f'{{"spec":{{"revision":{app.spec.revision + 1}}}}}'
    meta = app.metadata
    return (
        "Mend what it found, then have the app checked again: "
        f"kubectl -n {meta.namespace} patch keptnapp {meta.name} --type merge -p '{patch}'"
    )
