import pytest

from app.api.conversion.note import ConversionError, given, noted, taken
from tests.app.api.conversion.objects import made

OURS = "conversion.keptn.sh/"


def test_each_annotation_of_ours_says_one_thing() -> None:
    said = noted({f"{OURS}spec.a": "[1]", f"{OURS}spec.b": "null", "spec.a": "2", "keptn.sh/conversion": "3"})
    assert said == {"spec.a": [1], "spec.b": None}


@pytest.mark.parametrize("text", ["", "{", "words"])
def test_what_is_no_json_says_nothing_of_ours(text: str) -> None:
    assert noted({f"{OURS}spec.a": text}) == {}


def test_annotations_are_written_and_taken_again() -> None:
    plain = made("KeptnApp", "v1", {}, **{"mine": "stays", "a": "stays too"})
    both = given(plain, {"b": 1, "a": {"z": 2, "y": None}}, "v1", "v1")
    assert both["metadata"]["annotations"] == {
        "mine": "stays",
        "a": "stays too",
        f"{OURS}b": "1",
        f"{OURS}a": '{"y":null,"z":2}',
    }
    assert taken(both) == (plain, {"a": {"y": None, "z": 2}, "b": 1})


def test_the_last_annotation_takes_their_place_with_it() -> None:
    assert taken(made("KeptnApp", "v1", {}, **{f"{OURS}a": "1"})) == (made("KeptnApp", "v1", {}), {"a": 1})


def test_other_peoples_text_stays_where_it_is() -> None:
    theirs = made("KeptnApp", "v1", {}, **{f"{OURS}a": "theirs"})
    assert taken(theirs) == (theirs, {})


def test_what_people_wrote_counts_towards_what_annotations_hold() -> None:
    full = made("KeptnApp", "v1", {}, mine="x" * (256 * 1024 - 30))
    with pytest.raises(ConversionError, match="v1alpha1 cannot hold this KeptnApp"):
        given(full, {"spec.revision": 2}, "v1alpha1", "v1")
