"""The metrics of a comparison: unit, scale, which direction is better, and which difference is negligible."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Literal

from ..kernel.errors import InvalidSpec

Better = Literal["lower", "higher", "nearer_zero"]

SMALLEST_LOSS = 2.0**-23
"""Losses below the float32 spacing at 1 are rounding errors; two such losses count as equal."""

DIVERGED = 3.0
"""A training with a loss above this multiple of the constant predictor's has diverged, as in the rules."""

NEGLIGIBLE = log(1.05)
"""Losses within 5 % of each other are practically equal; the rules use the same threshold for changes of a loss."""


@dataclass(frozen=True)
class Metric:
    """A number per run by which arms are compared."""

    name: str
    unit: str
    """Unit of a difference."""
    help: str
    better: Better = "lower"
    log: bool = False
    """Whether differences are of natural logarithms, so that exp(difference) is a ratio."""
    negligible: float = 0.0
    """Differences up to this size do not matter in practice."""
    floor: float = SMALLEST_LOSS
    """Smallest value on a log scale; smaller ones are replaced by it."""
    absent_is_worst: bool = False
    """Whether a finished run without a value counts as worse than all others (it never reached the target)."""
    decides: bool = True
    """Whether verdicts and ranks can be based on it."""


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "final_validation_loss",
            "ln(loss)",
            "Loss on the validation split after the last step",
            log=True,
            negligible=NEGLIGIBLE,
        ),
        Metric(
            "final_train_loss",
            "ln(loss)",
            "Loss on the training samples after the last step",
            log=True,
            negligible=NEGLIGIBLE,
        ),
        Metric(
            "relative_train_loss",
            "ln(ratio)",
            "Training loss relative to always predicting the average",
            log=True,
            negligible=NEGLIGIBLE,
        ),
        Metric(
            "final_validation_accuracy",
            "fraction",
            "Fraction of the validation split that is classified correctly",
            better="higher",
            negligible=0.01,
        ),
        Metric(
            "steps_to_target",
            "ln(steps)",
            "Steps until the probe loss is half that of always predicting the average; never is worst",
            log=True,
            floor=1.0,
            negligible=NEGLIGIBLE,
            absent_is_worst=True,
        ),
        Metric(
            "depth_slope",
            "orders of magnitude",
            "Gradient decay D at step 0: orders of magnitude by which the gradient shrinks from output to input",
            better="nearer_zero",
            decides=False,
        ),
        Metric(
            "depth_slope_early",
            "orders of magnitude",
            "Median D over the first quarter of the steps",
            better="nearer_zero",
            decides=False,
        ),
        Metric("loss_spikes", "spikes", "Sudden rises of the training loss", decides=False),
    )
}
"""All metrics by name; verdicts are based on the first by default."""

DEFAULT_METRIC = next(iter(METRICS))


def deciding_metric(name: str) -> Metric:
    """The metric that decides verdicts; raises InvalidSpec if there is none of this name, or it cannot decide."""
    metric = METRICS.get(name)
    if metric is None or not metric.decides:
        allowed = ", ".join(each.name for each in METRICS.values() if each.decides)
        raise InvalidSpec.at(
            "/metric", f"verdicts cannot be based on {name!r}", value=name, allowed=f"one of {allowed}"
        )
    return metric
