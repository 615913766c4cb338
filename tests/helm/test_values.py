"""The chart as helm sees it: clean, self-contained, and strict about values."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from helm import render
from tests.helm.conftest import rendered_with


def test_helm_lint_has_nothing_to_say() -> None:
    command = [render.find_helm(), "lint", "--strict", str(render.CHART), "--kube-version", render.KUBERNETES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


def test_the_chart_fetches_nothing() -> None:
    assert "dependencies" not in yaml.safe_load((render.CHART / "Chart.yaml").read_text())


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("failurePolicy=Maybe", "failurePolicy"),
        ("timeoutSeconds=31", "timeoutSeconds"),
        ("timeoutSeconds=0", "timeoutSeconds"),
        ("timeoutSecond=5", "timeoutSecond"),
        ("image.tags=dev", "tags"),
        ("image.tag=not a tag", "/image/tag"),
        ("image.registry=https://registry.example.com", "/image/registry"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("env.logLevel=loud", "logLevel"),
        ("webhook.replicas=-1", "replicas"),
        ("worker.replica=2", "replica"),
        ("certificates.source=magic", "source"),
        ("breakGlassGroup=a'b", "breakGlassGroup"),
        ("taskResources.limits.gpu=1", "gpu"),
        ("taskResources.limits.memory=lots", "memory"),
        ("networkPolicy.enabled=yes please", "enabled"),
        ("nodeSelector.a=true", "nodeSelector"),
        ("promotionTasksEnabled=maybe", "promotionTasksEnabled"),
        ("env.keptnDoraMetricsPort=0", "keptnDoraMetricsPort"),
        ("allowedNamespaces={Shop}", "allowedNamespaces"),
        ("operatorMetricsService.type=ExternalName", "type"),
        ("livenessProbe.exec.command=x", "exec"),
        ("evaluations.secrets[0].name=token", "namespace"),
        ("serviceMonitor.interval=often", "interval"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(setting: str, complaint: str) -> None:
    with pytest.raises(render.RenderError, match=re.escape(complaint)):
        render.template("--set", setting)


def test_every_value_has_a_place_in_the_schema_and_the_other_way_round() -> None:
    values = yaml.safe_load((render.CHART / "values.yaml").read_text())
    schema = yaml.safe_load((render.CHART / "values.schema.json").read_text())
    keptns = {
        name
        for name, part in schema["properties"].items()
        if "$comment" in part or part.get("$ref") == "#/definitions/unused" or name == "global"
    }
    assert set(schema["properties"]) - keptns == set(values)
    for name, part in schema["properties"].items():
        if "properties" in part and name not in keptns | {"image"}:
            assert set(part["properties"]) == set(values[name]), name


def test_an_older_kubernetes_is_refused() -> None:
    with pytest.raises(render.RenderError, match="kubeVersion"):
        render.template("--kube-version", "1.29.9")


def test_certmanagers_values_are_taken() -> None:
    chart = rendered_with("--values", str(Path(render.ROOT) / "certs/cert-manager/values.yaml"))
    assert chart.environment("lifecycle-operator")["CERTIFICATE_SOURCE"] == "external"
