from collections.abc import Sequence
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame, Severity
from ...measurements.losses import at_first, at_last, batch_losses
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import rate
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import LARGE_STEP, enough, learned
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_STILL = 0.9
"""Loss at the end of the last half over that at its beginning, from which it no longer falls: a judgement."""
_WELL = 0.2
"""Fraction of the loss of always predicting the average at which large steps lost nothing: a judgement."""


class TooLargeSteps(Rule):
    """Each step changes a layer by several percent of its size, and the loss stays at a part of what it was."""

    condition: Literal["too_large_steps"] = "too_large_steps"
    source: ClassVar[str] = "update-to-weight ratio near 1e-3 as a healthy step: Karpathy, CS231n notes"
    uses: ClassVar[tuple[str, ...]] = ("learned", "min_steps", "min_records")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("learning_rate", "optimizer")
    usual_severity: ClassVar[Severity] = "info"

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """Where it did not learn at all, what else may be wrong is asked first (`slow_convergence`)."""
        loss, total = features.relative_train_loss, features.total_update
        if loss is None or total is None or not features.finished or not enough(features, thresholds):
            return None
        a_step = total / max(1, features.steps_done)
        if a_step <= LARGE_STEP or loss <= _WELL or not learned(features, thresholds) or not _stands_still(record):
            return None
        return self.finding(
            features,
            harm=False,
            severity="info",
            confidence=_RIGHTLY,
            evidence=(Evidence("mean_update", a_step, "weights", LARGE_STEP),),
            summary=(
                f"Each step changes a layer by {percent(a_step)} of its size on average, thirty times what is usual or"
                f" more, so the loss may end where it happens to be: also try a lower learning rate;"
                f" {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SWINGS_UNDER_LARGE_STEPS

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (rate(0.1), rate(0.02))


def _stands_still(record: RunRecord) -> bool:
    """Whether the loss no longer falls in the last half: large steps of a short training may be what it needs."""
    losses = batch_losses(record)
    late = losses[len(losses) // 2 :]
    return at_last(late) >= _STILL * at_first(late)


_RIGHTLY = 0.29
"""By the rule of succession: of 5 trainings with large steps, one is known to be cured by a lower rate. The others are
sound (two short ones, adapters that begin at 0, and weights that began too small), so it is only a note."""
