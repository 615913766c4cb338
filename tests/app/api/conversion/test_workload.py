import pytest

from app.api.conversion import convert
from tests.app.api.conversion.objects import made


@pytest.mark.parametrize("old", ["v1alpha1", "v1alpha2", "v1alpha3"])
def test_metadata_survives_an_edit_in_a_version_that_has_none(old: str) -> None:
    shown = convert(made("KeptnWorkload", "v1", {"app": "shop", "version": "1", "metadata": {"a": "b"}}), old)
    assert shown["spec"] == {"app": "shop", "version": "1"}
    shown["spec"]["version"] = "2"
    assert convert(shown, "v1") == made("KeptnWorkload", "v1", {"app": "shop", "version": "2", "metadata": {"a": "b"}})
