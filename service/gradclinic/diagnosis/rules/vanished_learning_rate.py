from collections.abc import Sequence
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import CONSTANT_RATE
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..learning_rate import NEXT_TO_NOTHING, gone_after
from ..outcome import WELL, enough, failed
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule
from .insufficient_evidence import floor_unknown

_EARLY = 0.25
"""Fraction of the steps before which it is there: cosine, linear and one-cycle schedules reach it in the last tenth."""


class VanishedLearningRate(Rule):
    """The schedule took the learning rate to next to nothing in the first steps, as one of epochs stepped by batch."""

    condition: Literal["vanished_learning_rate"] = "vanished_learning_rate"
    source: ClassVar[str] = "definition; torch.optim, How to adjust learning rate: step a schedule of epochs each epoch"
    uses: ClassVar[tuple[str, ...]] = ("min_steps", "min_records")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("schedule", "learning_rate")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        fraction = gone_after(record)
        if fraction is None or fraction >= _EARLY or not features.finished or not enough(features, thresholds):
            return None
        loss = features.relative_train_loss
        if failed(features, thresholds) and (loss is None or not floor_unknown(loss, record)):
            return None  # then small steps or what else is wrong explain it
        return self.finding(
            features,
            harm=loss is None or not loss <= WELL,
            confidence=_RIGHTLY,
            evidence=(Evidence("steps_with_a_learning_rate", fraction, "fraction", _EARLY),),
            summary=(
                f"The schedule lowered the learning rate below {percent(NEXT_TO_NOTHING)} of its maximum after"
                f" {percent(fraction)} of the steps, and the remaining steps changed next to nothing: let it fall"
                f" later, or step it once an epoch and not after each batch; {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SMALL_STEPS

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (CONSTANT_RATE,)


_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training; not found in 105 correct programs."""
