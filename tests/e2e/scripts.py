"""A web server in a pod, which stands in for the public one that the cluster cannot reach."""

from tests.e2e.kube.client import Kube
from tests.e2e.manifests import config_map

PORT = 8000

FILES = {
    "hello.ts": 'console.log("hello from a fetched script", Deno.env.get("DATA") ?? "");\n',
    "hello.py": 'import os\nprint("hello from a fetched script", os.environ.get("DATA", ""))\n',
    "yourscript.js": 'console.log("your script has run");\n',
}


class Scripts:
    """`image` is one with Python in it."""

    def __init__(self, kube: Kube, namespace: str, image: str) -> None:
        self._kube = kube
        self._image = image
        self.namespace = namespace

    def url(self, file: str) -> str:
        return f"http://scripts.{self.namespace}.svc.cluster.local:{PORT}/{file}"

    def start(self) -> None:
        """Serves FILES under the URLs that `url` gives; returns when it answers."""
        container = {
            "name": "server",
            "image": self._image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-m", "http.server", str(PORT), "--directory", "/srv/scripts"],
            "volumeMounts": [{"name": "scripts", "mountPath": "/srv/scripts"}],
            "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        }
        self._kube.create_all(
            self.namespace,
            config_map("scripts", FILES),
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "scripts"},
                "spec": {"selector": {"app": "scripts"}, "ports": [{"port": PORT}]},
            },
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "scripts", "labels": {"app": "scripts"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "automountServiceAccountToken": False,
                    "containers": [container],
                    "volumes": [{"name": "scripts", "configMap": {"name": "scripts"}}],
                },
            },
        )
        self._kube.until_one(
            "Pod",
            self.namespace,
            "scripts",
            lambda pod: any(
                each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions") or []
            ),
            "the web server for scripts answers",
        )
