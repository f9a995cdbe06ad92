"""The statistics that are recorded: their names, units and shapes.

A site is a layer output whose gradient is measured.
"""

from dataclasses import dataclass
from typing import Literal

Per = Literal["site", "weight", "run"]


@dataclass(frozen=True)
class Statistic:
    """A quantity measured at each place and recorded step."""

    name: str
    per: Per
    unit: str
    help: str
    full: bool = False
    """Whether it is in the full set (every `recording.full_every` steps) or in the basic set."""


STATISTICS: dict[str, Statistic] = {
    statistic.name: statistic
    for statistic in (
        Statistic(
            "site_grad_rms",
            "site",
            "loss per activation",
            "g: batch size x RMS of dL/d(site), the loss averaged over the batch; before clipping and loss scaling",
        ),
        Statistic(
            "site_grad_mean_abs",
            "site",
            "loss per activation",
            "Batch size x mean absolute value of dL/d(site)",
            full=True,
        ),
        Statistic(
            "site_grad_max_abs",
            "site",
            "loss per activation",
            "Batch size x largest absolute value of dL/d(site)",
            full=True,
        ),
        Statistic(
            "site_grad_zero_fraction",
            "site",
            "fraction",
            "Fraction of entries of dL/d(site) that are exactly 0",
            full=True,
        ),
        Statistic(
            "site_grad_underflow_fraction",
            "site",
            "fraction",
            "Fraction of entries of dL/d(site) that are not 0 but below the smallest normal number of the precision",
            full=True,
        ),
        Statistic(
            "site_grad_nonfinite_count",
            "site",
            "entries",
            "Number of entries of dL/d(site) that are NaN or infinite",
            full=True,
        ),
        Statistic("preactivation_rms", "site", "activation", "RMS of the site's value", full=True),
        Statistic("preactivation_mean", "site", "activation", "Mean of the site's value", full=True),
        Statistic(
            "activation_rms",
            "site",
            "activation",
            "RMS of phi(site), with phi the activation; of the site itself if no activation follows",
            full=True,
        ),
        Statistic(
            "activation_batch_std",
            "site",
            "activation",
            "Standard deviation of phi(site) over the batch, RMS over units",
            full=True,
        ),
        Statistic(
            "saturated_fraction", "site", "fraction", "Fraction of entries where |phi'| < 0.05 sup|phi'|", full=True
        ),
        Statistic(
            "beyond_5_fraction",
            "site",
            "fraction",
            "Fraction of entries with |site| > 5, a common rule of thumb",
            full=True,
        ),
        Statistic(
            "dead_fraction",
            "site",
            "fraction",
            "Fraction of units whose phi' is 0 on every sample of the probe batch (256 training samples)",
        ),
        Statistic(
            "weight_grad_norm_l2", "weight", "loss per weight", "L2 norm of the weight's gradient, before clipping"
        ),
        Statistic(
            "weight_grad_norm_l2_clipped",
            "weight",
            "loss per weight",
            "L2 norm of the weight's gradient, after clipping",
            full=True,
        ),
        Statistic(
            "weight_grad_mean_abs",
            "weight",
            "loss per weight",
            "Mean absolute value of the weight's gradient, before clipping",
            full=True,
        ),
        Statistic(
            "weight_grad_max_abs",
            "weight",
            "loss per weight",
            "Largest absolute value of the weight's gradient, before clipping",
            full=True,
        ),
        Statistic(
            "weight_grad_zero_fraction",
            "weight",
            "fraction",
            "Fraction of the weight's gradient entries that are exactly 0",
            full=True,
        ),
        Statistic(
            "weight_grad_nonfinite_count",
            "weight",
            "entries",
            "Number of the weight's gradient entries that are NaN or infinite",
            full=True,
        ),
        Statistic("weight_norm_l2", "weight", "weight", "L2 norm of the weight before the step", full=True),
        Statistic(
            "update_to_weight_ratio",
            "weight",
            "ratio",
            "L2 norm of the update divided by that of the weight before it",
            full=True,
        ),
        Statistic(
            "distance_from_start",
            "weight",
            "weight",
            "L2 distance of the weight from its initial value, before the step",
            full=True,
        ),
        Statistic("train_loss", "run", "loss", "Loss of the step's batch"),
        Statistic(
            "grad_norm_l2", "run", "loss per weight", "L2 norm over the gradients of all parameters, before clipping"
        ),
        Statistic(
            "grad_norm_l2_clipped",
            "run",
            "loss per weight",
            "L2 norm over the gradients of all parameters, after clipping",
        ),
        Statistic("clipped", "run", "0 or 1", "Whether clipping changed the gradient"),
        Statistic(
            "learning_rate", "run", "weight per gradient", "Learning rate of the step, including the schedule's factor"
        ),
        Statistic(
            "grad_cosine",
            "run",
            "cosine",
            "Cosine between the gradient and that of the previous step, if it was kept",
            full=True,
        ),
        Statistic(
            "probe_loss",
            "run",
            "loss",
            "Loss on the fixed probe batch (the first 256 training samples); batch norm uses batch statistics",
        ),
    )
}
"""All statistics by identifier."""
