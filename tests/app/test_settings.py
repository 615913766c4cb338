import pytest

from app.settings import SettingsError, TaskResources, from_environment

LEAST = {"POD_NAMESPACE": "keptn-system", "POD_NAME": "worker-1"}


def test_two_variables_are_enough() -> None:
    settings = from_environment(LEAST)
    assert (settings.namespace, settings.pod_name) == ("keptn-system", "worker-1")
    assert (settings.webhook_port, settings.health_port) == (9443, 8081)
    assert settings.lease_name == "6b866dd9.keptn.sh"
    assert (settings.certificate_secret, settings.certificate_source) == ("keptn-certs", "self")
    assert settings.task_resources == TaskResources()
    assert settings.task_user == 1000
    assert (settings.metrics_port, settings.promotion_tasks) == (2222, False)


def test_everything_can_be_said() -> None:
    settings = from_environment(
        LEAST
        | {
            "FUNCTION_RUNNER_IMAGE": "deno:1",
            "PYTHON_RUNNER_IMAGE": "python:1",
            "LOG_LEVEL": "debug",
            "WEBHOOK_PORT": "1",
            "HEALTH_PORT": "65535",
            "KEPTN_DORA_METRICS_PORT": "9102",
            "PROMOTION_TASKS_ENABLED": "True",
            "CERTIFICATE_SECRET": "s",
            "CERTIFICATE_SOURCE": "external",
            "WEBHOOK_SERVICE": "w",
            "LEASE_NAME": "l",
            "TASK_CPU_REQUEST": "1m",
            "TASK_MEMORY_REQUEST": "1Mi",
            "TASK_CPU_LIMIT": "2m",
            "TASK_MEMORY_LIMIT": "2Mi",
            "TASK_RUN_AS_USER": "65532",
        }
    )
    assert (settings.deno_image, settings.python_image, settings.log_level) == ("deno:1", "python:1", "debug")
    assert (settings.webhook_port, settings.health_port) == (1, 65535)
    assert (settings.certificate_secret, settings.certificate_source) == ("s", "external")
    assert (settings.webhook_service, settings.lease_name) == ("w", "l")
    assert settings.task_resources == TaskResources("1m", "1Mi", "2m", "2Mi")
    assert settings.task_user == 65532
    assert (settings.metrics_port, settings.promotion_tasks) == (9102, True)


def test_a_variable_that_is_empty_is_one_that_is_not_there() -> None:
    empty = {"FUNCTION_RUNNER_IMAGE": "", "WEBHOOK_PORT": "", "TASK_CPU_LIMIT": "", "CERTIFICATE_SOURCE": ""}
    empty |= {"PROMOTION_TASKS_ENABLED": "", "KEPTN_DORA_METRICS_PORT": ""}
    assert from_environment(LEAST | empty) == from_environment(LEAST)


def test_no_user_lets_the_image_decide() -> None:
    assert from_environment(LEAST | {"TASK_RUN_AS_USER": ""}).task_user is None


@pytest.mark.parametrize("name", ["POD_NAMESPACE", "POD_NAME"])
def test_what_is_needed_and_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not set; set it to"):
        from_environment({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_PORT", "0"),
        ("WEBHOOK_PORT", "65536"),
        ("HEALTH_PORT", "http"),
        ("HEALTH_PORT", "²"),
        ("HEALTH_PORT", "-1"),
        ("TASK_RUN_AS_USER", "root"),
        ("TASK_RUN_AS_USER", "-1"),
        ("CERTIFICATE_SOURCE", "cert-manager"),
        ("KEPTN_DORA_METRICS_PORT", "none"),
        ("PROMOTION_TASKS_ENABLED", "1"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is '{value}'; set it to"):
        from_environment(LEAST | {name: value})
