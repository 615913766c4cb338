"""Reading and changing a JSON object by dotted paths. What is given is never changed; what is of another shape is left
alone, for the schema to refuse."""

from typing import Any, Final

Json = dict[str, Any]


class _Missing:
    """What is at a path where nothing is; None is something."""


MISSING: Final = _Missing()


def at(obj: Any, path: str) -> Any:
    """What is at `path`, MISSING if there is nothing."""
    for name in path.split("."):
        if not isinstance(obj, dict) or name not in obj:
            return MISSING
        obj = obj[name]
    return obj


def put(obj: Json, path: str, value: Any) -> Json:
    """The object with `value` at `path`; as it was, if there is no object to put it into."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**obj, name: value}
    inner = obj.get(name)
    return {**obj, name: put(inner, rest, value)} if isinstance(inner, dict) else obj


def drop(obj: Json, path: str) -> Json:
    """The object with nothing at `path`."""
    name, _, rest = path.partition(".")
    if not rest:
        return {key: value for key, value in obj.items() if key != name}
    inner = obj.get(name)
    return {**obj, name: drop(inner, rest)} if isinstance(inner, dict) else obj
