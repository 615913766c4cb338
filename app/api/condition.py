"""What `kubectl wait` and delivery tools read: conditions in the form that Kubernetes' own kinds have."""

from typing import Annotated

from app.api.fields import Int64, Time
from app.api.meta import Model
from app.api.schema import Schema


class Condition(Model):
    """One condition of an object of ours. Holdfast's addition to Keptn's statuses."""

    type: Annotated[str, Schema(description="Ready, Progressing or Stalled.")]
    status: Annotated[str, Schema(description="True, False or Unknown.")]
    reason: Annotated[str, Schema(description="Why, in one word.")] = ""
    message: Annotated[str, Schema(description="Why, in words.")] = ""
    last_transition_time: Annotated[Time | None, Schema(description="When the status last changed.")] = None
    observed_generation: Annotated[Int64, Schema(description="The generation of the object that this is about.")] = 0


Conditions = Annotated[
    tuple[Condition, ...],
    Schema(description="Ready, Progressing and Stalled, for kubectl wait and delivery tools."),
]
Generation = Annotated[Int64, Schema(description="The generation that the status is about.")]
