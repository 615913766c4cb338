"""The chart's Deployments, Services and budgets."""

import pytest

from app import settings
from app.api import wellknown
from app.settings import TaskResources
from tests.helm.conftest import Json, Rendered, rendered_with

WORKER = "lifecycle-operator"
WEBHOOK = "lifecycle-operator-webhook"


def test_there_are_two_deployments_of_two_replicas(chart: Rendered) -> None:
    found = {item["metadata"]["name"]: item["spec"]["replicas"] for item in chart.all("Deployment")}
    assert found == {WORKER: 2, WEBHOOK: 2}


@pytest.mark.parametrize(("name", "part"), [(WORKER, "worker"), (WEBHOOK, "webhook")])
def test_pods_carry_the_labels_that_people_and_keptns_users_look_for(chart: Rendered, name: str, part: str) -> None:
    labels = chart.one("Deployment", name)["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == part
    assert labels.get("control-plane") == (WORKER if part == "worker" else None)


def test_metrics_are_found_where_keptns_were(chart: Rendered) -> None:
    service = chart.one("Service", "lifecycle-operator-metrics-service")
    (port,) = service["spec"]["ports"]
    assert (port["name"], port["port"]) == ("metrics", 2222)
    deployment = chart.one("Deployment", WORKER)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    ports = {item["name"]: item["containerPort"] for item in container["ports"]}
    assert ports[port["targetPort"]] == 2222
    assert chart.environment(WORKER)["KEPTN_DORA_METRICS_PORT"] == "2222"
    marks = deployment["spec"]["template"]["metadata"]["annotations"]
    assert (marks["metrics.dynatrace.com/port"], marks["metrics.dynatrace.com/scrape"]) == ("2222", "true")
    assert deployment["metadata"]["labels"]["control-plane"] == WORKER


def selects(selector: dict[str, str], item: Json) -> bool:
    """Whether it selects the Deployment's pods, or the one of them that leads."""
    labels: dict[str, str] = item["spec"]["template"]["metadata"]["labels"]
    return selector.items() <= (labels | {wellknown.LEADS: wellknown.LEADS_VALUE}).items()


def test_the_metrics_are_those_of_the_pod_that_leads(chart: Rendered) -> None:
    selector = chart.one("Service", "lifecycle-operator-metrics-service")["spec"]["selector"]
    assert selector[wellknown.LEADS] == wellknown.LEADS_VALUE
    for item in chart.all("Deployment"):
        assert wellknown.LEADS not in item["spec"]["template"]["metadata"]["labels"]


def test_selectors_choose_their_own_pods_and_no_others(chart: Rendered) -> None:
    deployments = {item["metadata"]["name"]: item for item in chart.all("Deployment")}
    chosen = {
        (item["kind"], item["metadata"]["name"]): [
            name
            for name, deployment in deployments.items()
            if selects(item["spec"]["selector"].get("matchLabels", item["spec"]["selector"]), deployment)
        ]
        for kind in ("Deployment", "PodDisruptionBudget", "Service")
        for item in chart.all(kind)
    }
    assert chosen == {
        ("Deployment", WORKER): [WORKER],
        ("Deployment", WEBHOOK): [WEBHOOK],
        ("PodDisruptionBudget", WORKER): [WORKER],
        ("PodDisruptionBudget", WEBHOOK): [WEBHOOK],
        ("Service", "lifecycle-webhook-service"): [WEBHOOK],
        ("Service", "lifecycle-operator-metrics-service"): [WORKER],
    }


def test_the_service_leads_to_the_port_that_the_webhook_listens_on(chart: Rendered) -> None:
    (port,) = chart.one("Service", "lifecycle-webhook-service")["spec"]["ports"]
    (container,) = chart.one("Deployment", WEBHOOK)["spec"]["template"]["spec"]["containers"]
    ports = {item["name"]: item["containerPort"] for item in container["ports"]}
    assert (port["port"], ports[port["targetPort"]]) == (443, 9443)


def test_pods_meet_the_restricted_pod_security_standard(chart: Rendered) -> None:
    for spec, container in chart.pods():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert all("hostPath" not in volume for volume in spec["volumes"])


def test_the_root_file_system_is_read_only_and_tmp_is_not(chart: Rendered) -> None:
    for spec, container in chart.pods():
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        (mount,) = container["volumeMounts"]
        (volume,) = spec["volumes"]
        assert mount == {"name": volume["name"], "mountPath": "/tmp"}
        assert "emptyDir" in volume


def test_each_part_runs_with_an_account_of_its_own(chart: Rendered) -> None:
    accounts = {item["metadata"]["name"] for item in chart.all("ServiceAccount")}
    used = {spec["serviceAccountName"] for spec, _ in chart.pods()}
    assert used == accounts == {WORKER, WEBHOOK}


def test_probes_ask_the_health_port(chart: Rendered) -> None:
    for _, container in chart.pods():
        ports = {item["name"]: item["containerPort"] for item in container["ports"]}
        asked = {
            probe: (container[probe]["httpGet"]["path"], ports[container[probe]["httpGet"]["port"]])
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert asked == {
            "startupProbe": ("/healthz", 8081),
            "livenessProbe": ("/healthz", 8081),
            "readinessProbe": ("/readyz", 8081),
        }


def test_pods_ask_for_what_they_need_and_no_more_than_a_limit_of_memory(chart: Rendered) -> None:
    for _, container in chart.pods():
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}


def test_an_upgrade_takes_no_replica_away_before_another_is_ready(chart: Rendered) -> None:
    for deployment in chart.all("Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_replicas_of_one_part_rather_not_share_a_node(chart: Rendered) -> None:
    for deployment in chart.all("Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        (term,) = spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert selects(term["podAffinityTerm"]["labelSelector"]["matchLabels"], deployment)


@pytest.mark.parametrize("name", [WORKER, WEBHOOK])
def test_the_program_understands_its_environment(chart: Rendered, name: str) -> None:
    environment = chart.environment(name) | {"POD_NAMESPACE": "keptn-system", "POD_NAME": "x"}
    read = settings.from_environment(environment)
    assert (read.webhook_port, read.health_port) == (9443, 8081)
    assert (read.certificate_secret, read.certificate_source) == ("keptn-certs", "self")
    assert read.webhook_service == "lifecycle-webhook-service"
    assert read.task_resources == TaskResources()


def test_one_tag_changes_all_three_images() -> None:
    chart = rendered_with("--set", "image.tag=dev", "--set", "image.registry=registry.example.com:5000/mirror")
    prefix = "registry.example.com:5000/mirror/holdfast"
    assert {container["image"] for _, container in chart.pods()} == {f"{prefix}/holdfast:dev"}
    environment = chart.environment(WORKER)
    assert environment["FUNCTION_RUNNER_IMAGE"] == f"{prefix}/deno-runtime:dev"
    assert environment["PYTHON_RUNNER_IMAGE"] == f"{prefix}/python-runtime:dev"


def test_by_default_the_images_are_of_the_charts_own_version(chart: Rendered) -> None:
    assert {container["image"] for _, container in chart.pods()} == {"holdfast/holdfast:0.1.0"}
    assert chart.environment(WORKER)["FUNCTION_RUNNER_IMAGE"] == "holdfast/deno-runtime:0.1.0"


def test_runners_of_ones_own_are_taken_as_they_are() -> None:
    chart = rendered_with("--set", "env.functionRunnerImage=mine/deno:1,env.pythonRunnerImage=mine/python:2")
    environment = chart.environment(WORKER)
    assert (environment["FUNCTION_RUNNER_IMAGE"], environment["PYTHON_RUNNER_IMAGE"]) == (
        "mine/deno:1",
        "mine/python:2",
    )


def test_settings_for_pods_reach_both_deployments() -> None:
    chart = rendered_with(
        *("--set", "nodeSelector.disk=ssd", "--set", "tolerations[0].key=k", "--set", "podAnnotations.a=b"),
        *("--set", "podLabels.team=x", "--set", "imagePullSecrets[0].name=pull", "--set", "priorityClassName=high"),
        *("--set", "worker.replicas=1", "--set", "webhook.replicas=3", "--set", "commonLabels.cost=y"),
    )
    for deployment in chart.all("Deployment"):
        template = deployment["spec"]["template"]
        assert template["spec"]["nodeSelector"] == {"disk": "ssd"}
        assert template["spec"]["tolerations"] == [{"key": "k"}]
        assert template["spec"]["imagePullSecrets"] == [{"name": "pull"}]
        assert template["spec"]["priorityClassName"] == "high"
        assert template["metadata"]["annotations"]["a"] == "b"
        assert template["metadata"]["labels"]["team"] == "x"
    assert chart.one("Deployment", WORKER)["spec"]["replicas"] == 1
    assert chart.one("Deployment", WEBHOOK)["spec"]["replicas"] == 3
    assert all(item["metadata"]["labels"]["cost"] == "y" for item in chart.objects)


def test_the_user_id_can_be_left_to_the_platform() -> None:
    chart = rendered_with("--set", "podSecurityContext.runAsUser=null,podSecurityContext.runAsGroup=null")
    for spec, _ in chart.pods():
        assert not {"runAsUser", "runAsGroup"} & spec["securityContext"].keys()
        assert spec["securityContext"]["runAsNonRoot"] is True


def test_network_policies_come_when_asked_for_and_open_the_ports_in_use(chart: Rendered) -> None:
    assert not chart.all("NetworkPolicy")
    assert not chart.all("ServiceMonitor")
    policies = rendered_with("--set", "networkPolicy.enabled=true").all("NetworkPolicy")
    opened = {
        item["metadata"]["labels"]["app.kubernetes.io/component"]: [
            port["port"] for rule in item["spec"]["ingress"] for port in rule["ports"]
        ]
        for item in policies
    }
    assert opened == {"worker": ["health", "metrics"], "webhook": ["health", "webhook"]}
