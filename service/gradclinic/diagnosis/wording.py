"""What the numbers of a finding are called where a person reads them."""

from collections.abc import Mapping

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


def evidence_in_words(name: str, *, gained: bool = False) -> str:
    """The plain name of a measured number; its own, with blanks, where another rule set measured it.

    `gained`: of a slope below zero, whose sign the name then takes over.
    """
    label = EVIDENCE.get(name, name.replace("_", " "))
    return label.replace("gradient lost", "gradient gained") if gained else label


def is_gain(name: str, value: float, threshold: float | None) -> bool:
    """Whether a slope is read best as a gain: it is held against a gain, or against nothing, and is one."""
    return name.startswith("depth_slope") and (threshold < 0 if threshold is not None else value < 0)


def as_read(name: str, value: float, threshold: float | None) -> tuple[str, float, float | None]:
    """Label, value and threshold of a measured number as they are read: of a gain without the minus of its loss."""
    gained = is_gain(name, value, threshold)
    sign = -1 if gained else 1
    return evidence_in_words(name, gained=gained), sign * value, None if threshold is None else sign * threshold
