from app.api.conversion import convert
from tests.app.api.conversion.objects import made


def test_when_the_pods_began_survives_a_status_written_in_the_version_that_cannot_say() -> None:
    status = {"status": "Progressing", "deploymentStartTime": "2026-01-01T00:00:00Z", "appContextMetadata": {"a": "b"}}
    shown = convert(made("KeptnWorkloadVersion", "v1", {"app": "shop"}, status), "v1alpha4")
    assert shown["status"] == {"status": "Progressing"}
    shown["status"]["status"] = "Succeeded"
    assert convert(shown, "v1")["status"] == {**status, "status": "Succeeded"}
