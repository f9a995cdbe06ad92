from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import CONSTANT_RATE
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import enough, failed
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_LEFT = 0.01
"""Learning rate over its largest from which steps count for nothing."""
_EARLY = 0.25
"""Fraction of the steps before which it is there: cosine, linear and one-cycle schedules reach it in the last tenth."""
_WELL = 0.2
"""Fraction of the loss of always predicting the average at which nothing was lost: a judgement."""


class VanishedLearningRate(Rule):
    """The schedule took the learning rate to next to nothing in the first steps, as one of epochs stepped by batch."""

    condition: Literal["vanished_learning_rate"] = "vanished_learning_rate"
    source: ClassVar[str] = "definition; torch.optim, How to adjust learning rate: step a schedule of epochs each epoch"
    uses: ClassVar[tuple[str, ...]] = ("min_steps", "min_records")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("schedule", "learning_rate")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        fraction = _gone_after(record)
        if fraction is None or fraction >= _EARLY or not features.finished or not enough(features, thresholds):
            return None
        if failed(features, thresholds):  # then small steps or what else is wrong explain it
            return None
        loss = features.relative_train_loss
        return self.finding(
            features,
            harm=loss is None or loss > _WELL,
            confidence=_RIGHTLY,
            evidence=(Evidence("steps_with_a_learning_rate", fraction, "fraction", _EARLY),),
            summary=(
                f"The schedule took the learning rate below {percent(_LEFT)} of its largest after"
                f" {percent(fraction)} of the steps, and the rest changed next to nothing: let it fall later, or step"
                f" it once an epoch and not after each batch; {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SMALL_STEPS

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (CONSTANT_RATE,)


_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training; not found in 105 correct programs."""


def _gone_after(record: RunRecord) -> float | None:
    """Fraction of the steps after which the rate is next to nothing for good; None if it is not at the end."""
    rates = record.get("learning_rate")
    if len(rates) < 2:
        return None
    values = rates.values[:, 0].astype(np.float64)
    largest = float(np.nanmax(values))
    high = np.flatnonzero(values >= _LEFT * largest)
    if not largest > 0 or not len(high) or high[-1] == len(values) - 1:
        return None
    return float(rates.steps[high[-1] + 1]) / max(1, int(rates.steps[-1]))
