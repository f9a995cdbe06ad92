"""What the numbers of a finding are called where a person reads them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

EVIDENCE: Mapping[str, str] = {
    "depth_slope": "gradient lost from output to input",
    "depth_slope_start": "gradient lost, before the first step",
    "depth_slope_early": "gradient lost, first quarter of training",
    "loss_at_one_layer": "gradient lost at one layer alone",
    "gain_at_one_layer": "gradient gained at one layer alone",
    "factor_per_layer": "share that a typical layer passes on",
    "factor_at_worst_layer": "share that the worst layer passes on",
    "growth_per_layer": "growth at a typical layer",
    "growth_at_worst_layer": "growth at the worst layer",
    "relative_train_loss": "training loss / constant predictor's",
    "relative_initial_loss": "loss at the start / constant predictor's",
    "dead_fraction_worst_layer": "dead units of the worst layer",
    "dead_fraction_mean": "dead units, mean of the layers",
    "saturated_fraction_worst_layer": "saturated values of the worst layer",
    "saturated_fraction_mean": "saturated values, mean of the layers",
    "nonfinite_step": "first step with NaN or infinity",
    "total_update": "all steps together / weights' size",
    "learning_rate": "learning rate of the last step",
    "relative_gradient": "gradient / weights' size",
    "rise_share": "share of probes at which the loss rose",
    "rises": "probes at which the loss rose",
    "total_rise": "all rises / constant predictor's loss",
    "net_change": "net fall / constant predictor's loss",
    "highest_late_loss": "highest late loss / constant predictor's",
    "steps_done": "steps trained",
    "finite_records": "recorded steps with a finite loss",
}
"""By the evidence's name."""


class Reading(NamedTuple):
    """A measured number as a person reads it."""

    label: str
    value: float
    threshold: float | None
    interval: tuple[float, float] | None
    """Lower bound first."""


def as_read(name: str, value: float, threshold: float | None, *, interval: Sequence[float] | None = None) -> Reading:
    """The plain name of a number with its value; a slope that gains is named so, and has not the minus of a loss.

    It is read as a gain where it is held against a gain, or against nothing, and is one. A number of another rule set
    goes by its own name, with blanks.
    """
    label = EVIDENCE.get(name, name.replace("_", " "))
    gained = name.startswith("depth_slope") and (threshold < 0 if threshold is not None else value < 0)
    if not gained:
        return Reading(label, value, threshold, None if interval is None else (interval[0], interval[1]))
    return Reading(
        label.replace("gradient lost", "gradient gained"),
        -value,
        None if threshold is None else -threshold,
        None if interval is None else (-interval[1], -interval[0]),
    )
