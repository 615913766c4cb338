"""Which key counts, and how its value is read."""

import pytest

from app.api.meta import Object, ObjectMeta
from app.lifecycle import keys


def thing(annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None) -> Object:
    return Object(metadata=ObjectMeta(annotations=annotations or {}, labels=labels or {}))


def test_ours_before_the_recommended_ones_and_annotations_before_labels() -> None:
    annotations = {"keptn.sh/workload": "a", "app.kubernetes.io/name": "c"}
    labels = {"keptn.sh/workload": "b", "app.kubernetes.io/name": "d"}
    found = []
    for place in (annotations, labels):
        found.append(keys.value(thing(annotations, labels), keys.WORKLOAD))
        del place["keptn.sh/workload"]
    for place in (annotations, labels):
        found.append(keys.value(thing(annotations, labels), keys.WORKLOAD))
        del place["app.kubernetes.io/name"]
    assert found == ["a", "b", "c", "d"]
    assert keys.value(thing(annotations, labels), keys.WORKLOAD) == ""


@pytest.mark.parametrize(
    ("key", "recommended"),
    [(keys.WORKLOAD, "name"), (keys.APP, "part-of"), (keys.VERSION, "version")],
)
def test_three_keys_have_a_recommended_stand_in(key: str, recommended: str) -> None:
    assert keys.value(thing(labels={f"app.kubernetes.io/{recommended}": "x"}), key) == "x"


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_value_counts_as_absent(blank: str) -> None:
    assert keys.value(thing({"keptn.sh/app": blank}, {"app.kubernetes.io/part-of": "shop"}), keys.APP) == "shop"


def test_values_are_trimmed() -> None:
    assert keys.value(thing({"keptn.sh/version": " 1.0 \n"}), keys.VERSION) == "1.0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b", ("a", "b")),
        (" a , b ,", ("a", "b")),
        ("b,a,b,,a", ("b", "a")),
        (",", ()),
        ("", ()),
    ],
)
def test_lists_are_trimmed_without_blanks_or_repetitions(text: str, expected: tuple[str, ...]) -> None:
    assert keys.names(thing({keys.PRE_TASKS: text}), keys.PRE_TASKS) == expected


def test_lists_may_stand_in_labels_too() -> None:
    assert keys.names(thing(labels={keys.POST_TASKS: "notify"}), keys.POST_TASKS) == ("notify",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stage=dev,region=eu", {"stage": "dev", "region": "eu"}),
        (" stage = dev , region=eu", {"stage": "dev", "region": "eu"}),
        ("a=b=c,d,e=f", {"e": "f"}),
        ("a=,=b", {"a": ""}),
        ("a=1,a=2", {"a": "2"}),
        ("", {}),
    ],
)
def test_metadata_is_pairs_with_exactly_one_equals_sign(text: str, expected: dict[str, str]) -> None:
    assert keys.metadata(thing({keys.METADATA: text})) == expected
