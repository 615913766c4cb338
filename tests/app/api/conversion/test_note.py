import pytest

from app.api.conversion.note import ConversionError, given, said, taken
from tests.app.api.conversion.objects import made


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", "null"])
def test_what_is_no_object_says_nothing_of_ours(text: str | None) -> None:
    assert said(text) is None


def test_the_annotation_is_written_and_taken_again() -> None:
    plain = made("KeptnApp", "v1", {}, mine="stays")
    noted = given(plain, {"b": 1, "a": [2]}, "v1", "v1")
    assert noted["metadata"]["annotations"] == {"mine": "stays", "keptn.sh/conversion": '{"a":[2],"b":1}'}
    assert taken(noted) == (plain, {"a": [2], "b": 1})


def test_the_last_annotation_takes_its_place_with_it() -> None:
    assert taken(made("KeptnApp", "v1", {}, note="{}")) == (made("KeptnApp", "v1", {}), {})


def test_other_peoples_text_stays_where_it_is() -> None:
    theirs = made("KeptnApp", "v1", {}, note="theirs")
    assert taken(theirs) == (theirs, {})


def test_what_people_wrote_counts_towards_what_annotations_hold() -> None:
    full = made("KeptnApp", "v1", {}, mine="x" * (256 * 1024 - 40))
    with pytest.raises(ConversionError, match="v1alpha1 cannot hold this KeptnApp"):
        given(full, {"spec.revision": 2}, "v1alpha1", "v1")
