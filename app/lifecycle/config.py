"""What an installation's KeptnConfig says, with what stands where it says nothing, or nothing that can be read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.api import config as api
from app.lifecycle import durations

_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Config:
    """What counts now. The defaults are Keptn's (keptn-behaviour 3.12)."""

    blocking: bool = True
    observability_seconds: float = 300.0
    discovery_seconds: float = 30.0
    otel_collector: str = ""  # host:port
    cloud_events: str = ""  # an http or https URL


DEFAULTS = Config()


def chosen(configs: Iterable[api.Config]) -> api.Config | None:
    """The one that counts: the oldest, by name among equally old ones, so that a second one changes nothing."""
    return min(configs, key=lambda config: config.metadata.order, default=None)


def effective(configs: Sequence[api.Config]) -> Config:
    """What the chosen of `configs` says, all of the installation namespace. What makes no sense there is left out."""
    config = chosen(configs)
    return DEFAULTS if config is None else _read(config)[0]


def complaints(config: api.Config, others: Sequence[api.Config], installation: str) -> tuple[str, ...]:
    """What its author should know of `config`: that nobody reads it, or which of its values do not count.

    `others` are those of the namespace `installation`, which is Holdfast's; `config` may be among them.
    """
    name, namespace = config.metadata.name, config.metadata.namespace
    if namespace != installation:
        return (
            f"KeptnConfig {name} is not read: only one in namespace {installation}, where Holdfast is installed, "
            "counts. Move it there, or delete it.",
        )
    first = chosen(others)
    if first is not None and first.metadata.name != name:
        return (
            f"KeptnConfig {name} is not read: {first.metadata.name} is older, and only one counts. "
            "Merge them, and delete one.",
        )
    return _read(config)[1]


def _read(config: api.Config) -> tuple[Config, tuple[str, ...]]:
    """What it says, and what about it makes no sense."""
    spec = config.spec
    wrong = []
    observability = _duration(spec.observability_timeout)
    if observability is None:
        observability = DEFAULTS.observability_seconds
        wrong.append(
            f"spec.observabilityTimeout {spec.observability_timeout!r} is not a duration above 0, so "
            f"{durations.format(observability)} counts: write a number with a unit, such as 30s, 5m or 1h30m."
        )
    discovery = float(spec.keptn_app_creation_request_timeout_seconds)
    if discovery < 0:
        discovery = DEFAULTS.discovery_seconds
        wrong.append(
            f"spec.keptnAppCreationRequestTimeoutSeconds {spec.keptn_app_creation_request_timeout_seconds} is below 0, "
            f"so {discovery:g} counts: write a number of seconds."
        )
    endpoint = spec.cloud_events_endpoint.strip()
    if endpoint and not _is_url(endpoint):
        endpoint = ""
        # It is not quoted: what is not a URL may be a password all the same.
        wrong.append(
            "spec.cloudEventsEndpoint is not an http or https URL, so no CloudEvents are sent: write one such as "
            "http://receiver.observability:8080/events."
        )
    collector = _collector(spec.otel_collector_url)
    if collector is None:
        collector = ""
        wrong.append(
            "spec.OTelCollectorUrl is not a host and a port, so there are no traces: write one such as "
            "otel-collector.observability:4317. It is spoken to by OTLP over gRPC, without TLS."
        )
    return Config(
        blocking=spec.block_deployment,
        observability_seconds=observability,
        discovery_seconds=discovery,
        otel_collector=collector,
        cloud_events=endpoint,
    ), tuple(wrong)


def _duration(text: str) -> float | None:
    try:
        seconds = durations.parse(text)
    except durations.DurationError:
        return None
    return seconds if seconds > 0 else None


def _collector(text: str) -> str | None:
    """``host:port``, which may have ``http://`` before it; "" for nobody, None for what is neither."""
    address = text.strip().removeprefix("http://").rstrip("/")
    match = _ADDRESS.fullmatch(address)
    return address if not address or (match and 0 < int(match[1]) < 65536) else None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
        and text.isascii()
        and not any(c.isspace() for c in text)
    )
