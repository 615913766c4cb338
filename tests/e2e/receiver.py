"""A receiver of CloudEvents in a pod: any HTTP server that writes down what it gets."""

import json
import time
from dataclasses import dataclass

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.e2e.kube.client import SECONDS, Kube, NotInTime
from tests.e2e.kube.resources import Json
from tests.e2e.looks import condition

PORT = 8080
# Each request is a line of the pod's log, and is answered after so many seconds.
SERVER = """
import json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        print(json.dumps({"path": self.path, "headers": headers, "body": body}), flush=True)
        time.sleep(float(sys.argv[2]))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass

ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: dict[str, str]
    body: str

    @property
    def event(self) -> BaseCloudEvent:
        """What the SDK of the CloudEvents project makes of it. Raises if it is no event in binary mode."""
        message = HTTPMessage(self.headers, self.body.encode())
        return from_binary(message, JSONFormat(), CloudEvent)


class Receiver:
    """`image` is one with Python in it."""

    def __init__(self, kube: Kube, namespace: str, image: str, name: str = "receiver") -> None:
        self._kube = kube
        self._image = image
        self._name = name
        self.namespace = namespace

    @property
    def host(self) -> str:
        return f"{self._name}.{self.namespace}.svc.cluster.local:{PORT}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/events"

    def announce(self) -> None:
        """A Service, with nobody behind it yet."""
        self._kube.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": self._name},
                "spec": {"selector": {"app": self._name}, "ports": [{"port": PORT}]},
            },
            self.namespace,
        )

    def start(self, answers_after: float = 0) -> None:
        """Listens; returns when it does."""
        container = {
            "name": "receiver",
            "image": self._image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-u", "-c", SERVER, str(PORT), str(answers_after)],
            "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        }
        pod: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self._name, "labels": {"app": self._name}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": False,
                "containers": [container],
            },
        }
        self._kube.create(pod, self.namespace)
        self._kube.until_one(
            "Pod",
            self.namespace,
            self._name,
            lambda found: condition(found, "Ready").get("status") == "True",
            "the receiver listens",
        )

    def requests(self) -> list[Request]:
        """All that it was sent, in order."""
        where = f"/api/v1/namespaces/{self.namespace}/pods/{self._name}/log"
        return [Request(**json.loads(line)) for line in self._kube.text(where).splitlines()]

    def events(self, namespace: str, name: str = "") -> list[BaseCloudEvent]:
        """Those about objects there, if need be only such whose name starts so."""
        found = [request.event for request in self.requests()]
        return [each for each in found if _is_about(each, namespace, name)]

    def until(self, namespace: str, name: str, type: str, seconds: float = SECONDS) -> BaseCloudEvent:
        """The first event of this type about such an object, once it is there."""
        end = time.monotonic() + seconds
        while True:
            there = self.events(namespace, name)
            found = next((each for each in there if each.get_type() == type), None)
            if found is not None:
                return found
            if time.monotonic() > end:
                raise NotInTime(f"no CloudEvent {type!r} about {name}, only {[each.get_type() for each in there]}")
            time.sleep(0.2)


def data(event: BaseCloudEvent) -> Json:
    """What it carries, as JSON."""
    found = event.get_data()
    assert isinstance(found, dict), found
    return found


def _is_about(event: BaseCloudEvent, namespace: str, name: str) -> bool:
    resource = data(event)["resource"]
    return bool(resource["namespace"] == namespace) and str(resource["name"]).startswith(name)
