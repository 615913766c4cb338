"""Values files for Keptn's charts: the umbrella's and the lifecycle operator's own."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from app import settings
from helm import render
from tests.helm.conftest import Json, Rendered, rendered_with

WORKER = "lifecycle-operator"
WEBHOOK = "lifecycle-operator-webhook"

# All that Keptn's lifecycle operator had, with values that its users set.
OPERATOR: Json = {
    "allowedNamespaces": ["shop"],
    "deniedNamespaces": ["db"],
    "failurePolicy": "Ignore",
    "promotionTasksEnabled": True,
    "replicas": 3,
    "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "5m", "memory": "64Mi"}},
    "image": {"imagePullPolicy": "Always"},
    "imagePullSecrets": ["own"],
    "env": {
        "functionRunnerImage": "mine/deno:1",
        "pythonRunnerImage": "mine/python:1",
        "keptnDoraMetricsPort": 9102,
        "keptnAppControllerLogLevel": "0",
        "optionsControllerLogLevel": "0",
    },
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname", "maxSkew": 1}],
    "annotations": {"deployment": "marked"},
    "podAnnotations": {"pod": "of {{ .Release.Name }}"},
    "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8081}, "initialDelaySeconds": 15, "periodSeconds": 20},
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8081}, "initialDelaySeconds": 5, "periodSeconds": 10},
    "containerSecurityContext": {"privileged": False, "runAsUser": 4000, "capabilities": {"drop": ["ALL"]}},
    "webhookService": {"type": "ClusterIP", "ports": [{"port": 8443, "protocol": "TCP", "targetPort": 9443}]},
    "operatorMetricsService": {"type": "NodePort", "ports": [{"name": "metrics", "port": 3333}]},
    "kubernetesClusterDomain": "cluster.local",
    "config": {"health": {"healthProbeBindAddress": ":8081"}},
}


def with_file(tmp_path: Path, values: Json) -> Rendered:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    return rendered_with("--values", str(file))


@pytest.fixture(params=["alone", "umbrella"])
def chart(request: pytest.FixtureRequest, tmp_path: Path) -> Rendered:
    """With the same values in both places where Keptn's users have them."""
    values = OPERATOR if request.param == "alone" else {"lifecycleOperator": {"enabled": True, **OPERATOR}}
    return with_file(tmp_path, values)


def pod_spec(chart: Rendered, name: str) -> Json:
    spec: Json = chart.one("Deployment", name)["spec"]["template"]["spec"]
    return spec


def test_they_reach_both_deployments(chart: Rendered) -> None:
    for name in (WORKER, WEBHOOK):
        deployment, spec = chart.one("Deployment", name), pod_spec(chart, name)
        (container,) = spec["containers"]
        assert deployment["spec"]["replicas"] == 3
        assert deployment["metadata"]["annotations"] == {"deployment": "marked"}
        assert deployment["spec"]["template"]["metadata"]["annotations"]["pod"] == "of holdfast"
        assert spec["nodeSelector"] == {"disk": "ssd"}
        assert spec["tolerations"] == [{"key": "a", "operator": "Exists"}]
        assert spec["topologySpreadConstraints"] == [{"topologyKey": "kubernetes.io/hostname", "maxSkew": 1}]
        assert spec["imagePullSecrets"] == [{"name": "own"}]
        assert container["imagePullPolicy"] == "Always"
        assert container["livenessProbe"]["initialDelaySeconds"] == 15
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
        assert container["readinessProbe"]["periodSeconds"] == 10
        assert container["securityContext"]["runAsUser"] == 4000
        assert container["securityContext"]["allowPrivilegeEscalation"] is False  # ours stays beside theirs


def test_the_operators_resources_are_the_workers(chart: Rendered) -> None:
    (container,) = pod_spec(chart, WORKER)["containers"]
    assert container["resources"] == OPERATOR["resources"]
    (container,) = pod_spec(chart, WEBHOOK)["containers"]
    assert container["resources"]["limits"] == {"memory": "256Mi"}


def test_the_program_reads_what_they_say(chart: Rendered) -> None:
    read = settings.from_environment(chart.environment(WORKER) | {"POD_NAMESPACE": "keptn-system", "POD_NAME": "x"})
    assert (read.deno_image, read.python_image) == ("mine/deno:1", "mine/python:1")
    assert (read.promotion_tasks, read.metrics_port) == (True, 9102)


def test_services_are_as_they_were_set(chart: Rendered) -> None:
    metrics = chart.one("Service", "lifecycle-operator-metrics-service")["spec"]
    assert (metrics["type"], metrics["ports"][0]["port"]) == ("NodePort", 3333)
    called = {
        hook["clientConfig"]["service"]["port"]
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        for configuration in chart.all(kind)
        for hook in configuration["webhooks"]
    } | {
        crd["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["port"]
        for crd in chart.all("CustomResourceDefinition")
        if crd["spec"]["conversion"]["strategy"] == "Webhook"
    }
    (port,) = chart.one("Service", "lifecycle-webhook-service")["spec"]["ports"]
    assert called == {8443} == {port["port"]}


def test_the_services_by_their_older_names() -> None:
    chart = rendered_with(
        *("--set", "lifecycleWebhookService.ports[0].port=8443"),
        *("--set", "lifecycleOperatorMetricsService.type=NodePort"),
    )
    assert chart.one("Service", "lifecycle-webhook-service")["spec"]["ports"][0]["port"] == 8443
    assert chart.one("Service", "lifecycle-operator-metrics-service")["spec"]["type"] == "NodePort"


def test_who_is_asked_about_is_as_it_was_set(chart: Rendered) -> None:
    (hook,) = (
        hook
        for configuration in chart.all("MutatingWebhookConfiguration")
        for hook in configuration["webhooks"]
        if hook["name"] == "mpod.keptn.sh"
    )
    assert hook["failurePolicy"] == "Ignore"
    assert {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop"]} in (
        hook["namespaceSelector"]["matchExpressions"]
    )


def test_global_values_reach_everything(tmp_path: Path) -> None:
    given = {
        "imageRegistry": "registry.example.com:5000/mirror",
        "imagePullSecrets": ["one", {"name": "two"}],
        "imagePullPolicy": "Never",
        "commonLabels": {"cost": "{{ .Release.Name }}"},
        "commonAnnotations": {"owner": "me"},
    }
    chart = with_file(tmp_path, {"global": given, "imagePullSecrets": [{"name": "two"}]})
    for item in chart.objects:
        assert item["metadata"]["labels"]["cost"] == "holdfast"
        assert item["metadata"]["annotations"]["owner"] == "me"
    for spec, container in chart.pods():
        assert container["image"] == "registry.example.com:5000/mirror/holdfast/holdfast:0.1.0"
        assert container["imagePullPolicy"] == "Never"
        assert spec["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert chart.environment(WORKER)["FUNCTION_RUNNER_IMAGE"].startswith("registry.example.com:5000/mirror/holdfast/")


@pytest.mark.parametrize("values", [{"global": {"certManagerEnabled": False}}, {"certManager": {"enabled": False}}])
def test_without_keptns_certificate_operator_somebody_else_brings_the_certificates(values: Any, tmp_path: Path) -> None:
    annotation = {"cert-manager.io/inject-ca-from": "keptn-system/keptn-certs"}
    values = {**values, "global": {**values.get("global", {}), "caInjectionAnnotations": annotation}}
    chart = with_file(tmp_path, values)
    assert chart.environment(WORKER)["CERTIFICATE_SOURCE"] == "external"
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        assert chart.all(kind)[0]["metadata"]["annotations"] == annotation
    for name in (WORKER, WEBHOOK):
        assert chart.one("Deployment", name)["metadata"]["labels"]["keptn.sh/inject-cert"] == "true"


@pytest.mark.parametrize("values", [{"global": {"certManagerEnabled": True}}, {"certManager": {"enabled": True}}, {}])
def test_else_the_worker_makes_them(values: Any, tmp_path: Path) -> None:
    assert with_file(tmp_path, values).environment(WORKER)["CERTIFICATE_SOURCE"] == "self"


@pytest.mark.parametrize("values", [{"openShift": {"enabled": True}}, {"global": {"openShift": {"enabled": True}}}])
def test_on_openshift_no_user_id_is_asked_for(values: Any, tmp_path: Path) -> None:
    security = {"runAsUser": 65532, "runAsGroup": 65532, "runAsNonRoot": True}
    chart = with_file(tmp_path, values | {"containerSecurityContext": security})
    for spec, container in chart.pods():
        for context in (spec["securityContext"], container["securityContext"]):
            assert not {"runAsUser", "runAsGroup", "fsGroup"} & context.keys()
            assert context["runAsNonRoot"] is True
    read = settings.from_environment(chart.environment(WORKER) | {"POD_NAMESPACE": "keptn-system", "POD_NAME": "x"})
    assert read.task_user is None


def test_on_the_nodes_network_no_two_want_the_same_port() -> None:
    chart = rendered_with("--set", "hostNetwork=true")
    ports = [port["containerPort"] for _, container in chart.pods() for port in container["ports"]]
    assert len(ports) == len(set(ports))
    for spec, _ in chart.pods():
        assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    for deployment in chart.all("Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    read = settings.from_environment(chart.environment(WEBHOOK) | {"POD_NAMESPACE": "keptn-system", "POD_NAME": "x"})
    (container,) = pod_spec(chart, WEBHOOK)["containers"]
    assert read.health_port == next(port["containerPort"] for port in container["ports"] if port["name"] == "health")


@pytest.mark.parametrize(
    ("setting", "advice"),
    [
        ("lifecycleOperator.enabled=false", "do not install the chart"),
        ("lifecycleOperator.image.repository=keptn/lifecycle-operator", "leave image.repository and image.tag out"),
        ("image.repository=mirror/keptn/lifecycle-operator", "leave image.repository and image.tag out"),
        ("lifecycleOperator.image.tag=v2.0.0", "a version of Keptn's own"),
        ("lifecycleOperator.replica=2", "replica"),
        ("lifecycleOperator.failurePolicy=Maybe", "failurePolicy"),
        ("global.imageRegistry=https://example.com", "imageRegistry"),
        ("global.openShift.enabled=perhaps", "openShift"),
    ],
)
def test_what_cannot_be_meant_is_refused(setting: str, advice: str) -> None:
    with pytest.raises(render.RenderError, match=advice):
        render.template("--set", setting)


@pytest.mark.parametrize(
    "setting",
    [
        "kubernetesClusterDomain=cluster.local",
        "lifecycleOperator.config.webhook.port=9443",
        "lifecycleOperatorConfig.leaderElection.leaderElect=true",
        "lifecycleOperator.env.keptnTaskControllerLogLevel=1",
        "lifecycleOperator.env.otelCollectorUrl=otel:4317",
        "metricsOperator.enabled=true",
        "schedulingGatesEnabled=true",
        "scheduler.replicas=1",
    ],
)
def test_what_means_nothing_here_does_no_harm(setting: str) -> None:
    assert render.template("--set", setting) == render.template()


def test_prometheus_operator_can_be_told() -> None:
    chart = rendered_with("--set", "serviceMonitor.enabled=true,serviceMonitor.labels.release=prometheus")
    monitor = chart.one("ServiceMonitor", WORKER)
    service = chart.one("Service", "lifecycle-operator-metrics-service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
