"""The envelope: what is read, what is refused, what is answered."""

import base64
import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admission import review
from app.admission.review import BadReview, Request
from tests.app.admission.builders import Json, envelope, pod

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))


def decode(body: object) -> Request:
    return review.decode(orjson.dumps(body))


def answer(response: review.Response, **more: Any) -> Json:
    encoded: Json = orjson.loads(review.encode(decode(envelope(pod(), **more)), response))
    assert encoded["apiVersion"] == "admission.k8s.io/v1"
    assert encoded["kind"] == "AdmissionReview"
    inner: Json = encoded["response"]
    assert inner.pop("uid") == envelope(None)["request"]["uid"]
    return inner


def test_all_that_a_handler_asks_for_is_read() -> None:
    thing = pod()
    read = decode(envelope(thing, name="p", dryRun=True, oldObject={"a": 1}, subResource="status"))
    assert read == Request(
        uid="705ab4f5-6393-11e8-b7cc-42010a800002",
        operation="CREATE",
        group="",
        version="v1",
        kind="Pod",
        resource="pods",
        subresource="status",
        namespace="shop",
        name="p",
        user="system:serviceaccount:kube-system:replicaset-controller",
        groups=("a", "b"),
        dry_run=True,
        object=thing,
        old_object={"a": 1},
    )


def test_an_object_keeps_fields_that_nobody_knows_yet() -> None:
    thing = {"kind": "Pod", "futureField": [{"x": None}], "spec": {"más": "é\u0000\U0001f600"}}
    assert decode(envelope(thing)).object == thing


@pytest.mark.parametrize("version", ["admission.k8s.io/v1beta1", "admission.k8s.io/v2", "v1", None, 1])
def test_another_version_is_refused_and_the_right_one_named(version: object) -> None:
    with pytest.raises(BadReview, match=r"only admission\.k8s\.io/v1 is spoken here"):
        decode(envelope(pod()) | {"apiVersion": version})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an AdmissionReview"),
        (b'"x"', "not an AdmissionReview"),
        (b'{"kind": "Pod"}', "not an AdmissionReview"),
    ],
)
def test_what_is_no_review_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(BadReview, match=message):
        review.decode(body)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("uid", "", "request.uid is missing"),
        ("uid", 7, "uid is 7, not a string"),
        ("kind", "Pod", "kind is 'Pod', not an object"),
        ("object", [1], "object is a list, not an object"),
        ("operation", {}, "operation is an object, not a string"),
        ("userInfo", {"groups": "x"}, "groups is not a list"),
    ],
)
def test_a_field_of_another_type_is_named(field: str, value: Any, message: str) -> None:
    with pytest.raises(BadReview, match=message):
        decode(envelope(pod(), **{field: value}))


def test_a_review_without_a_request_is_refused() -> None:
    with pytest.raises(BadReview, match="request is missing"):
        decode({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"})


@given(st.dictionaries(st.sampled_from(sorted(envelope(None)["request"])), values), st.binary(max_size=20))
def test_any_body_is_either_read_or_refused(fields: Json, noise: bytes) -> None:
    body = orjson.dumps(envelope(pod(), **fields))
    for candidate in (body, body + noise, noise, body[: len(noise) * 20]):
        with contextlib.suppress(BadReview):
            assert review.decode(candidate).uid


def test_yes_is_just_that() -> None:
    assert answer(review.allowed()) == {"allowed": True}
    assert answer(review.patched([])) == {"allowed": True}


def test_a_patch_is_sent_as_base64_of_its_operations() -> None:
    ops = [{"op": "add", "path": "/a", "value": "é"}]
    got = answer(review.patched(ops, ["careful"]))
    assert orjson.loads(base64.b64decode(got.pop("patch"))) == ops
    assert got == {"allowed": True, "patchType": "JSONPatch", "warnings": ["careful"]}


def test_no_says_which_field_of_which_object_and_why() -> None:
    got = answer(review.denied("two things", causes=[("spec", "a"), ("spec.deno", "b")]), name="hello")
    assert got == {
        "allowed": False,
        "status": {
            "status": "Failure",
            "message": "two things",
            "reason": "Invalid",
            "code": 422,
            "details": {
                "group": "",
                "kind": "Pod",
                "name": "hello",
                "causes": [
                    {"reason": "FieldValueInvalid", "field": "spec", "message": "a"},
                    {"reason": "FieldValueInvalid", "field": "spec.deno", "message": "b"},
                ],
            },
        },
    }


def test_no_without_causes_has_no_details() -> None:
    status = answer(review.denied("no", reason="Forbidden", code=403))["status"]
    assert status == {"status": "Failure", "message": "no", "reason": "Forbidden", "code": 403}


@given(st.lists(st.text(max_size=400), max_size=40))
def test_warnings_are_such_that_the_api_server_passes_them_on(texts: list[str]) -> None:
    warnings = review.allowed(texts).warnings
    assert len(warnings) == min(len(texts), review.WARNINGS_LIMIT + 1)
    assert all(len(warning) <= 256 for warning in warnings)
    assert not any(ord(c) < 32 or ord(c) == 127 for warning in warnings for c in warning)
    assert sum(map(len, warnings)) <= 4096


def test_a_long_warning_is_cut_and_a_break_in_it_becomes_a_blank() -> None:
    assert review.allowed(["a\r\n\tb"]).warnings == ("a b",)
    (cut,) = review.allowed(["x" * 300]).warnings
    assert cut == "x" * 255 + "…"
    assert review.allowed(["w"] * 20).warnings[-1] == "and 5 more warnings"
