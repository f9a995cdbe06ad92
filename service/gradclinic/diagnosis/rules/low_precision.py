from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from ...measurements.profile import Array
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import BFLOAT16, FLOAT32
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed, overflows_float16
from ..phrase import outcome_in_words, percent
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule

_LOST = 0.2
"""Fraction of a layer's gradient entries that are 0 or below the normal numbers."""


class LowPrecision(Rule):
    """float16 without a gradient scaler: small gradients become 0, large values infinity."""

    condition: Literal["low_precision"] = "low_precision"
    source: ClassVar[str] = "Micikevicius et al. 2018, Mixed Precision Training, arXiv:1710.03740"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.precision is None or seen.precision.lowest != "float16" or seen.precision.scaled:
            return None
        lost, origin = _lost(record), record.outcome.nonfinite_origin if record.outcome is not None else None
        overflowed = features.diverged and (origin is None or origin.where not in ("inputs", "targets"))
        if lost < _LOST and not overflowed:
            return None
        rounded = rounds_eps(features, record)
        what = (
            "a step made its weights infinite or NaN (an eps of 1e-8 is 0 in float16, so that the step divides by 0)"
            if rounded
            else "values beyond 65,504 became infinite"
            if overflowed
            else f"up to {percent(lost)} of a layer's gradient is 0 or below the smallest normal number (6.1e-5)"
        )
        helps = origin is None or origin.where not in ("forward", "weights")
        scaler = "torch.amp.GradScaler, " if helps else "an eps of 1e-4, " if rounded else ""
        return self.finding(
            features,
            layers=(origin.module,) if overflowed and origin is not None and origin.module else (),
            harm=failed(features, thresholds),
            confidence=IN_PROGRAMS[self.condition].rightly,
            evidence=(Evidence("underflow_fraction", lost, "fraction", _LOST),),
            summary=(
                f"The training computes in float16 without a gradient scaler, and {what}: use {scaler}bfloat16 or"
                f" float32; {outcome_in_words(features, thresholds)}."
            ),
            blames=("precision", "optimizer") if rounded else ("precision",),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.PRECISION

    def explains(self, other: Finding, record: RunRecord) -> bool:
        """Gradients that are lost already at the output did not vanish over the depth."""
        lost = _lost_by_site(record)
        at_output = lost[-1] if lost.size else 0.0
        return other.condition in ("no_signal", "vanishing_gradients") and bool(at_output >= _LOST)

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (BFLOAT16, FLOAT32)


def rounds_eps(features: Features, record: RunRecord) -> bool:
    """Whether a step in float16 broke the weights, by an optimizer that divides by a root and its eps."""
    origin = record.outcome.nonfinite_origin if record.outcome is not None else None
    used = record.preflight.optimizer if record.preflight is not None else None
    if origin is None or origin.where != "weights" or used is None or not overflows_float16(features, record):
        return False
    return used.name.startswith("Adam") or used.name in ("NAdam", "RAdam", "RMSprop", "Adagrad")


def _lost(record: RunRecord) -> float:
    """Largest fraction over the layers of gradient entries that float16 cannot hold."""
    lost = _lost_by_site(record)
    return float(np.nanmax(lost)) if lost.size else 0.0


def _lost_by_site(record: RunRecord) -> Array:
    """[sites]: fraction of gradient entries, at the first record, that float16 cannot hold; empty if not recorded."""
    parts = [record.get(name) for name in ("site_grad_underflow_fraction", "site_grad_zero_fraction")]
    rows = [part.values[0].astype(np.float64) for part in parts if len(part)]
    return np.sum(rows, axis=0) if rows else np.zeros(0)
