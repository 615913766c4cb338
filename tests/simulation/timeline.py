"""The log of a run as lines in columns: when, who, what."""

import re
import textwrap
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tests.simulation.result import Entry, Kind, Result
from tests.simulation.story import is_ours

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

# What each word means, told where it is first met. A longer name stands before the shorter that it begins with.
_GLOSSARY = {
    "KeptnWorkloadVersion": "one for each content of a workload. It holds how far its checks have come, and which pod "
    "revisions the verdict counts for.",
    "KeptnWorkload": "one for each workload. It holds what is wanted now, and belongs to the Deployment.",
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
    "phase": "of a KeptnWorkloadVersion: here the tasks before the deployment, then the deployment itself.",
}
_WORDS = re.compile(rf"\b({'|'.join(_GLOSSARY)})\b")


def lines(entries: Sequence[Entry], *, width: int = 0, explain: bool = False) -> RenderableType:
    """One line for each entry, or as many as it needs to be no wider than `width`; 0 is any width.

    With `explain`, each kind of object is told of in a sentence where it first appears.
    """
    actors = max((len(entry.who) for entry in entries), default=0)
    told: set[str] = set()
    texts: list[Text] = []
    for entry in entries:
        begin = f"{entry.time:8.3f} s  {entry.who:<{actors}}  "
        texts += _wrapped(_MARKS.get(entry.kind, "") + entry.text, begin, width, _COLOURS[entry.kind])
        for word in _new_words(entry, told) if explain else ():
            texts += _wrapped(f"({word}: {_GLOSSARY[word]})", " " * len(begin), width, "dim italic")
    return Group(*texts)


def last_part(entries: Sequence[Entry], before: int = 60) -> tuple[Entry, ...]:
    """The last entries up to the first finding, that one included; up to the end if no entry is one."""
    at = next((place for place, entry in enumerate(entries) if entry.kind == "finding"), len(entries) - 1)
    return tuple(entries[max(0, at - before) : at + 1])


def summary(result: Result) -> str:
    """What a calm rollout came to."""
    log = result.log
    writes = sum(is_ours(entry.who) and entry.kind in ("write", "check", "event", "gate") for entry in log)
    ours = sum(entry.kind == "gate" and entry.who.startswith("webhook") for entry in log)
    return (
        f"In all: {result.seconds:.1f} s of simulated time, {result.changes} changes, of which Holdfast made "
        f"{writes - ours}; {result.counts.get('jobs', 0)} Job, {result.counts.get('gates_opened', 0)} gates opened."
    )


def _wrapped(text: str, begin: str, width: int, style: str) -> list[Text]:
    inner = max(_LEAST_WIDTH, width - len(begin))
    parts = textwrap.wrap(text, inner, break_long_words=False, break_on_hyphens=False) if width else [text]
    return [Text((" " * len(begin) if at else begin) + part, style=style) for at, part in enumerate(parts)]


def _new_words(entry: Entry, told: set[str]) -> Iterable[str]:
    for word in _WORDS.findall(entry.text):
        if word not in told:
            told.add(word)
            yield word
