"""KeptnConfig (options.keptn.sh/v1alpha1): what an installation's admin sets, read while Holdfast runs."""

from pydantic import Field

from app.api.meta import Model, Object


class ConfigSpec(Model):
    otel_collector_url: str = Field(default="", alias="OTelCollectorUrl")  # host:port of an OTLP/gRPC receiver
    keptn_app_creation_request_timeout_seconds: int = 30
    cloud_events_endpoint: str = ""
    block_deployment: bool = True
    observability_timeout: str = "5m"
    rest_api_enabled: bool = False


class Config(Object):
    spec: ConfigSpec = ConfigSpec()
