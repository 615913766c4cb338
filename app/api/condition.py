"""What `kubectl wait` and delivery tools read: conditions in the form that Kubernetes' own kinds have."""

from app.api.fields import Int64, Time
from app.api.meta import Model


class Condition(Model):
    """One condition of an object of ours. Holdfast's addition to Keptn's statuses."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: Time | None = None
    observed_generation: Int64 = 0
