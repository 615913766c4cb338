"""What people write on pods and their parents: which key counts, and how its value is read (keptn-behaviour 2.2)."""

from collections.abc import Mapping
from typing import Final

from app.api import wellknown
from app.api.meta import Object

WORKLOAD: Final = wellknown.WORKLOAD
APP: Final = wellknown.APP
VERSION: Final = wellknown.VERSION
CONTAINER: Final = "keptn.sh/container"
METADATA: Final = "keptn.sh/metadata"
PRE_TASKS: Final = "keptn.sh/pre-deployment-tasks"
POST_TASKS: Final = "keptn.sh/post-deployment-tasks"
PRE_EVALUATIONS: Final = "keptn.sh/pre-deployment-evaluations"
POST_EVALUATIONS: Final = "keptn.sh/post-deployment-evaluations"

# Keys that Kubernetes recommends to everybody stand in for three of ours.
_FALLBACKS: Final = {
    WORKLOAD: "app.kubernetes.io/name",
    APP: "app.kubernetes.io/part-of",
    VERSION: "app.kubernetes.io/version",
}


def value(thing: Object, key: str) -> str:
    """The trimmed value of `key`, "" if it is absent or blank.

    Searched in this order: our annotation, our label, the recommended annotation, the recommended label.
    """
    meta = thing.metadata
    for name in filter(None, (key, _FALLBACKS.get(key))):
        for where in (meta.annotations, meta.labels):
            if text := where.get(name, "").strip():
                return text
    return ""


def names(thing: Object, key: str) -> tuple[str, ...]:
    """The comma list under `key`: each name trimmed, empty ones and repetitions dropped, order kept."""
    return tuple(dict.fromkeys(filter(None, (item.strip() for item in value(thing, key).split(",")))))


def metadata(thing: Object) -> Mapping[str, str]:
    """The pairs of ``keptn.sh/metadata`` (``k=v,k2=v2``), trimmed. An item without exactly one ``=`` is dropped."""
    pairs = (item.split("=") for item in value(thing, METADATA).split(","))
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2 and pair[0].strip()}
