from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame
from ...measurements.origin import Made, NonFiniteOrigin
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..initial_weights import starts_too_large
from ..outcome import onset_of_blow_up, overflows_float16
from ..phrase import counted, named
from ..thresholds import Thresholds
from .base import Order, Rule
from .loss_mismatch import has_no_floor
from .unscaled_inputs import are_unscaled

_DATA = ("inputs", "targets")
_NETWORK = ("forward", "backward")
_BLAMES: Mapping[str, tuple[Blame, ...]] = {
    "inputs": ("data",),
    "targets": ("labels", "data"),
    "loss": ("loss", "output_activation"),
    "loss_backward": ("loss",),
    "forward": ("architecture", "precision"),
    "backward": ("architecture", "precision"),
}

_BLAMES_OF_TARGETS: Mapping[Made, tuple[Blame, ...]] = {
    "nan": ("labels", "data", "loss"),
    "infinity": ("loss", "labels", "data"),
}
"""Where the outputs have no part in it: targets for which the operation has no value, or a loss without a bound."""


class NonFiniteOriginRule(Rule):
    """The first NaN or infinity came from the data, the loss or one layer, and not from steps that were too large."""

    condition: Literal["non_finite_origin"] = "non_finite_origin"
    source: ClassVar[str] = "definition: the first place that makes NaN or infinity of finite numbers"
    uses: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[Mapping[str, str]] = {"broken_rows": "rows of the batch with NaN or infinity"}

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        found = record.outcome.nonfinite_origin if record.outcome is not None else None
        if found is None or not breaks_at_one_place(features, record):
            return None
        return self.finding(
            features,
            harm=True,
            confidence=0.95,
            layers=(found.module,) if found.module else (),
            span=(found.step, found.step),
            evidence=(
                Evidence("nonfinite_step", float(found.step), "step"),
                Evidence("broken_rows", float(len(found.rows)), "rows", 0.0),
            ),
            summary=_summary(found, record),
            blames=_blames(found, record),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NON_FINITE_ORIGIN


def _blames(found: NonFiniteOrigin, record: RunRecord) -> tuple[Blame, ...]:
    """What is to blame; also the data, where the network or the loss breaks for some rows of the batch only."""
    size = record.preflight.batch_size if record.preflight is not None else None
    if divides_by_no_eps(record):
        return ("optimizer",)
    if _is_of_one_sample(found, record):
        return ("batch_size", *_BLAMES[found.where])
    if found.of_targets is not None:
        return _BLAMES_OF_TARGETS[found.of_targets]
    if _is_out_of_domain(found):
        return ("output_activation", "loss")
    blames = _BLAMES[found.where]
    some = size is not None and 0 < len(found.rows) < size
    return (*blames[:1], "data", *blames[1:]) if some and "data" not in blames else blames


_DEVIATIONS = ("std", "var", "std_mean", "var_mean")
_WITH_A_DOMAIN = ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "pow", "acos", "asin", "acosh", "atanh", "erfinv")
"""Operations that are not defined for some numbers, such as those below 0."""


def _is_of_one_sample(found: NonFiniteOrigin, record: RunRecord) -> bool:
    """Whether it is a deviation in a batch of one sample, of which there is none."""
    return found.operation in _DEVIATIONS and record.preflight is not None and record.preflight.batch_size == 1


def _is_out_of_domain(found: NonFiniteOrigin) -> bool:
    """Whether an operation of the loss is not defined for outputs, which nothing keeps in its domain."""
    return found.of_outputs_undefined and found.operation in _WITH_A_DOMAIN


def divides_by_no_eps(record: RunRecord) -> bool:
    """Whether a step of an optimizer with an eps of 0 broke the weights: it divides 0 by 0 where the gradient is 0."""
    found = record.outcome.nonfinite_origin if record.outcome is not None else None
    used = record.preflight.optimizer if record.preflight is not None else None
    return found is not None and found.where == "weights" and used is not None and used.eps == 0.0


def breaks_at_one_place(features: Features, record: RunRecord) -> bool:
    """Whether the first number that is not finite has an origin of its own, and no step or scale made it."""
    found = record.outcome.nonfinite_origin if record.outcome is not None else None
    if found is None or found.where == "weights":
        grown = features.nonfinite_step is None or onset_of_blow_up(features, record) < features.nonfinite_step
        return found is not None and divides_by_no_eps(record) and not grown
    of_targets = found.of_targets is not None  # no output has a part in it, so no step has
    return of_targets or not _is_consequence(found, features, record)


def _is_consequence(found: NonFiniteOrigin, features: Features, record: RunRecord) -> bool:
    """Whether something before it, which other rules name, made the numbers too large."""
    if found.where in _NETWORK and (overflows_float16(features, record) or starts_too_large(record)):
        return True  # finite in a wider format, or from smaller initial weights
    if found.where in (*_NETWORK, "loss") and _scales_overflow(found, record):
        return True  # the first numbers of all were too large, which other rules say
    compared = record.preflight.loss if record.preflight is not None else None
    outputs = record.preflight.outputs if record.preflight is not None else None
    if found.where in _NETWORK and compared is not None and outputs is not None and has_no_floor(compared, outputs):
        return True  # the outputs grew until they overflowed, since that lowers the loss
    if found.where == "loss" and compared is not None and compared.takes == "numbers":
        return True  # a difference that overflows: outputs or targets are too large, which other rules say
    if found.where == "loss" and (_outputs_overflow(record, found) or _jumped(record, found)):
        return True  # the outputs are too large for an exponential, or the step before made them so
    grown = features.nonfinite_step is not None and onset_of_blow_up(features, record) < features.nonfinite_step
    return grown and found.where not in _DATA  # the steps were too large, and this is where the loss overflowed


_HUGE = 1e4
"""RMS of inputs, or size of targets, from which products over a few layers and a step overflow float32: its square
enters the first step, and each layer multiplies again."""


def _scales_overflow(found: NonFiniteOrigin, record: RunRecord) -> bool:
    """Whether a number overflowed because inputs are unscaled, or at once, or after a step, because they are huge."""
    seen = record.preflight
    if seen is None or (found.operation is not None and _ADVICE.get(found.operation) != _OVERFLOW):
        return False
    if found.where in _NETWORK and seen.inputs is not None and are_unscaled(seen.inputs):
        return True
    if found.step > 1:
        return False
    inputs = seen.inputs.rms if seen.inputs is not None else 0.0
    targets = max(abs(seen.targets.mean), seen.targets.std) if seen.targets is not None else 0.0
    return max(inputs, targets) > _HUGE


_LARGEST_EXPONENT = 88.0
"""exp(89) is beyond what float32 can hold."""


def _outputs_overflow(record: RunRecord, found: NonFiniteOrigin) -> bool:
    """Whether the outputs were, in the first batch, beyond what an exponential in the loss can take."""
    outputs = record.preflight.outputs if record.preflight is not None else None
    return found.step == 0 and outputs is not None and max(outputs.high, -outputs.low) > _LARGEST_EXPONENT


def _jumped(record: RunRecord, found: NonFiniteOrigin) -> bool:
    """Whether the step before changed a layer by more than its own size."""
    moved = record.get("update_to_weight_ratio")
    row = int(moved.steps.searchsorted(found.step)) - 1 if len(moved) else -1
    return row >= 0 and moved.steps[row] == found.step - 1 and float(np.nanmax(moved.values[row])) > 1.0


_LOG = "keep its input above 0, for example with clamp(min=1e-8), or use a loss that takes logits"
_RANGE = "clamp its input to just inside the range that it takes"
_OVERFLOW = "the numbers are too large for their format: normalize or scale what goes in"
_ADVICE: Mapping[str, str] = {
    **dict.fromkeys(("log", "log2", "log10", "log1p"), _LOG),
    **dict.fromkeys(("sqrt", "rsqrt", "pow", "norm", "linalg_vector_norm"), "add a small constant under the root"),
    **dict.fromkeys(("div", "reciprocal", "remainder", "fmod"), "add a small constant to the divisor"),
    **dict.fromkeys(("acos", "asin", "acosh", "atanh", "erfinv", "tan"), _RANGE),
    **dict.fromkeys(("softmax", "log_softmax", "safe_softmax"), "a row whose entries are all masked has no softmax"),
    **dict.fromkeys(
        ("exp", "exp2", "expm1", "sinh", "cosh"), "its input is too large: subtract the maximum, or clamp it"
    ),
    **dict.fromkeys(_DEVIATIONS, "one value, or equal values, have no deviation to divide by"),
    **dict.fromkeys(("mean", "median", "nanmean"), "it averages over no number: check for an empty selection"),
    **dict.fromkeys(("matmul", "mul", "prod", "sum", "cumsum", "cumprod", "convolution", "square", "to"), _OVERFLOW),
}
"""What to change where an operation makes NaN or infinity, or its gradient does."""


def _summary(found: NonFiniteOrigin, record: RunRecord) -> str:
    rows = f" ({_rows(found)} of the batch)" if found.rows else ""
    at = f" of {named(found.module, record)}" if found.module else ""
    said = {
        "inputs": f"The inputs hold NaN or infinity{rows}: remove or repair those rows",
        "targets": f"The targets hold NaN or infinity{rows}: remove or repair those rows",
        "loss": "The loss is not finite although the outputs are, for example the log of 0: add a small constant, or"
        " use a loss that takes logits",
        "loss_backward": f"The loss is finite, and its gradient is not{rows}, for example a square root at 0: add a"
        " small constant under the root",
        "forward": f"The forward pass{at} makes NaN or infinity of finite numbers{rows}",
        "backward": f"The gradient{at} is not finite although that of the outputs is{rows}",
        "weights": f"A step made NaN of the weights{at}: the optimizer's eps is 0, so it divides 0 by 0 where the"
        " gradient is 0; leave eps at its default",
    }[found.where]
    if found.operation is not None:
        said = _of_operation(found, found.operation, at, rows)
    if _is_out_of_domain(found):
        said = (
            f"In the loss, {found.operation} is not defined for some outputs{rows}, which nothing keeps in its domain:"
            " end the network with softplus, exp or sigmoid, or clamp what it takes"
        )
    if _is_of_one_sample(found, record):
        said = f"{found.operation} has no value for a batch of one sample, which has no deviation: take larger batches"
    elif found.of_targets is not None:
        said = _OF_TARGETS[found.of_targets].format(operation=found.operation, rows=rows)
    return f"{said}. It first happened at step {found.step}, and no step was too large before."


_OF_TARGETS: Mapping[Made, str] = {
    "nan": "In the loss, {operation} has no value for some targets{rows}, whatever the outputs are: repair or remove"
    " those targets",
    "infinity": "In the loss, {operation} makes an infinity of some targets{rows}, whatever the outputs are: bound it,"
    " for example with a small constant",
}


def _of_operation(found: NonFiniteOrigin, operation: str, at: str, rows: str) -> str:
    """The place, the operation, and what to change, which for the same operation differs forward and backward."""
    place = {
        "loss": f"In the loss, {operation} makes NaN or infinity of finite numbers",
        "loss_backward": f"The loss is finite, and the gradient of its {operation} is not",
        "forward": f"In the forward pass{at}, {operation} makes NaN or infinity of finite numbers",
        "backward": f"In the backward pass{at}, the gradient of {operation} is not finite",
    }[found.where]
    forward = found.where in ("loss", "forward")
    usual = {"sqrt": "keep its input at 0 or above", "pow": _OVERFLOW}.get(operation) if forward else None
    advice = usual or _ADVICE.get(operation)
    return f"{place}{rows}" + (f": {advice}" if advice else "")


def _rows(found: NonFiniteOrigin) -> str:
    named = ", ".join(map(str, found.rows))
    if len(found.rows) == 1:
        return f"row {named}"
    return f"rows {named}" if len(found.rows) <= 3 else counted(len(found.rows), "row")
