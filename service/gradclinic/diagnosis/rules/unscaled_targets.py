from collections.abc import Sequence
from typing import ClassVar, Literal

from ...measurements.preflight import OptimizerFacts, TargetFacts
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import STANDARDIZED, STANDARDIZED_TARGETS
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import blown_up, came_from_afar, failed
from ..phrase import outcome_in_words
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule

_LARGE, _SMALL = 10.0, 0.01
"""RMS of the targets. Outputs start at about 1, and so does the gradient of a squared error at targets of about 1; at
10 it is 10 times as large, and a bias that moves by a step of .001 needs 10,000 of them."""


class UnscaledTargets(Rule):
    """The targets of a regression are far from the scale of an untrained network's outputs."""

    condition: Literal["unscaled_targets"] = "unscaled_targets"
    source: ClassVar[str] = "Bishop 1995, Neural Networks for Pattern Recognition, 8.2; derived, see the rule"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.targets is None or seen.targets.form != "numbers":
            return None
        if seen.loss is not None and seen.loss.takes not in ("numbers", "unknown"):
            return None
        own = seen.loss is not None and seen.loss.takes == "unknown"  # it may take logarithms, or divide by them
        size = max(abs(seen.targets.mean), seen.targets.std)
        if _SMALL <= size <= _LARGE:
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds) or (size > 2 * _LARGE and came_from_afar(features, record)),
            confidence=_confidence(size, own=own),
            evidence=(
                Evidence("target_mean", seen.targets.mean, "target"),
                Evidence("target_std", seen.targets.std, "target"),
                Evidence("target_size", size, "target", _LARGE if size > 1 else _SMALL),
            ),
            summary=(
                f"{_summary(seen.targets, seen.optimizer)}{_and_faster(seen.optimizer)};"
                f" {outcome_in_words(features, thresholds)}."
            ),
            blames=("target_scaling", "data") if not _slow(seen.optimizer) else ("learning_rate", "target_scaling"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """Targets whose loss or gradient is beyond all numbers at once, or after one step, are the cause."""
        at_once = features.nonfinite_step is not None and features.nonfinite_step <= 1
        return Order.SCALES if at_once or not blown_up(features, thresholds) else Order.SCALES_BLOWN_UP

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (STANDARDIZED_TARGETS, STANDARDIZED)


def _confidence(size: float, *, own: bool) -> float:
    """`own`: whether the loss is the program's own, which may take targets of any size."""
    if size > 2 * _LARGE:
        return IN_PROGRAMS["unscaled_targets"].rightly
    return 0.5 if own else _PERHAPS


_PERHAPS = 0.6
"""A judgement for targets of a size between 10 and 20, which were why a network failed in one of two programs."""
_USUAL = 1e-3
"""Adam's rate by default."""
_FAR_BELOW = 0.05
"""Fraction of it from which a rate would be too small for any targets: a judgement."""


def _slow(optimizer: OptimizerFacts | None) -> bool:
    """Whether the learning rate is far below the usual one, so that scaled targets need many steps as well."""
    adaptive = optimizer is not None and optimizer.name.startswith("Adam")
    return optimizer is not None and adaptive and 0 < optimizer.learning_rate < _FAR_BELOW * _USUAL


def _and_faster(optimizer: OptimizerFacts | None) -> str:
    return f", and raise the learning rate, which is usually {_USUAL:g} or more" if _slow(optimizer) else ""


def _summary(targets: TargetFacts, optimizer: OptimizerFacts | None) -> str:
    said = f"The targets have mean {targets.mean:.3g} and deviation {targets.std:.3g}, where outputs start at about 1"
    if optimizer is not None and optimizer.name.startswith("Adam") and optimizer.learning_rate > 0:
        steps = abs(targets.mean) / optimizer.learning_rate
        if steps > 1000:
            about = float(f"{steps:.1e}")
            said += f", so that it takes about {about:,.0f} steps of {optimizer.learning_rate:g} to get there"
    return f"{said}: standardize them"
