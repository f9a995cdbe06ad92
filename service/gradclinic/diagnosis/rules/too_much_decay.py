from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from ...measurements.preflight import OptimizerFacts
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LESS_DECAY, NO_DECAY
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_LEFT = 0.2
"""Fraction of its initial norm that the typical weight keeps. Trained weights grow or keep their size: of the labelled
healthy runs none falls below half."""

_STRONG, _EQUAL = 0.01, 0.2
"""A decay from .01 on can hold a network back; at rest the gradient is the decay times the weights, up to 20 %."""


class TooMuchDecay(Rule):
    """Weight decay shrinks the weights faster than the gradient restores them."""

    condition: Literal["too_much_decay"] = "too_much_decay"
    source: ClassVar[str] = "gradclinic: without a gradient a weight shrinks by exp(-rate x decay x steps)"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        optimizer = record.preflight.optimizer if record.preflight is not None else None
        if optimizer is None or optimizer.weight_decay <= 0:
            return None
        decay, left, held = optimizer.weight_decay, _norm_left(record), _gradient_to_weight(record)
        if left is not None and left <= _LEFT:
            what = f"The weights shrank to {percent(left)} of their initial size under a weight decay of {decay:g}"
            evidence = Evidence("weight_norm_left", left, "fraction", _LEFT)
        elif held is not None and failed(features, thresholds) and _balances(held, optimizer):
            what = f"A weight decay of {decay:g} takes away what the gradient adds, so the weights do not change"
            evidence = Evidence("relative_gradient", held, "ratio", decay)
        else:
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=0.9,
            evidence=(evidence, Evidence("weight_decay", decay, "1 per step and rate")),
            summary=f"{what}: lower it; {outcome_in_words(features, thresholds)}.",
            blames=("regularization",),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DECAY

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (NO_DECAY, LESS_DECAY)


def _norm_left(record: RunRecord) -> float | None:
    """Median over the trained layers of the last recorded norm over the first; None with fewer than two records."""
    norms = record.get("weight_norm_l2")
    trained = np.array([weight.trainable for weight in record.weights], bool)
    if len(norms) < 2 or not trained.any():
        return None
    first, last = (norms.values[row, trained].astype(np.float64) for row in (0, -1))
    known = (first > 0) & np.isfinite(last)
    return float(np.median(last[known] / first[known])) if known.any() else None


def _balances(held: float, optimizer: OptimizerFacts) -> bool:
    """Whether the pull of the decay, if it is part of the gradient, equals that of the loss."""
    decay = optimizer.weight_decay
    return optimizer.name != "AdamW" and decay >= _STRONG and abs(held / decay - 1.0) <= _EQUAL


def _gradient_to_weight(record: RunRecord) -> float | None:
    """Median over the trained layers of the last recorded gradient norm over the weights' norm; None where unknown."""
    gradients, weights = record.get("weight_grad_norm_l2"), record.get("weight_norm_l2")
    trained = np.array([weight.trainable for weight in record.weights], bool)
    if not len(gradients) or not len(weights) or not trained.any():
        return None
    gradient, weight = (part.values[-1, trained].astype(np.float64) for part in (gradients, weights))
    known = (weight > 0) & np.isfinite(gradient)
    return float(np.median(gradient[known] / weight[known])) if known.any() else None
