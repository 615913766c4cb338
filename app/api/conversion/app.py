"""KeptnApp: until v1alpha3 it said itself what to check, which is a KeptnAppContext's since.

Keptn's own conversion dropped the lists without a word. Here they stay with the app, in annotations, and count.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.api.app import AppContextSpec
from app.api.conversion.converter import Converter
from app.api.conversion.note import noted
from app.api.versions import APP
from app.api.wellknown import GROUP, LAST_APPLIED

_LISTS: Final = (
    "preDeploymentTasks",
    "postDeploymentTasks",
    "preDeploymentEvaluations",
    "postDeploymentEvaluations",
)
_WITHOUT_LISTS: Final = ("v1", "v1beta1")

APPS: Final = Converter(
    APP,
    lacks={
        **dict.fromkeys(_WITHOUT_LISTS, tuple(f"spec.{name}" for name in _LISTS)),
        "v1alpha1": ("spec.revision",),
    },
    defaults={"spec.revision": 1},
)


def app_lists(annotations: Mapping[str, str]) -> AppContextSpec | None:
    """The tasks and evaluations of a KeptnApp that was written in v1alpha1 to v1alpha3; None if it names none.

    `annotations` are those of the app as v1 has it. Whoever makes the KeptnAppVersion takes these lists as if a
    KeptnAppContext of the app's name had them. If there is such a context, each list that it gives counts in place of
    the app's own, and that both are given is to be told on the app.

    An app that was last applied with `kubectl apply` in v1 or v1beta1 has none: its author moved on, and the lists
    are only still there because client-side apply takes away nothing that it did not write.
    """
    content = noted(annotations)
    lists = {name: _words(content.get(f"spec.{name}")) for name in _LISTS}
    if not any(lists.values()) or _last_applied(annotations) in _WITHOUT_LISTS:
        return None
    return AppContextSpec.model_validate(lists)


def _words(value: Any) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str) and word) if isinstance(value, list) else ()


def _last_applied(annotations: Mapping[str, str]) -> str:
    """The version that `kubectl apply` was last given, empty if it was not used."""
    try:
        applied = orjson.loads(annotations.get(LAST_APPLIED, ""))
    except orjson.JSONDecodeError:
        return ""
    group, _, version = str(applied.get("apiVersion") if isinstance(applied, dict) else "").partition("/")
    return version if group == GROUP else ""
