"""The margins of a check: how much worse each metric may be than the baseline."""

from collections.abc import Mapping
from math import log1p
from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from ..comparison import Metric
from ..kernel.spec import Spec

Margin = Annotated[float, Field(ge=0, le=10)]


class Margins(Spec):
    """The metrics of a check, each with a margin: how much worse than the baseline it may be.

    For losses and steps the margin is relative (0.1: 10 % larger); for the accuracy it is absolute (0.02: two
    percentage points lower). With 0 a metric may not be worse at all.
    """

    final_validation_loss: Margin | None = None
    """Relative margin of the loss on the validation split (0.1: 10 % larger)."""
    final_train_loss: Margin | None = None
    """Relative margin of the loss on the training samples."""
    relative_train_loss: Margin | None = None
    """Relative margin of the training loss relative to always predicting the average."""
    final_validation_accuracy: Margin | None = None
    """Absolute margin of the accuracy on the validation split, from 0 to 1 (0.02: two percentage points lower)."""
    steps_to_target: Margin | None = None
    """Relative margin of the number of steps until the probe loss is half that of always predicting the average."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.named():
            raise ValueError("a check needs a margin for at least one metric")
        return self

    def named(self) -> dict[str, float]:
        """The margins of the checked metrics, by name."""
        return {name: value for name, value in self if value is not None}


DEFAULT_MARGINS: Mapping[str, float] = {"final_validation_loss": 0.1, "final_validation_accuracy": 0.02}
"""The default margins, for metrics that the baseline has. They are twice what comparisons call negligible: such a
difference can be real, but is no reason to block a change."""


def limit_of(metric: Metric, margin: float) -> float:
    """A margin on the scale of the metric's differences: ln(1 + margin) on a log scale, otherwise the margin."""
    return log1p(margin) if metric.log else margin
