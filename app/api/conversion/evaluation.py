"""KeptnEvaluation: `failAction`, which nothing ever read, was given up with v1beta1."""

from typing import Final

from app.api.conversion.converter import Converter
from app.api.versions import EVALUATION

EVALUATIONS: Final = Converter(EVALUATION, lacks=dict.fromkeys(("v1", "v1beta1"), ("spec.failAction",)))
