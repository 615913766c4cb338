import copy
import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.conversion import ConversionError, convert
from tests.app.api.conversion.objects import notes

Json = dict[str, Any]

OURS = "conversion.keptn.sh/"
VERSIONS = ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1")
PAIRS = [pair for pair in itertools.product(VERSIONS, VERSIONS) if pair[0] != pair[1]]
FILLED_IN: Json = {"retries": 10, "timeout": "5m", "ttlSecondsAfterFinished": 300}

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
strings = st.dictionaries(words, words, max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)

OLD_RUNNER = {
    "inline": st.fixed_dictionaries({}, optional={"code": words}),
    "httpRef": st.fixed_dictionaries({"url": words}),
    "functionRef": st.fixed_dictionaries({"name": words}),
    "configMapRef": st.fixed_dictionaries({"name": words}),
    "parameters": st.fixed_dictionaries({}, optional={"map": strings}),
    "secureParameters": st.fixed_dictionaries({"secret": words}),
}
old_runners = st.fixed_dictionaries({}, optional=OLD_RUNNER)
runners = st.fixed_dictionaries({}, optional=OLD_RUNNER | {"cmdParameters": words, "laterField": values})
V1_SPEC = {
    "deno": runners,
    "python": runners,
    "container": st.dictionaries(words, values, max_size=4),
    "serviceAccount": st.fixed_dictionaries({"name": words}),
    "automountServiceAccountToken": st.fixed_dictionaries({"type": st.booleans()}),
    "imagePullSecrets": st.lists(st.fixed_dictionaries({"name": words}), max_size=2),
    "laterField": values,
}
# An API server hands over no object of these versions without them.
ALWAYS = {
    "retries": st.just(10) | st.integers(0, 99),
    "timeout": st.just("5m") | words,
    "ttlSecondsAfterFinished": st.just(300) | st.integers(0, 99),
}
SPECS = {
    "v1": st.fixed_dictionaries(ALWAYS, optional=V1_SPEC),
    "v1beta1": st.fixed_dictionaries(ALWAYS, optional=V1_SPEC | {"function": runners}),
    "v1alpha2": st.fixed_dictionaries({}, optional={"function": old_runners}),
}
SPECS["v1alpha3"] = SPECS["v1beta1"]
SPECS["v1alpha1"] = SPECS["v1alpha2"]
metadatas = st.fixed_dictionaries(
    {"name": words, "uid": words},
    optional={
        "namespace": words,
        "labels": strings,
        "finalizers": st.lists(words, max_size=2),
        "annotations": st.dictionaries(words, words, min_size=1, max_size=3),
    },
)


def definition(version: str, spec: Any, **metadata: Any) -> Json:
    return {
        "apiVersion": f"lifecycle.keptn.sh/{version}",
        "kind": "KeptnTaskDefinition",
        "metadata": {"name": "check", **metadata},
        "spec": spec,
    }


@st.composite
def definitions(draw: st.DrawFn, version: str) -> Json:
    made: Json = {
        "apiVersion": f"lifecycle.keptn.sh/{version}",
        "kind": "KeptnTaskDefinition",
        "metadata": draw(metadatas),
    }
    if draw(st.booleans()):
        made["spec"] = draw(SPECS[version])
    if draw(st.booleans()):
        made["status"] = draw(st.dictionaries(words, values, max_size=2))
    return made


@pytest.mark.parametrize(("here", "there"), PAIRS)
@given(data=st.data())
def test_there_and_back_is_the_same_object(here: str, there: str, data: st.DataObject) -> None:
    before = data.draw(definitions(here))
    untouched = copy.deepcopy(before)
    converted = convert(before, there)
    assert before == untouched
    assert converted["apiVersion"] == f"lifecycle.keptn.sh/{there}"
    assert convert(converted, here) == before


@given(data=st.data(), way=st.lists(st.sampled_from(VERSIONS), min_size=1, max_size=5))
def test_any_way_round_comes_back_to_the_same_object(data: st.DataObject, way: list[str]) -> None:
    before = data.draw(definitions("v1beta1"))
    now = before
    for version in way:
        now = convert(now, version)
    assert convert(now, "v1beta1") == before


@pytest.mark.parametrize(("here", "there"), PAIRS)
@given(data=st.data())
def test_nothing_but_version_spec_and_our_annotation_changes(here: str, there: str, data: st.DataObject) -> None:
    before = data.draw(definitions(here))
    after = convert(before, there)
    assert {k: v for k, v in after.items() if k not in ("apiVersion", "spec", "metadata")} == {
        k: v for k, v in before.items() if k not in ("apiVersion", "spec", "metadata")
    }
    annotations = dict(after["metadata"].get("annotations", {}))
    annotations = {key: value for key, value in annotations.items() if not key.startswith(OURS)}
    assert annotations == before["metadata"].get("annotations", {})
    assert {k: v for k, v in after["metadata"].items() if k != "annotations"} == {
        k: v for k, v in before["metadata"].items() if k != "annotations"
    }


@pytest.mark.parametrize("old", ["v1alpha1", "v1alpha2"])
def test_the_oldest_function_is_deno_and_needs_no_annotation(old: str) -> None:
    script = {"functionRef": {"name": "slack"}, "parameters": {"map": {"a": "b"}}}
    stored = convert(definition(old, {"function": script}), "v1")
    assert stored == definition("v1", {"deno": script, **FILLED_IN})
    assert convert(stored, old) == definition(old, {"function": script})


@pytest.mark.parametrize("old", ["v1alpha3", "v1beta1"])
def test_function_is_stored_as_deno_and_comes_back_as_function(old: str) -> None:
    before = definition(old, {"function": {"inline": {"code": "x"}}, **FILLED_IN})
    stored = convert(before, "v1")
    assert stored["spec"] == {"deno": {"inline": {"code": "x"}}, **FILLED_IN}
    assert stored["metadata"]["annotations"] == {f"{OURS}function": "true"}
    assert convert(stored, old) == before


def test_deno_comes_back_as_deno() -> None:
    stored = definition("v1", {"deno": {"inline": {"code": "x"}}, **FILLED_IN})
    assert convert(stored, "v1beta1") == definition("v1beta1", stored["spec"])


def test_what_the_oldest_versions_have_no_field_for_is_in_the_annotation() -> None:
    spec = {"deno": {"inline": {"code": "x"}, "cmdParameters": "-q"}, **FILLED_IN, "retries": 0}
    shown = convert(definition("v1", spec), "v1alpha2")
    assert shown["spec"] == {"function": {"inline": {"code": "x"}}}
    assert notes(shown) == {
        "runner": {"cmdParameters": "-q"},
        "spec": {"retries": 0},
    }


def test_an_edit_in_the_oldest_version_is_kept_beside_what_it_could_not_show() -> None:
    stored = definition("v1", {"deno": {"inline": {"code": "old"}, "cmdParameters": "-q"}, **FILLED_IN, "retries": 3})
    shown = convert(stored, "v1alpha1")
    shown["spec"]["function"]["inline"]["code"] = "new"
    again = convert(shown, "v1")
    assert again["spec"] == {"deno": {"inline": {"code": "new"}, "cmdParameters": "-q"}, **FILLED_IN, "retries": 3}


def test_a_script_taken_away_in_the_oldest_version_leaves_nothing_of_it() -> None:
    shown = convert(definition("v1", {"deno": {"cmdParameters": "-q"}, **FILLED_IN}), "v1alpha1")
    del shown["spec"]["function"]
    assert convert(shown, "v1")["spec"] == FILLED_IN


def test_both_names_at_once_are_both_kept_for_validation_to_refuse() -> None:
    both = definition(
        "v1beta1", {"deno": {"inline": {"code": "a"}}, "function": {"inline": {"code": "b"}}, **FILLED_IN}
    )
    for version in ("v1", "v1alpha1"):
        assert convert(convert(both, version), "v1alpha3")["spec"] == both["spec"]


@pytest.mark.parametrize("text", ["", "{", "[", "words"])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_annotation_that_somebody_else_wrote_stands_in_the_way_of_nothing(text: str, version: str) -> None:
    before = definition("v1", {"python": {}, **FILLED_IN}, annotations={f"{OURS}spec": text})
    if version in ("v1beta1", "v1alpha3"):
        assert convert(before, version)["metadata"]["annotations"] == {f"{OURS}spec": text}
    assert convert(convert(before, version), "v1")["spec"] == before["spec"]


@given(said=values, version=st.sampled_from(VERSIONS), target=st.sampled_from(VERSIONS))
def test_no_annotation_whatever_breaks_a_conversion(said: Any, version: str, target: str) -> None:
    annotations = {f"{OURS}{name}": orjson.dumps(said).decode() for name in ("function", "runner", "spec")}
    before = definition(version, {"function": {}} if version == "v1alpha1" else {"deno": {}}, annotations=annotations)
    assert convert(before, target)["metadata"]["name"] == "check"


def test_the_annotation_cannot_add_to_v1_what_v1_has_fields_for() -> None:
    said = orjson.dumps({"container": {"name": "c", "image": "i"}}).decode()
    before = definition("v1", {"deno": {}, **FILLED_IN}, annotations={f"{OURS}spec": said})
    assert convert(before, "v1beta1")["spec"] == before["spec"]


@pytest.mark.parametrize("spec", [None, "text", 7, []])
def test_a_spec_that_is_no_object_is_passed_on_for_the_schema_to_refuse(spec: Any) -> None:
    assert convert(definition("v1alpha2", spec), "v1")["spec"] == spec


@given(script=st.none() | words | st.integers())
def test_a_runner_that_is_no_object_is_passed_on_too(script: Any) -> None:
    before = definition("v1beta1", {"function": script, **FILLED_IN})
    assert convert(convert(before, "v1alpha1"), "v1beta1") == before


def test_more_than_annotations_hold_is_refused_with_the_way_out() -> None:
    large = definition("v1", {"python": {"inline": {"code": "x" * 300_000}}, **FILLED_IN})
    with pytest.raises(ConversionError, match=r"v1alpha2 cannot hold.*262144; read it as v1"):
        convert(large, "v1alpha2")
    assert convert(convert(large, "v1beta1"), "v1") == large


@pytest.mark.parametrize(
    ("change", "version", "message"),
    [
        ({"kind": "KeptnCheck"}, "v1", "KeptnCheck of lifecycle.keptn.sh/v1beta1 is not a kind"),
        ({"apiVersion": "apps/v1"}, "v1", "not a kind"),
        ({"apiVersion": "lifecycle.keptn.sh/v9"}, "v1", "no version 'v9'"),
        ({}, "v2", "no version 'v2'"),
    ],
)
def test_what_is_not_ours_to_convert_is_refused(change: Json, version: str, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        convert(definition("v1beta1", {}) | change, version)


@given(data=st.data())
def test_the_same_version_is_the_same_object(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(VERSIONS))
    before = data.draw(definitions(version))
    assert convert(before, version) is before
