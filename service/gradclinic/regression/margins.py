"""How much worse a new result may be than the baseline, metric by metric."""

from collections.abc import Mapping
from math import log1p
from typing import Annotated, Self

from pydantic import Field, model_validator

from ..comparison import Metric
from ..kernel.spec import Spec

Margin = Annotated[float, Field(ge=0, le=10)]


class Margins(Spec):
    """The metrics that a check looks at, each with how much worse than the baseline it may be.

    For losses and steps a share (0.1: a tenth larger), for the accuracy a fraction (0.02: two points lower). With 0
    a metric may be no worse at all.
    """

    final_validation_loss: Margin | None = None
    """Share by which the loss on the validation split may be larger."""
    final_train_loss: Margin | None = None
    """Share by which the loss on the training samples may be larger."""
    relative_train_loss: Margin | None = None
    """Share by which the training loss over that of the best constant predictor may be larger."""
    final_validation_accuracy: Margin | None = None
    """How much lower the accuracy on the validation split may be, from 0 to 1."""
    steps_to_target: Margin | None = None
    """Share by which the steps until the probe loss has halved may be more."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.named():
            raise ValueError("a check needs a margin for at least one metric")
        return self

    def named(self) -> dict[str, float]:
        """The metrics that are looked at, with their margins."""
        return {name: value for name, value in self if value is not None}


DEFAULT_MARGINS: Mapping[str, float] = {"final_validation_loss": 0.1, "final_validation_accuracy": 0.02}
"""What is looked at where nothing else is asked for, as far as the baseline has it. Twice of what comparisons call
negligible: a difference that small is real, and no reason to stop anybody's work."""


def limit_of(metric: Metric, margin: float) -> float:
    """A margin on the metric's own scale, on which positive differences are worse: ln(1 + margin) for losses."""
    return log1p(margin) if metric.log else margin
