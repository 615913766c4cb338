import pytest

from app.api.conversion import CONVERTERS
from app.api.conversion.converter import Converter
from app.api.versions import WORKLOAD
from tests.app.api.conversion.objects import made

CONVERTER = Converter(WORKLOAD, lacks={"v1alpha1": ("spec.a", "status.b")}, defaults={"spec.a": 1})


def test_a_default_is_filled_in_and_not_noted() -> None:
    whole = CONVERTER.to_whole(made("KeptnWorkload", "v1alpha1", {}, {}), "v1alpha1", {})
    assert (whole["spec"], whole["status"]) == ({"a": 1}, {})
    shown, note = CONVERTER.from_whole(whole, "v1alpha1")
    assert (shown["spec"], note) == ({}, {})


def test_anything_else_is_noted_null_too() -> None:
    shown, note = CONVERTER.from_whole(made("KeptnWorkload", "v1", {"a": 2}, {"b": None}), "v1alpha1")
    assert (shown["spec"], shown["status"]) == ({}, {})
    assert note == {"spec.a": 2, "status.b": None}
    assert CONVERTER.to_whole(shown, "v1alpha1", note)["status"] == {"b": None}


def test_what_the_version_has_is_not_taken_from_the_note() -> None:
    obj = made("KeptnWorkload", "v1", {"a": 2})
    assert CONVERTER.to_whole(obj, "v1", {"spec.a": 3, "spec.c": 4}) == obj


@pytest.mark.parametrize("name", CONVERTERS)
def test_what_a_kind_lacks_is_of_versions_that_it_has(name: str) -> None:
    converter = CONVERTERS[name]
    assert set(converter.lacks) <= {version.name for version in converter.kind.versions}
    assert set(converter.defaults) <= {path for paths in converter.lacks.values() for path in paths}
