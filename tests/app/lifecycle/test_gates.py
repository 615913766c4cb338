"""Holding and releasing, with the jsonpatch package as the judge of what a patch does."""

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.core import Pod
from app.lifecycle import gates

GATE = "keptn-prechecks-gate"
LABEL = "keptn.sh/holdfast"
TRACE = "keptn.sh/scheduling-gate-removed"

Json = dict[str, Any]

names = st.from_regex(r"[a-z0-9~./-]{1,20}", fullmatch=True).filter(lambda name: name not in (GATE, LABEL, TRACE))
mappings = st.dictionaries(names, st.text(max_size=10), max_size=3)


@st.composite
def pods(draw: st.DrawFn) -> Json:
    """Pods as the API server sends them: a field without content is not there."""
    spec: Json = {"containers": [{"name": "c", "image": "i", "futureField": draw(st.integers())}]}
    metadata: Json = {"name": "p", "resourceVersion": "7"}
    for field in ("labels", "annotations"):
        if content := draw(mappings):
            metadata[field] = content
    if foreign := draw(st.lists(names, unique=True, max_size=3)):
        spec["schedulingGates"] = [{"name": name} for name in foreign]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def applied(pod: Json, patch: list[Json]) -> Json:
    result: Json = jsonpatch.apply_patch(copy.deepcopy(pod), patch)
    return result


@given(pods())
def test_holding_adds_our_gate_last_and_our_label_and_nothing_else(pod: Json) -> None:
    held = applied(pod, gates.hold(pod))
    assert gates.is_held(Pod.model_validate(held))
    assert held["spec"].pop("schedulingGates") == [*pod["spec"].get("schedulingGates", []), {"name": GATE}]
    assert held["metadata"]["labels"].pop(LABEL) == "held"
    expected = copy.deepcopy(pod)
    expected["spec"].pop("schedulingGates", None)
    expected["metadata"].setdefault("labels", {})
    assert held == expected


@given(pods())
def test_holding_twice_changes_nothing_more(pod: Json) -> None:
    assert gates.hold(applied(pod, gates.hold(pod))) == []


@given(pods())
def test_releasing_leaves_all_as_it_was_but_for_the_trace(pod: Json) -> None:
    held = applied(pod, gates.hold(pod))
    released = applied(held, gates.release(Pod.model_validate(held)))
    assert released["metadata"]["annotations"].pop(TRACE) == "true"
    for thing, field in (
        (released["metadata"], "annotations"),
        (released["metadata"], "labels"),
        (released["spec"], "schedulingGates"),
    ):
        if not thing.get(field):
            thing.pop(field, None)
    assert released == pod
    assert gates.release(Pod.model_validate(released)) == []


@given(pods(), st.integers(0, 3))
def test_a_gate_added_before_ours_meanwhile_makes_the_release_fail_as_a_whole(pod: Json, place: int) -> None:
    held = applied(pod, gates.hold(pod))
    seen = Pod.model_validate(held)
    current = held["spec"]["schedulingGates"]
    current.insert(min(place, len(current) - 1), {"name": "somebody/else"})
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(held, gates.release(seen))


def test_an_annotation_added_meanwhile_is_not_lost() -> None:
    seen = {"metadata": {"resourceVersion": "7"}, "spec": {"schedulingGates": [{"name": GATE}]}}
    now = {
        "metadata": {"resourceVersion": "8", "annotations": {"other": "x"}},
        "spec": {"schedulingGates": [{"name": GATE}]},
    }
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(now, gates.release(Pod.model_validate(seen)))


def test_a_label_that_is_gone_is_not_removed_again() -> None:
    pod = {"metadata": {"annotations": {"a": "b"}}, "spec": {"schedulingGates": [{"name": GATE}]}}
    released = applied(pod, gates.release(Pod.model_validate(pod)))
    assert released == {"metadata": {"annotations": {"a": "b", TRACE: "true"}}, "spec": {"schedulingGates": []}}


@pytest.mark.parametrize("value", ["task", "enabled", ""])
def test_another_value_of_our_label_is_overwritten(value: str) -> None:
    pod = {"metadata": {"labels": {LABEL: value}}, "spec": {}}
    assert applied(pod, gates.hold(pod))["metadata"]["labels"] == {LABEL: "held"}


def test_a_template_that_carries_our_gate_gets_the_label_only() -> None:
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"schedulingGates": [{"name": GATE}]}}
    assert gates.hold(pod) == [{"op": "add", "path": "/metadata/labels/keptn.sh~1holdfast", "value": "held"}]


@pytest.mark.parametrize("nothing", [None, []])
def test_null_or_empty_gates_and_labels_are_taken_for_none(nothing: object) -> None:
    pod = {"metadata": {"labels": nothing and {}}, "spec": {"schedulingGates": nothing}}
    held = applied(pod, gates.hold(pod))
    assert held == {"metadata": {"labels": {LABEL: "held"}}, "spec": {"schedulingGates": [{"name": GATE}]}}


@pytest.mark.parametrize(
    "pod", [{}, {"metadata": {}}, {"spec": {}}, {"metadata": None, "spec": {}}, {"metadata": {}, "spec": 1}]
)
def test_what_is_no_pod_is_not_patched(pod: Json) -> None:
    with pytest.raises(TypeError):
        gates.hold(pod)


def test_the_next_pod_of_that_name_is_not_released_in_its_place() -> None:
    seen = {"metadata": {"uid": "1", "annotations": {"a": "b"}}, "spec": {"schedulingGates": [{"name": GATE}]}}
    now = {"metadata": {"uid": "2", "annotations": {"a": "b"}}, "spec": {"schedulingGates": [{"name": GATE}]}}
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        applied(now, gates.release(Pod.model_validate(seen)))


class TestABypass:
    """F55: our label says that the pod was held, and our gate is not there."""

    @given(pods())
    def test_is_what_a_held_pod_without_its_gate_shows(self, pod: Json) -> None:
        held = applied(pod, gates.hold(pod))
        assert not gates.is_bypassed(Pod.model_validate(pod))
        assert not gates.is_bypassed(Pod.model_validate(held))
        released = applied(held, gates.release(Pod.model_validate(held)))
        assert not gates.is_bypassed(Pod.model_validate(released))
        wiped = copy.deepcopy(held)
        wiped["spec"]["schedulingGates"] = pod["spec"].get("schedulingGates", [])
        assert gates.is_bypassed(Pod.model_validate(wiped))

    @given(pods())
    def test_is_marked_once_and_nothing_else_is_touched(self, pod: Json) -> None:
        wiped = applied(pod, gates.hold(pod))
        wiped["spec"].pop("schedulingGates")
        marked = applied(wiped, gates.mark(Pod.model_validate(wiped)))
        assert gates.mark(Pod.model_validate(marked)) == []
        assert marked["metadata"]["annotations"].pop("keptn.sh/scheduling-gate-bypassed") == "true"
        wiped["metadata"]["labels"].pop(LABEL)
        wiped["metadata"].setdefault("annotations", {})
        assert marked == wiped

    def test_is_not_marked_on_a_namesake_or_twice(self) -> None:
        seen: Json = {"metadata": {"name": "p", "uid": "1", "labels": {LABEL: "held"}, "annotations": {"a": "b"}}}
        patch = gates.mark(Pod.model_validate(seen))
        for other in ({"uid": "2"}, {"labels": {LABEL: "task"}}):
            with pytest.raises(jsonpatch.JsonPatchTestFailed):
                applied({"metadata": seen["metadata"] | other}, patch)
