from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed, not_known_to_have_learned
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_MOST = 0.5
"""Fraction of the targets' variance from which equal inputs explain a training that failed: half of the loss of always
predicting the average counts as learned. Of 147 correct programs none has more than 5 %."""


class EqualInputs(Rule):
    """All samples of a batch, or many with different targets, are the same: no output can tell them apart."""

    condition: Literal["equal_inputs"] = "equal_inputs"
    source: ClassVar[str] = "definition: a function has one value for equal arguments"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    usual_blames: ClassVar[tuple[Blame, ...]] = ("data", "wiring", "input_scaling")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None:
            return None
        if seen.inputs is None or not seen.inputs.alike:
            return self._of_many(seen.unexplained or 0.0, features, thresholds)
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

    def _of_many(self, unexplained: float, features: Features, thresholds: Thresholds) -> Finding | None:
        if unexplained < _MOST:
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=_MANY_RIGHTLY,
            evidence=(Evidence("unexplained_targets", unexplained, "fraction", _MOST),),
            summary=(
                f"{percent(unexplained)} of the targets' variance lies between samples whose inputs are equal, so no"
                " network can explain it: look for what makes them equal, such as words that the vocabulary lacks, or a"
                f" division of whole numbers; {outcome_in_words(features, thresholds)}."
            ),
            blames=("data", "input_scaling", "labels"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DATA_OR_WIRING


_RIGHTLY = 0.8
"""By the rule of succession: right in 3 of 3 trainings made for this, and not found in any sound program."""
_MANY_RIGHTLY = 0.75
"""The same: right in 2 of 2 programs with such words, and not found in any correct one."""
