import pytest

from app.api.conversion import convert
from tests.app.api.conversion.objects import made

TIMES = {"startTime": "2026-01-01T00:00:00Z", "status": "Succeeded"}
SPEC = {"appName": "shop", "version": "1", "revision": 2, "promotionTasks": ["p"], "metadata": {"a": "b"}}
STATUS = {
    "promotionStatus": "Succeeded",
    "promotionTaskStatus": [{"definitionName": "p", "name": "prom-p-1", **TIMES}],
    "preDeploymentTaskStatus": [{"definitionName": "t", "name": "pre-t-1", **TIMES}],
    "postDeploymentEvaluationTaskStatus": [{"definitionName": "e", "name": "post-eval-e-1", **TIMES}],
}


def test_the_oldest_version_has_its_own_names_for_a_phases_items() -> None:
    shown = convert(made("KeptnAppVersion", "v1", SPEC, STATUS), "v1alpha1")
    assert shown["spec"] == {"appName": "shop", "version": "1"}
    assert shown["status"] == {
        "preDeploymentTaskStatus": [{"taskDefinitionName": "t", "taskName": "pre-t-1", **TIMES}],
        "postDeploymentEvaluationTaskStatus": [
            {"evaluationDefinitionName": "e", "evaluationName": "post-eval-e-1", **TIMES}
        ],
    }
    assert convert(shown, "v1") == made("KeptnAppVersion", "v1", SPEC, STATUS)


@pytest.mark.parametrize("old", ["v1alpha2", "v1alpha3"])
def test_the_revision_is_kept_where_there_is_one_and_promotion_comes_back(old: str) -> None:
    shown = convert(made("KeptnAppVersion", "v1", SPEC, STATUS), old)
    assert shown["spec"] == {"appName": "shop", "version": "1", "revision": 2}
    assert "promotionStatus" not in shown["status"]
    assert convert(shown, "v1") == made("KeptnAppVersion", "v1", SPEC, STATUS)


def test_metadata_and_links_survive_v1beta1() -> None:
    spec = {**SPEC, "spanLinks": ["00-1-2-01"]}
    assert convert(made("KeptnAppVersion", "v1", spec, STATUS), "v1beta1") == made(
        "KeptnAppVersion", "v1beta1", spec, STATUS
    )


@pytest.mark.parametrize("old", ["v1alpha1", "v1alpha2", "v1alpha3"])
def test_an_old_app_version_has_not_been_promoted_yet(old: str) -> None:
    now = convert(made("KeptnAppVersion", old, {"appName": "shop", "version": "1"}, {"status": "Succeeded"}), "v1")
    assert now["status"] == {"status": "Succeeded", "promotionStatus": "Pending"}
    assert now["spec"].get("revision", 1) == 1


def test_without_a_status_none_is_made() -> None:
    now = convert(made("KeptnAppVersion", "v1alpha1", {"appName": "shop", "version": "1"}), "v1")
    assert "status" not in now
