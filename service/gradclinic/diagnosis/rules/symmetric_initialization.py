from collections.abc import Sequence
from typing import ClassVar, Literal

from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import KAIMING, XAVIER
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule


class SymmetricInitialization(Rule):
    """All weights of each layer started equal, so its units compute the same, get the same gradient and stay equal."""

    condition: Literal["symmetric_initialization"] = "symmetric_initialization"
    source: ClassVar[str] = "Goodfellow, Bengio and Courville 2016, Deep Learning, section 8.4: to break symmetry"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        wiring = record.preflight.wiring if record.preflight is not None else None
        if wiring is None or not wiring.alike:
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds) or not _learned_well(features),
            confidence=IN_PROGRAMS[self.condition].rightly,
            evidence=(Evidence("different_initial_weights", 1.0, "values in a layer"),),
            summary=(
                "All weights of each layer began with one value, so its units stay alike and count as one: draw the"
                f" initial weights at random; {outcome_in_words(features, thresholds)}."
            ),
            blames=("initialization",),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """Where that value is 0, no gradient passes either, of which this is the reason."""
        return Order.LOSS_OR_OUTPUT

    def explains(self, other: Finding, record: RunRecord) -> bool:
        """Equal weights pass on what all units share, and none at 0."""
        return other.condition in ("no_signal", "vanishing_gradients", "dead_units")

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (XAVIER, KAIMING)


_WELL = 0.1
"""Up to this fraction of the loss of always predicting the average, what was lost in the first steps was made up for: a
judgement. Random biases make units differ in time; of 4 such networks, those with .09 and less lost nothing."""


def _learned_well(features: Features) -> bool:
    loss = features.relative_train_loss
    return not features.finished or (loss is not None and loss <= _WELL)
