"""Spans to a collector, by OTLP over gRPC.

Imported only once a collector is configured: gRPC and its messages take about 14 MiB.
"""

from collections.abc import Mapping, Sequence

import grpc.aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from app import VERSION
from app.lifecycle.spans import FOLLOWS, Span
from app.lifecycle.traces import SpanContext
from app.telemetry.collector import Refused, Unreachable

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SERVICE = "lifecycle-operator"

# What may pass by itself, by OTLP's own list; all else is refused for good.
_PASSING = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class OtlpCollector:
    """The collector at `target`, ``host:port``, without TLS as Keptn has it. Connects when it is first asked to."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.aio.insecure_channel(target)
        self._export = self._channel.unary_unary(
            METHOD,
            request_serializer=ExportTraceServiceRequest.SerializeToString,
            response_deserializer=ExportTraceServiceResponse.FromString,
        )

    async def send(self, spans: Sequence[Span], seconds: float) -> str:
        try:
            response: ExportTraceServiceResponse = await self._export(request(spans), timeout=seconds)
        except grpc.aio.AioRpcError as error:
            what = f"{error.code().name}: {error.details()}"
            raise (Unreachable if error.code() in _PASSING else Refused)(what) from None
        partial = response.partial_success
        if partial.rejected_spans:
            return f"{partial.rejected_spans} of {len(spans)} spans were rejected: {partial.error_message}"
        return ""

    async def close(self) -> None:
        await self._channel.close()


def request(spans: Sequence[Span]) -> ExportTraceServiceRequest:
    """The message that carries these spans. Its resource is Keptn's, but for what is simply untrue of us."""
    resource = Resource(
        attributes=_attributes(
            {
                "service.name": SERVICE,
                "service.version": VERSION,
                "telemetry.sdk.name": "opentelemetry",
                "telemetry.sdk.language": "python",
            }
        )
    )
    by_scope: dict[str, list[pb.Span]] = {}
    for span in spans:
        by_scope.setdefault(span.scope, []).append(_span(span))
    scopes = [
        pb.ScopeSpans(scope=InstrumentationScope(name=name), spans=messages) for name, messages in by_scope.items()
    ]
    return ExportTraceServiceRequest(resource_spans=[pb.ResourceSpans(resource=resource, scope_spans=scopes)])


def _span(span: Span) -> pb.Span:
    return pb.Span(
        trace_id=bytes.fromhex(span.context.trace_id),
        span_id=bytes.fromhex(span.context.span_id),
        parent_span_id=bytes.fromhex(span.parent),
        name=span.name,
        kind=pb.Span.SPAN_KIND_CONSUMER,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=_attributes(span.attributes),
        events=[pb.Span.Event(name=event.name, time_unix_nano=event.time) for event in span.events],
        links=[_link(context) for context in span.links],
        status=pb.Status(code=pb.Status.STATUS_CODE_ERROR if span.failed else pb.Status.STATUS_CODE_OK),
        flags=0x01,  # sampled
    )


def _link(context: SpanContext) -> pb.Span.Link:
    return pb.Span.Link(
        trace_id=bytes.fromhex(context.trace_id),
        span_id=bytes.fromhex(context.span_id),
        attributes=_attributes(FOLLOWS),
        flags=0x01,
    )


def _attributes(values: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]
