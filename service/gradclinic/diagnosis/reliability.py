"""How often each condition was right where it led the diagnosis of a recorded program.

Counted over `benchmark diagnosis --wild`: 694 trainings with which the rules were improved, and 202 first diagnoses of
two later authors' programs, which were held out. Right is a finding whose first three kinds include a true one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..measurements.record import RunRecord
from .finding import Finding


@dataclass(frozen=True)
class Led:
    """The trainings whose diagnosis a condition led."""

    right: int
    trainings: int

    @property
    def rightly(self) -> float:
        """Probability that it is right the next time. Source: Laplace's rule of succession."""
        return (self.right + 1.0) / (self.trainings + 2.0)


IN_PROGRAMS: Mapping[str, Led] = {
    "broken_labels": Led(26, 26),
    "dead_units": Led(26, 32),
    "divergence": Led(30, 34),
    "exploding_gradients": Led(6, 7),
    "low_precision": Led(6, 6),
    "loss_mismatch": Led(74, 74),
    "loss_spikes": Led(23, 23),
    "missing_nonlinearity": Led(6, 6),
    "missing_positions": Led(3, 3),
    "mixed_samples": Led(13, 13),
    "no_signal": Led(10, 10),
    "non_finite_origin": Led(22, 24),
    "not_trained": Led(54, 55),
    "output_mismatch": Led(57, 57),
    "saturated_activations": Led(4, 4),
    "slow_convergence": Led(98, 110),
    "symmetric_initialization": Led(11, 11),
    "too_much_decay": Led(19, 19),
    "too_much_dropout": Led(16, 16),
    "too_small_batch": Led(4, 4),
    "unrelated_targets": Led(31, 32),
    "unscaled_inputs": Led(50, 51),
    "unscaled_targets": Led(17, 17),
    "unsettled_statistics": Led(2, 2),
    "vanishing_gradients": Led(22, 26),
}
"""Conditions with smaller confidences of their own are left out."""
RARE = Led(48, 50)
"""Those that led fewer than ten diagnoses each, together: what is known of a condition that led none."""


def bounded(finding: Finding, record: RunRecord) -> Finding:
    """The finding with at most the confidence that its condition has earned, where a program was recorded.

    The service's own trainings are declared, so fewer things can be wrong with them that no rule knows.
    """
    led = IN_PROGRAMS.get(finding.condition, RARE)
    if not finding.harm or not _is_of_a_program(record):
        return finding
    return replace(finding, confidence=round(min(finding.confidence, led.rightly), 3))


def _is_of_a_program(record: RunRecord) -> bool:
    return any(weight.module is not None for weight in record.weights)
