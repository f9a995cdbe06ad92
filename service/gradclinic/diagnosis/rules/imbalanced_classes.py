from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.preflight import LossFacts, TargetFacts
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_NEARLY_ALL = 0.9
"""Fraction of the targets from which a class is nearly all, as always predicting it is nearly right. A judgement;
He and Garcia 2009 call ten to one an imbalance between classes."""
_ENOUGH_ROWS = 100
_WEIGHED = 2.0
"""From this weight on the rare class is weighed up."""


class ImbalancedClasses(Rule):
    """Nearly all targets are one class, so the loss hardly rewards the others, and the network did not learn them."""

    condition: Literal["imbalanced_classes"] = "imbalanced_classes"
    source: ClassVar[str] = "He and Garcia 2009, Learning from Imbalanced Data, IEEE TKDE 21"
    uses: ClassVar[tuple[str, ...]] = ("learned",)
    only_alone: ClassVar[bool] = True
    usual_blames: ClassVar[tuple[Blame, ...]] = ("data", "labels", "loss")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.targets is None or seen.loss is None or not failed(features, thresholds):
            return None
        if features.diverged or not _is_imbalanced(seen.targets, seen.loss):
            return None
        most, of_median = seen.targets.most_common, seen.loss.name in _OF_MEDIAN
        return self.finding(
            features,
            harm=True,
            confidence=_RIGHTLY,
            evidence=(Evidence("most_common_class", most, "fraction", _NEARLY_ALL),),
            summary=(
                f"{percent(most)} of the targets are one class, so {_OF_ONE if of_median else _REWARDED};"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=("loss", "data", "labels") if of_median else None,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.TOO_FEW_STEPS - 1


_RIGHTLY = 0.7
"""Less than by the rule of succession (.86: 5 of 5 trainings), since the author of the rule wrote those."""


_REWARDED = (
    "always predicting it is nearly right, and the loss hardly rewards the others: weigh them more in the loss, or draw"
    " them more often"
)
_OF_MEDIAN = ("L1Loss",)
"""Losses that are least, of one output for all samples, for the median of the targets."""
_OF_ONE = (
    "their absolute error is least where the output is always that class: use a cross entropy, which is least for the"
    " fraction of each class, and weigh the others more in it"
)


def _is_imbalanced(targets: TargetFacts, loss: LossFacts) -> bool:
    """Whether one of few classes has nearly all targets, and the loss does not weigh the others up."""
    classes = targets.form == "indices" or (targets.whole and targets.low == 0 and targets.columns == 1)
    weighed = loss.rare_weight is not None and loss.rare_weight >= _WEIGHED
    several = 1 < targets.distinct <= 1000
    return classes and several and targets.rows >= _ENOUGH_ROWS and targets.most_common >= _NEARLY_ALL and not weighed
