from typing import ClassVar, Literal

import numpy as np

from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import Thresholds
from .base import Order, Rule, failed, outcome_in_words, percent

_LEFT = 0.2
"""Fraction of its initial norm that the typical weight keeps. Trained weights grow or keep their size: of the labelled
healthy runs none falls below half."""


class TooMuchDecay(Rule):
    """Weight decay pulls the weights to zero faster than the gradient can hold them."""

    condition: Literal["too_much_decay"] = "too_much_decay"
    source: ClassVar[str] = "gradclinic: without a gradient a weight shrinks by exp(-rate x decay x steps)"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen, left = record.preflight, _norm_left(record)
        if seen is None or seen.optimizer is None or seen.optimizer.weight_decay <= 0 or left is None or left > _LEFT:
            return None
        decay = seen.optimizer.weight_decay
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=0.9,
            evidence=(
                Evidence("weight_norm_left", left, "fraction", _LEFT),
                Evidence("weight_decay", decay, "1 per step and rate"),
            ),
            summary=(
                f"The weights shrank to {percent(left)} of their initial size under a weight decay of {decay:g}: lower"
                f" it; {outcome_in_words(features, thresholds)}."
            ),
            blames=("regularization",),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DECAY


def _norm_left(record: RunRecord) -> float | None:
    """Median over the trained layers of the last recorded norm over the first; None with fewer than two records."""
    norms = record.get("weight_norm_l2")
    trained = np.array([weight.trainable for weight in record.weights], bool)
    if len(norms) < 2 or not trained.any():
        return None
    first, last = (norms.values[row, trained].astype(np.float64) for row in (0, -1))
    known = (first > 0) & np.isfinite(last)
    return float(np.median(last[known] / first[known])) if known.any() else None
