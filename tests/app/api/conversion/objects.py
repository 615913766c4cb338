"""Objects of every kind and version as the published schemas have them, for tests that hold for all of them."""

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from app.api.conversion import CONVERTERS, noted
from app.api.crds import crd

Json = dict[str, Any]

PAIRS = [
    (name, here.name, there.name)
    for name, converter in CONVERTERS.items()
    for here, there in itertools.permutations(converter.kind.versions, 2)
]

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-5, 99),
    "boolean": st.booleans(),
    "string": st.just("") | words,
}


@cache
def schema(kind: str, version: str) -> Json:
    (found,) = (each for each in crd(CONVERTERS[kind].kind)["spec"]["versions"] if each["name"] == version)
    root: Json = found["schema"]["openAPIV3Schema"]
    return root


def _values(schema: Json) -> st.SearchStrategy[Any]:
    if "x-kubernetes-int-or-string" in schema:
        return st.integers(0, 9) | words
    if "properties" in schema:
        parts = {name: _always_or_default(part) for name, part in schema["properties"].items()}
        always = {name for name, part in schema["properties"].items() if "default" in part}
        always |= set(schema.get("required", ()))
        optional = {name: part for name, part in parts.items() if name not in always}
        if len(optional) > 20:  # a Container: all of its fields at once are too many to make
            optional = dict(list(optional.items())[:4])
        return st.fixed_dictionaries({name: parts[name] for name in sorted(always)}, optional=optional)
    if "items" in schema:
        return st.lists(_values(schema["items"]), max_size=2)
    if "additionalProperties" in schema:
        return st.dictionaries(words, _values(schema["additionalProperties"]), max_size=2)
    return _SCALARS.get(schema["type"], st.just({}))


def _always_or_default(schema: Json) -> st.SearchStrategy[Any]:
    return st.just(schema["default"]) | _values(schema) if "default" in schema else _values(schema)


@cache
def _contents(kind: str, version: str) -> st.SearchStrategy[Json]:
    properties = schema(kind, version)["properties"]
    return st.fixed_dictionaries({}, optional={name: _values(properties[name]) for name in ("spec", "status")})


_metadata = st.fixed_dictionaries(
    {"name": words, "uid": words},
    optional={
        "labels": st.dictionaries(words, words, max_size=2),
        "annotations": st.dictionaries(words, words, min_size=1, max_size=2),
    },
)


@st.composite
def objects(draw: st.DrawFn, kind: str, version: str) -> Json:
    """An object as an API server would hand it over: valid, with every default filled in."""
    return {
        "apiVersion": f"lifecycle.keptn.sh/{version}",
        "kind": kind,
        "metadata": draw(_metadata),
        **draw(_contents(kind, version)),
    }


def wrong(value: Any, schema: Json, path: str = "") -> Iterator[str]:
    """What an API server would refuse, drop from, or add to a value of this schema."""
    if "properties" in schema:
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{path}.{name} is missing"
        for name, part in schema["properties"].items():
            if "default" in part and name not in value:
                yield f"{path}.{name} is not filled in"
        for name, inner in value.items():
            if name not in schema["properties"]:
                yield f"{path}.{name} is unknown"
            else:
                yield from wrong(inner, schema["properties"][name], f"{path}.{name}")
    elif "items" in schema:
        for index, inner in enumerate(value):
            yield from wrong(inner, schema["items"], f"{path}[{index}]")


def made(kind: str, version: str, spec: Any, status: Any = None, **annotations: str) -> Json:
    """One object, written out by a test."""
    metadata: Json = {"name": "a"}
    if annotations:
        metadata["annotations"] = annotations
    parts = {"spec": spec, "status": status}
    return {
        "apiVersion": f"lifecycle.keptn.sh/{version}",
        "kind": kind,
        "metadata": metadata,
        **{name: part for name, part in parts.items() if part is not None},
    }


def notes(obj: Json) -> Json:
    """What our annotations on an object say."""
    return noted(obj["metadata"].get("annotations", {}))
