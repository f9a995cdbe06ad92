from collections.abc import Sequence
from typing import ClassVar, Literal

from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LESS_DROPOUT
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words, percent
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule

_MOST = 0.8
"""Dropout from which on it is called too much: common values are .1 to .5, and of .8 a fifth of the units is left."""


class TooMuchDropout(Rule):
    """Dropout leaves so few units that the network cannot learn from what is left."""

    condition: Literal["too_much_dropout"] = "too_much_dropout"
    source: ClassVar[str] = "Srivastava et al. 2014, Dropout, JMLR 15, appendix A: .5 to .8 of hidden units are kept"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        dropout = record.preflight.dropout if record.preflight is not None else None
        if dropout is None or dropout < _MOST:
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=IN_PROGRAMS[self.condition].rightly,
            evidence=(Evidence("dropout", dropout, "fraction", _MOST),),
            summary=(
                f"A dropout layer sets {percent(dropout)} of its units to zero in each step: lower it to 50 % or less;"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=("regularization",),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DECAY

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (LESS_DROPOUT,)
