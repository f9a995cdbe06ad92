from collections.abc import Sequence
from math import prod
from typing import ClassVar, Literal

import numpy as np

from ...measurements.preflight import OptimizerFacts
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LESS_DECAY, NO_DECAY
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed, moved_by_its_size
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_LEFT = 0.2
"""Fraction of its initial norm that the typical weight keeps. Trained weights grow or keep their size: of the labelled
healthy runs none falls below half."""

_STRONG = 0.01
"""A decay from .01 on can hold a network back. Where the gradient vanished from the start, a weaker one shrinks only
what nothing else moves: without it, none of eight such networks learned, but with ReLU or tanh they did."""
_SHARE, _WHOLE = 0.5, 1.25
"""At rest the mean gradient is the decay times the weights: a share of 1. The noise of batches adds to the gradient's
size, not to its mean, so the measured share is at most that, and near a half where noise is as large as the mean."""
_SHRUNK, _AT_REST = 0.75, 0.1
"""Fraction of its initial norm up to which the typical weight shrinks, and the relative change of that norm over the
last quarter of its records up to which it is at rest."""
_RIGHTLY, _AMONG_OTHERS = 0.94, 0.7
"""How often the network learns without its decay. 48 dense networks of one and four layers (three activations, two
data sets, SGD and Adam at two rates each) were trained under five decays. Without the decay, 58 of 61 that this named
learned; where gradients also vanished from the start, 31 of 44; both by the rule of succession. Two were missed."""
_FEWEST = 8
"""Records below which nothing is said of the pull of the decay."""


class TooMuchDecay(Rule):
    """Weight decay shrinks the weights faster than the gradient restores them."""

    condition: Literal["too_much_decay"] = "too_much_decay"
    source: ClassVar[str] = "gradclinic: without a gradient a weight shrinks by exp(-rate x decay x steps)"
    uses: ClassVar[tuple[str, ...]] = ("depth_slope", "large_update", "learned")

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        optimizer = record.preflight.optimizer if record.preflight is not None else None
        if optimizer is None or optimizer.weight_decay <= 0:
            return None
        decay, left, share = optimizer.weight_decay, _norm_left(record), _share(record, optimizer)
        vanished = (features.depth_slope_early or 0.0) >= thresholds.depth_slope
        if left is not None and left <= _LEFT and not (vanished and decay < _STRONG):
            what = f"The weights shrank to {percent(left)} of their initial size under a weight decay of {decay:g}"
            evidence = Evidence("weight_norm_left", left, "fraction", _LEFT)
        elif (bound := _bound_below_start(record, optimizer)) is not None and left is not None and left <= _SHRUNK:
            what = (
                f"AdamW with a weight decay of {decay:g} keeps weights below about {1 / decay:.2g}, and the typical one"
                f" began at {bound:.2g}"
            )
            evidence = Evidence("initial_weight", bound, "weight", 1 / decay)
        elif (
            share is not None
            and share >= _SHARE
            and _holds_back(share, features, record, thresholds, vanished=vanished)
        ):
            what = f"A weight decay of {decay:g} takes away what the gradient adds, so the weights cannot grow"
            evidence = Evidence("decay_to_gradient", share, "ratio", _SHARE)
        else:
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=_AMONG_OTHERS if vanished or evidence.name == "initial_weight" else _RIGHTLY,
            evidence=(evidence, Evidence("weight_decay", decay, "1 per step and rate")),
            summary=f"{what}: lower it; {outcome_in_words(features, thresholds)}.",
            blames=("regularization",),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.DECAY

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (NO_DECAY, LESS_DECAY)


def _holds_back(share: float, features: Features, record: RunRecord, thresholds: Thresholds, *, vanished: bool) -> bool:
    """Whether a decay as strong as the gradient kept a network from learning: its weights shrank, or moved to a rest.

    Where the gradient vanished from the start, they shrink because nothing else moves them.
    """
    left, late = _norm_left(record), _norm_left(record, since=0.75)
    if left is None or late is None or not failed(features, thresholds):
        return False
    at_rest = moved_by_its_size(features, thresholds) and abs(late - 1.0) <= _AT_REST
    return (left <= _SHRUNK and not vanished) or (at_rest and share <= _WHOLE)


def _share(record: RunRecord, optimizer: OptimizerFacts) -> float | None:
    """Pull of the decay on the typical trained layer over that of the loss, in the last quarter of the records.

    None if the decay is weak or no part of the gradient, or with too few records.
    """
    gradients, weights = record.get("weight_grad_norm_l2"), record.get("weight_norm_l2")
    _, rows, others = np.intersect1d(gradients.steps, weights.steps, return_indices=True)
    trained = np.array([weight.trainable for weight in record.weights], bool)
    if optimizer.name == "AdamW" or optimizer.weight_decay < _STRONG or len(rows) < _FEWEST or not trained.any():
        return None
    late = slice(-(len(rows) // 4), None)
    gradient = np.sqrt(np.square(gradients.values[rows[late]][:, trained].astype(np.float64)).mean(0))
    pull = optimizer.weight_decay * weights.values[others[late]][:, trained].astype(np.float64).mean(0)
    known = (gradient > 0) & np.isfinite(gradient) & np.isfinite(pull)
    return float(np.median(pull[known] / gradient[known])) if known.any() else None


def _bound_below_start(record: RunRecord, optimizer: OptimizerFacts) -> float | None:
    """RMS of the typical initial weight under AdamW, if it is above what its decay allows; None otherwise.

    A step of Adam is about as large as the rate, and the decay takes away rate x decay x weight: they are equal at a
    weight of 1 / decay (Loshchilov and Hutter 2019, arXiv:1711.05101).
    """
    norms = record.get("weight_norm_l2")
    sizes = np.array([prod(weight.shape) for weight in record.weights], float)
    trained = np.array([weight.trainable for weight in record.weights], bool)
    if optimizer.name != "AdamW" or not len(norms) or not trained.any():
        return None
    typical = float(np.median(norms.values[0, trained] / np.sqrt(sizes[trained])))
    return typical if typical > 1.0 / optimizer.weight_decay else None


def _norm_left(record: RunRecord, since: float = 0.0) -> float | None:
    """Median over the trained layers of the last recorded norm over one before: the first, or that at part of them.

    None with fewer than two records.
    """
    norms = record.get("weight_norm_l2")
    trained = np.array([weight.trainable for weight in record.weights], bool)
    if len(norms) < 2 or not trained.any():
        return None
    before, last = (norms.values[row, trained].astype(np.float64) for row in (int(since * (len(norms) - 1)), -1))
    known = (before > 0) & np.isfinite(last)
    return float(np.median(last[known] / before[known])) if known.any() else None
