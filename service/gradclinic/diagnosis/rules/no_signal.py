from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import starts_too_large
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule

_CUT: tuple[Blame, ...] = ("output_activation", "loss", "initialization")
_STARTED: tuple[Blame, ...] = ("initialization", "output_activation", "loss")
"""Where the initial weights make values so large that the output's activation is flat there."""


class NoSignal(Rule):
    """The gradient was exactly zero at every weight from the first step on: nothing can change."""

    condition: Literal["no_signal"] = "no_signal"
    source: ClassVar[str] = "definition: a gradient of exactly 0 moves nothing at any learning rate"
    uses: ClassVar[tuple[str, ...]] = ()
    may_stop: ClassVar[bool] = True

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.wiring is None or not seen.wiring.zero_gradient:
            return None
        narrow = seen.precision is not None and seen.precision.lowest == "float16" and not seen.precision.scaled
        at = f", from {seen.wiring.stops_at} on" if seen.wiring.stops_at else ""
        return self.finding(
            features,
            harm=True,
            confidence=0.97,
            layers=(seen.wiring.stops_at,) if seen.wiring.stops_at else (),
            evidence=(Evidence("gradient_norm", 0.0, "loss per weight", 0.0),),
            summary=(
                f"The gradient is exactly zero{at}, so no weight can move; {outcome_in_words(features, thresholds)}."
            ),
            blames=("precision",) if narrow else _STARTED if _starts_wrong(record) else _CUT,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NO_SIGNAL


def _starts_wrong(record: RunRecord) -> bool:
    """Whether the initial weights are far too large, or some layer's are all zero."""
    sizes = record.get("weight_norm_l2")
    zero = len(sizes) > 0 and sizes.steps[0] == 0 and bool((sizes.values[0] == 0).any())
    return zero or starts_too_large(record)
