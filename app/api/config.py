"""KeptnConfig (options.keptn.sh/v1alpha1): what an installation's admin sets, read while Holdfast runs."""

from typing import Annotated

from pydantic import Field

from app.api import rules
from app.api.fields import Interval
from app.api.meta import Model, Object
from app.api.schema import Schema


class ConfigSpec(Model):
    otel_collector_url: Annotated[
        str, Schema(description="Where traces go: host:port of an OTLP/gRPC receiver. No traces if empty.")
    ] = Field(default="", alias="OTelCollectorUrl")
    keptn_app_creation_request_timeout_seconds: Annotated[
        int,
        Schema(
            default=True,
            rules=rules.UNSIGNED,
            description="How long to wait, at most, for the workloads of an app that nobody has written.",
        ),
    ] = 30
    cloud_events_endpoint: Annotated[
        str, Schema(description="The URL that CloudEvents are posted to. None are if empty.")
    ] = ""
    block_deployment: Annotated[
        bool, Schema(default=True, description="Whether a check that has failed stops the deployment.")
    ] = True
    observability_timeout: Annotated[
        Interval, Schema(description="How long a workload may take to be up, such as 5m.")
    ] = "5m"
    rest_api_enabled: Annotated[
        bool, Schema(default=True, description="Taken and not used, neither here nor by Keptn.")
    ] = False


class Config(Object):
    spec: ConfigSpec = ConfigSpec()
