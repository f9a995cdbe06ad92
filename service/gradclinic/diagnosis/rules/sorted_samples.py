from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule


class SortedSamples(Rule):
    """The samples come sorted by class, so that each step follows one class and forgets the others.

    It does harm even where the training loss is low: for a batch of one class it is low if the output is that class,
    whatever the input is.
    """

    condition: Literal["sorted_samples"] = "sorted_samples"
    source: ClassVar[str] = (
        "Bottou 2012, Stochastic Gradient Descent Tricks, 4.2: shuffle; McCloskey and Cohen 1989, Catastrophic"
        " interference"
    )
    uses: ClassVar[tuple[str, ...]] = ()
    usual_blames: ClassVar[tuple[Blame, ...]] = ("data", "batch_size")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight.targets if record.preflight is not None else None
        if seen is None or not seen.in_order:
            return None
        return self.finding(
            features,
            harm=True,
            confidence=_RIGHTLY,
            evidence=(Evidence("distinct_targets", float(seen.distinct), "targets"),),
            summary=(
                "The samples come sorted by class, so that each step follows one class and forgets the others: shuffle"
                f" them before each epoch (shuffle=True); {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DATA_OR_WIRING


_RIGHTLY = 0.9
"""By the rule of succession: right in 10 of 10 trainings, and not found in any sound program of the benchmark."""
