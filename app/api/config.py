"""KeptnConfig (options.keptn.sh/v1alpha1): what an installation's admin sets, read while Holdfast runs."""

from typing import Annotated

from pydantic import Field

from app.api import rules
from app.api.fields import Interval
from app.api.meta import Model, Object
from app.api.schema import Schema


class ConfigSpec(Model):
    otel_collector_url: str = Field(default="", alias="OTelCollectorUrl")  # host:port of an OTLP/gRPC receiver
    keptn_app_creation_request_timeout_seconds: Annotated[int, Schema(default=True, rules=rules.UNSIGNED)] = 30
    cloud_events_endpoint: str = ""
    block_deployment: Annotated[bool, Schema(default=True)] = True
    observability_timeout: Interval = "5m"
    rest_api_enabled: Annotated[bool, Schema(default=True)] = False


class Config(Object):
    spec: ConfigSpec = ConfigSpec()
