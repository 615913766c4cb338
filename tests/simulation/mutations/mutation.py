"""What a mutation is: a mistake that somebody could make, told by what it changes."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Edit:
    """One piece of text in a file of `app`, which must be there exactly once, and what takes its place."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake: a short name, what it does to people, the rules by which that must be noticed, and where it is.

    A finding by any other rule does not count: it may be about something else that follows from the mistake.
    """

    name: str
    harm: str
    rules: tuple[str, ...]
    edits: tuple[Edit, ...]


def one(name: str, harm: str, rules: str, path: str, old: str, new: str) -> Mutation:
    """A mutation with one edit; `rules` are separated by spaces."""
    return Mutation(name, harm, tuple(rules.split()), (Edit(path, old, new),))
