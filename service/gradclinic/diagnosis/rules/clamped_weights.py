from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule


class ClampedWeights(Rule):
    """The program clamps the weights to a bound that is too small for the task, and the network did not learn."""

    condition: Literal["clamped_weights"] = "clamped_weights"
    source: ClassVar[str] = "Arjovsky et al. 2017, Wasserstein GAN, arXiv:1701.07875, section 4"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    usual_blames: ClassVar[tuple[Blame, ...]] = ("clipping", "regularization")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight.wiring if record.preflight is not None else None
        if seen is None or seen.clamped_at is None or not failed(features, thresholds):
            return None
        return self.finding(
            features,
            harm=True,
            confidence=_RIGHTLY,
            evidence=(Evidence("clamped_at", seen.clamped_at, "weight"),),
            summary=(
                f"After each step the program clamps weights to at most {seen.clamped_at:.2g}: leave that out, or raise"
                f" the bound; {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DECAY


_RIGHTLY = 0.89
"""By the rule of succession: right in 7 of 7 trainings, and not found in any sound program of the benchmark."""
