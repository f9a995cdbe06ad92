"""What arms are compared by: each metric with its unit, its scale, which way is better, and what is negligible."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Literal

from ..kernel.errors import InvalidSpec

Better = Literal["lower", "higher", "nearer_zero"]

SMALLEST_LOSS = 2.0**-23
"""Losses below float32's spacing at 1 are rounding; two such losses count as equal."""

DIVERGED = 3.0
"""A loss beyond this many times the constant predictor's is that of a diverged training, as in the rules."""

NEGLIGIBLE = log(1.05)
"""Losses within 5 % of each other are equal for practice: the rules count no smaller change of a loss as a change."""


@dataclass(frozen=True)
class Metric:
    """A number per run that two arms can be compared by."""

    name: str
    unit: str
    """Unit of a difference."""
    help: str
    better: Better = "lower"
    log: bool = False
    """Whether differences are of natural logarithms, so that exp(difference) is a ratio."""
    negligible: float = 0.0
    """Differences within plus or minus this make no practical difference."""
    floor: float = SMALLEST_LOSS
    """On a log scale, smaller values count as this."""
    absent_is_worst: bool = False
    """Whether a finished run without a value did worse than any with one (a target never reached)."""
    decides: bool = True
    """Whether verdicts and ranks can rest on it."""


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
            "Training loss over that of the best constant predictor",
            log=True,
            negligible=NEGLIGIBLE,
        ),
        Metric(
            "final_validation_accuracy",
            "fraction",
            "Share of the validation split that is classified rightly",
            better="higher",
            negligible=0.01,
        ),
        Metric(
            "steps_to_target",
            "ln(steps)",
            "Steps until the probe loss is half the constant predictor's; never is worst",
            log=True,
            floor=1.0,
            negligible=NEGLIGIBLE,
            absent_is_worst=True,
        ),
        Metric(
            "depth_slope",
            "decades",
            "Gradient decay D at step 0: orders of magnitude by which the gradient shrinks from output to input",
            better="nearer_zero",
            decides=False,
        ),
        Metric(
            "depth_slope_early",
            "decades",
            "Median D over the first quarter of the steps",
            better="nearer_zero",
            decides=False,
        ),
        Metric("loss_spikes", "spikes", "Sudden rises of the training loss", decides=False),
    )
}
"""Every metric by its name; the first is the default that verdicts rest on."""

DEFAULT_METRIC = next(iter(METRICS))


def deciding_metric(name: str) -> Metric:
    """The metric that verdicts shall rest on; raises InvalidSpec where none has that name."""
    metric = METRICS.get(name)
    if metric is None or not metric.decides:
        allowed = ", ".join(each.name for each in METRICS.values() if each.decides)
        raise InvalidSpec.at("/metric", f"verdicts cannot rest on {name!r}", value=name, allowed=f"one of {allowed}")
    return metric
