from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.preflight import PairingFacts
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import not_known_to_have_learned
from ..phrase import counted, outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule

_UNRELATED = 0.05
"""p-value above which no dependence was found, the usual one. Of 98 correct programs of `benchmark diagnosis --wild`
four are above it, three of them over symbols; of 24 with targets of other samples all are."""
_FEWEST = 100
"""With fewer samples, a dependence may be too weak to be found."""


class UnrelatedTargets(Rule):
    """The targets do not depend on the inputs, as those of other samples; or maps lie otherwise than their pictures."""

    condition: Literal["unrelated_targets"] = "unrelated_targets"
    source: ClassVar[str] = (
        "Szekely and Rizzo 2013, The distance correlation t-test of independence in high dimension; Shen, Panda and"
        " Vogelstein 2022, The chi-square test of distance correlation"
    )
    uses: ClassVar[tuple[str, ...]] = ("learned", "dead_layer", "dead_mean")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("labels", "data")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight.pairing if record.preflight is not None else None
        if seen is None:
            return None
        if seen.turned is not None:
            return self._turned(seen.turned, features, thresholds)
        if seen.of_others >= _CROSSED:
            return self._of_others(seen, features, thresholds)
        return self._unrelated(seen, features, thresholds) if are_unrelated(seen) else None

    def _turned(self, turned: str, features: Features, thresholds: Thresholds) -> Finding:
        return self.finding(
            features,
            harm=not_known_to_have_learned(features, thresholds),
            confidence=_TURNED_RIGHTLY,
            evidence=(),
            summary=(
                f"The pictures are {turned}, and the maps that are their targets are not: change both alike;"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=("data", "labels"),
        )

    def _of_others(self, seen: PairingFacts, features: Features, thresholds: Thresholds) -> Finding:
        return self.finding(
            features,
            harm=True,
            confidence=_CROSSED_RIGHTLY,
            evidence=(Evidence("targets_of_others", float(seen.of_others), "samples", float(_CROSSED)),),
            summary=(
                f"The targets of {counted(seen.of_others, 'sample')} are the next steps of other samples, and none of"
                " their own: inputs and targets were put into a different order, so shuffle both alike;"
                f" {outcome_in_words(features, thresholds)}."
            ),
        )

    def _unrelated(self, seen: PairingFacts, features: Features, thresholds: Thresholds) -> Finding:
        """A network that learned anyway may have learned by heart, which only other samples show."""
        harm = not_known_to_have_learned(features, thresholds)
        return self.finding(
            features,
            harm=harm,
            confidence=(_RIGHTLY if seen.amounts else _OF_SYMBOLS_RIGHTLY) if harm else _BY_HEART,
            evidence=(
                Evidence("distance_correlation", seen.correlation, "ratio"),
                Evidence("p_value", seen.p_value, "fraction", _UNRELATED),
            ),
            summary=(
                f"The targets do not depend on the inputs in {seen.samples:,} samples, as if they belonged to others:"
                f" check that each input is paired with its own target; {outcome_in_words(features, thresholds)}."
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """After what is measured in the training itself: a dependence may be weak, and something else wrong.

        But a part of the units dies as well where there is nothing to learn.
        """
        worst, mean = features.dead_max or 0.0, features.dead_mean or 0.0
        partly_dead = mean >= thresholds.dead_mean and worst < thresholds.dead_layer
        return Order.DEAD - 1 if partly_dead else Order.SMALL_STEPS + 1


_RIGHTLY = 0.81
"""How often it is right, by the rule of succession: in 29 of 35 trainings over numbers. Three others are of pairs,
which were not compared with each other yet, and three of a program whose targets depend weakly on 20 inputs."""
_OF_SYMBOLS_RIGHTLY = 0.5
"""Over symbols it is a possibility: of nine trainings that failed for another reason, six had a weak dependence."""
_TURNED_RIGHTLY = 0.75
"""By the rule of succession: in 2 of 2 trainings, and in none of 105 correct ones."""
_CROSSED = 3
"""Samples from which it is no chance that their targets are another one's next steps; one is hardly ever by chance."""
_CROSSED_RIGHTLY = 0.67
"""By the rule of succession: in 1 of 1 training; not found in any correct language model of the benchmark."""
_BY_HEART = 0.5
"""A network that learned is right or learned by heart: in 1 of 3 trainings the targets were sound."""


def are_unrelated(seen: PairingFacts) -> bool:
    """Whether no dependence was found among enough samples."""
    return seen.samples >= _FEWEST and seen.p_value > _UNRELATED


def are_related(record: RunRecord) -> bool:
    """Whether the targets certainly depend on the inputs, so that most of them are not those of other samples."""
    seen = record.preflight.pairing if record.preflight is not None else None
    return seen is not None and seen.p_value < _CERTAINLY


_CERTAINLY = 1e-6
