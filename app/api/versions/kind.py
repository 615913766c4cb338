"""A kind of object, its served versions, and what `kubectl get` shows of it."""

from dataclasses import dataclass

from app.api.meta import Model
from app.api.rules import Rule
from app.api.wellknown import GROUP


@dataclass(frozen=True, slots=True)
class Version:
    """One served version. `without` are dotted paths that the models have and this version has not.

    A `status` that is `str` is a plain string, as Keptn publishes it where it never writes one.
    """

    name: str
    spec: type[Model]
    status: type[Model] | type[str]
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Column:
    """What `kubectl get` shows; `wide` only with `-o wide`. A version without the field is without the column."""

    name: str
    path: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind and its versions, newest first; the first is the one that is stored. `converted`: by our webhook."""

    name: str
    plural: str
    description: str
    versions: tuple[Version, ...]
    columns: tuple[Column, ...] = ()
    short_names: tuple[str, ...] = ()
    converted: bool = False
    rules: tuple[Rule, ...] = ()
    group: str = GROUP
