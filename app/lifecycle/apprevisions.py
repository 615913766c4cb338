"""One KeptnAppVersion for each generation of a KeptnApp: what it is made of, and what becomes of the older ones."""

from collections.abc import Iterable
from typing import Any, Final

from app.api import wellknown
from app.api.app import App, AppContext, AppContextSpec, AppVersion
from app.api.conversion import app_lists
from app.api.meta import controlled_by
from app.lifecycle import advance, apps
from app.lifecycle.phases import APP_PHASES, Phase
from app.lifecycle.states import State

Json = dict[str, Any]

_NOT_BEGUN: Final = frozenset({"", State.PENDING.value})
_NAMES: Final = [phase.name for phase in APP_PHASES]


def asked(context: AppContext | None, app: App) -> AppContextSpec | None:
    """What is asked of an app: by its KeptnAppContext, and for a list that it does not give by the app itself.

    Only a KeptnApp that was written in an old version has lists of its own. None if nobody asks for anything.
    """
    own = app_lists(app.metadata.annotations)
    if context is None or own is None:
        return own if context is None else context.spec
    given = {name: value for name, value in context.spec if value}
    return own.model_copy(update=given)


def twice_asked(context: AppContext | None, app: App) -> list[str]:
    """The lists that both a KeptnAppContext and its KeptnApp give; the latter's do not count."""
    own = app_lists(app.metadata.annotations)
    if context is None or own is None:
        return []
    mine, said = own.model_dump(by_alias=True), context.spec.model_dump(by_alias=True)
    return [name for name, value in mine.items() if value and said[name] and said[name] != value]


def body(app: App, wanted: AppContextSpec | None) -> Json:
    """The KeptnAppVersion of a KeptnApp as it is now. Source: keptn-behaviour 3.3."""
    meta, previous = app.metadata, app.status.current_version
    return {
        "apiVersion": wellknown.API_VERSION,
        "kind": "KeptnAppVersion",
        "metadata": {
            "name": apps.current_name(app),
            "namespace": meta.namespace,
            "annotations": {wellknown.APP_GENERATION: str(meta.generation)},
            "ownerReferences": [controlled_by("KeptnApp", meta)],
        },
        "spec": {
            **app.spec.dump(),
            **_given(wanted),
            "appName": meta.name,
            **({"previousVersion": previous} if previous and previous != app.spec.version else {}),
        },
    }


def followed(app_version: AppVersion, wanted: AppContextSpec | None) -> Json:
    """The merge patch of an app version's spec that has it follow its KeptnAppContext, {} if it does already.

    The lists of phases that have not begun follow, and what is said of the app as long as nothing has begun. A
    KeptnAppContext that is deleted takes nothing back: a version keeps what it was given.
    """
    if wanted is None or apps.has_ended(app_version):
        return {}
    have, want = app_version.spec.model_dump(by_alias=True), wanted.model_dump(by_alias=True)
    changes = {
        phase.asked: list(want[phase.asked])
        for phase in APP_PHASES
        if phase.asked and want[phase.asked] != have[phase.asked] and not _has_begun(app_version, phase)
    }
    if app_version.status.current_phase:
        return changes
    if want["metadata"] != have["metadata"]:
        changes["metadata"] = dict.fromkeys(have["metadata"]) | want["metadata"]
    if want["spanLinks"] != have["spanLinks"]:
        changes["spanLinks"] = list(want["spanLinks"])
    return changes


def older(app: App, app_versions: Iterable[AppVersion]) -> list[AppVersion]:
    """The versions of an app that stand for what it was before."""
    mine = [each for each in app_versions if is_of(each, app) and not each.metadata.deletion_timestamp]
    return [
        each for each in mine if apps.generation_of(each) < app.metadata.generation and not apps.is_current(each, app)
    ]


def ended(app_version: AppVersion, app: App, now: str) -> Json:
    """Status fields of an older version of `app`, {} if they are so already; `now` is RFC 3339.

    One of the same version is Deprecated as a whole: its checks are made anew (keptn-behaviour 3.3). One of another
    version that has not ended has been overtaken; one that has ended stays as it is.
    """
    status = app_version.status
    if app_version.spec.version != app.spec.version:
        return {} if apps.has_ended(app_version) else advance.superseded(app_version, APP_PHASES, now)
    if status.status == State.DEPRECATED:
        return {}
    fields = dict.fromkeys((*(phase.field for phase in APP_PHASES), "status"), State.DEPRECATED.value)
    return fields if status.end_time else fields | {"endTime": now}


def _given(wanted: AppContextSpec | None) -> Json:
    return {name: value for name, value in wanted.dump().items() if value} if wanted is not None else {}


def _has_begun(app_version: AppVersion, phase: Phase) -> bool:
    """A phase that waits for definitions that do not exist, and has made nothing, can still be told other ones."""
    have = app_version.status.model_dump(by_alias=True)
    reached = _NAMES.index(have["currentPhase"]) if have["currentPhase"] in _NAMES else -1
    is_past = reached > _NAMES.index(phase.name)
    return is_past or have[phase.field] not in _NOT_BEGUN or bool(have[phase.items])


def is_of(app_version: AppVersion, app: App) -> bool:
    owner = app_version.metadata.controller
    return owner is None or owner.kind != "KeptnApp" or owner.uid == app.metadata.uid
