"""What holds for every kind and every pair of its versions."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.conversion import CONVERTERS, ConversionError, convert
from app.api.crds import crd
from app.api.versions import KINDS, Kind
from tests.app.api.conversion.objects import PAIRS, objects, schema, wrong

Json = dict[str, Any]

OURS = "conversion.keptn.sh/"

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


def versions(kind: str) -> list[str]:
    return [version.name for version in CONVERTERS[kind].kind.versions]


@pytest.mark.parametrize(("kind", "here", "there"), PAIRS)
@settings(max_examples=30)
@given(data=st.data())
def test_there_and_back_is_the_same_object_and_valid_in_between(
    kind: str, here: str, there: str, data: st.DataObject
) -> None:
    before = data.draw(objects(kind, here))
    untouched = copy.deepcopy(before)
    converted = convert(before, there)
    assert before == untouched
    assert converted["apiVersion"] == f"lifecycle.keptn.sh/{there}"
    for part in ("spec", "status"):
        if part in converted:
            assert list(wrong(converted[part], schema(kind, there)["properties"][part], part)) == []
    assert convert(converted, here) == before


@pytest.mark.parametrize("kind", CONVERTERS)
@settings(max_examples=60)
@given(data=st.data())
def test_any_way_round_comes_back_to_the_same_object(kind: str, data: st.DataObject) -> None:
    start = data.draw(st.sampled_from(versions(kind)))
    before = data.draw(objects(kind, start))
    now = before
    for version in data.draw(st.lists(st.sampled_from(versions(kind)), min_size=2, max_size=6)):
        now = convert(now, version)
    assert convert(now, start) == before


@pytest.mark.parametrize("kind", CONVERTERS)
@settings(max_examples=60)
@given(data=st.data())
def test_nothing_of_the_metadata_but_our_annotation_changes(kind: str, data: st.DataObject) -> None:
    here, there = (data.draw(st.sampled_from(versions(kind))) for _ in range(2))
    before = data.draw(objects(kind, here))
    after = copy.deepcopy(convert(before, there))
    annotations = after["metadata"].pop("annotations", {})
    annotations = {key: value for key, value in annotations.items() if not key.startswith(OURS)}
    known = dict(before["metadata"])
    assert annotations == known.pop("annotations", {})
    assert after["metadata"] == known
    assert set(after) == set(before)


@pytest.mark.parametrize("kind", CONVERTERS)
@settings(max_examples=100)
@given(data=st.data())
def test_no_annotation_whatever_breaks_a_conversion_or_changes_what_the_version_says_itself(
    kind: str, data: st.DataObject
) -> None:
    here, there = (data.draw(st.sampled_from(versions(kind))) for _ in range(2))
    before = data.draw(objects(kind, here))
    paths = ["function", "runner", "spec", "filled", "spec.objectives", "spec.provider", "status.reason"]
    paths += [path for lacks in CONVERTERS[kind].lacks.values() for path in lacks]
    said = data.draw(st.dictionaries(st.sampled_from(paths), anything, max_size=4))
    noted = copy.deepcopy(before)
    annotations = noted["metadata"].setdefault("annotations", {})
    annotations.update({OURS + path: orjson.dumps(value).decode() for path, value in said.items()})
    after = convert(convert(noted, there), here)
    if kind != "KeptnTaskDefinition":
        assert {part: after.get(part) for part in ("spec", "status")} == {
            part: before.get(part) for part in ("spec", "status")
        }


@pytest.mark.parametrize("kind", CONVERTERS)
@settings(max_examples=100)
@given(data=st.data())
def test_what_no_schema_would_take_is_passed_on_for_the_schema_to_refuse(kind: str, data: st.DataObject) -> None:
    here, there = (data.draw(st.sampled_from(versions(kind))) for _ in range(2))
    obj = data.draw(objects(kind, here))
    part = data.draw(st.sampled_from(["spec", "status"]))
    inner = obj.get(part)
    if isinstance(inner, dict) and inner and data.draw(st.booleans()):
        inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(anything)
    else:
        obj[part] = data.draw(anything)
    assert convert(obj, there)["metadata"]["name"] == obj["metadata"]["name"]


@pytest.mark.parametrize("kind", CONVERTERS)
@pytest.mark.parametrize("text", ["", "{", "words", "[1,"])
def test_an_annotation_that_somebody_else_wrote_stands_in_the_way_of_nothing(kind: str, text: str) -> None:
    first, last = versions(kind)[0], versions(kind)[-1]
    before = {
        "apiVersion": f"lifecycle.keptn.sh/{first}",
        "kind": kind,
        "metadata": {"name": "a", "annotations": {f"{OURS}spec": text}},
    }
    assert convert(convert(before, last), first) == before


@pytest.mark.parametrize("kind", CONVERTERS)
@given(data=st.data())
@settings(max_examples=10)
def test_the_same_version_is_the_same_object(kind: str, data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(versions(kind)))
    before = data.draw(objects(kind, version))
    assert convert(before, version) is before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_converted_exactly_if_its_versions_differ(kind: Kind) -> None:
    schemas = [version["schema"] for version in crd(kind)["spec"]["versions"]]
    assert kind.converted is any(schema != schemas[0] for schema in schemas)
    assert kind.converted is (kind.name in CONVERTERS)


def test_more_than_annotations_hold_is_refused_with_the_way_out() -> None:
    def made(kind: str, version: str, spec: Json) -> Json:
        return {"apiVersion": f"lifecycle.keptn.sh/{version}", "kind": kind, "metadata": {"name": "a"}, "spec": spec}

    with pytest.raises(ConversionError, match=r"v1alpha3 cannot hold this KeptnWorkload.*262144; read it as v1"):
        convert(made("KeptnWorkload", "v1", {"metadata": {"a": "x" * 300_000}}), "v1alpha3")
    with pytest.raises(ConversionError, match=r"v1 cannot hold this KeptnApp:.*; write it as v1, or less of it"):
        convert(made("KeptnApp", "v1alpha3", {"preDeploymentTasks": ["x" * 300_000]}), "v1")


@pytest.mark.parametrize(
    ("change", "version", "message"),
    [
        ({"kind": "KeptnConfig"}, "v1", "KeptnConfig of lifecycle.keptn.sh/v1beta1 is not a kind that Holdfast"),
        ({"kind": "KeptnAppContext"}, "v1", "KeptnAppContext of lifecycle.keptn.sh/v1beta1 is not a kind"),
        ({"apiVersion": "apps/v1"}, "v1", "not a kind"),
        ({"apiVersion": "lifecycle.keptn.sh/v9"}, "v1", "KeptnApp has no version 'v9'; it has v1, v1beta1, v1alpha3,"),
        ({}, "v2", "no version 'v2'"),
    ],
)
def test_what_is_not_ours_to_convert_is_refused(change: Json, version: str, message: str) -> None:
    app = {"apiVersion": "lifecycle.keptn.sh/v1beta1", "kind": "KeptnApp", "metadata": {"name": "a"}}
    with pytest.raises(ConversionError, match=message):
        convert(app | change, version)
