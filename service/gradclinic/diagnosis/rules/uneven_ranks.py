from collections.abc import Mapping
from math import log
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame, Severity
from ...measurements.ranks import RankFacts
from ...measurements.record import RunRecord
from ..confidence import agreement
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule


class UnevenRanks(Rule):
    """In a training on several processes, the gradients of one are always far from those of the others."""

    condition: Literal["uneven_ranks"] = "uneven_ranks"
    source: ClassVar[str] = "gradclinic: random parts of the same data differ by noise that has no constant sign"
    uses: ClassVar[tuple[str, ...]] = ("uneven_ranks", "min_records", "learned")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("data", "labels", "wiring")
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {
        "rank": "process (rank)",
        "rank_gradient": "its gradients / those of the other processes",
        "rank_loss": "mean loss of its samples",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        ranks = record.outcome.ranks if record.outcome is not None else ()
        apart = [each for each in ranks if _is_apart(each, thresholds)]
        if not apart:
            return None
        worst = max(apart, key=lambda each: (round(_distance(each), 3), each.gradient))  # of two, the larger one
        same_sign = worst.above if worst.gradient > 1 else 1.0 - worst.above
        return self.finding(
            features,
            harm=failed(features, thresholds),
            severity="warning",
            confidence=agreement([1.0] * round(same_sign * worst.steps) + [0.0] * round((1 - same_sign) * worst.steps)),
            evidence=(
                Evidence("rank", float(worst.rank), "rank"),
                Evidence("rank_gradient", worst.gradient, "ratio", thresholds.uneven_ranks),
                Evidence("rank_loss", worst.loss, "loss"),
            ),
            summary=_summary(features, thresholds, worst, ranks),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SCALES


_CONSTANT = 0.9
"""Fraction of the steps in which the difference must have the same sign: noise has it in about half of them."""


def _is_apart(rank: RankFacts, thresholds: Thresholds) -> bool:
    constant = rank.above >= _CONSTANT if rank.gradient > 1 else rank.above <= 1.0 - _CONSTANT
    return constant and rank.steps >= thresholds.min_records and _distance(rank) >= log(thresholds.uneven_ranks)


def _distance(rank: RankFacts) -> float:
    return abs(log(rank.gradient)) if rank.gradient > 0 else 0.0


def _summary(features: Features, thresholds: Thresholds, worst: RankFacts, ranks: tuple[RankFacts, ...]) -> str:
    others = "the other process" if len(ranks) == 2 else "the other processes"
    how = f"{worst.gradient:.2g} times" if worst.gradient > 1 else f"only {worst.gradient:.2g} of"
    losses = [each.loss for each in ranks if each.rank != worst.rank]
    mean = sum(losses) / len(losses) if losses else worst.loss
    return (
        f"The gradients of process {worst.rank} are {how} those of {others} (mean loss {worst.loss:.3g}, there"
        f" {mean:.3g}): compare the data that they read; {outcome_in_words(features, thresholds)}."
    )
