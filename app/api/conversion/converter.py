"""How a kind is converted: through the whole, which has every field of every version.

A kind whose versions only differ in which fields they have is told here in full by `lacks`. The others add to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.api.conversion.paths import MISSING, at, drop, put
from app.api.versions import Kind

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Converter:
    """For every version the dotted paths that it lacks of the whole.

    The note that goes into annotations has these paths as its keys. `defaults` are what an API server fills in at
    such a path: not noted, and filled in on the way back, since else nearly every object would carry annotations.
    """

    kind: Kind
    lacks: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def to_whole(self, obj: Json, version: str, note: Json) -> Json:
        """`obj`, which is in `version`, with all that its note says and its version could not."""
        for path in self.lacks.get(version, ()):
            value = note[path] if path in note else self.defaults.get(path, MISSING)
            if value is not MISSING:
                obj = put(obj, path, value)
        return obj

    def from_whole(self, obj: Json, version: str) -> tuple[Json, Json]:
        """The object as `version` shows it, and the note of the rest."""
        note: Json = {}
        for path in self.lacks.get(version, ()):
            value = at(obj, path)
            if value is MISSING:
                continue
            obj = drop(obj, path)
            if path not in self.defaults or value != self.defaults[path]:
                note[path] = value
        return obj, note
