from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.preflight import Preflight
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..initial_weights import starts_too_large, typical_gain
from ..outcome import failed
from ..phrase import outcome_in_words
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule

_CUT: tuple[Blame, ...] = ("output_activation", "loss", "initialization")
_STARTED: tuple[Blame, ...] = ("initialization", "output_activation", "loss")
"""Where the initial weights make values so large that the output's activation is flat there, or so small that all
samples look alike."""
_OVER_ONE_VALUE: tuple[Blame, ...] = ("normalization", "output_activation", "architecture")
"""Outputs that stay the same for all samples although something after the last weight is trained: a norm over one value
gives its offset, whatever the value is."""
_SMALL = 0.01
"""Gain of the typical layer below which it starts too small: at .01 two layers hide an input behind the seven digits of
float32 and its biases."""


_ADVICE: Mapping[Blame, str] = {
    "precision": "train in float32 or bfloat16, or scale the loss",
    "initialization": "draw the initial weights at random, and neither too large nor too small",
    "normalization": "take out the norm over a single value that follows",
    "output_activation": "look for what is flat at the output or in the loss, such as a ReLU or a rounding",
}


class NoSignal(Rule):
    """The gradient was exactly zero at every weight, or at every one below the output's norm: nothing can change."""

    condition: Literal["no_signal"] = "no_signal"
    source: ClassVar[str] = "definition: a gradient of exactly 0 moves nothing at any learning rate"
    uses: ClassVar[tuple[str, ...]] = ("dead_layer",)
    may_stop: ClassVar[bool] = True

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.wiring is None:
            return None
        constant = failed(features, thresholds) and _stays_constant(seen, features, record, thresholds)
        if not (seen.wiring.zero_gradient or constant):
            return None
        narrow = seen.precision is not None and seen.precision.lowest == "float16" and not seen.precision.scaled
        normed = constant and not seen.wiring.zero_gradient  # the offset of the norm gets a gradient
        blames = _STARTED if _starts_wrong(record) else _OVER_ONE_VALUE if normed else _CUT
        if narrow:
            blames = ("precision",)
        alike = ", and all samples have the same output" if constant else ""
        at = f", from {seen.wiring.stops_at} on" if seen.wiring.stops_at else ""
        return self.finding(
            features,
            harm=True,
            confidence=IN_PROGRAMS[self.condition].rightly,
            layers=(seen.wiring.stops_at,) if seen.wiring.stops_at else (),
            evidence=(Evidence("gradient_norm", 0.0, "loss per weight", 0.0),),
            summary=(
                f"The gradient is exactly zero{at}, so no weight can move{alike}: {_ADVICE[blames[0]]};"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=blames,
        )

    def explains(self, other: Finding, record: RunRecord) -> bool:
        """Where no weight gets a gradient, it does not vanish over the depth."""
        return other.condition == "vanishing_gradients"

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NO_SIGNAL


_ROUNDING = 1e-3
"""Gradient over the weights' size up to which it may be what rounding left of zero: float32 has 1e-7, which a norm over
one value divides by the root of its epsilon, .003, and the slope of the loss multiplies. Layers that learn have .01."""


def _stays_constant(seen: Preflight, features: Features, record: RunRecord, thresholds: Thresholds) -> bool:
    """Whether all outputs were equal, though no layer is dead, and the weights got no gradient: zero ones get one."""
    gradients, sizes = record.get("weight_grad_norm_l2"), record.get("weight_norm_l2")
    stopped = seen.wiring is not None and seen.wiring.stops_at is not None
    constant = seen.outputs is not None and seen.outputs.constant
    if not (stopped and constant and len(gradients) and len(sizes)):
        return False
    alive = not bool((features.dead_start >= thresholds.dead_layer).any())
    return alive and not bool((gradients.values > _ROUNDING * np.maximum(sizes.values[0], 1.0)).any())


def _starts_wrong(record: RunRecord) -> bool:
    """Whether the initial weights are far too large, or far too small, or some layer's are all zero."""
    sizes, gain = record.get("weight_norm_l2"), typical_gain(record)
    if gain is not None and ((sizes.values[0] == 0).any() or gain < _SMALL):
        return True
    return starts_too_large(record)
