from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule


class MissingPositions(Rule):
    """A network with attention cannot tell the order of the steps: nothing adds their positions."""

    condition: Literal["missing_positions"] = "missing_positions"
    source: ClassVar[str] = "Vaswani et al. 2017, arXiv:1706.03762, 3.5: attention without positions ignores the order"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    usual_blames: ClassVar[tuple[Blame, ...]] = ("architecture", "data")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        """None also where the network learned: the order of a set has no meaning."""
        seen = record.preflight.order if record.preflight is not None else None
        if seen is None or not seen.blind or not failed(features, thresholds):
            return None
        return self.finding(
            features,
            harm=True,
            confidence=IN_PROGRAMS[self.condition].rightly,
            evidence=(Evidence("steps_of_a_sample", float(seen.steps), "steps"),),
            summary=(
                f"The network does not see the order of the {seen.steps} steps: in another order they give the same"
                " outputs, so add positions to the inputs of the attention, unless the order has no meaning;"
                f" {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NO_ORDER
