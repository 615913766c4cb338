"""What a person is told, and the order in which."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    ACTION = "action"  # somebody has to do something, before Holdfast comes or after
    NOTE = "note"  # something will be another than with Keptn, or stays, and nobody has to do anything


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is an object or a group of them; `what` says how it is; `do` is what to do, "" for nothing."""

    level: Level
    about: str
    what: str
    do: str = ""


def action(about: str, what: str, do: str) -> Finding:
    return Finding(Level.ACTION, about, what, do)


def note(about: str, what: str) -> Finding:
    return Finding(Level.NOTE, about, what)
