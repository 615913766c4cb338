"""A real Prometheus in a pod, and an application whose metrics it collects."""

from typing import Final

from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.manifests import RESTRICTED, RESTRICTED_CONTAINER, config_map

IMAGE: Final = "holdfast/prometheus:test"
PORT: Final = 9090
USER: Final = "holdfast"
PASSWORD: Final = "never-in-a-log"
_HASH: Final = "$2b$04$abcdefghijklmnopqrstuuso.lsJghj0TV/AXEu50bYBDYqUVJPQq"  # of PASSWORD
_COLLECTS = """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: pods
    metrics_path: /metrics
    static_configs: [{targets: ["APP:8080"]}]
"""
_LOCK = f"basic_auth_users: {{{USER}: {_HASH}}}\n"


class Prometheus:
    """One server. If `locked`, it wants USER and PASSWORD.

    It collects from the Service `app` of its namespace, unless `config`, a prometheus.yml, says otherwise.
    """

    def __init__(self, kube: Kube, namespace: str, name: str, *, locked: bool = False, config: str = "") -> None:
        self._kube = kube
        self._name = name
        self._locked = locked
        self._config = config or _COLLECTS.replace("APP", f"app.{namespace}.svc.cluster.local")
        self.namespace = namespace

    @property
    def url(self) -> str:
        return f"http://{self._name}.{self.namespace}.svc.cluster.local:{PORT}"

    def start(self) -> None:
        """Returns when it answers."""
        files = {"prometheus.yml": self._config}
        files["web.yml"] = _LOCK if self._locked else ""
        args = ["--config.file=/etc/prometheus/prometheus.yml", "--web.config.file=/etc/prometheus/web.yml"]
        container = {
            "name": "prometheus",
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "args": [*args, "--storage.tsdb.path=/tmp/data", "--log.level=warn"],
            "volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}],
            "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
            "securityContext": RESTRICTED_CONTAINER,
        }
        self._kube.create_all(
            self.namespace,
            config_map(self._name, files),
            service(self._name, PORT),
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": self._name, "labels": {"app": self._name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "automountServiceAccountToken": False,
                    "securityContext": RESTRICTED,
                    "containers": [container],
                    "volumes": [{"name": "config", "configMap": {"name": self._name}}],
                },
            },
        )
        self._kube.until_one("Pod", self.namespace, self._name, _is_ready, "Prometheus answers")


def service(name: str, port: int) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }


def app(errors: int) -> Json:
    """The spec of a pod that says of itself, on port 8080, that it had so many errors."""
    lines = f"# TYPE app_errors_total counter\\napp_errors_total {errors}\\n"
    script = f"mkdir /tmp/www; printf '{lines}' > /tmp/www/metrics; exec httpd -f -p 8080 -h /tmp/www"
    container = {
        "name": "app",
        "image": "busybox:1.36",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    return {"containers": [container]}


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
