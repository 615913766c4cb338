"""The reference pages, from the models: `python -m docsite.reference` writes docs/reference/ anew.

What is Holdfast's own is found by comparing with a table of the fields that Keptn's CRDs have. Each kind's example is a
file in docsite/examples/.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from app.api.crds import crd
from app.api.versions import KINDS, Kind

Json = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[1]
EXAMPLES: Final = Path(__file__).parent / "examples"
KEPTN: Final = ROOT / "tests" / "crds" / "keptn-crd-fields.json"
FOLDER: Final = "docs/reference"
HEADER: Final = "<!-- Made by `python -m docsite.reference` from the models in app/api; change those. -->\n"

# Kinds that Holdfast writes, and people read.
OURS: Final = frozenset({"KeptnWorkload", "KeptnWorkloadVersion", "KeptnAppVersion"})
# A schema that is somebody else's, and where it is described.
ELSEWHERE: Final = {"spec.container": "A Kubernetes Container, any field of it."}
# Keptn's operator reads it, though its chart's CRD has it not.
IN_SOURCE: Final = frozenset({"spec.restApiEnabled"})


def write(folder: Path) -> list[Path]:
    """Writes a page for each kind and one that lists them into `folder` (made if need be); returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    keptn: Json = json.loads(KEPTN.read_text())
    texts = {f"{kind.name.lower()}.md": page(kind, keptn) for kind in KINDS} | {"index.md": index()}
    for name, text in texts.items():
        (folder / name).write_text(HEADER + text)
    return [folder / name for name in sorted(texts)]


def index() -> str:
    """The page that lists all kinds."""
    rows = [
        (
            f"[{kind.name}]({kind.name.lower()}.md)",
            " ".join(f"`{name}`" for name in kind.short_names),
            _WRITTEN_BY.get(kind.name, "Holdfast" if kind.name in OURS else "you"),
            kind.description,
        )
        for kind in KINDS
    ]
    return (
        "# Reference\n\nEvery kind with every field, as the API server has them. `kubectl explain` shows the same.\n\n"
        + _table(("kind", "short", "written by", ""), rows)
    )


_WRITTEN_BY: Final = dict.fromkeys(("KeptnApp", "KeptnTask", "KeptnEvaluation"), "Holdfast, you") | {
    "KeptnAppCreationRequest": "Keptn"
}


def page(kind: Kind, keptn: Json) -> str:
    """A kind's page. `keptn` is the table of Keptn's fields."""
    definition = crd(kind)
    newest, *older = definition["spec"]["versions"]
    schema = newest["schema"]["openAPIV3Schema"]
    theirs = keptn[definition["metadata"]["name"]]["versions"][newest["name"]]["fields"]
    parts = [
        f"# {kind.name}\n\n{kind.description}\n",
        _names(kind),
        _example(kind),
        *(_fields(name, schema, theirs) for name in ("spec", "status")),
        _refused(schema),
        _older(schema, older),
    ]
    return "\n".join(part for part in parts if part)


def nodes(schema: Json, path: str = "") -> Iterator[tuple[str, Json, bool]]:
    """Each field below with its dotted path and whether it is required; `[]` is an item of a list, `{}` a value."""
    for name, part in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, part, name in schema.get("required", ())
        if here not in ELSEWHERE:
            yield from nodes(part, here)
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], path + suffix)


def _names(kind: Kind) -> str:
    versions = ", ".join(f"`{version.name}`" for version in kind.versions[1:])
    rows = [
        ("apiVersion", f"`{kind.group}/{kind.versions[0].name}`"),
        ("older versions, served too", versions or "none"),
        ("for kubectl", ", ".join(f"`{name}`" for name in (kind.plural, *kind.short_names))),
        ("`kubectl get` shows", ", ".join(column.name for column in kind.columns if not column.wide) or "its name"),
    ]
    wide = ", ".join(column.name for column in kind.columns if column.wide)
    if wide:
        rows.append(("with `-o wide` also", wide))
    return _table(("", ""), rows)


def _example(kind: Kind) -> str:
    text = (EXAMPLES / f"{kind.name.lower()}.yaml").read_text()
    mark = "<!-- test: shape -->\n" if kind.name in OURS else ""
    return f"## Example\n\n{mark}```yaml\n{text}```\n"


def _fields(name: str, schema: Json, theirs: Json) -> str:
    part = schema["properties"][name]
    if part["type"] == "string":
        return f"## {name}\n\nA word. Keptn published it and never wrote it, and neither does Holdfast.\n"
    rows = []
    seen: dict[str, str] = {}
    added: set[str] = set()
    hidden = ""
    for path, field, required in nodes({"properties": {name: part}}):
        if path == name or (hidden and path.startswith(hidden)):
            continue
        hidden = ""
        twin = _twin(field, seen, path)
        if twin:
            hidden = path
        told = ELSEWHERE.get(path) or field.get("description", "")
        words = [told, f"Fields as those of `{twin}`." if twin else "", *_limits(field)]
        if path not in theirs and path not in IN_SOURCE and path.rpartition(".")[0].removesuffix("[]") not in added:
            words.append("*Holdfast's addition.*")
        if path not in theirs:
            added.add(path)
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        kind = _type(field) + (", required" if required else "")
        rows.append((f"`{path.removeprefix(name + '.')}`", kind, default, " ".join(word for word in words if word)))
    return f"## {name}\n\n" + _table(("field", "type", "default", ""), rows)


def _twin(field: Json, seen: dict[str, str], path: str) -> str:
    """An earlier field that is an object, or a list of objects, of the same fields; "" if there is none."""
    below = {key: field[key] for key in ("properties", "items") if key in field}
    if "properties" not in json.dumps(below):
        return ""
    known = seen.setdefault(json.dumps(below), path)
    return "" if known == path else known.partition(".")[2]


def _type(field: Json) -> str:
    kind = str(field["type"])
    if kind == "array":
        return f"list of {_many(_type(field['items']))}"
    if kind == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"map of {_many(_type(field['additionalProperties']))}"
    return {"date-time": "time"}.get(field.get("format", ""), kind)


def _many(kind: str) -> str:
    first, *rest = kind.split(" ")
    return " ".join((f"{first}s", *rest))


def _limits(field: Json) -> Iterator[str]:
    names = {"maxLength": "characters", "maxItems": "of them", "maxProperties": "of them"}
    yield from (f"At most {field[key]:,} {what}." for key, what in names.items() if key in field)


def _refused(schema: Json) -> str:
    """What the API server refuses by itself; the webhook knows more of some kinds."""
    found: dict[str, list[str]] = {}
    for path, field, _ in (("", schema, False), *nodes(schema)):
        for rule in field.get("x-kubernetes-validations", ()):
            paths = found.setdefault(rule["message"], [])
            if path not in paths:
                paths.append(path)
    rows = [
        (", ".join(f"`{path}`" if path else "the object" for path in paths), message)
        for message, paths in found.items()
    ]
    return (
        "## What is refused\n\nBy the API server itself, webhook or no webhook:\n\n"
        + _table(("where", "it says"), rows)
        if rows
        else ""
    )


def _older(schema: Json, older: list[Json]) -> str:
    if not older:
        return ""
    now = {path for path, _, _ in nodes(schema)}
    rows = []
    for version in older:
        then = {path for path, _, _ in nodes(version["schema"]["openAPIV3Schema"])}
        words = [
            f"{what} {', '.join(f'`{path}`' for path in _topmost(paths))}"
            for what, paths in (("has also", then - now), ("has not", now - then))
            if paths
        ]
        rows.append((f"`{version['name']}`", "; ".join(words) or "the same"))
    if all(words == "the same" for _, words in rows):
        return "## Older versions\n\nThey have the same fields.\n"
    intro = (
        "What a version has no field for is kept and comes back, see"
        " [older versions](../differences-from-keptn.md#older-versions).\n\n"
    )
    return "## Older versions\n\n" + intro + _table(("version", "beside the newest"), rows)


def _topmost(paths: set[str]) -> list[str]:
    return sorted(path for path in paths if not any(path.startswith((f"{p}.", f"{p}[", f"{p}{{")) for p in paths))


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    for file in write((Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT) / FOLDER):
        print(file)
