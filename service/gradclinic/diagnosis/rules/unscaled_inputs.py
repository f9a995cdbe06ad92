from collections.abc import Sequence
from typing import ClassVar, Literal

from ...measurements.preflight import InputFacts
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import STANDARDIZED
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import blown_up, came_from_afar, failed
from ..phrase import outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule

_LARGE, _SMALL = 10.0, 0.01
"""RMS of the inputs. Initializations by fan keep the inputs' scale, so at 10 the first layer's values lie beyond the
|z| = 5 where sigmoid and tanh are flat, and its weights' gradient is 10 times that of standardized inputs."""
_SPREAD = 20.0
"""Largest deviation of a column over the typical one's. The condition number of the first layer's least squares is at
least its square, and plain gradient descent needs about as many steps."""
_OFFSET = 10.0
"""|mean| over the deviation; the condition number is about its square as well."""


class UnscaledInputs(Rule):
    """The inputs are far from zero mean and unit variance, which every common initialization and step size assumes."""

    condition: Literal["unscaled_inputs"] = "unscaled_inputs"
    source: ClassVar[str] = "LeCun et al. 1998, Efficient BackProp, 4.3; derived, see the rule"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.inputs is None:
            return None
        found = _fault(seen.inputs)
        if found is None:
            return None
        summary, evidence, confidence = found
        return self.finding(
            features,
            harm=failed(features, thresholds)
            or _saturate(seen.inputs, features)
            or (are_unscaled(seen.inputs) and came_from_afar(features, record)),
            confidence=confidence,
            evidence=evidence,
            summary=f"{summary}; {outcome_in_words(features, thresholds)}.",
            blames=("input_scaling", "data"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        """Inputs that broke the loss before any step are the cause; else the steps were too large for them."""
        initial = features.relative_initial_loss
        before_steps = features.nonfinite_step == 0 or (initial is not None and initial > thresholds.blown_up)
        return Order.SCALES if before_steps or not blown_up(features, thresholds) else Order.SCALES_BLOWN_UP

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (STANDARDIZED,)


_CERTAIN = 0.85
_RIGHTLY = 0.97
"""How often it is right, by the rule of succession: in 33 of 33 programs, of which eight were held out."""
_FLAT = 0.9
"""Saturated fraction of a layer before the first step from which it passes on little more than signs."""


def _saturate(inputs: InputFacts, features: Features) -> bool:
    """Whether the inputs saturate a layer from the start, in a run whose loss has nothing to be compared with."""
    unknown = features.finished and features.relative_train_loss is None
    return unknown and are_unscaled(inputs) and (features.saturated_start_max or 0.0) >= _FLAT


def are_unscaled(inputs: InputFacts) -> bool:
    """Whether inputs are so large, or of such different sizes, that they explain what overflows later."""
    found = _fault(inputs)
    return found is not None and found[2] >= _CERTAIN


def _fault(inputs: InputFacts) -> tuple[str, tuple[Evidence, ...], float] | None:
    spread = inputs.largest_std / inputs.typical_std if inputs.typical_std > 0 else 1.0
    evidence = (
        Evidence("input_rms", inputs.rms, "input", _LARGE),
        Evidence("input_spread", spread, "ratio", _SPREAD),
        Evidence("input_offset", inputs.largest_offset, "deviations", _OFFSET),
    )
    if spread > _SPREAD and inputs.largest_std > 1.0:
        return (
            (
                f"The inputs' largest column has a standard deviation of {inputs.largest_std:.2g}, the typical one of"
                f" {inputs.typical_std:.2g}, so the first layer follows the largest alone: standardize each column"
            ),
            evidence,
            0.9,
        )
    if inputs.rms > _LARGE:
        return (
            f"The inputs are large (RMS {inputs.rms:.3g} instead of about 1): standardize them",
            evidence,
            _RIGHTLY if inputs.rms > 2 * _LARGE else 0.6,
        )
    if inputs.largest_offset > _OFFSET:
        return (
            f"The inputs lie {inputs.largest_offset:.3g} of their deviations away from 0: standardize them",
            evidence,
            0.6,
        )
    if 0 < inputs.rms < _SMALL:
        return f"The inputs are small (RMS {inputs.rms:.2g} instead of about 1): standardize them", evidence, 0.6
    return None
