"""The real protocol: a gRPC server that takes OTLP, and what it gets."""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from app.lifecycle.spans import Event, Span
from app.lifecycle.traces import SpanContext
from app.telemetry.collector import Refused, Unreachable
from app.telemetry.otlp import OtlpCollector

ABOVE = SpanContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
SPAN = Span(
    scope="keptn/lifecycle-operator/appversion",
    name="AppDeploy",
    context=SpanContext(ABOVE.trace_id, "00f067aa0ba902b7"),
    parent=ABOVE.span_id,
    start=1_000_000_000,
    end=3_000_000_000,
    attributes={"keptn.deployment.app.name": "shop"},
    failed=True,
    events=(Event("App Deployment has failed", 2_000_000_000),),
    links=(SpanContext("1" * 32, "2" * 16),),
)
ROOT = Span("other", "root", ABOVE, "", 0, 1, {}, failed=False)


class Receiver(services.TraceServiceServicer):
    def __init__(self) -> None:
        self.requests: list[service.ExportTraceServiceRequest] = []
        self.answer = service.ExportTraceServiceResponse()
        self.code: grpc.StatusCode | None = None

    async def Export(self, request: service.ExportTraceServiceRequest, context: Any) -> Any:
        if self.code is not None:
            await context.abort(self.code, "said so")
        self.requests.append(request)
        return self.answer


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, OtlpCollector]]:
    receiver, server = Receiver(), grpc.aio.server()
    services.add_TraceServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    collector = OtlpCollector(f"127.0.0.1:{port}")
    try:
        yield receiver, collector
    finally:
        await collector.close()
        await server.stop(None)


def attributes(values: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in values}


async def test_a_span_comes_over_whole() -> None:
    async with receiving() as (receiver, collector):
        assert await collector.send([SPAN, ROOT], 5.0) == ""
    (resource,) = receiver.requests[0].resource_spans
    of_process = attributes(resource.resource.attributes)
    assert of_process.pop("service.version")
    assert of_process == {
        "service.name": "lifecycle-operator",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
    }
    assert [scope.scope.name for scope in resource.scope_spans] == ["keptn/lifecycle-operator/appversion", "other"]
    (span,) = resource.scope_spans[0].spans
    assert (span.trace_id.hex(), span.span_id.hex()) == (SPAN.context.trace_id, SPAN.context.span_id)
    assert span.parent_span_id.hex() == ABOVE.span_id
    assert (span.name, span.kind) == ("AppDeploy", pb.Span.SPAN_KIND_CONSUMER)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (SPAN.start, SPAN.end)
    assert attributes(span.attributes) == SPAN.attributes
    assert [(event.name, event.time_unix_nano) for event in span.events] == [(e.name, e.time) for e in SPAN.events]
    (link,) = span.links
    assert (link.trace_id.hex(), link.span_id.hex()) == ("1" * 32, "2" * 16)
    assert attributes(link.attributes) == {"opentracing.ref_type": "follows-from"}
    assert span.status.code == pb.Status.STATUS_CODE_ERROR
    (root,) = resource.scope_spans[1].spans
    assert (root.parent_span_id, root.status.code) == (b"", pb.Status.STATUS_CODE_OK)


async def test_what_the_collector_rejects_is_said() -> None:
    async with receiving() as (receiver, collector):
        receiver.answer.partial_success.rejected_spans = 1
        receiver.answer.partial_success.error_message = "too old"
        assert await collector.send([SPAN, ROOT], 5.0) == "1 of 2 spans were rejected: too old"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, Unreachable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Unreachable),
        (grpc.StatusCode.INVALID_ARGUMENT, Refused),
        (grpc.StatusCode.UNIMPLEMENTED, Refused),
        (grpc.StatusCode.UNAUTHENTICATED, Refused),
    ],
)
async def test_what_may_pass_and_what_will_not(code: grpc.StatusCode, error: type[Exception]) -> None:
    async with receiving() as (receiver, collector):
        receiver.code = code
        with pytest.raises(error, match=f"{code.name}: said so"):
            await collector.send([SPAN], 5.0)
        receiver.code = None
        assert await collector.send([SPAN], 5.0) == ""


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        collector = OtlpCollector(f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unreachable, match="UNAVAILABLE"):
            await collector.send([SPAN], 2.0)
        await collector.close()


async def test_a_name_that_is_none() -> None:
    collector = OtlpCollector("there is no such host:4317")
    with pytest.raises(Unreachable):
        await collector.send([SPAN], 2.0)
    await collector.close()


async def test_somebody_who_does_not_answer_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        collector = OtlpCollector(f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unreachable):
            await collector.send([SPAN], 0.5)
        await collector.close()
