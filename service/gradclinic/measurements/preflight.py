"""Facts about the first batches of a training run: inputs, targets, outputs, the loss and the setup.

These are facts only; `diagnosis` interprets them. Everything is measured on batches that training computes
anyway, except `mixing`, for which a copy of the model is called with a few samples. Training is not affected.
"""

from collections.abc import Mapping
from math import exp, inf, log1p
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ..experiments.activations import ACTIVATIONS
from ..experiments.losses import LossInput
from ..experiments.output_activations import ENDINGS
from ..kernel.spec import Fraction, Items, Spec

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Names = Annotated[Items[Name], Field(max_length=1000)]
TargetForm = Literal["indices", "one_hot", "multi_hot", "probabilities", "numbers"]
"""Kind of targets: class numbers; rows with a single 1; rows of zeros and ones; rows that sum to 1; anything else."""
OutputForm = Literal[
    "probabilities", "log_probabilities", "unit_interval", "symmetric_interval", "nonnegative", "numbers"
]
"""Range of outputs: rows that sum to 1; logs of such rows; in [0, 1]; in [-1, 1]; at least 0; anything else."""


class InputFacts(Spec):
    """The model's first argument by column (a channel of an image is a column)."""

    rows: Count
    columns: Count
    rms: float
    """Root mean square of all finite entries."""
    largest_std: float
    typical_std: float
    """Median over the columns that are not constant; 0 if all are constant. The smallest would be misleading, because
    some pixels are almost always black."""
    largest_offset: float
    """Largest |mean| of a column divided by the RMS deviation of all columns; 0 if all are constant."""
    constant_columns: Count
    nonfinite_rows: Count
    alike: bool = False
    """Whether all samples of each batch were equal, in a model that takes nothing else."""
    codes: Count = 0
    """Number of columns that hold the whole numbers from 0 or 1 on, as those of categories, beside columns that do not;
    0 if most columns do."""


class TargetFacts(Spec):
    """The targets of the loss."""

    rows: Count
    columns: Count
    form: TargetForm
    mean: float
    std: float
    low: float
    high: float
    outside_unit: Fraction
    """Fraction of entries below 0 or above 1."""
    whole: bool
    """Whether all entries are integers."""
    distinct: Count
    """Number of distinct rows or classes seen, counted up to 1000."""
    most_common: Fraction
    """Fraction of rows with the most common target; 0 for numbers."""
    nonfinite_rows: Count
    in_order: bool = False
    """Whether the samples come sorted by class: no class comes again after another one."""


class OutputFacts(Spec):
    """The model's outputs passed to the loss before the first step."""

    columns: Count
    form: OutputForm
    activation: Word | None
    """Name of the last activation; None if the output comes directly from a layer with weights, or is unknown."""
    rms: float
    low: float
    high: float
    unreachable: Fraction
    """Fraction of target entries that the last activation cannot produce with any weights."""
    unreachable_error: float
    """Mean squared distance of the targets from the range of the last activation, divided by their variance. Training
    cannot reduce this part; it is 0 if the activation can produce all targets."""
    constant: bool
    """Whether all rows are exactly equal."""
    dead: Count = 0
    """Number of outputs that a ReLU kept at 0 for every sample of the last calls, although targets need them."""


SelfComparison = Literal["partner", "other"]
"""A sample's likeness to itself is the right one of its row, or one of the others."""


class InnerLoss(Spec):
    """A loss of torch's that a loss of the program's own calls as a function, and the first argument that it gets."""

    function: Word
    """Its name in `torch.nn.functional`."""
    form: OutputForm
    activation: Word | None = None
    """Name of the activation that the argument comes from; None if it comes from something else."""
    high: float
    """Largest entry of the argument."""
    entries: Count = 0
    """Number of entries of the argument that were looked at."""
    blank_in_targets: bool = False
    """Whether targets of `ctc_loss` hold the number of the blank, which stands for no symbol."""
    broadcasts: bool = False
    """Whether shapes of outputs and targets of a loss of numbers are broadcast to more entries than either has."""
    targets_outside_unit: Fraction = 0.0
    """Fraction of the targets of a binary cross entropy that are below 0 or above 1."""
    self_compared: SelfComparison | None = None
    """How a cross entropy over likenesses compares each sample with itself; None if it does not."""


class LossFacts(Spec):
    """The loss function."""

    name: Word
    takes: LossInput
    broadcasts: bool
    """Whether outputs and targets have different shapes and were broadcast."""
    swapped: bool = False
    """Whether the outputs were reshaped where two of their axes had to be swapped, so that classes and places mix."""
    factor: float | None
    """The differentiated loss divided by the criterion's loss; None if unknown."""
    residual: bool = False
    """Whether the targets were 0 and what is compared with them is computed from the model's outputs, or is made of
    derivatives."""
    right_loss: float | None = None
    """Value of a loss of the program's own for the first batch with right outputs; None unless targets are 0 and 1."""
    bounded_floor: float | None = None
    """Least value of a loss of the program's own for the first batch that its bounded last activation allows."""
    free_floor: float | None = None
    """The same with any outputs."""
    constant: float | None = None
    """Least value, mean over the kept calls, with one output for all samples; may be negative. None if it was counted
    from targets that are not soft, or is unknown."""
    floor: float | None = None
    """Least value of the same calls with any output for each sample: of soft targets, as those of mixup and label
    smoothing, their entropy. None likewise, or if it falls without end."""
    endless: bool = False
    """Whether one output for all samples lowers a loss of the program's own without end."""
    opposed: bool = False
    """Whether a loss of the program's own is smaller for outputs that are opposite to their targets of zeros and ones,
    in outputs that are maps or sequences."""
    exceeded: bool = False
    """Whether a loss of the program's own is smaller for twice the targets of zeros and ones than for right outputs."""
    small_targets: float | None = None
    """Largest gradient of a sample, over the median one, in a loss of the program's own whose gradient falls with the
    size of the target, as that of a percentage error; None in another."""
    ignored: Fraction | None = None
    """Fraction of the first targets whose class has an output and is left out of the loss; None if none is."""
    spread_of_sizes: float | None = None
    """Deviation of the sizes of the targets over their mean, in a loss that is the same for outputs of any size."""
    compared_samples: Count = 0
    """Number of samples in a batch that a loss of the program's own compares with each other, without targets; 0 if it
    compares none, or more than 4."""
    spread_left: float | None = None
    """Spread of the outputs over the samples of a batch, in the last call over the first, median over the columns."""
    inner: Annotated[Items[InnerLoss], Field(max_length=16)] = ()
    """Losses of torch's that a loss of the program's own calls as functions."""
    maximized: bool = False
    """Whether the differentiated loss is the criterion's times a number below 0, so that training increases it."""
    rare_weight: float | None = None
    """Weight of the rarest class seen, divided by that of the most common one; None without weights of classes."""
    rare_fraction: float | None = None
    """How many targets the rarest class has for each one of the most common; None likewise."""
    self_compared: SelfComparison | None = None
    """How a cross entropy over likenesses compares each sample with itself; None if it does not."""


class WiringFacts(Spec):
    """Whether the parameters that should be trained are trained."""

    untrained: Names = ()
    """Names of the parameters that require a gradient and affect the loss but are not in the optimizer."""
    unregistered: Count = 0
    """Number of those that are in no module of the model (for example, layers in a plain list)."""
    untrained_fraction: Fraction = 0.0
    """Those as a fraction of all parameters that affect the loss."""
    without_gradient: Names = ()
    """Names of the parameters in the optimizer that require a gradient but received none."""
    unreached: bool = False
    """Whether those are all that the optimizer holds."""
    cut_off: Names = ()
    """Names of those whose layers ran with gradients disabled, for example under no_grad."""
    aside: Names = ()
    """Of those without a gradient, the ones that the loss does not use: what their layer takes in is trained by another
    way, or the layer's other parameters are."""
    zero_gradient: bool = False
    """Whether every gradient was exactly zero."""
    frozen_alike: Names = ()
    """Names of the frozen weights, matrices or more, whose entries are all equal, as those that were never loaded."""
    unmoved: Names = ()
    """Names of the weights, matrices or more, whose gradient was exactly zero at every step that was checked."""
    stops_at: Name | None = None
    """The weight closest to the output whose gradient is exactly zero; None if there is none."""
    uncleared: bool = False
    """Whether the gradients of each step were added to those of the previous step (no zero_grad)."""
    evaluating: Names = ()
    """Names of the dropout and batch norm layers in evaluation mode while the model trains."""
    clamped_at: float | None = None
    """The bound at which a tenth or more of the entries of most weights stand after each step; None without one."""
    alike: bool = False
    """Whether there are at least two weight matrices, and each started with all entries equal."""


class PrecisionFacts(Spec):
    """Numerical precision of training."""

    lowest: Word
    """Lowest-precision floating-point type of any output: float16, bfloat16, float32, float64."""
    scaled: bool
    """Whether a gradient scaler is in use."""


class OptimizerFacts(Spec):
    """The optimizer's settings at the first step; the first group if there are several."""

    name: Word
    learning_rate: float
    weight_decay: float
    momentum: float
    eps: float | None = None
    """What is added to the root that a step is divided by; None without one."""


class NormFacts(Spec):
    """The batch norm layer with the fewest values per channel."""

    layer: Name
    values: Count
    """Number of values that each channel's mean is computed over."""
    least_momentum: float | None = None
    """Least momentum of the statistics of any batch norm that began with none; None if unknown."""
    layers: Count | None = None
    """Number of batch norm layers; None if unknown."""


class MixingFacts(Spec):
    """Whether the output for one sample depends on other samples of its batch, in evaluation mode.

    Measured by replacing one sample of a few, through a copy of the model.
    """

    samples: Count
    """Number of samples in the call of the model."""
    influence: Fraction
    """Largest change in the outputs of other samples, divided by the largest change in any; 0 if none changed."""
    later_only: bool = False
    """Whether only the outputs of later samples changed, as if the batch were the steps of time."""
    of_ends: bool = False
    """Whether the first or the last sample alone changes the outputs of others."""
    over_samples: bool = False
    """Whether each output sums to 1 over the samples, as after a softmax over the batch."""
    has_axes: bool = True
    """Whether a sample has axes of its own (steps, channels, pixels) that may be mistaken for that of the batch."""
    reshaped: Annotated[Items[Count], Field(max_length=16)] = ()
    """Shape that a reshape in the model gave a tensor whose axes had these sizes in another order; empty if none."""


class OrderFacts(Spec):
    """Which steps of a sequence a recurrent network or an attention sees. Measured through a copy of the model."""

    steps: Count
    """Number of steps of each sample."""
    blind: bool
    """Whether inner steps in another order give the same outputs, at their own places or as a whole."""
    sees_later: bool | None
    """Whether the outputs of earlier steps change with the last step's input; None without an output for each step."""
    in_training_only: bool = False
    """Whether they do in training and not in evaluation, as where a mask is left out in one of them."""
    predicts_next: bool
    """Whether the target of each step is the next step's input."""
    sees_only: Literal["first", "last"] | None = None
    """The only step whose input changes the outputs; None if others do, or with an output for each step."""
    repeats_input: bool = False
    """Whether the target of each step is that step's own input, and no output changes with a later step's input."""
    padding: Fraction = 0.0
    """Mean fraction of steps that are padding at the end of a sample, equal in all. Of recurrent networks only."""
    spread: float | None = None
    """Largest difference between the outputs of two samples, over the largest output; None likewise."""
    cut: bool = False
    """Whether outputs change with the steps before the last, and their gradient reaches the last one only."""
    content_hidden: bool = False
    """Whether outputs have a gradient to steps that are equal in all samples, such as padding, and to no others."""


class PairingFacts(Spec):
    """Whether the targets of the first samples depend on their inputs, by the distance correlation."""

    samples: Count
    """Number of different samples that were compared."""
    correlation: float
    """Bias-corrected square of the distance correlation: about 0 if targets and inputs are independent, 1 at most."""
    p_value: Fraction
    """Probability of a correlation as large if they are independent."""
    amounts: bool
    """Whether the inputs are numbers, and not symbols such as words, between which a distance says little."""
    of_others: Count = 0
    """Number of sequences whose targets are the next steps of another sample's inputs; 0 if any has its own."""
    turned: Word | None = None
    """How pictures are turned that agree with the maps that are their targets only if turned back; None if not."""


class FitFacts(Spec):
    """How well two simple fits predict targets that are numbers, each sample from all others: what can be learned."""

    samples: Count
    """Number of different samples that were fitted."""
    line_left: float
    """Squared error of a linear function of the inputs, over the variance of the targets."""
    curve_left: float
    """The same of a smooth function of the inputs."""
    error: float
    """Standard error of the difference of the two."""


class Preflight(Spec):
    """Facts about the first batches of one run. A part is None if it could not be observed."""

    inputs: InputFacts | None = None
    targets: TargetFacts | None = None
    outputs: OutputFacts | None = None
    loss: LossFacts | None = None
    wiring: WiringFacts | None = None
    precision: PrecisionFacts | None = None
    optimizer: OptimizerFacts | None = None
    norm: NormFacts | None = None
    mixing: MixingFacts | None = None
    order: OrderFacts | None = None
    pairing: PairingFacts | None = None
    fit: FitFacts | None = None
    unexplained: Fraction | None = None
    """Fraction of the targets' variance in the first samples that lies between samples with equal inputs, so that no
    function of the inputs explains it; None if unknown."""
    next_token: bool = False
    """Whether the targets are the next tokens of the input, as those of a language model."""
    dropout: Fraction | None = None
    """Largest probability of a dropout layer that is in training mode; None if there is none."""
    batch_size: Count | None = None
    step_samples: Count | None = None
    """Samples that the loss module was called with in the first step: more than one batch where gradients are
    accumulated over several; None if unknown."""
    linear: bool | None = None
    """Whether the outputs are a linear function of the inputs; None if unknown."""


BOUNDS: Mapping[str, tuple[float, float]] = {
    "exp": (0.0, inf),
    "abs": (0.0, inf),
    **{name: activation.range for name, activation in ENDINGS.items()},
    **{name: activation.range for name, activation in ACTIVATIONS.items() if activation.range != (-inf, inf)},
}
"""Range of outputs after the last activation; unbounded if the activation is unknown."""


def least_binary_cross_entropy(ones: float, activation: str | None) -> float:
    """Smallest cross entropy with logits, in nats, of yes-or-no outputs that an activation keeps within bounds.

    Each output is at its upper bound for a 1 and at its lower bound for a 0; `ones` is the fraction of ones. After a
    sigmoid (0 to 1), with as many ones as zeros: 0.50, where guessing costs 0.69.
    """
    low, high = BOUNDS.get(activation or "", (-inf, inf))
    return ones * log1p(exp(-high)) + (1.0 - ones) * log1p(exp(low))


def least_cross_entropy(classes: int, activation: str | None) -> float:
    """Smallest softmax cross entropy, in nats, over `classes` outputs that an activation keeps within bounds.

    The best outputs are the upper bound for the correct class and the lower bound for all others, so the loss
    is ln(1 + (C - 1) exp(low - high)): with probabilities for logits and 10 classes 1.46, not 0.
    """
    low, high = BOUNDS.get(activation or "", (-inf, inf))
    return log1p((classes - 1) * exp(low - high)) if high - low < inf else 0.0
