"""A KeptnApp that nobody wrote: it lists the workloads that name it (keptn-behaviour 3.2)."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from app.api import wellknown
from app.api.app import App, AppSpec, AppVersion, WorkloadRef
from app.api.meta import Object
from app.api.workload import Workload, WorkloadVersion
from app.lifecycle import apps, names
from app.lifecycle.states import PASSED, is_completed

Json = dict[str, Any]


def is_single_service(workloads: Sequence[Workload], others: Iterable[Object]) -> bool:
    """Whether the app is one workload that named none: then there is nothing more to wait for.

    It is noted on the KeptnWorkload; Keptn has it on `others`: its KeptnApp and its KeptnAppCreationRequests.
    """
    return len(workloads) == 1 and any(map(_is_single, (*workloads, *others)))


def listed(app: str, workloads: Iterable[Workload], known: AppSpec | None = None) -> AppSpec | None:
    """What KeptnApp `app` is to say, given the KeptnWorkloads that name it; None if there are none.

    `known` is what it says already: its order stays, what is new comes last. Without it the order is by name.
    """
    there = {each.metadata.name: each for each in workloads if not each.metadata.deletion_timestamp}
    if not there:
        return None
    refs: dict[str, WorkloadRef] = {}
    for ref in known.workloads if known is not None else ():
        name = next((name for name in (names.workload_name(app, ref.name), ref.name) if name in there), None)
        if name is not None:
            refs.setdefault(name, WorkloadRef(name=ref.name, version=there[name].spec.version))
    for name in sorted(there.keys() - refs.keys()):
        refs[name] = WorkloadRef(name=apps.ref_name(app, name), version=there[name].spec.version)
    revision = known.revision if known is not None else 1
    return AppSpec(version=version(there.values()), revision=revision, workloads=tuple(refs.values()))


def asked_about(app: App, workloads: Iterable[Workload]) -> list[str]:
    """Names of the KeptnWorkloads by which a KeptnApp is changed: those that are known, and those that it lists."""
    there = {each.metadata.name for each in workloads}
    named = {names.workload_name(app.metadata.name, ref.name) for ref in app.spec.workloads if ref.name not in there}
    return sorted(there | named)


def version(workloads: Iterable[Workload]) -> str:
    """The version of an app made of these: that of its only one, or ten hex digits that stand for all."""
    by_name = sorted((each.metadata.name, each.spec.version) for each in workloads)
    if len(by_name) == 1:
        return by_name[0][1]
    text = "".join(f"{name}-{number}" for name, number in by_name)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def next_spec(
    app: App, workloads: Iterable[Workload], current: AppVersion | None, versions: Iterable[WorkloadVersion]
) -> AppSpec | None:
    """What a KeptnApp of ours is to say now, None if that is what it says.

    `current` is the app version of what it says, None before there is one, `versions` the app's workload versions. If
    nothing is new but the content behind a version, or another try of what failed, its revision goes up: that is how
    its checks are made again. That a workload is gone is nothing to check an app for; it is left out with the next
    news, or at once where the app would go on waiting for it.
    """
    wanted = listed(app.metadata.name, workloads, app.spec)
    if wanted is None or (wanted.version, wanted.workloads) == (app.spec.version, app.spec.workloads):
        again = wanted is not None and _has_outlived(current, app, versions)
        return app.spec.model_copy(update={"revision": app.spec.revision + 1}) if again else None
    is_news = any(ref not in app.spec.workloads for ref in wanted.workloads)
    return wanted if is_news or _is_waiting(current) or _has_outlived(current, app, versions) else None


def made(name: str, namespace: str, spec: AppSpec, *, single_service: bool) -> Json:
    """A new KeptnApp of ours."""
    marks = {wellknown.DISCOVERED: apps.digest(spec)}
    marks |= {wellknown.APP_TYPE: wellknown.SINGLE_SERVICE} if single_service else {}
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnApp",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {wellknown.MANAGED_BY: wellknown.MANAGED_BY_VALUE},
            "annotations": marks,
        },
        "spec": spec.dump(),
    }


def changed(app: App, spec: AppSpec) -> Json:
    """The merge patch that has `app`, just as it was looked at, say `spec`."""
    meta = app.metadata
    return {
        "metadata": {
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
            "annotations": {wellknown.DISCOVERED: apps.digest(spec)},
        },
        "spec": spec.dump(),
    }


def _has_outlived(current: AppVersion | None, app: App, versions: Iterable[WorkloadVersion]) -> bool:
    """Whether an app version had ended before the newest version of one of its workloads was made, which goes on.

    Keptn leaves workload versions that were made later and have ended too: nobody waits for them, and nothing that has
    ended is checked again for being taken over.
    """
    newest = apps.newest_of_each(app.spec.workloads, app.metadata.name, apps.standing(versions))
    return current is not None and any(
        each is not None and not _is_over(each) and apps.had_ended(current, each) for each in newest
    )


def _is_over(version: WorkloadVersion) -> bool:
    return bool(version.status.end_time) or is_completed(version.status.status)


def _is_waiting(current: AppVersion | None) -> bool:
    """Whether an app version of ours waits for its workloads, or will. Keptn's are not made again for that."""
    if current is None:
        return True
    is_deployed = current.status.workload_overall_status in PASSED
    return apps.generation_of(current) > 0 and not apps.has_ended(current) and not is_deployed


def _is_single(thing: Object) -> bool:
    return thing.metadata.annotations.get(wellknown.APP_TYPE) == wellknown.SINGLE_SERVICE
