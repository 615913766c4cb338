"""Every kind, in each of its versions, in a real API server: written in one, read and written again in the others."""

import itertools
import re
import uuid
from typing import Any

import pytest

from app.api.crds import crd
from app.api.versions import KINDS, Kind
from app.api.wellknown import CONVERSION, GROUP
from tests.e2e.kube.client import Kube, Refused
from tests.e2e.kube.kubectl import Kubectl
from tests.e2e.kube.resources import Json, path
from tests.e2e.namespaces import Namespaces

BY_NAME = {kind.name: kind for kind in KINDS}
WRITTEN = [(kind.name, version.name) for kind in KINDS if kind.converted for version in kind.versions]
RUNNERS = ("deno", "python", "container", "function")


def schema(kind: Kind, version: str) -> Json:
    (found,) = (each for each in crd(kind)["spec"]["versions"] if each["name"] == version)
    root: Json = found["schema"]["openAPIV3Schema"]
    return root


def sample(schema: Json, name: str, *, word: str, full: bool) -> Any:
    """A value with every field that there is, or with none that need not be there. A state is that of something over,
    so that nobody sets to work on it."""
    if "properties" in schema:
        names = [each for each in schema["properties"] if full or each in schema.get("required", ())]
        if "cmdParameters" in names or "inline" in names:
            names = [each for each in names if each not in ("httpRef", "functionRef", "configMapRef")]
        return {each: sample(schema["properties"][each], each, word=word, full=full) for each in names}
    if "items" in schema:
        return [sample(schema["items"], name, word=word, full=full)]
    if "additionalProperties" in schema:
        return {"key": sample(schema["additionalProperties"], name, word=word, full=full)}
    if schema["type"] == "string":
        if schema.get("format") == "date-time":
            return "2026-01-02T03:04:05Z"
        if "pattern" in schema:
            return "7m"
        if name == "evaluationTarget":
            return "<7"
        return {"status": "Succeeded", "currentphase": "Completed"}.get(
            re.sub(".*status$", "status", name.lower()), word
        )
    return {"integer": 3, "boolean": True}[schema["type"]]


def fresh() -> str:
    """A word that no other object has, so that none of these has anything to do with another."""
    return f"x{uuid.uuid4().hex[:8]}"


def spec(kind: Kind, version: str, *, word: str, full: bool) -> Any:
    whole = schema(kind, version)["properties"]["spec"]
    if kind.name != "KeptnTaskDefinition":
        return sample(whole, "spec", word=word, full=full)
    (runner, *_) = (each for each in reversed(RUNNERS) if each in whole["properties"] and each != "container")
    left = {key: part for key, part in whole["properties"].items() if key == runner or (full and key not in RUNNERS)}
    script = sample({**whole, "properties": left}, "spec", word=word, full=True)
    return script if full else {runner: {"inline": {"code": word}}}


def with_defaults(value: Any, schema: Json) -> Any:
    if isinstance(value, dict) and "properties" in schema:
        parts = schema["properties"]
        missing = {name: part["default"] for name, part in parts.items() if "default" in part and name not in value}
        return missing | {name: with_defaults(inner, parts[name]) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_defaults(inner, schema["items"]) for inner in value]
    return value


@pytest.fixture(scope="module")
def aside(kube: Kube, namespaces: Namespaces) -> str:
    """A namespace that has not opted in."""
    return namespaces.new("versions", annotations={})


class Written:
    """One object of a kind, by its URL in each version."""

    def __init__(self, kube: Kube, kind: Kind, namespace: str, name: str) -> None:
        self._kube, self._kind, self._namespace, self.name = kube, kind, namespace, name

    def where(self, version: str, subresource: str = "") -> str:
        return path(self._kind.name, self._namespace, self.name, version=f"{GROUP}/{version}", subresource=subresource)

    def read(self, version: str) -> Json:
        return self._kube.send("GET", self.where(version)).body

    def replace(self, version: str, *, status: Any = None, subresource: str = "") -> None:
        """Writes what is there, with another status if one is given; again if somebody else was quicker."""
        for _ in range(20):
            body = self.read(version)
            if status is not None:
                body["status"] = status
            try:
                self._kube.send("PUT", self.where(version, subresource), body)
            except Refused as error:
                if error.status != 409:
                    raise
            else:
                return
        pytest.fail(f"{self.name} changes all the time")


def made(kube: Kube, kind: Kind, version: str, namespace: str, name: str, body: Any) -> Written:
    kube.create(
        {
            "apiVersion": f"{GROUP}/{version}",
            "kind": kind.name,
            "metadata": {"name": name, "annotations": {"mine": "stays"}},
            "spec": body,
        },
        namespace,
    )
    return Written(kube, kind, namespace, name)


def assert_annotated(obj: Json) -> None:
    """An object in the version that it was written in says all of its spec itself.

    What the worker writes into its status may be more than its version can say.
    """
    annotations = obj["metadata"]["annotations"]
    assert {key for key in annotations if not key.startswith(f"{CONVERSION}status.")} == {"mine"}
    assert annotations["mine"] == "stays"


def same(after: Any, given: Any) -> bool:
    """Whether a status is as it was given, but for what Holdfast writes into it at any time."""
    if not isinstance(given, dict):
        return bool(after == given)
    own = ("conditions", "observedGeneration", "function")
    return all(after.get(key) == value for key, value in given.items() if key not in own)


@pytest.mark.parametrize(("name", "version"), WRITTEN)
def test_an_object_with_everything_survives_being_written_in_every_other_version(
    name: str, version: str, kube: Kube, aside: str
) -> None:
    kind, word = BY_NAME[name], fresh()
    whole = schema(kind, version)["properties"]
    given = spec(kind, version, word=word, full=True)
    one = made(kube, kind, version, aside, word, given)
    status = sample(whole["status"], "status", word=word, full=True)
    for _ in range(10):  # the worker may have begun with the object before its status said that all is over
        one.replace(version, status=status, subresource="status")
        for other in (each.name for each in kind.versions if each.name != version):
            one.replace(other)
            one.replace(other, subresource="status")
        after = one.read(version)
        assert after["spec"] == with_defaults(given, whole["spec"])
        assert_annotated(after)
        if same(after["status"], status):
            return
    assert after["status"] == status


@pytest.mark.parametrize(("name", "version"), WRITTEN)
def test_an_object_with_nothing_but_what_must_be_there_is_valid_in_every_version(
    name: str, version: str, kube: Kube, aside: str
) -> None:
    kind, word = BY_NAME[name], fresh()
    given = spec(kind, version, word=word, full=False)
    one = made(kube, kind, version, aside, word, given)
    for here, there in itertools.pairwise([*(each.name for each in kind.versions), version]):
        one.replace(here)
        one.replace(there)
    assert one.read(version)["spec"] == with_defaults(given, schema(kind, version)["properties"]["spec"])
    assert_annotated(one.read(version))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.columns], ids=lambda kind: kind.name)
def test_kubectl_get_shows_the_columns_of_a_kind(kind: Kind, kubectl: Kubectl, kube: Kube, aside: str) -> None:
    version, word = kind.versions[0].name, fresh()
    one = made(kube, kind, version, aside, word, spec(kind, version, word=word, full=True))
    whole = schema(kind, version)["properties"]["status"]
    one.replace(version, status=sample(whole, "status", word=word, full=True), subresource="status")
    heading, row = kubectl("get", f"{kind.plural}.{kind.group}", word, "-n", aside, "-o", "wide").out.splitlines()
    assert heading.split() == ["NAME", *(part for column in kind.columns for part in column.name.upper().split())]
    shown = row.split()
    assert shown[0] == word
    assert len(shown) == len(kind.columns) + 1
    assert "<none>" not in shown


def test_kubectl_knows_every_kind_by_its_names(kubectl: Kubectl) -> None:
    for group in sorted({kind.group for kind in KINDS}):
        lines = kubectl("api-resources", "--api-group", group, "--no-headers").out.splitlines()
        known = {kind.name: [kind.plural, *(",".join(kind.short_names),) * bool(kind.short_names)] for kind in KINDS}
        for line in lines:
            *names, version, namespaced, name = line.split()
            assert (names, namespaced) == (known[name], "true")
            assert version == f"{group}/{BY_NAME[name].versions[0].name}"
        assert {line.split()[-1] for line in lines} == {kind.name for kind in KINDS if kind.group == group}
