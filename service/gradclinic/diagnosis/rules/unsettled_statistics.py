from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..phrase import percent
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule

_LEFT = 0.2
"""Fraction of the initial statistics that is left at the end. With the usual momentum of .1 it takes 16 steps, with
.01 161."""


_PUBLISHED = 0.01
"""Least momentum of published networks (MobileNetV3, EfficientNet): with it, only the steps are few."""


class UnsettledStatistics(Rule):
    """The running statistics of batch norm are still near their initial values, so `eval()` gives other outputs."""

    condition: Literal["unsettled_statistics"] = "unsettled_statistics"
    source: ClassVar[str] = "definition: a running mean keeps (1 - momentum)^steps of its start; torch.nn.BatchNorm1d"
    uses: ClassVar[tuple[str, ...]] = ("min_steps",)
    usual_blames: ClassVar[tuple[Blame, ...]] = ("normalization", "steps")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """Whatever the training loss, which batch norm computes with the statistics of each batch."""
        norm = record.preflight.norm if record.preflight is not None else None
        if norm is None or norm.least_momentum is None or not features.finished or features.diverged:
            return None
        left = (1.0 - min(max(norm.least_momentum, 0.0), 1.0)) ** features.steps_done
        if left < _LEFT or features.steps_done < thresholds.min_steps:
            return None
        return self.finding(
            features,
            harm=norm.least_momentum < _PUBLISHED,
            confidence=IN_PROGRAMS[self.condition].rightly,
            evidence=(
                Evidence("statistics_left", left, "fraction", _LEFT),
                Evidence("least_momentum", norm.least_momentum, "1 per step"),
            ),
            summary=(
                f"With a momentum of {norm.least_momentum:g}, after {features.steps_done:,} steps {percent(left)} of"
                " the running statistics of batch norm still come from their initial zeros and ones, so the model gives"
                " other outputs in eval(): take a momentum of about 0.1 (PyTorch's is one minus that of Keras)."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.TOO_FEW_STEPS
