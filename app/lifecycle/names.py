"""Names of the objects that Holdfast makes.

Ordinary names are exactly Keptn's: the parts joined by ``-``, lower-cased, ``_`` turned into ``-`` (keptn-behaviour
2.4, 3.1). Where that gives no valid name (a version with ``+``, an empty one, more than 253 characters), the name is
made valid and a hash of what it was stands at its end, so that two odd names never meet in one object.
"""

import hashlib
import re
from typing import Final

NAME_LIMIT: Final = 253
LABEL_LIMIT: Final = 63
_HASH: Final = 8
_TASK_HASH: Final = 10
_FUNCTION: Final = "keptnfn-"

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_FOREIGN = re.compile(r"[^a-z0-9.]+")
_AROUND_DOTS = re.compile(r"-*\.[-.]*")


def app_name(app: str) -> str:
    """Name of the KeptnApp that the key ``keptn.sh/app`` means. A name that is valid already stays as it is."""
    return _name(app)


def workload_name(app: str, workload: str) -> str:
    """Name of the KeptnWorkload, e.g. ``waiter-waiter``. The same for an app's raw and its sanitised name."""
    return _name(f"{app_name(app)}-{workload}")


def workload_version_name(workload_name: str, version: str) -> str:
    """Name of the KeptnWorkloadVersion, e.g. ``waiter-waiter-0.4``."""
    return _name(f"{workload_name}-{version}")


def app_version_name(app: str, version: str, generation: int) -> str:
    """Name of the KeptnAppVersion that stands for a generation of its KeptnApp, e.g. ``waiter-0.4-6b86b273``."""
    return _name(f"{app}-{version}-{generation_hash(generation)}")


def generation_hash(generation: int) -> str:
    """Keptn's eight hex digits for an object's generation."""
    return hashlib.sha256(str(generation).encode()).hexdigest()[:_HASH]


def later_version_name(base: str, content: str, number: int) -> str:
    """Name of a further KeptnWorkloadVersion, where other content or a failure has taken the plain name `base`.

    `number` counts the names of that content that are taken already, from 1.
    """
    end = _digest(content, str(number))[:_HASH]
    return _with_hash(base, end, _digest(base, content, str(number))[:_HASH])


def task_name(check_type: str, definition: str, owner_uid: str) -> str:
    """Name of the KeptnTask that runs `definition` for the version `owner_uid`: ``<type>-<definition>-<10 digits>``.

    Keptn puts a random number at the end. Here hex digits follow from the input: creating it twice creates it once.
    """
    stem = _folded(f"{check_type}-{definition}")
    end = _digest(owner_uid, check_type, definition)[:_TASK_HASH]
    return _with_hash(stem if is_dns_subdomain(stem) else _sanitised(stem), end, end)


def job_name(task_name: str, task_uid: str, run: int) -> str:
    """Name of a task's Job, at most 63 characters since it becomes a label's value on the Job's pods.

    It starts with the task's name, as far as that fits, and differs for each `run` and for a task made anew.
    """
    end = _digest(task_name, task_uid)[:_HASH]
    if run > 1:
        end = f"{end}-{run}"
    return _with_hash(task_name, end, end, LABEL_LIMIT)


def function_config_map(definition: str) -> str:
    """Name of the ConfigMap with the inline code of the KeptnTaskDefinition `definition`."""
    name = _FUNCTION + definition
    end = _digest(definition)[:_HASH]
    return name if len(name) <= NAME_LIMIT else _with_hash(name, end, end)


def is_dns_subdomain(name: str) -> bool:
    """Whether Kubernetes takes `name` as a DNS-1123 subdomain, which is what most objects' names must be."""
    return len(name) <= NAME_LIMIT and _SUBDOMAIN.fullmatch(name) is not None


def is_dns_label(name: str) -> bool:
    """Whether Kubernetes takes `name` as a DNS-1123 label, as a container's or a namespace's name must be."""
    return len(name) <= LABEL_LIMIT and _LABEL.fullmatch(name) is not None


def _name(text: str) -> str:
    folded = _folded(text)
    if is_dns_subdomain(folded):
        return folded
    end = _digest(folded)[:_HASH]
    return _with_hash(_sanitised(folded), end, end)


def _folded(text: str) -> str:
    return text.lower().replace("_", "-")


def _sanitised(folded: str) -> str:
    """`folded` without what a DNS subdomain cannot have; "" if nothing is left."""
    return _AROUND_DOTS.sub(".", _FOREIGN.sub("-", folded)).strip("-.")


def _with_hash(stem: str, end: str, end_if_cut: str, limit: int = NAME_LIMIT) -> str:
    """``<stem>-<end>``; a stem that is too long is cut, and then ends in `end_if_cut`."""
    if len(stem) + 1 + len(end) <= limit:
        return f"{stem}-{end}" if stem else end
    return f"{stem[: limit - 1 - len(end_if_cut)].rstrip('-.')}-{end_if_cut}"


def _digest(*parts: str) -> str:
    """Hex SHA-256 of the parts, each after its length, so that no two lists of parts read the same."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
