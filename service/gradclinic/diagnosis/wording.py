"""What the numbers of a finding are called where a person reads them."""

from collections.abc import Mapping

EVIDENCE: Mapping[str, str] = {
    "depth_slope": "gradient lost from output to input",
    "depth_slope_start": "the same before the first step",
    "depth_slope_early": "the same over the first quarter",
    "loss_at_one_layer": "gradient lost at one layer alone",
    "gain_at_one_layer": "gradient gained at one layer alone",
    "factor_per_layer": "share that a typical layer passes on",
    "factor_at_worst_layer": "share that the worst layer passes on",
    "growth_per_layer": "growth at a typical layer",
    "growth_at_worst_layer": "growth at the worst layer",
    "relative_train_loss": "training loss / constant predictor's",
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
    "steps_done": "steps trained",
    "finite_records": "recorded steps with a finite loss",
}
"""By the evidence's name; "the same" refers to the line above it."""


def evidence_in_words(name: str) -> str:
    """The plain name of a measured number; its own, with blanks, where another rule set measured it."""
    return EVIDENCE.get(name, name.replace("_", " "))
