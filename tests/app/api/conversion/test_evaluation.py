import pytest

from app.api.conversion import convert
from tests.app.api.conversion.objects import made


@pytest.mark.parametrize("old", ["v1alpha1", "v1alpha2", "v1alpha3"])
@pytest.mark.parametrize("new", ["v1", "v1beta1"])
def test_what_to_do_on_failure_was_given_up_but_is_not_lost(old: str, new: str) -> None:
    before = made("KeptnEvaluation", old, {"evaluationDefinition": "e", "workloadVersion": "", "failAction": "x"})
    now = convert(before, new)
    assert now["spec"] == {"evaluationDefinition": "e", "workloadVersion": ""}
    assert convert(now, old) == before
