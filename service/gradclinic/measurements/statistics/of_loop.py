"""Statistics that the training loop computes anyway, or that compare a step with another one."""

from .base import Statistic

STATISTICS = (
    Statistic(
        "site_grad_rms",
        "site",
        "loss per activation",
        "g: batch size x RMS of dL/d(site), the loss averaged over the batch; before clipping and loss scaling",
        rank=1,
        interval="sites_every",
    ),
    Statistic(
        "dead_fraction",
        "site",
        "fraction",
        "Fraction of units whose phi' is 0 on every one of 256 training samples",
        rank=13,
        interval="units_every",
    ),
    Statistic(
        "weight_grad_norm_l2", "weight", "loss per weight", "L2 norm of the weight's gradient, before clipping", rank=14
    ),
    Statistic(
        "weight_grad_norm_l2_clipped",
        "weight",
        "loss per weight",
        "L2 norm of the weight's gradient, after clipping",
        full=True,
        rank=15,
    ),
    Statistic("weight_norm_l2", "weight", "weight", "L2 norm of the weight before the step", full=True, rank=20),
    Statistic(
        "update_to_weight_ratio",
        "weight",
        "ratio",
        "L2 norm of the update divided by that of the weight before it",
        full=True,
        rank=21,
    ),
    Statistic(
        "distance_from_start",
        "weight",
        "weight",
        "L2 distance of the weight from its initial value, before the step",
        full=True,
        rank=22,
    ),
    Statistic("train_loss", "run", "loss", "Loss of the step's batch", rank=23),
    Statistic(
        "grad_norm_l2",
        "run",
        "loss per weight",
        "L2 norm over the gradients of all parameters, before clipping",
        rank=24,
    ),
    Statistic(
        "grad_norm_l2_clipped",
        "run",
        "loss per weight",
        "L2 norm over the gradients of all parameters, after clipping",
        rank=25,
    ),
    Statistic("clipped", "run", "0 or 1", "Whether clipping changed the gradient", rank=26),
    Statistic(
        "learning_rate",
        "run",
        "weight per gradient",
        "Learning rate of the step, including the schedule's factor",
        rank=27,
    ),
    Statistic(
        "grad_cosine",
        "run",
        "cosine",
        "Cosine between the gradient and that of the previous step, if it was kept",
        full=True,
        rank=28,
    ),
    Statistic(
        "probe_loss",
        "run",
        "loss",
        "Loss on the fixed probe batch (`recording.probe_rows` training samples); batch norm uses batch statistics",
        rank=29,
        interval="probe_every",
    ),
)
