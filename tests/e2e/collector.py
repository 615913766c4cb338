"""A collector in a pod: a gRPC server that takes OTLP, and writes down each span."""

import json
import time
from dataclasses import dataclass

from tests.e2e.kube.client import SECONDS, Kube, NotInTime
from tests.e2e.kube.resources import Json
from tests.e2e.looks import condition

PORT = 4317
NAME = "collector"
# Each span is a line of the pod's log.
_SERVER = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

def values(attributes):
    return {each.key: each.value.string_value for each in attributes}

class Collector(services.TraceServiceServicer):
    def Export(self, request, context):
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    print(json.dumps({
                        "service": values(resource.resource.attributes)["service.name"],
                        "scope": scope.scope.name,
                        "name": span.name,
                        "trace": span.trace_id.hex(),
                        "id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "kind": span.kind,
                        "start": span.start_time_unix_nano,
                        "end": span.end_time_unix_nano,
                        "attributes": values(span.attributes),
                        "events": [event.name for event in span.events],
                        "links": [[link.trace_id.hex(), link.span_id.hex()] for link in span.links],
                        "failed": span.status.code == 2,
                    }), flush=True)
        return service.ExportTraceServiceResponse()

server = grpc.server(ThreadPoolExecutor(4))
services.add_TraceServiceServicer_to_server(Collector(), server)
server.add_insecure_port("0.0.0.0:" + sys.argv[1])
server.start()
server.wait_for_termination()
"""


@dataclass(frozen=True, slots=True)
class Span:
    service: str
    scope: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    start: int
    end: int
    attributes: dict[str, str]
    events: list[str]
    links: list[list[str]]
    failed: bool


class Collector:
    """`image` is one that has gRPC and OpenTelemetry's messages: the product's."""

    def __init__(self, kube: Kube, namespace: str, image: str) -> None:
        self._kube = kube
        self._image = image
        self.namespace = namespace

    @property
    def target(self) -> str:
        return f"{NAME}.{self.namespace}.svc.cluster.local:{PORT}"

    def announce(self) -> None:
        """A Service, with nobody behind it yet."""
        service: Json = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": {"app": NAME}, "ports": [{"port": PORT}]},
        }
        self._kube.create(service, self.namespace)

    def start(self) -> None:
        """Listens; returns when it does."""
        container = {
            "name": NAME,
            "image": self._image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-u", "-c", _SERVER, str(PORT)],
            "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        }
        spec = {"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False, "containers": [container]}
        pod: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": NAME, "labels": {"app": NAME}},
            "spec": spec,
        }
        self._kube.create(pod, self.namespace)
        self._kube.until_one(
            "Pod",
            self.namespace,
            NAME,
            lambda found: condition(found, "Ready").get("status") == "True",
            "the collector listens",
        )

    def spans(self) -> list[Span]:
        """All that it was sent, in order."""
        where = f"/api/v1/namespaces/{self.namespace}/pods/{NAME}/log"
        return [Span(**json.loads(line)) for line in self._kube.text(where).splitlines()]

    def trace(self, root: str, app_namespace: str, seconds: float = SECONDS) -> dict[str, Span]:
        """The whole trace of an app version there, by its spans' names, once it has ended. None was sent twice."""
        end = time.monotonic() + seconds
        while True:
            spans = self.spans()
            found = next((each for each in spans if each.name == root and _namespace(each) == app_namespace), None)
            if found is not None:
                mine = [each for each in spans if each.trace == found.trace]
                assert len({each.id for each in mine}) == len(mine), sorted(each.name for each in mine)
                return {each.name: each for each in mine}
            if time.monotonic() > end:
                raise NotInTime(f"no span {root}, only {sorted({each.name for each in spans})}")
            time.sleep(0.5)


def _namespace(span: Span) -> str:
    return span.attributes.get("keptn.deployment.app.namespace", "")
