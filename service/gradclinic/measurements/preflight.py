"""What the first batches of a training show before any statistic does: inputs, targets, outputs, the loss, the wiring.

Facts only; what they mean is decided in `diagnosis`. Everything here is measured on batches that the training
computes anyway, so a look costs less than one step and changes nothing.
"""

from collections.abc import Mapping
from math import exp, inf, log1p
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ..experiments.activations import ACTIVATIONS
from ..kernel.spec import Fraction, Items, Spec

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Names = Annotated[Items[Name], Field(max_length=1000)]
TargetForm = Literal["indices", "one_hot", "multi_hot", "probabilities", "numbers"]
"""Class numbers; rows with a single 1; rows of zeros and ones; rows that sum to 1; anything else."""
OutputForm = Literal[
    "probabilities", "log_probabilities", "unit_interval", "symmetric_interval", "nonnegative", "numbers"
]
"""Rows that sum to 1; logs of such rows; inside [0, 1]; inside [-1, 1]; at least 0; anything else."""
LossInput = Literal["logits", "probabilities", "log_probabilities", "numbers", "unknown"]
"""What a loss takes for its first argument."""


class InputFacts(Spec):
    """The model's first argument, column by column (a channel of an image is a column)."""

    rows: Count
    columns: Count
    rms: float
    """Root of the mean square of all finite entries."""
    largest_std: float
    typical_std: float
    """Median of the columns that are not constant; 0 where all are. A pixel that is nearly always black is no other
    scale, so the smallest says nothing."""
    largest_offset: float
    """Largest |mean| of a column, in units of the RMS deviation of all columns; 0 where nothing varies."""
    constant_columns: Count
    nonfinite_rows: Count


class TargetFacts(Spec):
    """What the loss compares the outputs with."""

    rows: Count
    columns: Count
    form: TargetForm
    mean: float
    std: float
    low: float
    high: float
    outside_unit: Fraction
    """Fraction of the entries below 0 or above 1."""
    whole: bool
    """Whether every entry is a whole number."""
    distinct: Count
    """Different rows or class numbers that were seen; counted up to 1000."""
    most_common: Fraction
    """Fraction of the rows that the most common one makes up; 0 for numbers."""
    nonfinite_rows: Count


class OutputFacts(Spec):
    """What the model hands to the loss, before the first step."""

    columns: Count
    form: OutputForm
    activation: Word | None
    """The last activation's name; None where the output comes straight from a weighted layer, or is not known."""
    rms: float
    low: float
    high: float
    unreachable: Fraction
    """Fraction of the targets' entries that the last activation cannot give, whatever the weights are."""
    unreachable_error: float
    """Mean squared distance of the targets from what the last activation can give, over their variance: what no
    training can learn; 0 where it can give all of them."""
    constant: bool
    """Whether every row is the same, exactly."""


class LossFacts(Spec):
    """The loss itself."""

    name: Word
    takes: LossInput
    broadcasts: bool
    """Whether outputs and targets have different shapes that broadcasting made equal."""
    factor: float | None
    """The loss that was differentiated over the loss that the criterion returned; None where that is not known."""


class WiringFacts(Spec):
    """Whether what should be trained is."""

    untrained: Names = ()
    """Parameters that the loss depends on and no optimizer holds, although they ask for a gradient."""
    unregistered: Count = 0
    """Of those, how many no module of the model holds (layers in a plain list)."""
    untrained_fraction: Fraction = 0.0
    """Their fraction of all parameters that the loss depends on."""
    without_gradient: Names = ()
    """Parameters that the optimizer holds and no gradient reached."""
    zero_gradient: bool = False
    """Whether every gradient was exactly zero."""
    stops_at: Name | None = None
    """The weight nearest to the output whose gradient is exactly zero; None where none is."""
    uncleared: bool = False
    """Whether each step's gradients were added to those of the step before."""
    evaluating: Names = ()
    """Dropout and batch norm layers that are in evaluation mode while the model trains."""


class PrecisionFacts(Spec):
    """In which numbers the training computes."""

    lowest: Word
    """The narrowest floating-point type of any output: float16, bfloat16, float32, float64."""
    scaled: bool
    """Whether a gradient scaler is in use."""


class OptimizerFacts(Spec):
    """The optimizer's settings at the first step; of several groups, the first."""

    name: Word
    learning_rate: float
    weight_decay: float
    momentum: float


class NormFacts(Spec):
    """The batch norm layer that averages over the fewest values."""

    layer: Name
    values: Count
    """Values that each channel's mean is taken over."""


class Preflight(Spec):
    """The first batches of one training. A part is None where it could not be seen."""

    inputs: InputFacts | None = None
    targets: TargetFacts | None = None
    outputs: OutputFacts | None = None
    loss: LossFacts | None = None
    wiring: WiringFacts | None = None
    precision: PrecisionFacts | None = None
    optimizer: OptimizerFacts | None = None
    norm: NormFacts | None = None
    batch_size: Count | None = None
    linear: bool | None = None
    """Whether the outputs are a linear function of the inputs; None where that is not known."""


BOUNDS: Mapping[str, tuple[float, float]] = {
    "softmax": (0.0, 1.0),
    "exp": (0.0, inf),
    "abs": (0.0, inf),
    "log_softmax": (-inf, 0.0),
    **{name: activation.range for name, activation in ACTIVATIONS.items() if activation.range != (-inf, inf)},
}
"""Between what an output can lie behind its last activation; where it is not named, everywhere."""


def least_cross_entropy(classes: int, activation: str | None) -> float:
    """The least cross entropy of a softmax, in nats, over `classes` outputs that an activation keeps between bounds.

    The best such outputs are the upper bound for the right class and the lower one for all others, so that the loss
    is ln(1 + (C - 1) exp(low - high)): with probabilities for logits and 10 classes 1.46, not 0.
    """
    low, high = BOUNDS.get(activation or "", (-inf, inf))
    return log1p((classes - 1) * exp(low - high)) if high - low < inf else 0.0
