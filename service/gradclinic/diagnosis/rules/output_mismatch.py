from collections.abc import Sequence
from math import inf
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.losses import at_last, batch_losses
from ...measurements.preflight import BOUNDS, LossFacts, OutputFacts, Preflight, TargetFacts
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import PLAIN_OUTPUTS, SIGMOIDS, STANDARDIZED_TARGETS, USUAL_LOSS
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed, not_known_to_have_learned
from ..phrase import outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule

_SOME = 0.05
"""Fraction of the targets out of reach from which on an output's activation is called wrong: fewer may be outliers."""

_LOST = 0.1
"""Fraction of the targets' variance that is out of reach from which on it hurts, even where the rest is learned."""


class OutputMismatch(Rule):
    """The last activation cannot produce the targets, whatever the weights are."""

    condition: Literal["output_mismatch"] = "output_mismatch"
    source: ClassVar[str] = "definition: the range of the last activation; Goodfellow et al. 2016, Deep Learning, 6.2.2"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is None or seen.outputs is None or seen.targets is None:
            return None
        of_own = _of_own_loss(seen, record)
        dead = _of_dead(seen.outputs)
        found = dead or _fault(seen.outputs, seen.targets, seen.loss) or of_own
        if found is None:
            return None
        unknown = of_own is not None and not_known_to_have_learned(features, thresholds)
        summary, evidence, confidence = found
        return self.finding(
            features,
            harm=failed(features, thresholds) or seen.outputs.unreachable_error >= _LOST or unknown or dead is not None,
            confidence=confidence,
            evidence=evidence,
            summary=f"{summary}; {outcome_in_words(features, thresholds)}.",
            blames=("output_activation", "target_scaling", "loss") if found is not of_own else _OF_OWN,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.LOSS_OR_OUTPUT

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if any(each.name in _OF_SOFTMAX for each in finding.evidence):
            return (SIGMOIDS, USUAL_LOSS)
        return (PLAIN_OUTPUTS, STANDARDIZED_TARGETS, USUAL_LOSS)


_OF_SOFTMAX = ("output_units", "targets_per_row")
"""Evidence of a softmax over one unit, or for independent labels."""


def _of_dead(outputs: OutputFacts) -> tuple[str, tuple[Evidence, ...], float] | None:
    if not outputs.dead:
        return None
    which = "the output" if outputs.columns == 1 else f"{outputs.dead:,} of {outputs.columns:,} outputs"
    return (
        (
            f"The {outputs.activation} at the output keeps {which} at 0 for every sample, where it passes no gradient"
            f" that could change that: drop the {outputs.activation}"
        ),
        (Evidence("dead_outputs", float(outputs.dead), "units", 0.0),),
        _DEAD_RIGHTLY,
    )


_DEAD_RIGHTLY = 0.83
"""How often it is right, by the rule of succession: in 4 of 4 trainings; not found in 105 correct programs."""


_IN_OTHER_UNITS = ("logits", "log_probabilities")
"""What losses take that is not in the units of their targets, such as logarithms of probabilities."""


def _fault(
    outputs: OutputFacts, targets: TargetFacts, loss: LossFacts | None
) -> tuple[str, tuple[Evidence, ...], float] | None:
    if outputs.activation == "softmax" and outputs.columns == 1 and outputs.low == outputs.high:
        return (
            "The output is a softmax over one unit, which is 1 whatever the weights are: use a sigmoid",
            (Evidence("output_units", 1.0, "units", 2.0),),
            0.99,
        )
    sums = targets.mean * targets.columns
    if outputs.form == "probabilities" and targets.form == "multi_hot" and outputs.columns == targets.columns > 1:
        return (
            (
                f"Each row of outputs sums to 1, but the targets' rows sum to {sums:.2g} on average, since the labels"
                " are independent: use sigmoids instead of the softmax"
            ),
            (Evidence("targets_per_row", sums, "labels", 1.0),),
            0.95,
        )
    fraction = outputs.unreachable
    compared = loss is None or loss.takes not in _IN_OTHER_UNITS
    if fraction < _SOME or targets.form == "indices" or not compared:
        return None
    low, high = BOUNDS[outputs.activation or ""]
    return (
        (
            f"The {outputs.activation} at the output {_range(low, high)}, where {percent(fraction)} of"
            f" the targets do not ({targets.low:.3g} to {targets.high:.3g}): drop it, or scale the targets"
        ),
        (
            Evidence("unreachable_targets", fraction, "fraction", _SOME),
            Evidence("unreachable_error", outputs.unreachable_error, "ratio", _LOST),
        ),
        0.99,
    )


def _of_own_loss(seen: Preflight, record: RunRecord) -> tuple[str, tuple[Evidence, ...], float] | None:
    """A loss of the program's own that has come down to what the range of the last activation allows, far above 0."""
    loss, outputs = seen.loss, seen.outputs
    if loss is None or outputs is None or loss.bounded_floor is None or loss.free_floor is None:
        return None
    last = at_last(batch_losses(record))
    kept, free = loss.bounded_floor, loss.free_floor
    if not 0 <= free <= _MOST_FREE * kept or not last <= _DOWN_TO * kept:
        return None
    low, high = BOUNDS[outputs.activation or ""]
    return (
        (
            f"The {outputs.activation} at the output {_range(low, high)}, which keeps {loss.name} at {kept:.2g} or"
            f" above, where other outputs reach {free:.2g}; it ended at {last:.2g}: drop the {outputs.activation}, or"
            " scale what the loss expects, such as a margin"
        ),
        (Evidence("least_loss", kept, "loss", free),),
        _OWN_RIGHTLY,
    )


_OF_OWN: tuple[Blame, ...] = ("output_activation", "loss", "target_scaling")
_MOST_FREE = 0.1
"""Any outputs reach less than this fraction of what outputs within the range do."""
_DOWN_TO = 1.5
"""The training ended within this many times the least loss within the range."""
_OWN_RIGHTLY = 0.86
"""How often it is right, by the rule of succession: in 5 of 5 trainings, with margins that a sigmoid cannot reach; not
found in 11 whose loss a bounded output does not keep up."""


def _range(low: float, high: float) -> str:
    return f"stays at {low:g} or above" if high == inf else f"stays between {low:g} and {high:g}"
