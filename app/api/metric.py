"""KeptnMetric and KeptnMetricsProvider v1 of metrics.keptn.sh: what evaluations read of Keptn's metrics operator.

The kinds are that operator's, and a cluster may not have them.
"""

from app.api.evaluation import Provider
from app.api.fields import Time
from app.api.meta import Model, Object


class ProviderRef(Model):
    name: str = ""


class MetricSpec(Model):
    provider: ProviderRef = ProviderRef()
    query: str = ""
    fetch_interval_seconds: int = 0
    range: dict[str, object] | None = None  # asks for an aggregate over time


class MetricStatus(Model):
    value: str = ""
    raw_value: str = ""
    last_updated: Time | None = None
    err_msg: str = ""


class Metric(Object):
    spec: MetricSpec = MetricSpec()
    status: MetricStatus = MetricStatus()


class MetricsProviderSpec(Provider):
    type: str = ""


class MetricsProvider(Object):
    spec: MetricsProviderSpec = MetricsProviderSpec()

    @property
    def type(self) -> str:
        """What it speaks. Once, a provider's name was its type."""
        return self.spec.type or self.metadata.name
