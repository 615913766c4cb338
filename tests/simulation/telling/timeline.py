"""The log of a run as lines in columns: when, who, what."""

import re
import textwrap
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tests.simulation.telling.result import Entry, Kind
from tests.simulation.telling.story import is_ours

_COLOURS: dict[Kind, str] = {
    "user": "cyan",
    "write": "default",
    "fault": "bold magenta",
    "cluster": "bright_black",
    "check": "yellow",
    "gate": "bold green",
    "event": "italic bright_black",
    "finding": "bold white on red",
}
_LEAST_WIDTH = 40
_MARKS: dict[Kind, str] = {"fault": "!! ", "finding": ">> "}

# What each actor is and each word means, told where it is first met. A longer name stands before the shorter that it
# begins with.
_ACTORS = {
    "webhook": "Holdfast's. The API server asks it about each new pod of a namespace that opted in. It writes nothing.",
    "worker": "Holdfast's. It runs the checks and opens the gates; all that Holdfast writes, it writes.",
    "user": "a person, or the tool that deploys for one.",
    "kubelet": "Kubernetes' own: runs the pods that were placed on its node.",
    "deployment-controller": "Kubernetes' own: makes a ReplicaSet for each revision of a Deployment.",
    "replicaset-controller": "Kubernetes' own: makes the pods of a ReplicaSet.",
    "job-controller": "Kubernetes' own: makes the pods of a Job, and counts how they end.",
    "default-scheduler": "Kubernetes' own: places pods that have no gate on nodes.",
}
_GLOSSARY = {
    "KeptnWorkloadVersion": "one for each content of a workload. It holds how far its checks have come, and which pod "
    "revisions the verdict counts for.",
    "KeptnWorkload": "one for each workload. It holds what is wanted now, and belongs to the Deployment.",
    "KeptnAppVersion": "one for each form of a KeptnApp. It holds how far the app's own checks have come, before its "
    "workloads are deployed and after.",
    "KeptnApp": "workloads that are deployed together. Where nobody wrote one, Holdfast makes it.",
    "KeptnTaskDefinition": "a check, written by a person: what it runs, how often and how long it may try.",
    "KeptnTask": "one run of one check for one version. The verdict is written here; once it is there, nothing runs "
    "again, whatever becomes of the Job.",
    "Deployment": "what a person deploys. Its pods say in annotations which checks are to pass first.",
    "ReplicaSet": "Kubernetes' own: one revision of a Deployment's pods.",
    "Job": "Kubernetes' own: runs a pod to its end, and another if that fails, as often as the definition says.",
    "ConfigMap": "Kubernetes' own: here it holds the script of a check, for the check's pod to mount.",
    "Lease": "Kubernetes' own: of all replicas of the worker, only the one that holds it acts.",
    "gate": "a scheduling gate of Kubernetes. A pod that has one is placed on no node and waits, Pending.",
    "event": "a line at the end of `kubectl describe`, for people. Nothing depends on it.",
    "namespace": "nothing is held in a namespace that did not ask for it.",
    "phase": "of a version: tasks and evaluations before the deployment, the deployment, the same after it.",
}
MEANINGS = _ACTORS | _GLOSSARY
_WORDS = re.compile(rf"\b({'|'.join(_GLOSSARY)})\b")


def lines(entries: Sequence[Entry], *, width: int = 0, longest: int = 0, explain: bool = False) -> RenderableType:
    """One line for each entry, or as many as it needs to be no wider than `width`; 0 is any width.

    A text of more than `longest` characters is cut there, if that is not 0. With `explain`, each kind of object and
    each actor is told of in a sentence where it first appears.
    """
    actors = max((len(entry.who) for entry in entries), default=0)
    told: set[str] = set()
    texts: list[Text] = []
    for entry in entries:
        begin = f"{entry.time:8.3f} s  {entry.who:<{actors}}  "
        text = f"{entry.text[:longest]}…" if 0 < longest < len(entry.text) else entry.text
        texts += _wrapped(_MARKS.get(entry.kind, "") + text, begin, width, _COLOURS[entry.kind])
        for word in _new_words(entry, told) if explain else ():
            texts += _wrapped(f"({word}: {MEANINGS[word]})", " " * len(begin), width, "dim italic")
    return Group(*texts)


def last_part(entries: Sequence[Entry], before: int = 60) -> tuple[Entry, ...]:
    """The last entries up to the first finding, that one included; up to the end if no entry is one."""
    at = next((place for place, entry in enumerate(entries) if entry.kind == "finding"), len(entries) - 1)
    return tuple(entries[max(0, at - before) : at + 1])


def summary(log: Sequence[Entry]) -> str:
    """What a calm rollout came to: how long its pods were held, and how much of that was Holdfast's own doing."""
    held = [entry.time for entry in log if entry.kind == "gate" and entry.who.startswith("webhook")]
    opened = [entry.time for entry in log if entry.kind == "gate" and entry.who.startswith("worker")]
    if not held or not opened:
        return "No pod was held, or no gate was opened."
    ended = max(entry.time for entry in log if _is_end(entry) and entry.time < opened[0])
    writes = sum(is_ours(entry.who) and not entry.who.startswith("webhook") for entry in log)
    return (
        f"{len(held)} pods were held for up to {max(opened) - min(held):.2f} s. Their gates were open "
        f"{max(opened) - ended:.2f} s after the pod of the check had succeeded. The worker wrote {writes} times."
    )


def _is_end(entry: Entry) -> bool:
    return entry.kind == "check" and " has succeeded" in entry.text and not is_ours(entry.who)


def _wrapped(text: str, begin: str, width: int, style: str) -> list[Text]:
    inner = max(_LEAST_WIDTH, width - len(begin))
    parts = textwrap.wrap(text, inner, break_long_words=False, break_on_hyphens=False) if width else [text]
    return [Text((" " * len(begin) if at else begin) + part, style=style) for at, part in enumerate(parts)]


def _new_words(entry: Entry, told: set[str]) -> Iterable[str]:
    """What the entry has that was not explained yet."""
    for word in (entry.who.partition("-")[0] if is_ours(entry.who) else entry.who, *_WORDS.findall(entry.text)):
        if word in MEANINGS and word not in told:
            told.add(word)
            yield word
