from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import not_known_to_have_learned
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule


class EqualInputs(Rule):
    """All samples of a batch are the same, so that no output can depend on what they were meant to hold."""

    condition: Literal["equal_inputs"] = "equal_inputs"
    source: ClassVar[str] = "definition: a function has one value for equal arguments"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    usual_blames: ClassVar[tuple[Blame, ...]] = ("data", "wiring", "input_scaling")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.inputs is None or not seen.inputs.alike:
            return None
        return self.finding(
            features,
            harm=not_known_to_have_learned(features, thresholds),
            confidence=_RIGHTLY,
            evidence=(Evidence("constant_input_columns", float(seen.inputs.constant_columns), "columns"),),
            summary=(
                "In each of the first batches all samples have the same inputs: look for a buffer that is reused, an"
                " index that stays the same, or a division of whole numbers that leaves zeros;"
                f" {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DATA_OR_WIRING


_RIGHTLY = 0.8
"""By the rule of succession: right in 3 of 3 trainings made for this, and not found in any sound program."""
