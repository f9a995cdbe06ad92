"""The size of the weights that a training starts from: too large, far smaller, or far larger than usual."""

from math import prod

import numpy as np

from ..measurements.record import RunRecord

_STARTING_TOO_LARGE = 30.0
"""Root mean square of a layer's outputs, relative to that of the inputs or to 1, whichever is larger. Suitable schemes
keep it near 1. With a factor of 30 at the readout, a classifier is certain, and wrong, before the first step."""


def starts_too_large(record: RunRecord) -> bool:
    """Whether the initial weights enlarge the signal so much that training starts far from where it can succeed."""
    seen, levels = record.preflight, record.get("activation_rms")
    if seen is None or seen.inputs is None or not len(levels) or levels.steps[0] != 0:
        return False
    finite = levels.values[0][np.isfinite(levels.values[0])]
    return bool(len(finite)) and float(finite.max()) > _STARTING_TOO_LARGE * max(1.0, seen.inputs.rms)


def typical_gain(record: RunRecord) -> float | None:
    """Median over the layers of the initial weights' root mean square times the root of their inputs; None if unknown.

    Every common scheme has about .58 (PyTorch's) to 1.4 (He's).
    """
    sizes = record.get("weight_norm_l2")
    if not len(sizes) or sizes.steps[0] != 0 or not record.weights:
        return None
    entries = np.array([max(1, prod(weight.shape)) for weight in record.weights])
    inputs = np.array([max(1, prod(weight.shape[1:])) for weight in record.weights])
    return float(np.median(sizes.values[0] * np.sqrt(inputs / entries)))


_TINY = 0.03
"""Gain of the typical layer below which the initial weights are small by mistake. A deviation of .02, as GPT-2's, gives
.06 at a width of 8 and more at others; every common scheme .58 or more."""


def tiny_weights(record: RunRecord) -> float | None:
    """The gain of the typical layer, if its initial weights are far smaller than those of any common scheme."""
    gain = typical_gain(record)
    return gain if gain is not None and gain < _TINY else None


_HUGE = 3.0
"""Gain of the typical layer above which the initial weights are large by mistake. The largest customary one is tanh's
5/3; of 205 sound trainings none has more than 1.3, and weights that are ten times too large have 5.8 or more."""


def huge_weights(record: RunRecord) -> float | None:
    """The gain of the typical layer, if its initial weights are far larger than those of any common scheme."""
    gain = typical_gain(record)
    return gain if gain is not None and gain > _HUGE else None


_ENOUGH_ENTRIES = 200
"""Entries from which the root mean square of normal ones tells a scheme: its standard error is sqrt(1 / 2n), or 5 %."""
_ERRORS = 3.0


def frozen_as_drawn(record: RunRecord) -> tuple[str, ...]:
    """The frozen weights, if all have the size with which layers are drawn, so that nothing trained them before.

    The sizes are those of PyTorch's own layers, of He et al. 2015 (by inputs or outputs), and of Glorot and Bengio
    2010. Training changes them, so that two or more that all fit are no chance; frozen tables are not looked at.
    """
    sizes = record.get("weight_norm_l2")
    frozen = [
        (weight, float(size))
        for weight, size in zip(record.weights, sizes.values[0] if len(sizes) else (), strict=False)
        if not weight.trainable and not weight.is_looked_up and prod(weight.shape) >= _ENOUGH_ENTRIES
    ]
    if len(frozen) < 2 or not all(_is_as_drawn(weight.shape, size) for weight, size in frozen):
        return ()
    return tuple(weight.name for weight, _ in frozen)


def _is_as_drawn(shape: tuple[int, ...], norm: float) -> bool:
    entries, inputs = prod(shape), prod(shape[1:])
    outputs = entries // max(1, shape[1]) if len(shape) > 1 else entries
    variances = (1 / (3 * inputs), 2 / inputs, 2 / outputs, 2 / (inputs + outputs))
    error = _ERRORS * (0.5 / entries) ** 0.5
    return any(abs(norm / (entries * variance) ** 0.5 - 1.0) <= error for variance in variances)
